import { type Clock, humanDuration } from '../../../lib/clock.ts';
import type { DescribedService, EcsApi, Service, ServiceDeployment } from '../../../lib/ecs/api.ts';
import { type ServiceRef, shortName } from '../../../lib/ecs/names.ts';
import type { Log } from '../../../lib/log.ts';
import { redactText } from '../../../lib/redact.ts';
import { hopeless } from './fail-fast.ts';
import { type FailedTask, failuresOf } from './failures.ts';
import { type DeploymentFacts, type Judgement, judge } from './judge.ts';
import { type Looker, lookUntil, type TimedOut } from './look.ts';
import { nextRead, pause } from './pace.ts';
import {
  type Counts,
  countsOfDeployment,
  countsOfService,
  isEnding,
  NO_COUNTS,
  ownEntry,
  progressLine,
} from './progress.ts';
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
  /** Hooks that were answered already, though ECS may still show them waiting. */
  answered?: ReadonlySet<string> | undefined;
  /** By our clock. */
  deadline: number;
  /** It was going forward a moment ago: the first look can wait. */
  justSeen?: boolean | undefined;
  /** So many tasks that end alike end the watch where no circuit breaker does; 0: none do. */
  failFast: number;
  /** Why this action itself told ECS to go back, once it has. */
  givenUp?: string | undefined;
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
  counts: Counts;
  failures: FailedTask[];
  /** The service's events since the deployment began, oldest first. */
  events: string[];
  eventIds: Set<string>;
  timeline: Moment[];
  /** The last call that failed without ending the watch. */
  trouble?: string | undefined;
}

export function nothingSeen(): Seen {
  return { counts: NO_COUNTS, failures: [], events: [], eventIds: new Set(), timeline: [] };
}

export interface WatchPorts {
  ecs: Pick<EcsApi, 'describeService' | 'describeDeployment' | 'listDeployments' | 'listTasks'>;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** Called once for the first failed task, while the deployment goes on. */
  onFirstFailure(task: FailedTask): Promise<void>;
  /** Whether all tasks are up and healthy; asked only when that is waited for and all run. */
  allHealthy(service: Service): Promise<boolean>;
}

export type WatchEnd =
  | Extract<Judgement, { decided: true }>
  | TimedOut
  /** It goes on in ECS, and has come as far as this run waits for it. */
  | ({ decided: true; status: 'reached' } & Reached)
  /** It goes on, and will fail. */
  | { decided: true; status: 'hopeless'; why: string };

/**
 * Polls until the deployment is decided or the deadline has passed; nothing else ends it but a call that is denied or
 * impossible. Throttling slows it down, a lost connection is tried again with the next poll.
 */
export async function watch(target: WatchTarget, seen: Seen, ports: WatchPorts): Promise<WatchEnd> {
  const { clock, signal } = ports;
  if (target.justSeen) await clock.sleep(pause({ quietMs: 0, tense: false, ending: false, penaltyMs: 0 }), signal);
  return lookUntil(new Watcher(target, seen, ports), target.deadline, seen, ports);
}

/** After so many looks a failed task that is counted but not listed is no longer looked for. */
const LOOKS = 3;
/** Without a record after so many polls there is none: ECS keeps none where an old revision takes part. */
const MISSES = 3;
const BAD_EVENT = /unhealthy|unable|failed/i;

class Watcher implements Looker<WatchEnd> {
  changedAt: number;
  tense = false;
  line = '';
  private readonly started: number;
  private readonly pauses = new Set<string>();
  private readonly target: WatchTarget;
  private readonly seen: Seen;
  private readonly ports: WatchPorts;
  private sinceService = 0;
  private sinceDeployment = Number.MAX_SAFE_INTEGER;
  private misses = 0;
  /** Counts have changed since events were read. */
  private changed = false;
  /** How often stopped tasks are still to be looked for. */
  private looks = 0;
  /** What was read before the watch began is its first look. */
  private unread: ServiceDeployment | undefined;
  private startedTasks = 0;
  private supersededBy: string | undefined;

  constructor(target: WatchTarget, seen: Seen, ports: WatchPorts) {
    this.target = target;
    this.seen = seen;
    this.ports = ports;
    this.started = ports.clock.now();
    this.changedAt = this.started;
    this.unread = seen.deployment;
  }

  /** One look. @returns how it ended, or undefined while it goes on. */
  async poll(): Promise<WatchEnd | undefined> {
    const read = this.unread ? this.firstRead(this.unread) : this.choose();
    if (read !== 'deployment') await this.readService();
    if (read !== 'service') await this.readDeployment();
    if (read === 'service' && this.recorded() && this.serviceShowsAnEnd()) await this.readDeployment();
    const verdict = judge(this.facts());
    if (verdict.decided && verdict.status !== 'succeeded') {
      await Promise.all([read === 'deployment' ? this.readService() : undefined, this.readFailures()]);
      // The service may tell what took over.
      const final = judge(this.facts());
      return final.decided ? final : verdict;
    }
    if (verdict.decided) return verdict;
    if (this.looks > 0) await this.readFailures();
    this.tense = this.seen.failures.length > 0 || verdict.phase === 'rolling-back' || verdict.phase === 'stopping';
    return (await this.reached()) ?? (this.tense ? this.hopeless(verdict) : undefined);
  }

  /** The record is there already; where only the service counts failed tasks it is read too, since some may have failed by now. */
  private firstRead(unread: ServiceDeployment) {
    return breakerOf(unread) === 'off' ? 'both' : 'deployment';
  }

  pauseMs(penaltyMs: number): number {
    const quietMs = this.ports.clock.now() - this.changedAt;
    return pause({ quietMs, tense: this.tense, ending: isEnding(this.seen.counts), penaltyMs });
  }

  private choose() {
    this.sinceService++;
    this.sinceDeployment++;
    // The first look tells whether a breaker watches.
    if (this.recorded() && this.seen.deployment === undefined) return 'deployment';
    return nextRead({
      record: this.recorded(),
      breaker: this.breaker() !== 'off',
      sinceService: this.sinceService,
      sinceDeployment: this.sinceDeployment,
      changed: this.changed,
      ending: isEnding(this.seen.counts),
    });
  }

  private recorded(): boolean {
    return this.target.deployment !== undefined && (this.seen.deployment !== undefined || this.misses < MISSES);
  }

  private async readDeployment(): Promise<void> {
    const { target, seen, ports } = this;
    this.sinceDeployment = 0;
    const found = this.unread ?? (await ports.ecs.describeDeployment(target.deployment ?? ''));
    this.unread = undefined;
    if (!found) {
      this.misses++;
      return;
    }
    seen.deployment = found;
    const counts = countsOfDeployment(found);
    // With the breaker off only the service counts failed tasks.
    this.readStage();
    this.count(this.breaker() === 'off' ? { ...counts, failed: seen.counts.failed } : counts);
  }

  private async readService(): Promise<void> {
    const { target, seen, ports } = this;
    this.sinceService = 0;
    const { service } = await ports.ecs.describeService(target.ref);
    this.readEvents({ service });
    this.count(countsOfService(service, target.taskDefinition) ?? seen.counts);
    this.changed = false;
    this.supersededBy = await this.readSuperseding();
  }

  /** Takes new counts in: says so when they differ, and looks for failed tasks when they speak of some. */
  private count(counts: Counts): void {
    const { seen, target } = this;
    const before = seen.counts;
    seen.counts = counts;
    const lost = counts.running < before.running || counts.running + counts.pending < before.running + before.pending;
    if (lost || counts.failed > before.failed) this.looks = LOOKS;
    const { deployment } = seen;
    const state = deployment?.status ?? ownEntry(seen.service, target.taskDefinition)?.rolloutState ?? '';
    const line = progressLine(target.taskDefinition, counts, [state, ...stageParts(deployment)]);
    if (line === this.line) return;
    this.line = line;
    this.changed = true;
    this.note(line);
  }

  private readEvents({ service }: Pick<DescribedService, 'service'>): void {
    const { seen, target } = this;
    seen.service = service;
    const fresh = (service.events ?? [])
      .filter((e) => (e.createdAt?.getTime() ?? 0) >= target.since && !seen.eventIds.has(e.id ?? ''))
      .toReversed();
    for (const event of fresh) {
      seen.eventIds.add(event.id ?? '');
      const text = redactText(plainEvent(event.message ?? ''));
      seen.events.push(text);
      this.note(text, event.createdAt);
      this.startedTasks += Number(/has started (\d+) tasks/.exec(text)?.[1] ?? 0);
      if (BAD_EVENT.test(text)) this.looks = LOOKS;
    }
    // More starts than tasks: one was replaced between two looks, which the counts do not show.
    const { requested } = seen.counts;
    if (fresh.length > 0 && requested > 0 && this.startedTasks > requested) this.looks = Math.max(this.looks, 1);
  }

  private async readFailures(): Promise<void> {
    const { target, seen, ports } = this;
    this.looks--;
    const filter = { taskDefinition: target.taskDefinition, since: target.since, startedBy: this.ownId() };
    const found = failuresOf(await ports.ecs.listTasks(target.ref, 'STOPPED'), filter);
    const before = new Map(seen.failures.map((f) => [f.arn, f]));
    const fresh = found.filter((f) => !before.has(f.arn));
    // A task that was still stopping tells more once it has stopped.
    for (const again of found) Object.assign(before.get(again.arn) ?? {}, again);
    const first = seen.failures.length === 0 ? fresh[0] : undefined;
    seen.failures.push(...fresh);
    if (fresh.length > 0) this.looks = 0;
    for (const task of fresh) this.note(`task ${task.id.slice(0, 12)} stopped: ${task.sentence}`, task.stoppedAt);
    if (first) await ports.onFirstFailure(first);
  }

  private ownId(): string | undefined {
    const { service } = this.seen;
    const entries = service?.deployments?.filter((d) => d.taskDefinition === this.target.taskDefinition) ?? [];
    // Only where two deployments of one revision have to be told apart.
    return entries.length > 1 ? entries.find((d) => d.status === 'PRIMARY')?.id : undefined;
  }

  private async reached(): Promise<WatchEnd | undefined> {
    const { target, seen, ports } = this;
    if (target.givenUp !== undefined) return undefined;
    const stage = reached(target.waitFor ?? 'completed', seen.deployment, target.answered);
    if (stage) return { decided: true, status: 'reached', ...stage };
    const { running, requested, pending } = seen.counts;
    // Healthy tasks without traffic are not what anybody waits for: stages say more, where there are some.
    if (target.waitFor !== 'healthy' || seen.deployment?.lifecycleStage !== undefined) return undefined;
    if (requested === 0 || running < requested || pending > 0) return undefined;
    if (seen.service === undefined) await this.readService();
    if (!seen.service || !(await ports.allHealthy(seen.service))) return undefined;
    return { decided: true, status: 'reached', stage: seen.deployment?.lifecycleStage ?? '', healthy: running };
  }

  private hopeless(verdict: Judgement): WatchEnd | undefined {
    const { target, seen } = this;
    if (target.givenUp !== undefined || verdict.decided || verdict.phase === 'rolling-back') return undefined;
    const { failures, counts, deployment } = seen;
    // Without a record it is not known whether a breaker watches, nor what to stop.
    if (!deployment) return undefined;
    const breaker = this.breaker() !== 'off';
    const why = hopeless({ failures, limit: target.failFast, breaker, requested: counts.requested });
    return why === '' ? undefined : { decided: true, status: 'hopeless', why };
  }

  private breaker() {
    return breakerOf(this.seen.deployment);
  }

  private facts(): DeploymentFacts {
    const { deployment, service } = this.seen;
    const own = ownEntry(service, this.target.taskDefinition);
    const sources = deployment?.sourceServiceRevisions;
    const judgedByService = this.settled() ? 'COMPLETED' : own?.rolloutState === 'FAILED' ? 'FAILED' : undefined;
    return {
      status: deployment?.status ?? (this.recorded() ? 'PENDING' : undefined),
      statusReason: deployment?.statusReason,
      breaker: this.breaker(),
      triggeredAlarms: deployment?.alarms?.triggeredAlarmNames,
      rollout: deployment ? own?.rolloutState : judgedByService,
      rolloutReason: own?.rolloutStateReason,
      rollbackReason: deployment?.rollback?.reason,
      failedHook: failedHook(deployment),
      supersededBy: this.supersededBy,
      givenUp: this.target.givenUp,
      first: sources !== undefined && sources.length === 0,
    };
  }

  /**
   * The service shows what only the record can confirm: done, failed, or another revision in our place. Of a deployment that
   * shifts traffic it shows none of that: rolloutState is of rolling ones only.
   */
  private serviceShowsAnEnd(): boolean {
    const { service, deployment } = this.seen;
    const own = ownEntry(service, this.target.taskDefinition);
    if (deployment?.lifecycleStage || (own && own.rolloutState === undefined)) return true;
    const done = own?.rolloutState === 'COMPLETED' || own?.rolloutState === 'FAILED';
    return done || this.supersededBy !== undefined || own?.status !== 'PRIMARY';
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

  /** A pause is told once: whoever reads the log has to know what the deployment waits for, and until when. */
  private readStage(): void {
    const { seen, ports } = this;
    if (seen.deployment?.status === 'IN_PROGRESS') seen.stage = seen.deployment.lifecycleStage ?? seen.stage;
    for (const { hookId, stage, expiresAt, timeoutAction } of pausesOf(seen.deployment)) {
      if (this.pauses.has(hookId) || this.target.answered?.has(hookId)) continue;
      this.pauses.add(hookId);
      const until = expiresAt ? ` until ${expiresAt.toISOString()}, then ECS does ${timeoutAction}` : '';
      ports.log.info(`The deployment waits at ${stage} for an answer (operation continue, hook ${hookId})${until}`);
    }
  }

  /** Says what happened, and when by the service's clock where that is known. */
  private note(text: string, when?: Date | number): void {
    const { clock, log } = this.ports;
    this.changedAt = clock.now();
    this.seen.timeline.push({ at: this.changedAt, text });
    const at = when === undefined ? '' : `[${new Date(when).toISOString().slice(11, 19)}] `;
    log.info(`${humanDuration(this.changedAt - this.started).padStart(12)}  ${at}${text}`);
  }
}

function breakerOf(deployment: ServiceDeployment | undefined): 'off' | 'watching' | 'triggered' {
  const status = deployment?.deploymentCircuitBreaker?.status;
  return status === 'TRIGGERED' ? 'triggered' : !status || status === 'DISABLED' ? 'off' : 'watching';
}

/** A service event without what everybody here knows (the service's name) and without what nobody reads (whole ARNs and ids). */
export function plainEvent(message: string): string {
  return message
    .replace(/^\(service [^)]+\)\s*/, '')
    .replace(/arn:[^\s)]*:targetgroup\/([^/\s)]+)\/[^\s)]+/g, '$1')
    .replace(/\b([0-9a-f]{12})[0-9a-f]{20}\b/g, '$1');
}
