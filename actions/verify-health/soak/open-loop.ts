import type { Failure } from '../failure.ts';

export interface Sample {
  /** Milliseconds from the start of the soak to the moment at which it was due. */
  dueMs: number;
  /** Latency from when it was due (or sent, where that was earlier), in milliseconds. */
  ms: number;
  /** How late it was sent: this machine's own delay. */
  lateMs: number;
  failure?: Failure | undefined;
}

export interface Schedule {
  /** Probes a second. */
  rate: number;
  durationMs: number;
}

export interface LoopPorts {
  /** Milliseconds, finer than one. */
  now(): number;
  /** Calls back after so many milliseconds; a signal that fires ends the wait at once. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/**
 * Probes under way at once. A service that stands still holds rate times `attempt-timeout` of them, which is what an open loop is for; but
 * a machine has only so many connections, and its own end of them must not be taken for the service's.
 */
const MOST_UNDER_WAY = 1000;

const NOT_SENT: Failure = {
  reason: 'timeout',
  cause: `it was not sent: ${MOST_UNDER_WAY.toLocaleString('en')} earlier ones were still without an answer`,
  final: false,
};

/** How many probes a schedule holds. */
export function sizeOf({ rate, durationMs }: Schedule): number {
  return Math.max(1, Math.floor((rate * durationMs) / 1000));
}

/**
 * Sends probes by the clock, whether answers come or not: waiting for an answer before the next probe would leave out just the
 * probes that a stalled service would have made wait ("coordinated omission"). Latency counts from when a probe was due.
 * @param probe one attempt; never rejects
 * @param enough told of each sample; true ends the soak
 */
export async function openLoop(
  schedule: Schedule,
  probe: () => Promise<Failure | undefined>,
  enough: (sample: Sample) => boolean,
  signal: AbortSignal,
  { now, sleep }: LoopPorts,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  const underway = new Set<Promise<void>>();
  const done = new AbortController();
  const stop = AbortSignal.any([signal, done.signal]);
  const started = now();
  const send = async (dueMs: number) => {
    const sent = now() - started;
    const failure = underway.size < MOST_UNDER_WAY ? await probe() : NOT_SENT;
    const sample = { dueMs, ms: now() - started - Math.min(dueMs, sent), lateMs: Math.max(0, sent - dueMs), failure };
    samples.push(sample);
    if (enough(sample)) done.abort();
  };
  const size = sizeOf(schedule);
  for (let n = 0; n < size && !stop.aborted; n++) {
    const dueMs = (n * 1000) / schedule.rate;
    // Timers fire up to a millisecond late: rounded down, they come that much early as often as late.
    const wait = Math.floor(dueMs - (now() - started));
    if (wait > 0) await sleep(wait, stop).catch(() => undefined);
    if (stop.aborted) break;
    const sending: Promise<void> = send(dueMs).finally(() => underway.delete(sending));
    underway.add(sending);
  }
  if (!stop.aborted) await Promise.all(underway);
  return samples;
}
