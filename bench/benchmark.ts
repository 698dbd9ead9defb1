/** One number of one case. */
export interface Measure {
  name: string;
  value: number;
  unit: 'ms' | 'kB' | 'MB' | 'MiB' | 'count';
  /** What it may be at most. */
  limit?: number;
  /** Over the limit, the whole run fails; times only get a mark, since machines differ. */
  hard?: boolean;
}

export interface Case {
  name: string;
  measures: Measure[];
  /** The case that the others are compared with. */
  peer?: boolean;
  /** Other work than the peer's: it is not compared. */
  apart?: boolean;
}

export interface BenchOptions {
  /** Folder of the bundles. */
  dist: string;
  /** A bundle of another project, run beside ours. */
  peer: string | undefined;
  /** How often each case is timed. */
  rounds: number;
}

/** What a file NAME.bench.ts exports by default. */
export interface Benchmark {
  title: string;
  run(options: BenchOptions): Promise<Case[]>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  if (low === undefined || high === undefined) throw new Error('no values to take the median of');
  return (low + high) / 2;
}

export function isOver({ value, limit }: Measure): boolean {
  return limit !== undefined && value > limit;
}

/** A table of cases by measures: the value, its limit when it is over, and how much of the peer's it is. */
export function table(cases: readonly Case[]): string {
  const names = [...new Set(cases.flatMap((c) => c.measures.map((m) => m.name)))];
  const peer = cases.find((c) => c.peer);
  const rows = cases.map((c) => [
    c.name,
    ...names.map((name) => {
      const measure = c.measures.find((m) => m.name === name);
      return measure ? cell(measure, c.peer || c.apart ? undefined : peer?.measures.find((m) => m.name === name)) : '-';
    }),
  ]);
  const all = [['', ...names], ...rows];
  const widths = all[0]?.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0))) ?? [];
  return all
    .map((row) =>
      row.map((text, i) => (i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0))).join('  '),
    )
    .join('\n');
}

const DIGITS: Readonly<Partial<Record<Measure['unit'], number>>> = { MB: 2, MiB: 1 };

function cell(measure: Measure, peer: Measure | undefined): string {
  const { value, unit, limit } = measure;
  const digits = DIGITS[unit] ?? 0;
  const parts = [`${value.toFixed(digits)} ${unit}`];
  if (peer && peer.value > 0) parts.push(`(x${(value / peer.value).toFixed(2)})`);
  if (isOver(measure)) parts.push(`OVER ${limit} ${unit}`);
  return parts.join(' ');
}
