import type { Clock } from '../../lib/clock.ts';
import type { GitHubContext } from '../../lib/context.ts';
import { messageOf, Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Report } from '../../lib/report.ts';
import { escapeCell, heading } from '../../lib/summary.ts';
import { failsOnError, styleOf } from './compatibility.ts';
import type { NotifyInputs } from './inputs.ts';
import { filesOf, logsOf, together } from './logs.ts';
import type { LookUp } from './look-up.ts';
import type { Attachment, Message } from './payload.ts';
import { type Mention, parseMentions } from './render/mentions.ts';
import { render, renderAlert, renderLogs, threadName } from './render/message.ts';
import { type Style, threadTitle } from './render/view.ts';
import type { Story } from './story.ts';
import { preflightOf, previewOf } from './summary.ts';
import { tell } from './tell.ts';
import { type Place, placeOf, placeText, type Webhook, webhookOf } from './webhook/address.ts';
import type { Line, WebhookPorts } from './webhook/call.ts';
import { asProblem, check } from './webhook/check.ts';
import { deliver, type Sent, unattached } from './webhook/deliver.ts';
import { openGate } from './webhook/limits.ts';

export interface NotifyPorts extends WebhookPorts {
  clock: Clock;
  log: Log;
  context: GitHubContext;
  /** When the step began, in milliseconds since the epoch, where its start counts as well; now unless told. */
  startedAt?: number;
  /** GITHUB_RUN_NUMBER, or ''. */
  runNumber: string;
  /** What GitHub knows of the run, asked with this token until the signal fires; undefined where nobody is asked. */
  lookUp: ((token: string, signal: AbortSignal) => LookUp) | undefined;
}

/** Looking things up may take so much of the time; sending needs the rest. */
const LOOK_UP_SHARE = 0.3;
const LOOK_UP_MS = 3_000;
/** What writing outputs and summary and ending the process may take. */
const EXIT_SHARE = 0.02;

/** Tells the run's story in one message. What goes wrong with Discord is a warning, unless `fail-on-error` makes it a failure. */
export async function run(inputs: NotifyInputs, ports: NotifyPorts): Promise<Report> {
  // Of everything, so that the step as a whole is bounded.
  const deadline = (ports.startedAt ?? ports.clock.now()) + inputs['time-limit'] * (1 - EXIT_SHARE);
  const webhooks = inputs.webhook.map((address, n) => opened(address, threadFor(inputs, n), ports.log));
  const lines = linesOf(webhooks, deadline, ports);
  if (inputs.preflight && lines.length > 0) return preflight(inputs, lines);
  const places = placesOf(inputs, ports.log);
  const mentions = mentionsOf(inputs, ports.log);
  const time = Math.min(LOOK_UP_MS, inputs['time-limit'] * LOOK_UP_SHARE);
  const patience = AbortSignal.any([ports.signal, AbortSignal.timeout(Math.ceil(time))]);
  const lookUp = inputs.token === '' ? undefined : ports.lookUp?.(inputs.token, patience);
  const story = await tell(inputs, { ...ports, lookUp });
  const letter = await letterOf(story, inputs, mentions, ports);
  if (inputs['dry-run']) return skipped(inputs, letter.message, 'dry-run: nothing was sent', previewOf(letter.message));
  if (lines.length === 0) return noWebhook(inputs, letter.message, ports.log);
  const sent = await Promise.all(lines.map((line, n) => send(line, letter, places[n] ?? NOWHERE, ports.log)));
  return reportOf(inputs, letter.message, sent, places, ports.log);
}

/** An id that is none is said, but keeps nobody from being told: the message is then a new one. */
function placesOf(inputs: NotifyInputs, log: Log): Place[] {
  return inputs['message-id'].map((text) => {
    try {
      return placeOf(text);
    } catch (error) {
      if (failsOnError(inputs)) throw error;
      log.warning(messageOf(error));
      return NOWHERE;
    }
  });
}

/** One that is none keeps neither the others from being woken up nor anybody from being told. */
function mentionsOf(inputs: NotifyInputs, log: Log): Mention[] {
  if (failsOnError(inputs)) return parseMentions(inputs.mention);
  const wrong: string[] = [];
  for (const one of inputs.mention) {
    try {
      parseMentions([one]);
    } catch (error) {
      wrong.push(one);
      log.warning(messageOf(error));
    }
  }
  return parseMentions(inputs.mention.filter((one) => !wrong.includes(one)));
}

/** Everything that goes to each webhook. */
interface Letter {
  story: Story;
  style: Style;
  message: Message;
  mentions: readonly Mention[];
  /** Logs that go into the thread instead of with the message, where there is one. */
  threadLogs: readonly Attachment[];
  threadName: string;
  threadTags: readonly string[];
  newThread: boolean;
}

async function letterOf(
  story: Story,
  inputs: NotifyInputs,
  mentions: readonly Mention[],
  ports: NotifyPorts,
): Promise<Letter> {
  const style = styleOf(inputs);
  const failed = story.state === 'failed';
  const wanted = failed && inputs.log !== 'message';
  const files = wanted ? await filesOf(inputs['log-file'], ports.context.workspace, ports.log) : [];
  const attachments = together(wanted ? [...files, ...logsOf(story.stages)] : []);
  return {
    story,
    style,
    message: render(story, style, { mentions, attachments }),
    mentions: failed ? mentions : [],
    threadLogs: inputs.log === 'thread' ? attachments : [],
    threadName: threadName(threadTitle(story, inputs['thread-name'])),
    threadTags: inputs['thread-tags'],
    newThread: inputs['thread-name'] !== '',
  };
}

/** Parses an address and hides it and its token from everything that the runner prints. One that is none is a Problem of its own. */
function opened(address: string, threadId: string, log: Log): Webhook | Problem {
  log.mask(address);
  try {
    const webhook = webhookOf(address);
    log.mask(webhook.token);
    return threadId === '' ? webhook : { ...webhook, threadId };
  } catch (error) {
    return asProblem(error, address);
  }
}

function threadFor({ 'thread-id': ids }: NotifyInputs, n: number): string {
  return (ids.length === 1 ? ids[0] : ids[n]) ?? '';
}

function linesOf(webhooks: readonly (Webhook | Problem)[], deadline: number, ports: NotifyPorts): (Line | Problem)[] {
  const global = openGate();
  const lineOf = (webhook: Webhook): Line => ({ webhook, gates: { bucket: openGate(), global }, deadline, ports });
  return webhooks.map((one) => (one instanceof Problem ? one : lineOf(one)));
}

async function send(line: Line | Problem, letter: Letter, place: Place, log: Log): Promise<Sent | Problem> {
  if (line instanceof Problem) return line;
  const own = forPlace(letter, letter.newThread || (place.threadId || line.webhook.threadId) !== '');
  try {
    const sent = await deliver(line, own.message, { ...own, place });
    await beside(line, own, sent, log);
    return sent;
  } catch (error) {
    return asProblem(error, line.webhook.token);
  }
}

/** A long log goes with the message where there is no thread that it could go into. */
function forPlace(letter: Letter, inThread: boolean): Letter {
  if (letter.threadLogs.length === 0) return letter;
  return inThread ? { ...letter, message: unattached(letter.message) } : { ...letter, threadLogs: [] };
}

/** What cannot be part of the living message: waking somebody after an edit, and logs in its thread. */
async function beside(line: Line, letter: Letter, { place, how }: Sent, log: Log): Promise<void> {
  const { story, style, mentions, threadLogs } = letter;
  const more = [
    ...(how === 'edited' && mentions.length > 0 ? [renderAlert(story, style, mentions)] : []),
    ...(threadLogs.length > 0 && how !== 'superseded' ? [renderLogs(story, threadLogs)] : []),
  ];
  try {
    const target = { ...letter, place: { id: '', threadId: place.threadId } };
    for (const message of more) await deliver(line, message, target);
  } catch (error) {
    log.warning(asProblem(error, line.webhook.token).message);
  }
}

function reportOf(
  inputs: NotifyInputs,
  message: Message,
  sent: readonly (Sent | Problem)[],
  places: readonly Place[],
  log: Log,
): Report {
  const failures = sent.flatMap((one) => (one instanceof Problem ? [one.message] : []));
  for (const one of sent) if (!(one instanceof Problem)) log.info(SAID[one.how]);
  const cause = [...new Set(failures)].join('; ');
  const failed = failsOnError(inputs);
  if (failures.length > 0 && !failed) log.warning(cause);
  return {
    outcome:
      failures.length === 0 ? { status: 'succeeded', cause: '' } : { status: failed ? 'failed' : 'unchanged', cause },
    outputs: {
      // A message that could not be edited now can be edited later.
      'message-id': sent
        .map((one, n) => placeText(one instanceof Problem ? (places[n] ?? NOWHERE) : one.place))
        .join(','),
      sent: String(failures.length === 0),
      payload: JSON.stringify(message.payload),
    },
    summary: failures.length === 0 ? '' : `${heading(3, 'Discord was not told')}${escapeCell(cause)}\n\n`,
  };
}

const NOWHERE: Place = { id: '', threadId: '' };

const SAID: Readonly<Record<Sent['how'], string>> = {
  posted: 'The message was posted.',
  edited: 'The message was edited.',
  anew: 'The earlier message is out of reach, so a new one was posted.',
  superseded: 'The message tells something newer already, and was left as it is.',
};

function noWebhook(inputs: NotifyInputs, message: Message, log: Log): Report {
  const why = 'no webhook was given';
  log.info(`${why}: no message is sent.`);
  const report = skipped(inputs, message, why, 'Pull requests of forks have no secrets; nothing is wrong.\n\n');
  return {
    ...report,
    annotations: [{ level: 'notice', title: 'Discord was not told', message: `${why} (forks have no secrets)` }],
  };
}

function skipped(inputs: NotifyInputs, message: Message, why: string, more: string): Report {
  return {
    outcome: { status: 'unchanged', cause: why },
    outputs: { 'message-id': inputs['message-id'].join(','), sent: 'false', payload: JSON.stringify(message.payload) },
    summary: heading(3, `Discord message not sent: ${why}`) + more,
  };
}

async function preflight(inputs: NotifyInputs, lines: readonly (Line | Problem)[]): Promise<Report> {
  const found = await Promise.all(
    lines.map((line) =>
      line instanceof Problem ? line : check(line).catch((error: unknown) => asProblem(error, line.webhook.token)),
    ),
  );
  const rows = found.map((one, n) => ({
    name: one instanceof Problem ? `webhook ${n + 1}` : one.name || `webhook ${n + 1}`,
    what: one instanceof Problem ? one.message : `ready, in channel ${one.channelId}`,
  }));
  const cause = found.flatMap((one) => (one instanceof Problem ? [one.message] : [])).join('; ');
  return {
    outcome: { status: cause === '' ? 'succeeded' : failsOnError(inputs) ? 'failed' : 'unchanged', cause },
    outputs: { 'message-id': inputs['message-id'].join(','), sent: 'false', payload: '' },
    summary: preflightOf(rows),
    annotations: cause === '' || failsOnError(inputs) ? [] : [{ level: 'warning', message: cause }],
  };
}
