/** A moment of the chart. */
export interface Dot {
  /** Milliseconds from its beginning. */
  atMs: number;
  ms: number;
}

const BUCKETS = 40;

/**
 * Latency over time as a Mermaid xychart: the worst and the median of each part of the time. Only plain words and numbers stand in it,
 * since GitHub shows an error where a chart cannot be read. '' for fewer than two moments.
 */
export function latencyChart(dots: readonly Dot[], lengthMs: number): string {
  if (dots.length < 2) return '';
  const count = Math.min(BUCKETS, dots.length);
  const length = Math.max(lengthMs, 1);
  const buckets = Array.from({ length: count }, (): number[] => []);
  for (const { atMs, ms } of dots)
    buckets[Math.min(count - 1, Math.max(0, Math.floor((atMs / length) * count)))]?.push(ms);
  const filled = buckets.flatMap((values, i) =>
    values.length === 0 ? [] : [{ at: ((i + 0.5) * length) / count, values }],
  );
  if (filled.length < 2) return '';
  const worst = filled.map(({ values }) => round(Math.max(...values)));
  const middle = filled.map(({ values }) =>
    round(values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0),
  );
  const labels = filled.map(({ at }) => `"${tick(at, length)}"`);
  const top = Math.max(1, ...worst);
  return [
    'xychart-beta',
    '    title "Latency in ms over time: slowest (upper line) and median (lower line)"',
    `    x-axis [${labels.join(', ')}]`,
    `    y-axis "ms" 0 --> ${round(top * 1.1)}`,
    `    line [${worst.join(', ')}]`,
    `    line [${middle.join(', ')}]`,
    '',
  ].join('\n');
}

function tick(ms: number, length: number): string {
  const seconds = ms / 1000;
  return length < 10_000 ? `${seconds.toFixed(1)}s` : `${Math.round(seconds)}s`;
}

function round(ms: number): number {
  return ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms);
}
