import type { Clock } from '../../lib/clock.ts';
import type { GitHubContext } from '../../lib/context.ts';
import { messageOf, Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Report } from '../../lib/report.ts';
import { readResults } from '../../lib/result.ts';
import { codeBlock, escapeCell, heading } from '../../lib/summary.ts';
import type { NotifyInputs } from './inputs.ts';
import type { Message } from './limits.ts';
import { type Mention, render } from './message.ts';
import { commitOf, type Story, stagesOf, stateOf } from './story.ts';
import { checkWebhook, deliver, type Fetch } from './webhook.ts';

export interface NotifyPorts {
  fetch: Fetch;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  context: GitHubContext;
  /** The commit of the run as GitHub knows it; undefined when it cannot be had, which is no reason to stay silent. */
  lookUpCommit(token: string): Promise<Story['commit'] | undefined>;
}

/** Tells the run's story in one message. What goes wrong here is a warning, unless `fail-on-error` makes it a failure. */
export async function run(inputs: NotifyInputs, ports: NotifyPorts): Promise<Report> {
  for (const address of inputs.webhook) ports.log.mask(address);
  const mentions = inputs.mention.map(parseMention);
  const story = await storyOf(inputs, ports);
  const message = render(story, mentions);
  if (inputs['dry-run']) return skipped(inputs, message, 'dry-run: nothing was sent');
  if (inputs.webhook.length === 0) {
    ports.log.info('No webhook was given (pull requests of forks have no secrets): no message is sent.');
    return skipped(inputs, message, 'no webhook was given');
  }
  const webhooks = inputs.webhook.map(checkWebhook);
  for (const { pathname } of webhooks) ports.log.mask(pathname.split('/').at(-1) ?? '');
  const deadline = ports.clock.now() + inputs['time-limit'];
  const ids = await Promise.all(
    webhooks.map((webhook, i) => attempt(webhook, message, inputs['message-id'][i] ?? '', deadline, ports)),
  );
  const failures = ids.flatMap((id) => (typeof id === 'string' ? [] : [id.message]));
  const outputs = {
    // A message that could not be edited now can be edited later.
    'message-id': ids.map((id, i) => (typeof id === 'string' ? id : (inputs['message-id'][i] ?? ''))).join(','),
    sent: String(failures.length === 0),
  };
  const cause = [...new Set(failures)].join('; ');
  if (failures.length > 0) ports.log.warning(cause);
  return {
    outcome:
      failures.length === 0
        ? { status: 'succeeded', cause: '' }
        : { status: inputs['fail-on-error'] ? 'failed' : 'unchanged', cause },
    outputs,
    summary: failures.length === 0 ? '' : `${heading(3, 'Discord was not told')}${escapeCell(cause)}\n\n`,
  };
}

async function attempt(
  webhook: URL,
  message: Message,
  id: string,
  deadline: number,
  ports: NotifyPorts,
): Promise<string | Problem> {
  try {
    return (await deliver(webhook, message, id, deadline, ports)).messageId;
  } catch (error) {
    if (error instanceof Problem) return error;
    return new Problem({
      what: 'Discord webhook',
      cause: messageOf(error),
      fix: 'The deployment is not affected',
      kind: 'service',
      underlying: error,
    });
  }
}

async function storyOf(inputs: NotifyInputs, ports: NotifyPorts): Promise<Story> {
  const { context } = ports;
  const needs = inputs.needs ?? {};
  const results = inputs.results === '' ? [] : [...(await readResults(inputs.results)).values()];
  const stages = stagesOf(needs, results);
  const told = commitOf(context);
  const commit = (told.message === '' && inputs.token !== '' && (await ports.lookUpCommit(inputs.token))) || told;
  return {
    title: inputs.title || context.workflow || 'deployment',
    environment: inputs.environment,
    state: inputs.status === '' ? stateOf(stages, needs) : inputs.status,
    repository: context.repository.slug,
    runUrl: context.runUrl,
    actor: context.actor,
    commit,
    stages,
  };
}

function parseMention(text: string): Mention {
  const match = /^(user|role):(\d{5,25})$/.exec(text);
  if (match) return { kind: match[1] as Mention['kind'], id: match[2] ?? '' };
  throw new Problem({
    what: "input 'mention'",
    seen: text,
    cause: 'it is not user:ID or role:ID',
    fix: 'Copy the id in Discord (developer mode, Copy ID) and write for instance role:123456789012345678',
  });
}

function skipped(inputs: NotifyInputs, message: Message, why: string): Report {
  return {
    outcome: { status: 'unchanged', cause: why },
    outputs: { 'message-id': inputs['message-id'].join(','), sent: 'false' },
    summary:
      heading(3, `Discord message not sent: ${why}`) +
      (inputs['dry-run'] ? codeBlock(JSON.stringify(message, null, 2), 'json') : ''),
  };
}
