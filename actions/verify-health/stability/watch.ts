import type { Clock } from '../../../lib/clock.ts';
import { cancelled } from '../../../lib/errors.ts';
import { judge } from '../expect/judge.ts';
import { type Failure, failureText } from '../failure.ts';
import { type Prober, redacted, type Seen, withoutSecrets } from '../probe.ts';
import type { Target } from '../target.ts';
import { type Pace, pauseAfter } from './backoff.ts';
import { instanceOf, Rota } from './instance.ts';
import { count, explain, isStable, type Look, NEW_STREAK, type Rules, type Streak } from './streak.ts';

export interface WatchOptions extends Pace {
  successes: number;
  /** Milliseconds since the epoch. */
  deadline: number;
  failFast: boolean;
  /** Fires when another address has decided the outcome already. */
  decided?: AbortSignal;
  /** Of the run: it is cancelled. */
  signal: AbortSignal;
}

export interface WatchPorts {
  prober: Prober;
  clock: Clock;
  random(): number;
  say(text: string): void;
}

/** One attempt as the chart shows it. */
export interface Point {
  /** Milliseconds since the epoch. */
  at: number;
  ms: number;
  passed: boolean;
}

/** What was learned of one address. */
export interface Verdict {
  target: Target;
  healthy: boolean;
  attempts: number;
  points: Point[];
  identity: Record<string, unknown>;
  /** Instances that reported it. */
  instances: string[];
  /** Why it is not healthy; where it is, the last failure before. */
  failure?: Failure;
  timedOut: boolean;
  /** Another address had decided the outcome already. */
  leftAlone?: true;
  /** Of the last attempt. */
  seen?: Seen;
  events: { at: number; text: string }[];
}

/** Probes one address until it is stable, the deadline is reached, or waiting cannot help. @throws Problem kind `cancelled` */
export async function watch(target: Target, o: WatchOptions, ports: WatchPorts): Promise<Verdict> {
  const { clock } = ports;
  const verdict: Verdict = {
    target,
    healthy: false,
    attempts: 0,
    points: [],
    identity: {},
    instances: [],
    timedOut: false,
    events: [],
  };
  const stop = o.decided ? AbortSignal.any([o.signal, o.decided]) : o.signal;
  const rota = new Rota();
  let streak = NEW_STREAK;
  let failures = 0;
  let told = '';
  const end = (extra: Partial<Verdict>): Verdict => ({ ...verdict, instances: [...streak.seen], ...extra });
  const alone = () => end({ leftAlone: true, failure: explain(streak, rulesOf(target, o, rota)) });
  for (;;) {
    const left = o.deadline - clock.now();
    if (left <= 0) break;
    if (o.decided?.aborted) return alone();
    const timeoutMs = Math.min(target.attemptMs, left);
    const choose = target.instances?.by === 'address' ? rota.choose : undefined;
    const seen = await ports.prober.probe(target, { timeoutMs, signal: stop, choose });
    if (o.signal.aborted) throw cancelled('verification');
    if (o.decided?.aborted) return alone();
    const look = lookAt(target, seen, clock.now());
    verdict.attempts++;
    verdict.seen = seen;
    verdict.identity = { ...verdict.identity, ...look.identity };
    // An attempt that the deadline cut short says nothing of the service; what was seen before it does.
    if (look.failure?.reason === 'timeout' && left < target.attemptMs && verdict.attempts > 1) break;
    verdict.points.push({ at: clock.now(), ms: seen.ms, passed: look.failure === undefined });
    streak = count(streak, look);
    if (streak.last) verdict.failure = streak.last;
    const text = look.failure ? failureText(look.failure) : 'passes';
    if (text !== told) {
      verdict.events.push({ at: clock.now(), text });
      ports.say(`${target.name} ${text}`);
      told = text;
    }
    if (look.failure?.final && o.failFast) return end({ failure: look.failure });
    if (isStable(streak, rulesOf(target, o, rota))) return end({ healthy: true });
    failures = look.failure ? failures + 1 : 0;
    const rest = Math.min(pauseAfter(failures, o, ports.random), o.deadline - clock.now());
    if (rest > 0)
      await clock.sleep(rest, stop).catch((error) => {
        if (o.signal.aborted || !o.decided?.aborted) throw error;
      });
  }
  return end({ timedOut: true, failure: explain(streak, rulesOf(target, o, rota)) });
}

function rulesOf({ instances }: Target, { successes }: WatchOptions, rota: Rota): Rules {
  return {
    successes,
    by: instances?.by,
    instances: instances && (instances.count ?? (instances.by === 'address' ? rota.size : 1)),
  };
}

/** What an attempt means. */
export function lookAt(target: Target, seen: Seen, now: number): Look {
  const instance = target.instances && instanceOf(seen, target.instances);
  if (!seen.answer) return { failure: seen.failure, identity: {}, stable: {}, instance };
  const { failure, identity, stable } = judge(seen.answer, target.wanted, now);
  return {
    identity: cleaned(identity, target),
    stable,
    instance: instance && withoutSecrets(instance, target),
    ...(failure && { failure: redacted(failure, target) }),
  };
}

/** An answer may say of itself what it was sent. */
function cleaned(identity: Record<string, unknown>, target: Target): Record<string, unknown> {
  if (target.secrets.length === 0) return identity;
  return JSON.parse(withoutSecrets(JSON.stringify(identity), target));
}

export type { Streak };
