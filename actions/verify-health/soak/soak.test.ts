import { describe, expect, test } from '@jest/globals';
import { named } from '../../../test/support/named.ts';
import type { FailureReason } from '../failure.ts';
import { baselineText, parseBaseline } from './baseline.ts';
import { openLoop, type Sample, sizeOf } from './open-loop.ts';
import {
  compare,
  comparison,
  type Figures,
  failuresAllowed,
  figuresOf,
  judgeSoak,
  percentText,
  soakRules,
} from './soak.ts';

/** Time that passes only when somebody sleeps. */
function virtualTime() {
  let time = 0;
  const wakes: { at: number; wake(): void }[] = [];
  return {
    now: () => time,
    sleep: (ms: number) => new Promise<void>((wake) => void wakes.push({ at: time + ms, wake })),
    /** Wakes who is due next, until nobody sleeps. */
    async run() {
      for (;;) {
        await new Promise(setImmediate);
        const [next] = wakes.sort((a, b) => a.at - b.at).splice(0, 1);
        if (!next) return;
        time = Math.max(time, next.at);
        next.wake();
      }
    },
  };
}

const SICK = { reason: 'status' as const, cause: 'it answered 500, expected 2xx', final: false };
const never = () => false;
const alive = new AbortController().signal;

describe('open loop', () => {
  test('a service that stands still makes the probes wait that were due meanwhile: none is left out', async () => {
    const time = virtualTime();
    // Answers in 10 ms, but for the second from 1 s to 2 s, in which nothing is answered.
    const probe = async () => {
      const ready = time.now() >= 1000 && time.now() < 2000 ? 2000 : time.now();
      await time.sleep(ready - time.now() + 10);
      return undefined;
    };
    const running = openLoop({ rate: 10, durationMs: 3000 }, probe, never, alive, time);
    await time.run();
    const samples = await running;
    expect(samples).toHaveLength(30);
    const { p50, p95 } = figuresOf(samples);
    // Ten of thirty waited, for 1010 ms down to 110 ms. A closed loop would have sent one of them, and found a p95 of 10 ms.
    expect([p50, p95]).toEqual([10, 910]);
  });

  test('what this machine sends late counts from when it was due, and is told', async () => {
    const time = virtualTime();
    const late = { ...time, sleep: (ms: number) => time.sleep(ms + 30) };
    const running = openLoop({ rate: 10, durationMs: 500 }, async () => undefined, never, alive, late);
    await time.run();
    const samples = await running;
    expect(samples.map(({ ms }) => ms)).toEqual([0, 30, 30, 30, 30]);
    expect(figuresOf(samples).lateP99).toBe(30);
  });

  test('ends when it is told that that is enough', async () => {
    const time = virtualTime();
    let failed = 0;
    const running = openLoop(
      { rate: 10, durationMs: 60_000 },
      async () => SICK,
      () => ++failed > 3,
      alive,
      time,
    );
    await time.run();
    expect((await running).length).toBe(4);
  });

  test('ends at once when the run is stopped, whatever is under way', async () => {
    const time = virtualTime();
    const stop = new AbortController();
    const running = openLoop(
      { rate: 10, durationMs: 1000 },
      () => new Promise(() => undefined),
      never,
      stop.signal,
      time,
    );
    stop.abort();
    await time.run();
    expect(await running).toEqual([]);
  });
});

const samples = (good: number, bad: number, ms = 20): Sample[] =>
  Array.from({ length: good + bad }, (_, i) => ({
    dueMs: i * 100,
    ms,
    lateMs: 0,
    failure: i < bad ? SICK : undefined,
  }));

describe('a soak by itself', () => {
  const rules = soakRules({ duration: '10s', rate: 10, 'success-rate': 99, p95: '100ms', 'min-samples': 50 });
  test('has room for so many failures', () => {
    expect([sizeOf(rules), failuresAllowed(rules)]).toEqual([100, 1]);
    expect(failuresAllowed(soakRules({ duration: '10s', rate: 10, 'success-rate': 100 }))).toBe(0);
    expect(soakRules({ duration: '2s', rate: 5 }).minSamples).toBe(10);
  });
  test.each(
    named<[what: string, given: Sample[], reason?: FailureReason, cause?: RegExp]>([
      ['one failure of a hundred is as asked', samples(99, 1)],
      [
        'two are not',
        samples(98, 2),
        'status',
        /^only 98 % of 100 probes passed in the soak, expected 99 %: 2 × it answered 500/,
      ],
      ['too few samples', samples(49, 0), 'assert', /^the soak has only 49 samples, and at least 50 were asked for$/],
      [
        'too slow',
        samples(100, 0, 101),
        'assert',
        /^p95 of the latency was 101 ms over 100 probes, expected 100 ms or less$/,
      ],
      ['just fast enough', samples(100, 0, 100)],
    ]),
  )('%s', (_name, [, given, reason, cause = /./]) => {
    const failure = judgeSoak(figuresOf(given), rules);
    expect(failure?.reason).toBe(reason);
    if (failure) expect(failure.cause).toMatch(cause);
  });
});

describe('compared with what served before', () => {
  const figures = (samples: number, failed: number, p95 = 100): Figures => ({
    samples,
    failed,
    p95,
    failures: failed > 0 ? [{ reason: 'status', cause: 'it answered 500', times: failed }] : [],
  });
  test.each(
    named<[what: string, before: Figures, now: Figures, cause?: RegExp]>([
      ['as good', figures(300, 0), figures(300, 0)],
      ['one failure more may be chance', figures(300, 0), figures(300, 1)],
      [
        'ten are not',
        figures(300, 0),
        figures(300, 10),
        /^3\.3 % of 300 probes failed, 0 % of 300 before; by chance alone that happens once in 1,\d{3} \(it answered 500\)$/,
      ],
      ['as bad as before is no regression', figures(300, 30), figures(300, 30)],
      ['few samples prove little', figures(10, 0), figures(10, 2)],
      [
        'slower',
        figures(300, 0, 100),
        figures(300, 0, 151),
        /^the p95 is 151 ms, 100 ms before \(× 1\.51\); × 1\.5 is allowed$/,
      ],
      [
        'slower, but for what the runner itself was late',
        figures(300, 0, 100),
        { ...figures(300, 0, 180), lateP95: 40 },
      ],
      ['slower, within the ratio', figures(300, 0, 100), figures(300, 0, 150)],
      ['slower by little, whatever the ratio', figures(300, 0, 2), figures(300, 0, 20)],
      ['too few answers before for a p95', figures(300, 290, 10), figures(300, 0, 1000)],
    ]),
  )('%s', (_name, [, before, now, cause]) => {
    const { failure } = compare(before, now, comparison({}));
    expect(failure?.reason).toBe(cause && 'regression');
    if (failure && cause) expect(failure.cause).toMatch(cause);
  });
});

test('a baseline is what was written, and nothing else is one', () => {
  const text = baselineText(0, 'keep', new Map([['web', figuresOf(samples(9, 1))]]), { requests: 5, errors: 1 });
  expect(parseBaseline(text)).toMatchObject({
    endpoints: { web: { samples: 10, failed: 1, p95: 20 } },
    'load-balancer': { requests: 5, errors: 1 },
  });
  for (const other of ['', 'baseline.json', '{}', '{"version":2}'])
    expect(() => parseBaseline(other)).toThrow(/neither a baseline that this action recorded nor the path of one/);
});

test('a share is never said to be all or nothing when it is not', () => {
  expect([percentText(99_999, 100_000), percentText(1, 3), percentText(5, 5), percentText(0, 0)]).toEqual([
    '99.99 %',
    '33.3 %',
    '100 %',
    '0 %',
  ]);
});
