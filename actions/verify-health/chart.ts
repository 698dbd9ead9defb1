/** A moment of the chart. */
export interface Dot {
  /** Milliseconds from its beginning. */
  atMs: number;
  ms: number;
}

const MOST_PARTS = 40;

/** The default colour of a first line can hardly be seen on white; these can on both of GitHub's backgrounds. */
const COLOURS = '%%{init: {"themeVariables": {"xyChart": {"plotColorPalette": "#d1242f, #4493f8"}}}}%%';

/**
 * Latency over time as a Mermaid xychart: the slowest and the median of each part of the time. Only plain words and numbers stand in it, since
 * GitHub shows an error where a chart cannot be read; and the time is an axis of numbers, since names that occur twice would be drawn as
 * one. A line on such an axis has no gaps: a part without a probe repeats the one before. '' for fewer than two parts.
 */
export function latencyChart(dots: readonly Dot[], lengthMs: number): string {
  const length = Math.max(lengthMs, 1);
  const count = Math.min(MOST_PARTS, dots.length);
  const parts = Array.from({ length: count }, (): number[] => []);
  for (const { atMs, ms } of dots)
    parts[Math.min(count - 1, Math.max(0, Math.floor((atMs / length) * count)))]?.push(ms);
  const first = parts.findIndex((values) => values.length > 0);
  if (parts.filter((values) => values.length > 0).length < 2) return '';
  let last: number[] = parts[first] ?? [];
  const filled = parts.map((values) => {
    last = values.length > 0 ? values : last;
    return last;
  });
  // A long soak has more values in a part than a call takes arguments.
  const slowest = filled.map((values) => round(values.reduce((a, b) => Math.max(a, b), 0)));
  const middle = filled.map((values) =>
    round(values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0),
  );
  return [
    COLOURS,
    'xychart-beta',
    '    title "Latency: slowest probe (upper line) and median (lower line)"',
    `    x-axis "seconds" 0 --> ${Math.max(0.1, Math.round(length / 100) / 10)}`,
    `    y-axis "ms" 0 --> ${round(Math.max(1, ...slowest) * 1.1)}`,
    `    line [${slowest.join(', ')}]`,
    `    line [${middle.join(', ')}]`,
    '',
  ].join('\n');
}

function round(ms: number): number {
  return ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms);
}
