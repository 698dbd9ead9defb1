/** Value below or at which the share of the values lies, by nearest rank. @param share from 0 to 1 */
export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

export interface Counts {
  bad: number;
  total: number;
}

/**
 * Probability, if both were equally good, that at least so many of the bad ones fall on `now`: Fisher's exact test, one-sided. Exact also for
 * the few samples and few errors that a deployment has, where tests by the normal distribution are not.
 */
export function fisherWorse(before: Counts, now: Counts): number {
  const total = before.total + now.total;
  const bad = before.bad + now.bad;
  const most = Math.min(bad, now.total);
  let sum = 0;
  for (let k = now.bad; k <= most; k++) {
    const p = Math.exp(lnChoose(bad, k) + lnChoose(total - bad, now.total - k) - lnChoose(total, now.total));
    sum += p;
    // Beyond the mode the terms only fall.
    if (p < sum * 1e-12 && k > (bad * now.total) / total) break;
  }
  return Math.min(1, sum);
}

function lnChoose(n: number, k: number): number {
  return k < 0 || k > n ? Number.NEGATIVE_INFINITY : lnFactorial(n) - lnFactorial(k) - lnFactorial(n - k);
}

const SMALL = 256;
const TABLE: number[] = [0];
for (let n = 1; n < SMALL; n++) TABLE.push((TABLE[n - 1] ?? 0) + Math.log(n));

/** Exact sums for small numbers, Stirling's series for others (relative error below 1e-15 from 256 on). */
function lnFactorial(n: number): number {
  const small = TABLE[n];
  if (small !== undefined) return small;
  return n * Math.log(n) - n + Math.log(2 * Math.PI * n) / 2 + 1 / (12 * n) - 1 / (360 * n ** 3) + 1 / (1260 * n ** 5);
}
