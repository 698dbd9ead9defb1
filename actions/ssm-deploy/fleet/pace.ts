import type { Payload } from '../payload.ts';

/** Between two looks while an end may come: it is known within this and two short calls. */
const SHORTEST_MS = 1_000;
const LONGEST_MS = 5_000;
const GROWTH = 1.25;
/** As long as this after the last thing that moved, an end may come at any moment. */
const LIVELY_MS = 60_000;
/** Longest; what is asked for once a second for ten minutes spends no more of the account's request rate after that. */
const MOST_LIVELY_MS = 600_000;
/** Where the payload does not say how long a start may take: the times of a spec without any. */
const USUAL = { 'healthy-within': 120, 'drain-within': 30, 'stop-timeout': 30 };

/**
 * How long nothing may move on a host before its command is taken for one that hangs: a container that is not healthy yet, requests
 * that have not ended and a process that does not stop show nothing, and their ends are ends like all others.
 */
export function livelyMs({ operation, spec }: Pick<Payload, 'operation' | 'spec'>): number {
  if (!['deploy', 'rollback', 'restart'].includes(operation)) return LIVELY_MS;
  const times = { ...USUAL, ...spec };
  const seconds = times['healthy-within'] + times['drain-within'] + times['stop-timeout'];
  return Math.min(MOST_LIVELY_MS, LIVELY_MS + seconds * 1_000);
}

/**
 * How long to wait for the next look: 1 s while an end may come at any moment, then by a quarter longer each time up to 5 s, so that
 * what hangs for an hour does not spend the account's request rate. Pure.
 * @param stillMs since anything moved @param previousMs the wait before @param lively what livelyMs() says
 */
export function nextWait(stillMs: number, previousMs: number, lively = LIVELY_MS): number {
  return stillMs <= lively ? SHORTEST_MS : longer(previousMs);
}

/** The wait after one that was too short. */
export function longer(previousMs: number): number {
  return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, previousMs) * GROWTH);
}

export const FIRST_WAIT_MS = SHORTEST_MS;
