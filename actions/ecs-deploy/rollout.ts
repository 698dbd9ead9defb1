import type { Clock } from '../../lib/clock.ts';
import type { DeploymentConfiguration, DescribedService, EcsApi, Service, ServiceSettings } from '../../lib/ecs/api.ts';
import type { JsonObject } from '../../lib/ecs/json.ts';
import { type ServiceRef, shortName } from '../../lib/ecs/names.ts';
import { cancelled, messageOf, Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Outcome } from '../../lib/outcome.ts';
import { cancel } from './cancel.ts';
import { type FailedTask, summarizeFailures } from './deployment/failures.ts';
import { findDeployment } from './deployment/find.ts';
import { allHealthy } from './deployment/healthy.ts';
import { stableMs, stayUp } from './deployment/stable.ts';
import { isScaledUp, type Reached, type WaitFor } from './deployment/stages.ts';
import { nothingSeen, type Seen, type WatchEnd, type WatchTarget, watch } from './deployment/watch.ts';
import type { Evidence, TargetState } from './evidence.ts';
import { explain, type LogTail } from './explain.ts';
import { distinct, readHealth, readLogs, taskLines } from './failed-tasks.ts';
import type { RolloutNote } from './note.ts';
import { restore } from './restore.ts';
import type { RunningDigests } from './running.ts';
import { verifyDigests } from './verification.ts';

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
  begin?: (() => Promise<DescribedService>) | undefined;
  /** A deployment of this very revision that is already under way: it is watched, not started again. */
  resume?: string | undefined;
  /** The deployment configuration to set; undefined: the service's own stays. */
  configuration?: DeploymentConfiguration | undefined;
  waitFor?: WaitFor | undefined;
  /** So many tasks that end alike end a rollout that no circuit breaker watches; 0: none do. */
  failFast: number;
  /** How long tasks have to stay up; undefined: 30 s where nothing checks their health. */
  stableForMs?: number | undefined;
  /** Put the revision before back when this one failed and ECS does not. */
  rollbackOnFailure: boolean;
  /** The stage that the resumed deployment was at, when it was looked at before. */
  stage?: string | undefined;
  /** Hooks of it that were answered. */
  answered?: ReadonlySet<string> | undefined;
  timeoutMs: number;
  onCancel: 'leave' | 'rollback';
}

export interface RolloutPorts {
  ecs: EcsApi;
  evidence: Evidence;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** Keeps for the post step how far this has come. */
  remember?: ((note: RolloutNote) => void) | undefined;
}

export interface Rollout {
  outcome: Outcome;
  deployment: string;
  running: RunningDigests;
  seen: Seen;
  logs: LogTail[];
  health: TargetState[];
  /** The revision before is being put back already, which a cancellation does not end. */
  goingBack?: boolean | undefined;
  /** Where the run stopped waiting, while the deployment goes on. */
  reached?: Reached | undefined;
  startedAt: number;
  endedAt: number;
}

const FIND_MS = 30_000;

/** Rolls a revision out and sees it to its end. Every end is told as an outcome; only what fails before the update is thrown. */
export async function rollOut(plan: RolloutPlan, ports: RolloutPorts): Promise<Rollout> {
  const rollout: Rollout = {
    outcome: { status: 'failed', cause: '' },
    deployment: plan.resume ?? '',
    running: new Map(),
    seen: { ...nothingSeen(), stage: plan.stage },
    logs: [],
    health: [],
    startedAt: ports.clock.now(),
    endedAt: 0,
  };
  // A write is let finish after a cancellation, but none is begun.
  if (ports.signal.aborted) throw cancelled('the deployment');
  const note = noteOf(plan);
  const abortedAt = momentOf(ports);
  let sent = plan.resume !== undefined;
  try {
    let answer: Answer = { notAfter: plan.before.at };
    if (plan.resume === undefined) {
      ports.remember?.(note('changing', rollout));
      answer = plan.begin ? answerOf(await plan.begin()) : await update(plan, ports);
      sent = true;
    }
    rollout.outcome = await follow({ ...plan, ...answer }, rollout, ports);
  } catch (error) {
    // An update that was cut by a cancellation may have been taken all the same, which the outcome then tells.
    if (!(error instanceof Problem) || !(sent || error.kind === 'cancelled')) {
      ports.remember?.(note('ended', rollout));
      throw error;
    }
    rollout.outcome = await cutShort(error, plan, rollout, { ...ports, sinceMs: ports.clock.now() - abortedAt() });
    if (error.kind === 'cancelled' && !rollout.goingBack) ports.remember?.(note('cancelled', rollout));
  }
  if (!ports.signal.aborted) ports.remember?.(note('ended', rollout));
  rollout.endedAt = ports.clock.now();
  return rollout;
}

/** When the run was cancelled, by our clock; now, while it was not. */
function momentOf({ signal, clock }: RolloutPorts): () => number {
  let at: number | undefined;
  signal.addEventListener(
    'abort',
    () => {
      at ??= clock.now();
    },
    { once: true },
  );
  return () => at ?? clock.now();
}

function noteOf({ ref, taskDefinition, previous, before, onCancel }: RolloutPlan) {
  const known = before.service.currentServiceDeployment ?? '';
  return (stage: RolloutNote['stage'], { deployment }: Pick<Rollout, 'deployment'>): RolloutNote => {
    return { ...ref, taskDefinition, previous, since: before.at, known, deployment, onCancel, stage };
  };
}

interface Answer {
  /** The deployment that ECS named, which may be the one before. */
  named?: string | undefined;
  /** The service's clock at the answer. */
  notAfter: number;
  /** No answer came: whether ECS took the update shows only in what it does. */
  lost?: Problem | undefined;
}

function answerOf({ service, at }: DescribedService): Answer {
  return { named: service.currentServiceDeployment, notAfter: at };
}

async function update(plan: RolloutPlan, { ecs, clock, log }: RolloutPorts): Promise<Answer> {
  const { ref, previous, taskDefinition, desiredCount, force, configuration, settings } = plan;
  log.info(`Setting the service to ${shortName(taskDefinition)} (it was set to ${shortName(previous)})`);
  try {
    const change = { taskDefinition, desiredCount, force, deploymentConfiguration: configuration, settings };
    return answerOf(await ecs.updateService(ref, change));
  } catch (error) {
    if (!(error instanceof Problem) || !unanswered(error)) throw error;
    log.info(`${error.finding}. Looking whether ECS took it`);
    return { notAfter: clock.now(), lost: error };
  }
}

/** Whether nobody knows if ECS did it: no answer came, or one of a failure inside AWS. */
function unanswered({ kind, parts }: Problem): boolean {
  const { $metadata } = (parts.underlying ?? {}) as { $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode ?? 0;
  return kind === 'network' || (kind === 'service' && (status === 0 || status >= 500));
}

type Followed = RolloutPlan & Answer;

async function follow(plan: Followed, rollout: Rollout, ports: RolloutPorts): Promise<Outcome> {
  const { ref, taskDefinition, before, named, notAfter, lost } = plan;
  const { seen } = rollout;
  const known = new Set(before.service.currentServiceDeployment ? [before.service.currentServiceDeployment] : []);
  let justSeen = false;
  if (plan.resume === undefined) {
    const countOnly = plan.previous === taskDefinition && !plan.force;
    const wanted = { taskDefinition, notBefore: before.at, notAfter, known, named };
    // A change of count alone makes no deployment as a rule: one look is enough.
    const found = await findDeployment(ref, wanted, countOnly ? 0 : FIND_MS, ports);
    if (lost && found.arn === undefined) throw lost;
    rollout.deployment = found.arn ?? '';
    seen.deployment = found.deployment;
    justSeen = found.going ?? false;
  }
  ports.remember?.(noteOf(plan)('watching', rollout));
  const target: WatchTarget = {
    ref,
    taskDefinition,
    deployment: rollout.deployment || undefined,
    known,
    since: before.at,
    desiredCount: plan.desiredCount,
    waitFor: plan.waitFor,
    answered: plan.answered,
    failFast: plan.failFast,
    deadline: rollout.startedAt + plan.timeoutMs,
    justSeen,
  };
  const watching = {
    ...ports,
    onFirstFailure: (task: FailedTask) => tellFirst(task, plan, rollout, ports),
    allHealthy: (service: Service) => healthy(service, plan, ports),
  };
  let end = await watch(target, seen, watching);
  if (end.status === 'hopeless') {
    ports.remember?.(noteOf(plan)('going-back', rollout));
    end = await giveUp(end.why, target, rollout, watching);
  }
  if (end.status === 'succeeded') return proved(plan, rollout, ports);
  if (end.status === 'reached') return waited(end, plan, rollout, ports);
  const outcome = await explainEnd(end, plan, rollout, ports);
  return mayRestore(outcome, rollout) ? restore(outcome, plan, rollout, ports) : outcome;
}

/** Everything about the first task that failed, while the deployment goes on: waiting for its end teaches nothing more. */
async function tellFirst(task: FailedTask, plan: RolloutPlan, rollout: Rollout, ports: RolloutPorts): Promise<void> {
  const service = rollout.seen.service ?? plan.before.service;
  const [logs, health] = await Promise.all([readLogs([task], plan.definition, ports), readHealth(service, ports)]);
  rollout.logs = logs;
  rollout.health = health;
  for (const line of taskLines(task, logs, health)) ports.log.info(line);
}

async function healthy({ loadBalancers, desiredCount = 0 }: Service, plan: RolloutPlan, ports: RolloutPorts) {
  const groups = (loadBalancers ?? []).flatMap((lb) => lb.targetGroupArn ?? []);
  const [tasks, ...targets] = await Promise.all([
    ports.ecs.listTasks(plan.ref, 'RUNNING'),
    ...groups.map((arn) => ports.evidence.targetHealth(arn)),
  ]);
  const own = tasks.filter((t) => t.taskDefinitionArn === plan.taskDefinition && t.lastStatus === 'RUNNING');
  return allHealthy({ tasks: own, wanted: desiredCount, definition: plan.definition, groups: targets });
}

type Watching = Parameters<typeof watch>[2];

/** How long a rollback that this action asked for is followed beyond the time-out. */
const BACK_MS = 10 * 60_000;

/** Ends a rollout without hope: ECS is told to turn it back, and that is seen to its end. */
async function giveUp(
  why: string,
  target: WatchTarget,
  rollout: Rollout,
  ports: Watching & RolloutPorts,
): Promise<Exclude<WatchEnd, { status: 'hopeless' }>> {
  const { seen } = rollout;
  const cause = `${why}: ${summarizeFailures(seen.failures)}`;
  if ((seen.deployment?.sourceServiceRevisions ?? []).length === 0) {
    const first = `${why}; nothing ran before it, so there is nothing to go back to, and ECS goes on starting its tasks`;
    return { decided: true, status: 'failed', why: first };
  }
  ports.log.warning(`${cause}. Telling ECS to go back`);
  rollout.goingBack = true;
  try {
    await ports.ecs.rollBackDeployment(target.deployment ?? '');
  } catch (error) {
    if (!(error instanceof Problem) || error.kind === 'cancelled') throw error;
    // It may have ended, or turned back, by itself in between: the next look tells.
    if (error.kind === 'denied')
      return { decided: true, status: 'failed', why: `${why}; it could not be turned back: ${error.finding}` };
    ports.log.info(error.message);
  }
  const deadline = Math.max(target.deadline, ports.clock.now() + BACK_MS);
  const end = await watch(
    { ...target, deadline, justSeen: false, givenUp: `${why}, so ECS was told to go back`, waitFor: 'completed' },
    seen,
    ports,
  );
  if (end.status === 'hopeless') throw new Error('a rollout that was given up is not given up again');
  return end;
}

/** ECS calls it done; what runs has to be what was asked for, and has to stay up where nothing else checks it. */
async function proved(plan: RolloutPlan, rollout: Rollout, ports: RolloutPorts): Promise<Outcome> {
  const outcome = await prove(plan, rollout, ports);
  return outcome.status === 'failed' ? restore(outcome, plan, rollout, ports) : outcome;
}

async function prove(plan: RolloutPlan, rollout: Rollout, ports: RolloutPorts): Promise<Outcome> {
  const { ref, taskDefinition, before, definition } = plan;
  const service = rollout.seen.service ?? before.service;
  const wanted = plan.desiredCount ?? service.desiredCount ?? 1;
  const { wrong, running, tasks } = await verifyDigests(
    ref,
    taskDefinition,
    wanted === 0 ? new Map() : plan.images,
    ports,
  );
  rollout.running = running;
  if (wrong !== '') {
    const cause = `${shortName(taskDefinition)} is not what was asked for: ${wrong}`;
    return { status: 'failed', cause, next: 'Look at the running tasks; deploy again' };
  }
  const forMs = stableMs(plan.stableForMs, service, definition);
  if (forMs === 0 || wanted === 0) return { status: 'succeeded', cause: '' };
  const died = await stayUp({ ref, taskDefinition, since: before.at, tasks, wanted, forMs }, ports);
  if (died.length === 0) return { status: 'succeeded', cause: '' };
  return tellDeaths(died, plan, rollout, ports);
}

async function tellDeaths(
  died: readonly FailedTask[],
  plan: RolloutPlan,
  rollout: Rollout,
  ports: RolloutPorts,
): Promise<Outcome> {
  const { seen } = rollout;
  const known = new Set(seen.failures.map((f) => f.arn));
  seen.failures.push(...died.filter((f) => !known.has(f.arn)));
  rollout.logs = await readLogs(distinct(died).slice(-TAILS), plan.definition, ports);
  const [first] = died;
  if (first) {
    const own = rollout.logs.filter((l) => l.task === first.id);
    for (const line of [`task ${first.id} stopped: ${first.sentence}`, ...taskLines(first, own, [])])
      ports.log.info(line);
  }
  return {
    status: 'failed',
    cause: `${shortName(plan.taskDefinition)} did not stay up, though ECS calls the deployment successful: ${summarizeFailures(died)}`,
    next: first?.hint ?? 'Look at its log',
  };
}

/** As far as this run waits: what runs by then has to be what was asked for, and the reader has to know how it goes on. */
async function waited(end: Reached, plan: RolloutPlan, rollout: Rollout, ports: RolloutPorts): Promise<Outcome> {
  rollout.reached = { stage: end.stage, pause: end.pause, healthy: end.healthy };
  if (end.healthy !== undefined || isScaledUp(end.stage)) {
    const verified = await prove(plan, rollout, ports);
    if (verified.status !== 'succeeded') return verified;
  }
  const revision = shortName(plan.taskDefinition);
  if (end.healthy !== undefined)
    return {
      status: 'succeeded',
      cause: `all ${end.healthy} tasks of ${revision} are healthy; ECS still takes the old ones down`,
    };
  if (!end.pause) return { status: 'succeeded', cause: `${revision} has reached ${end.stage}; ECS goes on by itself` };
  const { expiresAt, timeoutAction } = end.pause;
  const until = expiresAt ? ` until ${expiresAt.toISOString()}, when ECS does ${timeoutAction}` : '';
  return {
    status: 'succeeded',
    cause: `${revision} is paused at ${end.stage} and waits for an answer${until}`,
    next: 'Run the operation `continue` with this `deployment-arn`, and `answer: continue` or `answer: rollback`',
  };
}

const TAILS = 2;

async function explainEnd(
  end: Exclude<WatchEnd, { status: 'reached' | 'hopeless' }>,
  plan: RolloutPlan,
  rollout: Rollout,
  ports: RolloutPorts,
): Promise<Outcome> {
  const { seen } = rollout;
  if (end.status !== 'superseded') {
    const telling = distinct(seen.failures).slice(-TAILS);
    const [logs, health] = await Promise.all([
      telling.length > 0 ? readLogs(telling, plan.definition, ports) : [],
      readHealth(seen.service, ports),
    ]);
    if (logs.some((l) => l.lines.length > 0) || rollout.logs.length === 0) rollout.logs = logs;
    rollout.health = health;
  }
  return explain({
    end,
    failures: seen.failures,
    events: seen.events,
    health: rollout.health,
    logs: rollout.logs,
    trouble: seen.trouble,
    taskDefinition: plan.taskDefinition,
    stage: seen.stage,
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

/** A failure that ECS has left as it is: a rollback that failed as well, or a first deployment, cannot be mended from here. */
function mayRestore({ status }: Outcome, { seen }: Rollout): boolean {
  const { deployment } = seen;
  return status === 'failed' && deployment?.status === 'STOPPED' && deployment.sourceServiceRevisions?.length !== 0;
}

async function cutShort(
  error: Problem,
  plan: RolloutPlan,
  rollout: Rollout,
  ports: RolloutPorts & { sinceMs: number },
): Promise<Outcome> {
  if (error.kind === 'cancelled' && rollout.goingBack) {
    const [revision, back] = [plan.taskDefinition, plan.previous].map(shortName);
    return {
      status: 'stopped',
      cause: `the run was cancelled while ${revision} was given up for ${back}, which goes on in ECS`,
      next: 'The post step tells when it is done; so does the operation `status`',
    };
  }
  if (error.kind === 'cancelled') {
    const { ref, taskDefinition, previous, before, onCancel } = plan;
    const known = before.service.currentServiceDeployment ?? '';
    const { deployment } = rollout;
    return cancel({ ref, taskDefinition, previous, since: before.at, known, deployment, onCancel }, ports);
  }
  const status = error.kind === 'denied' ? 'denied' : 'failed';
  return {
    status,
    cause: `the deployment of ${shortName(plan.taskDefinition)} goes on in ECS, but cannot be watched: ${error.finding}`,
    next: `${error.parts.fix}; then run this again to follow the deployment`,
  };
}
