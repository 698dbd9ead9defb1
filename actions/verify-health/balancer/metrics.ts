import type { Clock } from '../../../lib/clock.ts';
import type { LoadBalancerConfig } from '../../../lib/config/verify.ts';
import { Problem } from '../../../lib/errors.ts';
import { parseDuration } from '../../../lib/inputs.ts';
import type { Failure } from '../failure.ts';
import { type Comparison, percentText } from '../soak/soak.ts';
import { fisherWorse } from '../soak/statistics.ts';

/** A load balancer, and a target group of it, by the names that CloudWatch has for them. */
export interface Dimensions {
  loadBalancer: string;
  targetGroup?: string;
}

/** Sums over a time. */
export interface BalancerCounts {
  requests: number;
  /** 5xx answers, of targets and (unless a target group is named) of the load balancer itself. */
  errors: number;
  /** Start of the last minute with requests, milliseconds since the epoch. */
  lastMinute?: number;
  /** Which of the metrics CloudWatch could not read: what it would have counted is not known. */
  unread?: string;
}

export interface BalancerMetrics {
  /** Sums from `from` to `to`, whole minutes, milliseconds since the epoch. @throws Problem as callAws() does */
  counts(dimensions: Dimensions, from: number, to: number): Promise<BalancerCounts>;
}

/** @throws Problem for what is neither an ARN nor the last part of one */
export function dimensionsOf(config: LoadBalancerConfig): Dimensions {
  const group = config['target-group'];
  return {
    loadBalancer: part(
      'name',
      config.name,
      /^(?:arn:aws[a-z-]*:elasticloadbalancing:[^:]+:\d{12}:loadbalancer\/)?((?:app)\/[^/]+\/[^/]+)$/,
    ),
    ...(group !== undefined && {
      targetGroup: part(
        'target-group',
        group,
        /^(?:arn:aws[a-z-]*:elasticloadbalancing:[^:]+:\d{12}:)?(targetgroup\/[^/]+\/[^/]+)$/,
      ),
    }),
  };
}

function part(key: string, text: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[1];
  if (found !== undefined) return found;
  throw new Problem({
    what: `input 'load-balancer', ${key}`,
    seen: text,
    cause: key === 'name' ? 'it is not an Application Load Balancer' : 'it is not a target group',
    fix:
      key === 'name'
        ? 'Write its ARN, or app/NAME/ID as CloudWatch has it'
        : 'Write its ARN, or targetgroup/NAME/ID as CloudWatch has it',
  });
}

const MINUTE_MS = 60_000;
const LOOK_EVERY_MS = 10_000;

/** The whole minutes that hold a time: the metric has one value a minute. */
export function minutesOf(from: number, to: number): { from: number; to: number } {
  return { from: Math.floor(from / MINUTE_MS) * MINUTE_MS, to: Math.ceil(to / MINUTE_MS) * MINUTE_MS };
}

/** Waits until CloudWatch has the last minute of a time, a minute or two after it is over. */
export async function settledCounts(
  dimensions: Dimensions,
  time: { from: number; to: number },
  wait: string | undefined,
  { metrics, clock, signal }: { metrics: BalancerMetrics; clock: Clock; signal: AbortSignal },
): Promise<BalancerCounts> {
  const { from, to } = minutesOf(time.from, time.to);
  const until = to + (parseDuration(wait ?? '3m') ?? 0);
  for (;;) {
    const counts = await metrics.counts(dimensions, from, to);
    const complete =
      counts.unread === undefined && counts.lastMinute !== undefined && counts.lastMinute >= to - MINUTE_MS;
    if (complete || clock.now() >= until) return counts;
    await clock.sleep(Math.min(LOOK_EVERY_MS, Math.max(1, until - clock.now())), signal);
  }
}

const UNTOLD_NEXT =
  'See whether CloudWatch has RequestCount of AWS/ApplicationELB for this load balancer, and raise `load-balancer.wait` if it came later';

/** Nothing was seen to be wrong with the service, and nothing to be right: time is over, as with a service that never answers. */
function untold(note: string): { failure: Failure; note: string } {
  return { note, failure: { reason: 'timeout', cause: note, final: true, next: UNTOLD_NEXT } };
}

/** What the load balancer has counted, judged. Pure. */
export function judgeBalancer(
  now: BalancerCounts,
  before: { requests: number; errors: number } | undefined,
  { mostPercent, by }: { mostPercent: number; by: Comparison },
): { failure?: Failure; note: string } {
  const total = Math.max(now.requests, now.errors);
  if (now.unread !== undefined)
    return untold(`CloudWatch could not read what the load balancer counted (${now.unread})`);
  if (total === 0)
    return untold(
      'CloudWatch has no request of the load balancer in this time: it is late (`wait` lets it take longer), or none went through this load balancer (`name`, `url`)',
    );
  const note = `the load balancer counted ${now.errors} 5xx answers to ${total} requests (${percentText(now.errors, total)})`;
  if ((now.errors / total) * 100 > mostPercent)
    return {
      note,
      failure: { reason: 'regression', cause: `${note}, expected ${mostPercent} % or less`, final: true },
    };
  const old = before && { bad: before.errors, total: Math.max(before.requests, before.errors) };
  if (!old || old.total === 0) return { note };
  const p = fisherWorse(old, { bad: now.errors, total });
  const compared = `${note}, ${percentText(old.bad, old.total)} before`;
  return p < by.significance && now.errors > 0
    ? { note: compared, failure: { reason: 'regression', cause: compared, final: true } }
    : { note: compared };
}
