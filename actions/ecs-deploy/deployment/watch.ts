import { type Clock, humanDuration } from '../../../lib/clock.ts';
import type { DescribedService, EcsApi, Service, ServiceDeployment } from '../../../lib/ecs/api.ts';
import { type ServiceRef, shortName } from '../../../lib/ecs/names.ts';
import { Problem } from '../../../lib/errors.ts';
import type { Log } from '../../../lib/log.ts';
import { redactText } from '../definition/redact.ts';
import { type FailedTask, failuresOf } from './failures.ts';
import { type DeploymentFacts, type Judgement, judge } from './judge.ts';
import { failedHook, pausesOf, type Reached, reached, stageParts, type WaitFor } from './stages.ts';

export interface WatchTarget {
  ref: ServiceRef;
  /** ARN of the task definition that is being rolled out. */
  taskDefinition: string;
  /** ARN of our deployment; undefined: judge by the service alone. */
  deployment: string | undefined;
  /** Deployments that were there before ours. */
  known: ReadonlySet<string>;
  /** The service's clock just before the deployment, in milliseconds since the epoch. */
  since: number;
  /** The count that was asked for; undefined when it was left alone. */
  desiredCount?: number | undefined;
  /** How far to watch; to its end unless told. */
  waitFor?: WaitFor | undefined;
  /** By our clock. */
  deadline: number;
}

export interface Moment {
  /** By our clock, in milliseconds since the epoch. */
  at: number;
  text: string;
}

/** What a watch has seen; filled while it watches, so that it can be read also when the watch was cut short. */
export interface Seen {
  deployment?: ServiceDeployment | undefined;
  service?: Service | undefined;
  /** The last stage that the deployment was at while it went forward. */
  stage?: string | undefined;
  failures: FailedTask[];
  /** The service's events since the deployment began, oldest first. */
  events: string[];
  timeline: Moment[];
  /** The last call that failed without ending the watch. */
  trouble?: string | undefined;
}

export interface WatchPorts {
  ecs: Pick<EcsApi, 'describeService' | 'describeDeployment' | 'listDeployments' | 'listTasks'>;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** Called once for the first failed task, while the deployment goes on. */
  onFirstFailure(task: FailedTask): Promise<void>;
}

const FAST_MS = 2_000;
const SLOW_MS = 5_000;
const SLOWEST_MS = 20_000;
/** With nothing new for this long the poll slows down. */
const QUIET_MS = 60_000;
const SERVICE_EVERY = 3;

export type WatchEnd =
  | Extract<Judgement, { decided: true }>
  | { decided: true; status: 'timed-out'; why: string }
  /** It goes on in ECS, and has come as far as this run waits for it. */
  | ({ decided: true; status: 'reached' } & Reached);

/**
 * Polls until the deployment is decided or the deadline has passed; nothing else ends it but a call that is denied or
 * impossible. Throttling slows it down, a lost connection is tried again with the next poll.
 */
export async function watch(target: WatchTarget, seen: Seen, ports: WatchPorts): Promise<WatchEnd> {
  const { clock, signal } = ports;
  const watcher = new Watcher(target, seen, ports);
  let penalty = 0;
  for (;;) {
    try {
      const judgement = await watcher.poll();
      if (judgement.decided) return judgement;
      seen.trouble = undefined;
      penalty = Math.floor(penalty / 2);
    } catch (error) {
      penalty = Math.min(SLOWEST_MS, Math.max(SLOW_MS, penalty * 2));
      seen.trouble = tolerable(error);
      ports.log.debug(seen.trouble);
    }
    const quiet = clock.now() - watcher.changedAt > QUIET_MS;
    const pause = Math.max(penalty, quiet ? SLOW_MS : FAST_MS);
    if (clock.now() >= target.deadline) return { decided: true, status: 'timed-out', why: watcher.state() };
    await clock.sleep(Math.min(pause, Math.max(0, target.deadline - clock.now())), signal);
  }
}

/** What the next poll may mend. @throws the error itself when it cannot. */
function tolerable(error: unknown): string {
  const passing = error instanceof Problem && ['throttled', 'network', 'service'].includes(error.kind);
  if (!passing) throw error;
  return error.message;
}

class Watcher {
  changedAt: number;
  /** Polls since the service's events were read. */
  private unread = 0;
  private line = '';
  private failedCount = 0;
  private supersededBy: string | undefined;
  private readonly started: number;
  private readonly eventIds = new Set<string>();
  private readonly pauses = new Set<string>();
  private readonly target: WatchTarget;
  private readonly seen: Seen;
  private readonly ports: WatchPorts;

  constructor(target: WatchTarget, seen: Seen, ports: WatchPorts) {
    this.target = target;
    this.seen = seen;
    this.ports = ports;
    this.started = ports.clock.now();
    this.changedAt = this.started;
  }

  async poll(): Promise<Judgement | WatchEnd> {
    const { target, seen, ports } = this;
    if (target.deployment !== undefined)
      seen.deployment = (await ports.ecs.describeDeployment(target.deployment)) ?? seen.deployment;
    const changed = this.progress();
    this.readStage();
    const verdict = seen.deployment && judge(this.facts());
    if (verdict?.decided && verdict.status === 'succeeded') return verdict;
    const due = seen.deployment === undefined || changed || verdict?.decided || ++this.unread >= SERVICE_EVERY;
    if (due) {
      this.unread = 0;
      this.readEvents(await ports.ecs.describeService(target.ref));
      this.supersededBy = await this.readSuperseding();
      if (this.progress() || verdict?.decided || this.suspicious()) await this.readFailures();
    }
    const judgement = judge(this.facts());
    const stage = judgement.decided ? undefined : reached(target.waitFor ?? 'completed', seen.deployment);
    return stage ? { decided: true, status: 'reached', ...stage } : judgement;
  }

  /** One line that says where the deployment stands. */
  state(): string {
    const { deployment, service } = this.seen;
    const own = this.ownRollout();
    const to = deployment?.targetServiceRevision;
    const requested = to?.requestedTaskCount ?? own?.desiredCount ?? 0;
    const running = to?.runningTaskCount ?? own?.runningCount ?? 0;
    const pending = to?.pendingTaskCount ?? own?.pendingCount ?? 0;
    const old = (deployment?.sourceServiceRevisions ?? []).reduce((n, r) => n + (r.runningTaskCount ?? 0), 0);
    const others = (service?.deployments ?? []).filter((d) => d !== own).reduce((n, d) => n + (d.runningCount ?? 0), 0);
    const failed = this.failedNow();
    return [
      `${shortName(this.target.taskDefinition)} ${running}/${requested} running`,
      pending > 0 ? `${pending} pending` : '',
      failed > 0 ? `${failed} failed` : '',
      (deployment ? old : others) > 0 ? `${deployment ? old : others} of the old revision` : '',
      deployment?.status ?? own?.rolloutState ?? '',
      ...stageParts(deployment),
    ]
      .filter(Boolean)
      .join(', ');
  }

  private facts(): DeploymentFacts {
    const { deployment } = this.seen;
    const own = this.ownRollout();
    const monitor = deployment?.deploymentCircuitBreaker?.status;
    const sources = deployment?.sourceServiceRevisions;
    return {
      status: deployment?.status,
      statusReason: deployment?.statusReason,
      breaker: monitor === 'TRIGGERED' ? 'triggered' : monitor === 'DISABLED' || !monitor ? 'off' : 'watching',
      triggeredAlarms: deployment?.alarms?.triggeredAlarmNames,
      rollout: deployment
        ? own?.rolloutState
        : this.settled()
          ? 'COMPLETED'
          : own?.rolloutState === 'FAILED'
            ? 'FAILED'
            : undefined,
      rolloutReason: own?.rolloutStateReason,
      rollbackReason: deployment?.rollback?.reason,
      failedHook: failedHook(deployment),
      supersededBy: this.supersededBy,
      first: sources !== undefined && sources.length === 0,
    };
  }

  /**
   * True when only our revision is left, with as many tasks as asked for. rolloutState does not tell: a change of count
   * leaves it COMPLETED from the start, and a service behind a Classic Load Balancer has none.
   */
  private settled(): boolean {
    const [only, ...others] = this.seen.service?.deployments ?? [];
    if (!only || others.length > 0 || only.taskDefinition !== this.target.taskDefinition) return false;
    const asked = this.target.desiredCount ?? only.desiredCount;
    return only.desiredCount === asked && only.runningCount === asked && only.rolloutState !== 'FAILED';
  }

  /** What took over from us, as far as DescribeServices shows it. */
  private async readSuperseding(): Promise<string | undefined> {
    const { service, deployment: own } = this.seen;
    const { deployment, known, taskDefinition, since, ref } = this.target;
    const primary = service?.deployments?.find((d) => d.status === 'PRIMARY');
    const other = primary?.taskDefinition === taskDefinition ? undefined : primary;
    if (deployment === undefined)
      return other && (other.createdAt?.getTime() ?? 0) > since ? shortName(other.taskDefinition) : undefined;
    // During a rollback the old revision is primary again under our own deployment: only another deployment supersedes.
    const current = service?.currentServiceDeployment;
    if (!current || current === deployment || known.has(current)) return undefined;
    // And it may be a stale answer that names an older one.
    const born = own?.createdAt?.getTime() ?? since;
    const later = (await this.ports.ecs.listDeployments(ref, new Date(born))).find(
      (d) => d.serviceDeploymentArn === current && (d.createdAt?.getTime() ?? 0) > born,
    );
    if (!later) return undefined;
    return `deployment ${shortName(current)}${other ? ` (${shortName(other.taskDefinition)})` : ''}`;
  }

  private ownRollout() {
    const own = this.seen.service?.deployments?.filter((d) => d.taskDefinition === this.target.taskDefinition);
    return own?.find((d) => d.status === 'PRIMARY') ?? own?.[0];
  }

  private failedNow(): number {
    return Math.max(
      this.ownRollout()?.failedTasks ?? 0,
      this.seen.deployment?.deploymentCircuitBreaker?.failureCount ?? 0,
      this.seen.failures.length,
    );
  }

  /** Reports the state when it is a new one. */
  private progress(): boolean {
    const line = this.state();
    if (line === this.line) return false;
    this.line = line;
    this.note(line);
    return true;
  }

  /** A pause is told once: whoever reads the log has to know what the deployment waits for, and until when. */
  private readStage(): void {
    const { seen, ports } = this;
    if (seen.deployment?.status === 'IN_PROGRESS') seen.stage = seen.deployment.lifecycleStage ?? seen.stage;
    for (const { hookId, stage, expiresAt, timeoutAction } of pausesOf(seen.deployment)) {
      if (this.pauses.has(hookId)) continue;
      this.pauses.add(hookId);
      const until = expiresAt ? ` until ${expiresAt.toISOString()}, then ECS does ${timeoutAction}` : '';
      ports.log.info(`The deployment waits at ${stage} for an answer (operation continue, hook ${hookId})${until}`);
    }
  }

  private note(text: string): void {
    const { clock, log } = this.ports;
    this.changedAt = clock.now();
    this.seen.timeline.push({ at: this.changedAt, text });
    log.info(`${humanDuration(this.changedAt - this.started).padStart(12)}  ${text}`);
  }

  private readEvents({ service }: DescribedService): void {
    this.seen.service = service;
    const fresh = (service.events ?? [])
      .filter((e) => (e.createdAt?.getTime() ?? 0) >= this.target.since && !this.eventIds.has(e.id ?? ''))
      .toReversed();
    for (const event of fresh) {
      this.eventIds.add(event.id ?? '');
      const text = redactText(plainEvent(event.message ?? ''));
      this.seen.events.push(text);
      this.note(text);
    }
  }

  private suspicious(): boolean {
    const { failures, events } = this.seen;
    const more = this.failedNow() > this.failedCount;
    return more || failures.length < this.failedNow() || /unhealthy|unable|failed|stopped/i.test(events.at(-1) ?? '');
  }

  private async readFailures(): Promise<void> {
    const { target, seen, ports } = this;
    this.failedCount = this.failedNow();
    const found = failuresOf(await ports.ecs.listTasks(target.ref, 'STOPPED'), target);
    const before = new Set(seen.failures.map((f) => f.arn));
    const fresh = found.filter((f) => !before.has(f.arn));
    const first = seen.failures.length === 0 ? fresh[0] : undefined;
    seen.failures.push(...fresh);
    for (const task of fresh) this.note(`task ${task.id} stopped: ${task.sentence}`);
    if (first) await ports.onFirstFailure(first);
  }
}

/** A service event without what everybody here knows (the service's name) and without what nobody reads (whole ARNs and ids). */
export function plainEvent(message: string): string {
  return message
    .replace(/^\(service [^)]+\)\s*/, '')
    .replace(/arn:[^\s)]*:targetgroup\/([^/\s)]+)\/[^\s)]+/g, '$1')
    .replace(/\b([0-9a-f]{12})[0-9a-f]{20}\b/g, '$1');
}
