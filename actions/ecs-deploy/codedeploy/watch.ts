import { type Clock, humanDuration } from '../../../lib/clock.ts';
import type { EcsApi } from '../../../lib/ecs/api.ts';
import { type ServiceRef, shortName } from '../../../lib/ecs/names.ts';
import type { Log } from '../../../lib/log.ts';
import { redactText } from '../../../lib/redact.ts';
import { hopeless } from '../deployment/fail-fast.ts';
import { type FailedTask, failuresOf } from '../deployment/failures.ts';
import type { Judgement } from '../deployment/judge.ts';
import { type Looker, lookUntil, type TimedOut } from '../deployment/look.ts';
import { pause } from '../deployment/pace.ts';
import type { WaitFor } from '../deployment/stages.ts';
import type { Seen } from '../deployment/watch.ts';
import type { CodeDeployApi, ECSTarget, FoundDeployment, GroupRef } from './api.ts';
import { type CodeDeployFacts, type EventFacts, judgeCodeDeploy, reachedCodeDeploy } from './judge.ts';

export interface CodeDeployTarget {
  ref: ServiceRef;
  group: GroupRef;
  /** Id of the deployment. */
  id: string;
  /** ARN of the task definition that it deploys. */
  taskDefinition: string;
  waitFor: WaitFor;
  /** By the service's clock: tasks that stopped before are not its own. */
  since: number;
  /** So many tasks that end alike end it, since CodeDeploy would wait for an hour; 0: none do. */
  failFast: number;
  /** By our clock. */
  deadline: number;
}

export interface CodeDeployWatchPorts {
  codeDeploy: CodeDeployApi;
  ecs: Pick<EcsApi, 'listTasks'>;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** Called once for the first failed task, while the deployment goes on. */
  onFirstFailure(task: FailedTask): Promise<void>;
}

export type CodeDeployEnd =
  | Extract<Judgement, { decided: true }>
  | TimedOut
  | { decided: true; status: 'reached'; stage: string; paused: boolean };

/** Stopped tasks are looked for with every so many polls: CodeDeploy itself waits an hour for tasks that cannot run. */
const TASKS_EVERY = 3;
/** A rollback is a deployment of its own, which shows a moment after the end of the one that it takes back. */
const ROLLBACK_SHOWS_MS = 30_000;

/** Polls until the deployment is decided, has come as far as is waited for, or the deadline has passed. */
export async function watchCodeDeploy(
  target: CodeDeployTarget,
  seen: Seen,
  ports: CodeDeployWatchPorts,
): Promise<CodeDeployEnd> {
  return lookUntil(new CodeDeployWatcher(target, seen, ports), target.deadline, seen, ports);
}

class CodeDeployWatcher implements Looker<CodeDeployEnd> {
  changedAt: number;
  tense = false;
  line = '';
  private readonly started: number;
  private readonly events = new Map<string, string>();
  private endedAt: number | undefined;
  private polls = 0;
  private givenUp: string | undefined;
  private readonly target: CodeDeployTarget;
  private readonly seen: Seen;
  private readonly ports: CodeDeployWatchPorts;

  constructor(target: CodeDeployTarget, seen: Seen, ports: CodeDeployWatchPorts) {
    this.target = target;
    this.seen = seen;
    this.ports = ports;
    this.started = ports.clock.now();
    this.changedAt = this.started;
  }

  pauseMs(penaltyMs: number): number {
    const quietMs = this.ports.clock.now() - this.changedAt;
    return pause({ quietMs, tense: this.tense, ending: true, penaltyMs });
  }

  async poll(): Promise<CodeDeployEnd | undefined> {
    const { target, ports } = this;
    const [info, ecs] = await Promise.all([ports.codeDeploy.deployment(target.id), this.readTarget()]);
    const events = eventsOf(ecs);
    this.tellEvents(events);
    this.progress(info, ecs);
    const facts = await this.facts(info, events);
    const verdict = judgeCodeDeploy(facts);
    if (this.polls++ % TASKS_EVERY === 0 || verdict.decided) await this.readFailures();
    if (verdict.decided) return verdict;
    this.tense = this.seen.failures.length > 0 || verdict.phase === 'rolling-back';
    if (verdict.phase === 'rolling-out') await this.giveUpWithoutHope(ecs);
    const reached = reachedCodeDeploy(target.waitFor, facts);
    if (reached) return { decided: true, status: 'reached', ...reached };
    if (info.status === 'Ready') this.tellReady();
    return undefined;
  }

  /** Tasks that end alike for the third time will again: the deployment is stopped and goes back. */
  private async giveUpWithoutHope(ecs: ECSTarget | undefined): Promise<void> {
    const { target, seen, ports } = this;
    if (this.givenUp !== undefined) return;
    const requested = ecs?.taskSetsInfo?.find((set) => set.taskSetLabel === 'Green')?.desiredCount ?? 0;
    const why = hopeless({ failures: seen.failures, limit: target.failFast, breaker: false, requested });
    if (why === '') return;
    this.givenUp = `${why.replace(/, and the service.*/, '')}, so CodeDeploy was told to stop and to go back`;
    ports.log.warning(this.givenUp);
    await ports.codeDeploy.stop(target.id);
  }

  /** The target shows a moment after the deployment. */
  private async readTarget(): Promise<ECSTarget | undefined> {
    return this.ports.codeDeploy.target(this.target.id);
  }

  private async facts(info: FoundDeployment, events: readonly EventFacts[]): Promise<CodeDeployFacts> {
    const { codeDeploy, clock } = this.ports;
    const facts: CodeDeployFacts = {
      status: info.status,
      errorCode: info.errorInformation?.code,
      errorMessage: info.errorInformation?.message && redactText(info.errorInformation.message),
      events,
      givenUp: this.givenUp,
    };
    if (info.status !== 'Failed' && info.status !== 'Stopped') return facts;
    this.endedAt ??= clock.now();
    const id = info.rollbackInfo?.rollbackDeploymentId;
    if (id) {
      const { status } = await codeDeploy.deployment(id);
      this.tell(`rollback ${id} is ${status}`);
      return { ...facts, rollback: { id, status } };
    }
    if ((goesBack(info) || this.givenUp !== undefined) && clock.now() - this.endedAt < ROLLBACK_SHOWS_MS)
      return { ...facts, rollbackExpected: true };
    if (info.status === 'Failed') return facts;
    const { lastAttemptedDeployment } = await codeDeploy.group(this.target.group);
    const newest = lastAttemptedDeployment?.deploymentId;
    return newest !== undefined && newest !== this.target.id ? { ...facts, supersededBy: newest } : facts;
  }

  private tellEvents(events: readonly EventFacts[]): void {
    for (const { name, status, message } of events) {
      if (status === 'Pending' || this.events.get(name) === status) continue;
      this.events.set(name, status);
      if (status === 'InProgress' || status === 'Failed') this.seen.stage = name;
      this.note(`${name} ${status.toLowerCase()}${status === 'Failed' && message ? `: ${message}` : ''}`);
    }
  }

  private progress(info: FoundDeployment, target: ECSTarget | undefined): void {
    const sets = target?.taskSetsInfo ?? [];
    const green = sets.find((set) => set.taskSetLabel === 'Green');
    const blue = sets.find((set) => set.taskSetLabel === 'Blue');
    const line = [
      shortName(this.target.taskDefinition),
      green ? `${green.runningCount ?? 0}/${green.desiredCount ?? 0} running` : '',
      green?.pendingCount ? `${green.pendingCount} pending` : '',
      blue?.runningCount ? `${blue.runningCount} of the old revision` : '',
      green?.trafficWeight === undefined ? '' : `${green.trafficWeight} % of production traffic`,
      info.status ?? '',
      info.instanceTerminationWaitTimeStarted ? 'waiting to end the old tasks' : '',
    ]
      .filter(Boolean)
      .join(', ');
    this.tell(line);
  }

  private told = new Set<string>();

  private tellReady(): void {
    if (this.told.has('Ready')) return;
    this.told.add('Ready');
    this.ports.log.info('The deployment waits for an answer before it moves the traffic (operation continue)');
  }

  private tell(line: string): void {
    if (line === this.line) return;
    this.line = line;
    this.note(line);
  }

  private note(text: string): void {
    const { clock, log } = this.ports;
    this.changedAt = clock.now();
    this.seen.timeline.push({ at: this.changedAt, text });
    log.info(`${humanDuration(this.changedAt - this.started).padStart(12)}  ${text}`);
  }

  private async readFailures(): Promise<void> {
    const { target, seen, ports } = this;
    const stopped = await ports.ecs.listTasks(target.ref, 'STOPPED');
    const known = new Set(seen.failures.map((f) => f.arn));
    const fresh = failuresOf(stopped, target).filter((f) => !known.has(f.arn));
    const first = seen.failures.length === 0 ? fresh[0] : undefined;
    seen.failures.push(...fresh);
    for (const task of fresh) this.note(`task ${task.id} stopped: ${task.sentence}`);
    if (first) await ports.onFirstFailure(first);
  }
}

function eventsOf(target: ECSTarget | undefined): EventFacts[] {
  return (target?.lifecycleEvents ?? []).map(({ lifecycleEventName = '', status = 'Unknown', diagnostics }) => ({
    name: lifecycleEventName,
    status,
    message: redactText(diagnostics?.message ?? ''),
  }));
}

/** Whether the group takes a deployment back that ended like this one. */
function goesBack({ status, autoRollbackConfiguration: auto, errorInformation }: FoundDeployment): boolean {
  if (!auto?.enabled) return false;
  const why =
    errorInformation?.code === 'ALARM_ACTIVE'
      ? 'DEPLOYMENT_STOP_ON_ALARM'
      : status === 'Failed'
        ? 'DEPLOYMENT_FAILURE'
        : 'DEPLOYMENT_STOP_ON_REQUEST';
  return auto.events?.includes(why) ?? false;
}
