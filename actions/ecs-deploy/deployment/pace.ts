/** What a poll asks for: mostly one call, so that a rollout of 22 s costs a dozen. */
export type Read = 'deployment' | 'service' | 'both';

export interface ReadFacts {
  /** ECS keeps a record of the deployment, which DescribeServiceDeployments tells. */
  record: boolean;
  /** The circuit breaker counts failed tasks into that record. */
  breaker: boolean;
  /** Polls since the service was read; since the deployment was read. */
  sinceService: number;
  sinceDeployment: number;
  /** Counts have changed, and no event has been read since. */
  changed: boolean;
  /** All tasks asked for run, and none of the old revision does: what comes next is the end, and the deployment's record has it. */
  ending: boolean;
}

const EVERY = 3;

/**
 * The service says almost all that the deployment says (counts, failed tasks, rolloutState) and the events too, so that it is
 * read in the deployment's place: every third poll and after a change. Where only it counts failed tasks, it is read each time.
 */
export function nextRead({ record, breaker, sinceService, sinceDeployment, changed, ending }: ReadFacts): Read {
  if (!record) return 'service';
  if (!breaker) return sinceDeployment >= EVERY ? 'both' : 'service';
  // Never twice in a row: what ends the deployment shows in its own record first.
  if (sinceDeployment > 1) return 'deployment';
  return (changed && !ending) || sinceService >= EVERY ? 'service' : 'deployment';
}

export interface PaceFacts {
  /** Milliseconds since anything changed. */
  quietMs: number;
  /** Something is about to be decided: all tasks run, a task has failed, or ECS is going back. */
  tense: boolean;
  /** It may be done with the next poll; after it come the calls that prove it. */
  ending: boolean;
  /** Milliseconds that throttling and lost connections ask for. */
  penaltyMs: number;
}

/** As long as tasks are missing or old ones run, the deployment cannot be done just after a poll. */
const CALM_MS = 2_400;
const ENDING_MS = 2_250;
const TENSE_MS = 2_000;
const SLOW_MS = 5_000;
/** With nothing new for this long the poll slows down. */
const QUIET_MS = 60_000;

/** Milliseconds from one poll to the next. Under 2.5 s while things change, so that an end is known within that time. */
export function pause({ quietMs, tense, ending, penaltyMs }: PaceFacts): number {
  const usual = quietMs > QUIET_MS ? SLOW_MS : tense ? TENSE_MS : ending ? ENDING_MS : CALM_MS;
  return Math.max(usual, penaltyMs);
}

const SLOWEST_MS = 20_000;

/** The penalty after a call that failed in passing, and after one that succeeded. */
export function penaltyAfter(failed: boolean, penaltyMs: number): number {
  if (!failed) return penaltyMs < SLOW_MS ? 0 : Math.floor(penaltyMs / 2);
  return Math.min(SLOWEST_MS, Math.max(SLOW_MS, penaltyMs * 2));
}
