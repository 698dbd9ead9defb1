import { humanDuration } from '../../../lib/clock.ts';
import { ProbeFailure } from '../failure.ts';

/** One signal for a part of an attempt: it fires with the whole, or when the part's own time is over. */
export interface Limited {
  signal: AbortSignal;
  end(): void;
}

/** @param what completes "no … within 5 s" */
export function limit(whole: AbortSignal, ms: number, what: string): Limited {
  const part = new AbortController();
  const timer = setTimeout(() => part.abort(new ProbeFailure('timeout', `no ${what} within ${humanDuration(ms)}`)), ms);
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
