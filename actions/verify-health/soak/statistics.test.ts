import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fisherWorse, percentile } from './statistics.ts';

test('percentiles by nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect([0, 0.5, 0.95, 0.99, 1].map((share) => percentile(hundred, share))).toEqual([1, 50, 95, 99, 100]);
  expect([percentile([], 0.5), percentile([7], 0.99)]).toEqual([undefined, 7]);
});

/** By whole numbers, straight from the definition. */
function exactly(before: { bad: number; total: number }, now: { bad: number; total: number }): number {
  const choose = (n: number, k: number): bigint => {
    let result = 1n;
    for (let i = 1; i <= k; i++) result = (result * BigInt(n - k + i)) / BigInt(i);
    return k < 0 || k > n ? 0n : result;
  };
  const [all, bad] = [before.total + now.total, before.bad + now.bad];
  let sum = 0n;
  for (let k = now.bad; k <= Math.min(bad, now.total); k++) sum += choose(bad, k) * choose(all - bad, now.total - k);
  return Number((sum * 10n ** 18n) / choose(all, now.total)) / 1e18;
}

describe('Fisher’s exact test', () => {
  // Of the literature: the lady tasting tea, and a table of R's fisher.test(alternative = "greater").
  test.each([
    [{ bad: 1, total: 4 }, { bad: 3, total: 4 }, 0.242857],
    [{ bad: 1, total: 12 }, { bad: 9, total: 12 }, 0.001379728],
    [{ bad: 0, total: 100 }, { bad: 0, total: 100 }, 1],
    [{ bad: 10, total: 10 }, { bad: 0, total: 10 }, 1],
    [{ bad: 0, total: 0 }, { bad: 5, total: 10 }, 1],
  ])('%j and then %j', (before, now, p) => {
    expect(fisherWorse(before, now)).toBeCloseTo(p, 6);
  });

  const counts = fc
    .integer({ min: 0, max: 300 })
    .chain((total) => fc.record({ total: fc.constant(total), bad: fc.integer({ min: 0, max: total }) }));
  test('is what the definition says, of any counts', () => {
    fc.assert(
      fc.property(counts, counts, (before, now) => {
        expect(fisherWorse(before, now)).toBeCloseTo(exactly(before, now), 9);
      }),
      { numRuns: 200 },
    );
  });

  test('counts of a busy load balancer take no time and stay a probability', () => {
    const p = fisherWorse({ bad: 5_000, total: 10_000_000 }, { bad: 5_400, total: 10_000_000 });
    expect(p).toBeGreaterThan(0);
    expect(p).toBeLessThan(0.001);
  });
});
