import type { FailedTask } from './failures.ts';

export interface FailFastFacts {
  failures: readonly FailedTask[];
  /** So many tasks that end alike are enough; 0: never. */
  limit: number;
  /** A circuit breaker watches already: ECS decides. */
  breaker: boolean;
  /** Tasks that the revision should have. */
  requested: number;
}

/** A container that ran for longer than this had started: what ended it later is not the start. */
const STARTED_AFTER_MS = 60_000;
const MOST = 200;

/**
 * Why a rollout is without hope, as a sentence; '' while it is not. Without a circuit breaker ECS starts failing tasks for ever:
 * several that end of the very same cause say that the next will too. The count grows with the service as the breaker's own does
 * (half of the wanted tasks), and ends that a next try may mend do not count.
 */
export function hopeless({ failures, limit, breaker, requested }: FailFastFacts): string {
  if (limit === 0 || breaker) return '';
  const counts = new Map<string, number>();
  for (const failure of failures) {
    if (!failure.lasting || diedLate(failure)) continue;
    counts.set(failure.sentence, (counts.get(failure.sentence) ?? 0) + 1);
  }
  const most = Math.max(0, ...counts.values());
  if (most < Math.max(limit, Math.min(MOST, Math.ceil(requested / 2)))) return '';
  return `${most} tasks ended alike, and the service has no circuit breaker that would end this`;
}

function diedLate({ stopCode, livedMs = 0 }: FailedTask): boolean {
  return stopCode === 'EssentialContainerExited' && livedMs > STARTED_AFTER_MS;
}
