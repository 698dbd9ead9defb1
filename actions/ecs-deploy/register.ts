import type { StoredDefinition } from '../../lib/ecs/api.ts';
import { textOf } from '../../lib/ecs/json.ts';
import { shortName } from '../../lib/ecs/names.ts';
import { Problem } from '../../lib/errors.ts';
import type { Outcome } from '../../lib/outcome.ts';
import type { Report } from '../../lib/report.ts';
import { code, escapeText, heading, table } from '../../lib/summary.ts';
import { changesOf } from './definition/changes.ts';
import { diffDefinitions, diffLines } from './definition/diff.ts';
import { render } from './definition/render.ts';
import { fromStored, loadDefinition, sourceOf } from './definition/source.ts';
import type { EcsDeployInputs } from './inputs.ts';
import type { EcsDeployPorts } from './ports.ts';
import { preflight, preflightSummary, refusal } from './preflight/preflight.ts';
import { ownTags, releaseFingerprint, releaseTags } from './release.ts';
import { retain, retentionSummary } from './retention/retain.ts';
import { isSame, newestOf } from './revisions.ts';
import { stepsAfter, stepsBefore } from './tasks/from-inputs.ts';
import { failedStep, runSteps, tasksSummary } from './tasks/run-steps.ts';

/**
 * Makes a revision the newest of its family, for what starts tasks from a family: a schedule, an event, a script. With `before`
 * or `after` it has to prove itself first; one that does not is taken back, so that the family's newest is the old one again.
 */
export async function registerOnly(inputs: EcsDeployInputs, ports: EcsDeployPorts): Promise<Report> {
  const { ecs, log } = ports;
  if (inputs['task-definition'] === '') throw noSource();
  const loaded = await loadDefinition(sourceOf(inputs['task-definition']), undefined, ports);
  const { definition } = render(loaded.definition, changesOf(inputs));
  const fingerprint = releaseFingerprint(definition, {});
  const family = textOf(definition.family);
  const newest = await newestOf(family, ports);
  const differences = diffDefinitions(newest && fromStored(newest).definition, definition);
  await log.group(`Changes against ${newest ? shortName(newest.arn) : 'nothing'}`, async () => {
    for (const line of diffLines(differences)) log.info(line);
    if (differences.length === 0) log.info('none');
  });
  const report = (arn: string, outcome: Outcome, sections = ''): Report => ({
    outcome,
    outputs: {
      'task-definition-arn': arn,
      'previous-task-definition-arn': newest?.arn ?? '',
      'release-fingerprint': fingerprint,
      'deployment-arn': '',
      'running-digests': '{}',
    },
    summary:
      heading(3, `${escapeText(family)}: ${outcome.status}`) +
      (outcome.cause === '' ? '' : `${escapeText(outcome.cause)}\n\n`) +
      table(['', ''], [['Task definition', code(shortName(arn) || 'none')]]) +
      sections,
  });
  if (newest && isSame(newest, definition, fingerprint))
    return report(newest.arn, {
      status: 'unchanged',
      cause: `${shortName(newest.arn)} is the family's newest already`,
    });
  let looked = '';
  if (inputs.preflight) {
    const found = await preflight(definition, {}, ports.account?.region ?? '', ports);
    looked = preflightSummary(found);
    if (found.problems.length > 0) return report(newest?.arn ?? '', refusal(found.problems), looked);
  }
  if (inputs['dry-run']) return report(newest?.arn ?? '', { status: 'succeeded', cause: '' }, looked);
  const tags = { ...ownTags(loaded.tags), ...releaseTags(fingerprint, inputs) };
  const arn = await ecs.registerTaskDefinition(definition, tags);
  log.info(`Registered ${shortName(arn)}`);
  const steps = [...stepsBefore(inputs, definition), ...stepsAfter(inputs, definition)];
  const context = { cluster: inputs.cluster, taskDefinition: arn, definition, service: undefined };
  const proved = await proof(arn, ports, () => runSteps(steps, context, ports));
  looked += tasksSummary(proved.ends);
  if (!proved.failed) {
    looked += await letGo(family, [arn, newest?.arn ?? ''], inputs, ports);
    return report(arn, { status: 'succeeded', cause: '' }, looked);
  }
  return report(
    arn,
    await takenBack(arn, newest, failedStep(proved.failed, `of ${shortName(arn)}`, ''), ports),
    looked,
  );
}

async function letGo(family: string, own: string[], inputs: EcsDeployInputs, ports: EcsDeployPorts): Promise<string> {
  const keep = inputs['keep-revisions'];
  if (keep === undefined) return '';
  const also = [...own, ...inputs['protected-revisions']];
  return retentionSummary(await retain({ family, keep, also }, ports));
}

/** A revision that could not even be tried must not stay the newest. */
async function proof<T>(arn: string, { ecs }: EcsDeployPorts, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    await ecs.deregister(arn);
    throw error;
  }
}

async function takenBack(
  arn: string,
  previous: StoredDefinition | undefined,
  failed: Outcome,
  { ecs }: EcsDeployPorts,
): Promise<Outcome> {
  // After a cancellation there is still this to do.
  await ecs.within(AbortSignal.timeout(TAKE_BACK_MS)).deregister(arn);
  const now = previous
    ? `; ${shortName(previous.arn)} is the family's newest again`
    : '; the family has no revision again';
  const status = failed.status === 'failed' && previous ? 'rolled-back' : failed.status;
  return { ...failed, status, cause: `${failed.cause}; ${shortName(arn)} was deregistered${now}` };
}

/** The runner kills 10 s after its first signal; stopping the task took some of it. */
const TAKE_BACK_MS = 3_000;

function noSource(): Problem {
  return new Problem({
    what: "input 'task-definition'",
    cause: 'it is empty, and without a service there is none running to start from',
    fix: 'Set it to a file, a family or an ARN',
  });
}
