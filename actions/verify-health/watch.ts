import type { Clock } from '../../lib/clock.ts';
import { type Answer, type Expectation, type Failure, judge } from './expect.ts';
import { isFailure, type Probe } from './probe.ts';

export interface WatchOptions {
  url: string;
  expect: Expectation;
  identityPaths: readonly string[];
  successes: number;
  intervalMs: number;
  attemptTimeoutMs: number;
  deadline: number;
  failFast: boolean;
  signal: AbortSignal;
}

/** What was learned of one address. */
export interface Verdict {
  url: string;
  healthy: boolean;
  attempts: number;
  /** Milliseconds, of the probes that passed. */
  latencies: number[];
  identity: Record<string, unknown>;
  /** The last failure seen, also when it became healthy after it. */
  failure?: Failure;
  timedOut: boolean;
  events: { at: number; text: string }[];
}

/** Probes one address until it has passed `successes` times in a row, the deadline is reached, or waiting cannot help. */
export async function watch(
  o: WatchOptions,
  ports: { probe: Probe; clock: Clock; say(text: string): void },
): Promise<Verdict> {
  const { clock } = ports;
  const verdict: Verdict = {
    url: o.url,
    healthy: false,
    attempts: 0,
    latencies: [],
    identity: {},
    timedOut: false,
    events: [],
  };
  let inARow = 0;
  let last = '';
  let drops = 0;
  while (true) {
    const started = clock.now();
    const left = o.deadline - started;
    if (left <= 0) break;
    const attempted = await attempt(o, ports.probe, Math.min(o.attemptTimeoutMs, left), verdict);
    const { answer } = attempted;
    // An attempt that the deadline cut short says nothing of the service; what was seen before it does.
    const cut = attempted.failure?.reason === 'timeout' && left < o.attemptTimeoutMs;
    const failure = (cut && verdict.failure) || attempted.failure;
    if (failure === undefined && answer) {
      verdict.latencies.push(answer.ms);
      inARow++;
      if (inARow >= o.successes) return { ...verdict, healthy: true };
    } else if (failure) {
      if (inARow > 0) drops++;
      inARow = 0;
      verdict.failure = failure;
    }
    const text = failure ? `${failure.reason}: ${failure.cause}` : 'passes';
    if (text !== last) {
      verdict.events.push({ at: clock.now(), text });
      ports.say(`${o.url} ${text}`);
      last = text;
    }
    if (failure?.final && o.failFast) return verdict;
    const rest = Math.min(o.intervalMs - (clock.now() - started), o.deadline - clock.now());
    if (rest > 0) await clock.sleep(rest, o.signal);
  }
  verdict.timedOut = true;
  if (drops > 0 && verdict.failure) verdict.failure = flapping(drops, verdict.failure);
  return verdict;
}

async function attempt(
  o: WatchOptions,
  probe: Probe,
  timeoutMs: number,
  verdict: Verdict,
): Promise<{ answer?: Answer; failure?: Failure }> {
  verdict.attempts++;
  const result = await probe(o.url, timeoutMs, o.signal);
  if (isFailure(result)) return { failure: result };
  const judgement = judge(result, o.expect, o.identityPaths);
  verdict.identity = { ...verdict.identity, ...judgement.identity };
  return judgement.failure ? { answer: result, failure: judgement.failure } : { answer: result };
}

function flapping(drops: number, last: Failure): Failure {
  return {
    reason: 'flapping',
    cause: `it passed and failed again ${drops} ${drops === 1 ? 'time' : 'times'}; last ${last.reason}: ${last.cause}`,
    final: false,
  };
}
