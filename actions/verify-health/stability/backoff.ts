export interface Pace {
  /** Pause after a good answer, and the first limit after a bad one; milliseconds. */
  intervalMs: number;
  /** Highest limit of a pause. */
  maxIntervalMs: number;
}

/**
 * Milliseconds to wait after so many failures in a row: full jitter, a random time below a limit that doubles, so that many
 * runs that wait for one service do not come all at once. Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
 * @param random from 0 to below 1
 */
export function pauseAfter(failures: number, { intervalMs, maxIntervalMs }: Pace, random: () => number): number {
  if (failures === 0) return intervalMs;
  const limit = Math.min(Math.max(intervalMs, maxIntervalMs), intervalMs * 2 ** Math.min(failures - 1, 30));
  return random() * limit;
}
