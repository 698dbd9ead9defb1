import type { Clock } from '../../lib/clock.ts';
import type { DescribedService, EcsApi, ServiceSettings } from '../../lib/ecs/api.ts';
import type { JsonObject } from '../../lib/ecs/json.ts';
import { repositoryOf, type ServiceRef, shortName } from '../../lib/ecs/names.ts';
import { messageOf, Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Outcome } from '../../lib/outcome.ts';
import type { FailedTask } from './deployment/failures.ts';
import { findDeployment } from './deployment/find.ts';
import { type Seen, type WatchEnd, watch } from './deployment/watch.ts';
import { type Evidence, logPlaces, type TargetState } from './evidence.ts';
import { explain, type LogTail } from './explain.ts';
import { type RunningDigests, runningDigests, wrongDigests } from './running.ts';

export interface RolloutPlan {
  ref: ServiceRef;
  /** The service just before. */
  before: DescribedService;
  /** ARN of the revision to roll out. */
  taskDefinition: string;
  definition: JsonObject;
  /** ARN of the revision that the service was set to. */
  previous: string;
  /** Container to image, of those whose digest has to be proved. */
  images: ReadonlyMap<string, string>;
  desiredCount?: number | undefined;
  force: boolean;
  /** More settings of the service that are to change with it. */
  settings?: ServiceSettings | undefined;
  /** Begins the deployment in another way than by UpdateService: a service that is created. */
  begin?: (() => Promise<void>) | undefined;
  /** A deployment of this very revision that is already under way: it is watched, not started again. */
  resume?: string | undefined;
  timeoutMs: number;
  onCancel: 'leave' | 'rollback';
}

export interface RolloutPorts {
  ecs: EcsApi;
  evidence: Evidence;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

export interface Rollout {
  outcome: Outcome;
  deployment: string;
  running: RunningDigests;
  seen: Seen;
  logs: LogTail[];
  health: TargetState[];
  startedAt: number;
  endedAt: number;
}

const FIND_MS = 30_000;
/** A change of count alone makes no deployment as a rule; a look or two is enough. */
const FIND_COUNT_ONLY_MS = 2_000;

/** Rolls a revision out and sees it to its end. Every end is told as an outcome; only what fails before the update is thrown. */
export async function rollOut(plan: RolloutPlan, ports: RolloutPorts): Promise<Rollout> {
  const seen: Seen = { failures: [], events: [], timeline: [] };
  const rollout: Rollout = {
    outcome: { status: 'failed', cause: '' },
    deployment: plan.resume ?? '',
    running: new Map(),
    seen,
    logs: [],
    health: [],
    startedAt: ports.clock.now(),
    endedAt: 0,
  };
  if (plan.resume === undefined) await (plan.begin?.() ?? update(plan, ports));
  try {
    rollout.outcome = await follow(plan, rollout, ports);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    rollout.outcome = await cutShort(error, plan, rollout, ports);
  }
  rollout.endedAt = ports.clock.now();
  return rollout;
}

async function update(plan: RolloutPlan, { ecs, log }: RolloutPorts) {
  const { ref, previous, taskDefinition, desiredCount, force, settings } = plan;
  log.info(`Setting the service to ${shortName(taskDefinition)} (it was set to ${shortName(previous)})`);
  await ecs.updateService(ref, { taskDefinition, desiredCount, force, settings });
}

async function follow(plan: RolloutPlan, rollout: Rollout, ports: RolloutPorts): Promise<Outcome> {
  const { ref, taskDefinition, before } = plan;
  const { seen } = rollout;
  const known = new Set(before.service.currentServiceDeployment ? [before.service.currentServiceDeployment] : []);
  if (plan.resume === undefined) {
    const countOnly = plan.previous === taskDefinition && !plan.force;
    const wanted = { taskDefinition, notBefore: before.at, known };
    rollout.deployment = (await findDeployment(ref, wanted, countOnly ? FIND_COUNT_ONLY_MS : FIND_MS, ports)) ?? '';
  }
  const target = {
    ref,
    taskDefinition,
    deployment: rollout.deployment || undefined,
    known,
    since: before.at,
    desiredCount: plan.desiredCount,
    deadline: rollout.startedAt + plan.timeoutMs,
  };
  const onFirstFailure = async (task: FailedTask) => {
    rollout.logs = await readLogs([task], plan.definition, ports);
    for (const { container, lines } of rollout.logs)
      for (const line of lines) ports.log.info(`  ${container} | ${line}`);
  };
  const end = await watch(target, seen, { ...ports, onFirstFailure });
  if (end.status === 'succeeded') return verify(plan, rollout, ports);
  return explainEnd(end, plan, rollout, ports);
}

async function explainEnd(end: WatchEnd, plan: RolloutPlan, rollout: Rollout, ports: RolloutPorts): Promise<Outcome> {
  const { seen } = rollout;
  if (end.status !== 'superseded') {
    const telling = distinct(seen.failures).slice(-TAILS);
    const logs = telling.length > 0 ? await readLogs(telling, plan.definition, ports) : [];
    if (logs.some((l) => l.lines.length > 0) || rollout.logs.length === 0) rollout.logs = logs;
    rollout.health = await readHealth(seen, ports);
  }
  return explain({
    end,
    failures: seen.failures,
    events: seen.events,
    health: rollout.health,
    logs: rollout.logs,
    trouble: seen.trouble,
    taskDefinition: plan.taskDefinition,
    restored: end.status === 'rolled-back' ? await restored(plan, seen, ports) : '',
    timeoutMs: plan.timeoutMs,
  });
}

/** The revision that ECS says it went back to; the one before ours where it does not say. */
async function restored(plan: RolloutPlan, { deployment }: Seen, { ecs, log }: RolloutPorts): Promise<string> {
  const arn = deployment?.rollback?.serviceRevisionArn;
  if (!arn) return plan.previous;
  const revisions = await ecs.describeRevisions([arn]).catch((error: unknown) => {
    log.debug(messageOf(error));
    return [];
  });
  return revisions[0]?.taskDefinition ?? plan.previous;
}

const VERIFY_LOOKS = 3;
const VERIFY_EVERY_MS = 1_000;

/** ECS calls it done; the running tasks have to be of the image that was asked for. */
async function verify(plan: RolloutPlan, rollout: Rollout, ports: RolloutPorts): Promise<Outcome> {
  const { ref, taskDefinition, images, before } = plan;
  const wanted = plan.desiredCount ?? before.service.desiredCount ?? 1;
  for (let look = 1; ; look++) {
    rollout.running = runningDigests(await ports.ecs.listTasks(ref, 'RUNNING'), taskDefinition);
    const wrong = await reallyWrong(images, rollout.running, ports);
    if (wrong === '' || wanted === 0) return { status: 'succeeded', cause: '' };
    // The list of tasks may lag behind the deployment's end.
    if (look === VERIFY_LOOKS)
      return { status: 'failed', cause: wrong, next: 'Look at the running tasks; deploy again' };
    await ports.clock.sleep(VERIFY_EVERY_MS, ports.signal);
  }
}

/** What runs that should not, as a sentence; '' when all is as asked. A child of the asked index is as asked. */
export async function reallyWrong(
  images: ReadonlyMap<string, string>,
  running: RunningDigests,
  { evidence, log }: Pick<RolloutPorts, 'evidence' | 'log'>,
): Promise<string> {
  for (const { container, image, asked, running: digests } of wrongDigests(images, running)) {
    if (digests.length === 0)
      return `no running task tells the digest of container ${container}, which should be ${asked}`;
    let children: string[];
    try {
      children = await evidence.platformDigests(repositoryOf(image), asked);
    } catch (error) {
      // The definition pins the digest, so ECS can have started nothing else; it only cannot be shown.
      log.warning(
        `Container ${container} runs ${digests.join(', ')}; whether that belongs to ${asked} is not known: ${messageOf(error)}`,
      );
      continue;
    }
    if (digests.every((d) => d === asked || children.includes(d))) continue;
    return `container ${container} runs ${digests.join(' and ')}, and ${asked} was asked for`;
  }
  return '';
}

async function cutShort(error: Problem, plan: RolloutPlan, rollout: Rollout, ports: RolloutPorts): Promise<Outcome> {
  if (error.kind === 'cancelled') return cancel(plan, rollout, ports);
  const status = error.kind === 'denied' ? 'denied' : 'failed';
  return {
    status,
    cause: `the deployment of ${shortName(plan.taskDefinition)} goes on in ECS, but cannot be watched: ${error.finding}`,
    next: `${error.parts.fix}; then run this again to follow the deployment`,
  };
}

/** The runner kills 10 s after its first signal; this has to be done in half of that. */
const CANCEL_MS = 4_000;

async function cancel(plan: RolloutPlan, rollout: Rollout, ports: RolloutPorts): Promise<Outcome> {
  const revision = shortName(plan.taskDefinition);
  if (plan.onCancel === 'leave') {
    return {
      status: 'stopped',
      cause: `the run was cancelled; the deployment of ${revision} goes on in ECS (on-cancel: leave)`,
      next: 'Run this again to follow it, or run the operation `rollback`',
    };
  }
  const ecs = ports.ecs.within(AbortSignal.timeout(CANCEL_MS));
  try {
    const arn = rollout.deployment || (await newest(plan, ecs));
    if (arn === undefined) throw new Error('ECS does not show the deployment yet');
    await ecs.rollBackDeployment(arn);
    rollout.deployment = arn;
    return {
      status: 'stopped',
      cause: `the run was cancelled; ECS was told to go back from ${revision} to ${shortName(plan.previous)}`,
      next: 'Run the operation `status` to see that it has',
    };
  } catch (error) {
    const why = error instanceof Problem ? error.finding : messageOf(error);
    return {
      status: 'stopped',
      cause: `the run was cancelled, and ECS did not take the rollback of ${revision}: ${why}`,
      next: 'The deployment goes on: run the operation `rollback`, or follow it by running this again',
    };
  }
}

async function newest({ ref, before }: RolloutPlan, ecs: EcsApi): Promise<string | undefined> {
  const briefs = await ecs.listDeployments(ref, new Date(before.at));
  return briefs.find((b) => b.serviceDeploymentArn !== before.service.currentServiceDeployment)?.serviceDeploymentArn;
}

const TAILS = 2;
const LINES = 20;

function distinct(failures: readonly FailedTask[]): FailedTask[] {
  return [...new Map(failures.map((f) => [f.sentence, f])).values()];
}

async function readLogs(tasks: readonly FailedTask[], definition: JsonObject, ports: RolloutPorts): Promise<LogTail[]> {
  const wanted = tasks.flatMap((task) => logPlaces(definition, task).map((place) => ({ task: task.id, place })));
  return Promise.all(
    wanted.slice(0, 4).map(async ({ task, place }): Promise<LogTail> => {
      try {
        const lines = await ports.evidence.lastLines(place, LINES);
        return { task, container: place.container, lines };
      } catch (error) {
        return { task, container: place.container, lines: [], trouble: messageOf(error) };
      }
    }),
  );
}

async function readHealth({ service }: Seen, { evidence, log }: RolloutPorts): Promise<TargetState[]> {
  const groups = (service?.loadBalancers ?? []).flatMap((lb) => lb.targetGroupArn ?? []);
  const states = await Promise.all(
    groups.map((arn) =>
      evidence.targetHealth(arn).catch((error: unknown) => {
        log.debug(messageOf(error));
        return [];
      }),
    ),
  );
  return states.flat();
}
