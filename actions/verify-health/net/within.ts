import { humanDuration } from '../../../lib/clock.ts';
import { ProbeFailure } from '../failure.ts';

/** @param what completes "no … within 5 s" */
export function tooLate(ms: number, what: string): ProbeFailure {
  return new ProbeFailure('timeout', `no ${what} within ${humanDuration(ms)}`);
}

/** One signal for a part of an attempt: it fires with the whole, or when the part's own time is over. */
export interface Limited {
  signal: AbortSignal;
  end(): void;
}

/**
 * Whoever listens to the signal has to stop listening: Node keeps a signal that was made of others for as long as it has listeners.
 * @param what completes "no … within 5 s"
 */
export function limit(whole: AbortSignal, ms: number, what: string): Limited {
  const part = new AbortController();
  const timer = setTimeout(() => part.abort(tooLate(ms, what)), ms);
  return { signal: AbortSignal.any([whole, part.signal]), end: () => clearTimeout(timer) };
}

/**
 * What a promise gives, or the signal's reason if that comes first: a name look-up cannot be called back, only left alone.
 * @param drop gets what comes too late
 */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal, drop?: (late: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      reject(signal.reason);
      promise.then(drop, () => undefined);
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
