import type { DescribedService, EcsApi, StoredDefinition } from '../../lib/ecs/api.ts';
import { objects, textOf } from '../../lib/ecs/json.ts';
import { type ServiceRef, serviceName, shortName } from '../../lib/ecs/names.ts';
import { Problem } from '../../lib/errors.ts';
import { releaseBefore } from '../../lib/ledger/releases.ts';
import type { Report } from '../../lib/report.ts';
import { checkController } from './controller.ts';
import { diffDefinitions } from './definition/diff.ts';
import { fromStored, sourceOf } from './definition/source.ts';
import { candidatesOf } from './deployment/find.ts';
import type { EcsDeployInputs } from './inputs.ts';
import { planOf } from './plan-of.ts';
import type { EcsDeployPorts } from './ports.ts';
import { RELEASE_TAG, releaseFingerprint } from './release.ts';
import type { Rollout, RolloutPlan } from './rollout/plan.ts';
import { rollOut } from './rollout/roll-out.ts';
import { isCodeDeploy, runningDigests, servingDefinition, unsettled } from './running.ts';
import { reportOf } from './summary.ts';

/** Sets the service back to a revision that exists: the one named, or the one that last served before this one. */
export async function rollback(inputs: EcsDeployInputs, ports: EcsDeployPorts): Promise<Report> {
  const ref = { cluster: inputs.cluster, service: inputs.service };
  const { ecs, log } = ports;
  const before = await ecs.describeService(ref);
  checkController(ref, before, inputs);
  const codeDeploy = isCodeDeploy(before.service);
  const current = servingDefinition(before.service);
  const [goal, running] = await Promise.all([goalOf(inputs, ref, before, ports), ecs.describeTaskDefinition(current)]);
  const { definition, tags } = fromStored(goal);
  const images = new Map(
    objects(definition.containerDefinitions).map((c): [string, string] => [textOf(c.name), textOf(c.image)]),
  );
  const fingerprint = tags[RELEASE_TAG] ?? releaseFingerprint(definition, {});
  const differences = diffDefinitions(fromStored(running).definition, definition);
  const about = { ref, release: { definition, tags, fingerprint, images, differences }, previous: current };
  const same = goal.arn === current;
  if (same && unsettled(before.service, goal.arn, inputs['desired-count']) === '') {
    const cause = `${serviceName(ref)} already runs ${shortName(goal.arn)}`;
    const digests = runningDigests(await ecs.listTasks(ref, 'RUNNING'), goal.arn);
    return reportOf(about, { taskDefinition: goal.arn, outcome: { status: 'unchanged', cause }, running: digests });
  }
  log.info(`Going back from ${shortName(current)} to ${shortName(goal.arn)}`);
  if (inputs['dry-run'])
    return reportOf(about, {
      taskDefinition: current,
      outcome: { status: 'succeeded', cause: '' },
      running: new Map(),
      dryRun: true,
    });
  // What runs now is what was to be left: nobody wants that back, also not of a run that is cancelled.
  const left = { rollbackOnFailure: false, onCancel: 'leave' } as const;
  const common = { ...planOf(inputs, ref, before, definition), ...left };
  const plan = { ...common, taskDefinition: goal.arn, images, force: same };
  const rollout = codeDeploy ? await byCodeDeploy(inputs, plan, ports) : await rollOut(plan, ports);
  const release = Object.fromEntries(Object.entries(tags).filter(([key]) => key.startsWith('slipway:')));
  if (rollout.outcome.status === 'succeeded' && Object.keys(release).length > 0)
    await ecs.tag(before.service.serviceArn ?? '', release).catch((error: unknown) => {
      if (!(error instanceof Problem)) throw error;
      log.warning(`The service still carries the tags of ${shortName(current)}: ${error.message}`);
    });
  return reportOf(about, { taskDefinition: goal.arn, outcome: rollout.outcome, running: rollout.running, rollout });
}

async function byCodeDeploy(inputs: EcsDeployInputs, plan: RolloutPlan, ports: EcsDeployPorts): Promise<Rollout> {
  const { deployByCodeDeploy } = await import('./codedeploy/deploy.ts');
  return deployByCodeDeploy(inputs, plan, ports);
}

async function goalOf(
  inputs: EcsDeployInputs,
  ref: ServiceRef,
  { service }: DescribedService,
  ports: EcsDeployPorts,
): Promise<StoredDefinition> {
  const current = servingDefinition(service);
  const wanted = inputs['task-definition'];
  // A file says what to deploy next, not what served before.
  const named = wanted !== '' && sourceOf(wanted).kind === 'registered' ? revisionName(wanted, current) : undefined;
  const name =
    named ??
    (await previousInLedger(inputs, current, ports)) ??
    (isCodeDeploy(service)
      ? await replacedBefore(inputs, ref, ports)
      : await previousRevision(ref, current, ports.ecs));
  const goal = await ports.ecs.describeTaskDefinition(name);
  if (goal.definition.status === 'INACTIVE') throw deregistered(name);
  return goal;
}

/** What served before CodeDeploy's last deployment that succeeded. */
async function replacedBefore(inputs: EcsDeployInputs, ref: ServiceRef, ports: EcsDeployPorts): Promise<string> {
  const { previousByCodeDeploy } = await import('./codedeploy/deploy.ts');
  const found = await previousByCodeDeploy(inputs, ref, ports);
  if (found !== '') return found;
  throw new Problem({
    what: serviceName(ref),
    cause: 'CodeDeploy names no revision that served before its last successful deployment',
    fix: 'Name the revision to go back to in `task-definition`',
    kind: 'not-found',
  });
}

/** The task definition of the release before in the ledger; undefined where none is asked. */
async function previousInLedger(
  { ledger: kind, component, environment }: EcsDeployInputs,
  current: string,
  { openLedger, log }: EcsDeployPorts,
): Promise<string | undefined> {
  if (kind === 'none' || !openLedger) return undefined;
  if (component === '' || environment === '') {
    throw new Problem({
      what: "input 'ledger'",
      seen: kind,
      cause: 'the ledger is kept by component and environment, and not both are given',
      fix: 'Set `component` and `environment`, or leave `ledger` out to go by what ECS remembers',
    });
  }
  const ledger = await openLedger();
  const entries = (await ledger.read(environment, [component])).get(component) ?? [];
  const release = releaseBefore(entries, current);
  if (release?.taskDefinition) {
    log.info(
      `The ledger holds ${shortName(release.taskDefinition)} as verified at ${release.at} (${release.runUrl || 'no run'})`,
    );
    return release.taskDefinition;
  }
  throw new Problem({
    what: `component ${component} in environment ${environment}`,
    cause: 'the ledger holds no earlier release that was verified and is not held back',
    fix: 'Name the revision in `task-definition`, or use `ledger: none` to go by what ECS remembers',
    kind: 'not-found',
  });
}

/** A bare number is a revision of the family that runs. */
export function revisionName(wanted: string, current: string): string {
  return /^\d+$/.test(wanted) ? `${shortName(current).split(':')[0]}:${wanted}` : wanted;
}

/** The revision of the newest deployment that succeeded with another one than runs now, or what the oldest of them replaced. */
async function previousRevision(ref: ServiceRef, current: string, ecs: EcsApi): Promise<string> {
  const succeeded = (await ecs.listDeployments(ref)).filter((b) => b.status === 'SUCCESSFUL').slice(0, 20);
  const other = (c: { taskDefinition?: string | undefined }) => c.taskDefinition && c.taskDefinition !== current;
  const previous = (await candidatesOf(ecs, succeeded)).find(other);
  if (previous) return previous.taskDefinition;
  const oldest = succeeded.at(-1)?.serviceDeploymentArn;
  const sources = oldest ? ((await ecs.describeDeployment(oldest))?.sourceServiceRevisions ?? []) : [];
  const replaced = (await ecs.describeRevisions(sources.flatMap((r) => r.arn ?? []))).find(other);
  if (replaced?.taskDefinition) return replaced.taskDefinition;
  throw new Problem({
    what: serviceName(ref),
    cause: `ECS remembers no successful deployment of another revision than ${shortName(current)} (it keeps 90 days)`,
    fix: 'Name the revision to go back to in `task-definition`',
    kind: 'not-found',
  });
}

function deregistered(name: string): Problem {
  return new Problem({
    what: `task definition ${shortName(name)}`,
    cause: 'it was deregistered, and ECS starts no service from it',
    fix: 'Name another revision in `task-definition`, or deploy the image you want anew',
    kind: 'not-found',
  });
}
