import type { Answer, Timings } from './answer.ts';
import { type Failure, ProbeFailure } from './failure.ts';
import { type Lookup, machineLookup } from './net/addresses.ts';
import { classify } from './net/classify.ts';
import { type Attempt, askHttp, Dialler } from './net/http.ts';
import { environmentProxy } from './net/proxy.ts';
import { askTcp } from './net/tcp.ts';
import { unlessAborted } from './net/within.ts';
import type { Target } from './target.ts';

export interface ProbeOptions {
  /** Longest time of the attempt. */
  timeoutMs: number;
  signal: AbortSignal;
  choose?: ((addresses: readonly string[]) => string) | undefined;
}

/** One attempt: an answer, or why there is none. */
export interface Seen {
  answer?: Answer;
  failure?: Failure;
  /** Milliseconds of the whole attempt. */
  ms: number;
  timings: Timings;
  /** Address that was connected to, or was to be. */
  address?: string | undefined;
}

export interface Prober {
  /** Never throws, but for a cancelled run; never takes longer than it may. */
  probe(target: Target, options: ProbeOptions): Promise<Seen>;
  /** Closes what was kept open. */
  close(): void;
}

/** Probes over fresh connections each time, as new clients come: a kept one could stay with an old instance. Or over kept ones, as browsers do. */
export type OpenProber = (connections: 'new' | 'keep') => Prober;

export function networkProbers(env: NodeJS.ProcessEnv, lookup: Lookup = machineLookup): OpenProber {
  const proxyFor = environmentProxy(env);
  return (connections) => {
    const dialler = new Dialler(proxyFor, lookup, connections === 'keep');
    return { probe: (target, options) => probe(target, options, dialler), close: () => dialler.destroy() };
  };
}

async function probe(target: Target, { timeoutMs, signal, choose }: ProbeOptions, dialler: Dialler): Promise<Seen> {
  const started = performance.now();
  const over = new AbortController();
  const attempt: Attempt = { target, signal: over.signal, timings: {}, choose };
  const timer = setTimeout(() => over.abort(tooSlow(timeoutMs, attempt)), timeoutMs);
  // By hand, since a signal made of the run's and another would be remembered by the run's for as long as that lives.
  const onStop = () => over.abort(signal.reason);
  if (signal.aborted) onStop();
  else signal.addEventListener('abort', onStop, { once: true });
  const ask = /^https?:/i.test(target.url) ? askHttp : askTcp;
  try {
    // Whatever a part of it does, the attempt is over when its time is.
    const answer = await unlessAborted(ask(attempt, dialler), attempt.signal);
    const ms = performance.now() - started;
    return { answer: { ...answer, ms }, ms, timings: attempt.timings, address: attempt.address };
  } catch (error) {
    const { partial: body } = attempt;
    if (body !== undefined && !signal.aborted) {
      const ms = performance.now() - started;
      const answer = { status: 0, headers: {}, body, url: target.url, ms };
      return { answer, ms, timings: attempt.timings, address: attempt.address };
    }
    const failure = signal.aborted
      ? stopped()
      : redacted(classify(over.signal.aborted ? over.signal.reason : error), target);
    return { failure, ms: performance.now() - started, timings: attempt.timings, address: attempt.address };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onStop);
  }
}

function tooSlow(timeoutMs: number, attempt: Attempt): ProbeFailure {
  return new ProbeFailure('timeout', `no whole answer within ${timeoutMs / 1000} s (${stageOf(attempt)})`);
}

/** What it was waiting for when its time was over. */
function stageOf({ timings, target, connected }: Attempt): string {
  // A kept connection was looked up and opened by an attempt before this one.
  if (connected && timings.firstByte === undefined) return 'connected, and not a byte of the answer';
  if (timings.firstByte !== undefined) return 'the answer had begun and did not end';
  if (timings.dns === undefined) return 'still looking up the name';
  if (timings.connect === undefined) return 'still connecting';
  if (timings.tls === undefined && /^(?:https|tls):/i.test(target.url)) return 'still in the TLS handshake';
  return 'connected, and not a byte of the answer';
}

function stopped(): Failure {
  return { reason: 'timeout', cause: 'it was not waited for any longer', final: false };
}

/** An answer may hold what it was sent. */
export function redacted<T extends { cause: string }>(failure: T, target: Pick<Target, 'secrets'>): T {
  return { ...failure, cause: withoutSecrets(failure.cause, target) };
}

export function withoutSecrets(text: string, { secrets }: Pick<Target, 'secrets'>): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
}
