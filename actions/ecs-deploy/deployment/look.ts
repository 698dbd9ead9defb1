import type { Clock } from '../../../lib/clock.ts';
import type { Log } from '../../../lib/log.ts';
import { penaltyAfter } from './pace.ts';
import { tolerable } from './tolerate.ts';

/** What looks at a deployment, again and again. */
export interface Looker<End> {
  /** One look. @returns how it ended, or undefined while it goes on. */
  poll(): Promise<End | undefined>;
  /** Milliseconds from the begin of one look to the next. */
  pauseMs(penaltyMs: number): number;
  /** Where the deployment stands. */
  readonly line: string;
}

export interface TimedOut {
  decided: true;
  status: 'timed-out';
  why: string;
}

/**
 * Looks until there is an end or the deadline (by our clock) has passed. Throttling slows it down, a lost connection is tried
 * again with the next look.
 * @param seen takes the last call that failed without ending this.
 * @throws Problem for a call that is denied or impossible, and when the run is cancelled.
 */
export async function lookUntil<End>(
  looker: Looker<End>,
  deadline: number,
  seen: { trouble?: string | undefined },
  { clock, log, signal }: { clock: Clock; log: Log; signal: AbortSignal },
): Promise<End | TimedOut> {
  let penaltyMs = 0;
  for (;;) {
    const began = clock.now();
    try {
      const end = await looker.poll();
      if (end) return end;
      seen.trouble = undefined;
      penaltyMs = penaltyAfter(false, penaltyMs);
    } catch (error) {
      const { kind, message } = tolerable(error);
      if (kind !== 'network') penaltyMs = penaltyAfter(true, penaltyMs);
      if (seen.trouble === undefined) log.info(`A look at the deployment failed, and is tried again: ${message}`);
      seen.trouble = message;
    }
    if (clock.now() >= deadline) return { decided: true, status: 'timed-out', why: looker.line };
    const next = began + looker.pauseMs(penaltyMs);
    await clock.sleep(Math.max(0, Math.min(next, deadline) - clock.now()), signal);
  }
}
