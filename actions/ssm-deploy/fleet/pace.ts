/** Between two looks while something moves: what ends is known within this and two short calls. */
const SHORTEST_MS = 1_000;
const LONGEST_MS = 5_000;
const GROWTH = 1.25;
/** As long as this after the last thing that moved, an end may come at any moment. */
const LIVELY_MS = 60_000;

/**
 * How long to wait for the next look: 1 s while something has moved within the last minute, then by a quarter longer each
 * time up to 5 s, so that what hangs for an hour does not spend the account's request rate. Pure.
 * @param stillMs since anything moved @param previousMs the wait before
 */
export function nextWait(stillMs: number, previousMs: number): number {
  if (stillMs <= LIVELY_MS) return SHORTEST_MS;
  return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, previousMs) * GROWTH);
}

export const FIRST_WAIT_MS = SHORTEST_MS;
