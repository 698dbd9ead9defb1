import type { BaselineConfig, SoakConfig } from '../../../lib/config/verify.ts';
import { Problem } from '../../../lib/errors.ts';
import { parseDuration } from '../../../lib/inputs.ts';
import type { Failure, FailureReason } from '../failure.ts';
import { type Sample, type Schedule, sizeOf } from './open-loop.ts';
import { fisherWorse, percentile } from './statistics.ts';

/** What is asked of a soak, with defaults settled; durations in milliseconds. */
export interface SoakRules extends Schedule {
  /** Percent. */
  successRate: number;
  limits: { p50?: number; p95?: number; p99?: number };
  minSamples: number;
  connections: 'keep' | 'new';
}

/** @throws Problem for more samples than there will be probes */
export function soakRules(config: SoakConfig): SoakRules {
  const ms = (text: string | undefined) => (text === undefined ? undefined : parseDuration(text));
  const schedule = { rate: config.rate ?? 5, durationMs: ms(config.duration) ?? 0 };
  const limits = { p50: ms(config.p50), p95: ms(config.p95), p99: ms(config.p99) };
  return {
    ...schedule,
    successRate: config['success-rate'] ?? 99,
    limits: Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined)),
    minSamples: reachable(config['min-samples'], sizeOf(schedule)) ?? Math.min(20, sizeOf(schedule)),
    connections: config.connections ?? 'keep',
  };
}

function reachable(least: number | undefined, size: number): number | undefined {
  if (least === undefined || least <= size) return least;
  throw new Problem({
    what: "input 'soak', min-samples",
    seen: String(least),
    cause: `duration and rate make ${size} probes, so that there can never be so many`,
    fix: 'Raise `duration` or `rate`, or lower `min-samples`',
  });
}

/** A soak in numbers. */
export interface Figures {
  samples: number;
  failed: number;
  p50?: number | undefined;
  p95?: number | undefined;
  p99?: number | undefined;
  /** Percentiles of this machine's own delay in sending, which is in the latency. */
  lateP95?: number | undefined;
  lateP99?: number | undefined;
  /** Failures by what they say, most frequent first. */
  failures: { reason: FailureReason; cause: string; times: number }[];
}

export function figuresOf(samples: readonly Sample[]): Figures {
  const latencies = samples.map(({ ms }) => ms);
  const delays = samples.map(({ lateMs }) => lateMs);
  const at = (share: number) => percentile(latencies, share);
  const counts = new Map<string, { reason: FailureReason; cause: string; times: number }>();
  for (const { failure } of samples) {
    if (!failure) continue;
    // Numbers in a cause differ from probe to probe, its kind does not.
    const key = `${failure.reason} ${failure.cause.replace(/[\d.]+ ms/g, 'n ms')}`;
    const { times = 0 } = counts.get(key) ?? {};
    counts.set(key, { reason: failure.reason, cause: failure.cause, times: times + 1 });
  }
  return {
    samples: samples.length,
    failed: samples.filter((s) => s.failure).length,
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    lateP95: percentile(delays, 0.95),
    lateP99: percentile(delays, 0.99),
    failures: [...counts.values()].sort((a, b) => b.times - a.times),
  };
}

/** Failures that the success rate leaves room for; one more, and going on proves nothing. */
export function failuresAllowed(rules: SoakRules): number {
  return Math.floor(sizeOf(rules) * (1 - rules.successRate / 100) + 1e-9);
}

/** What a soak shows by itself; undefined where it is as asked. Pure. */
export function judgeSoak(figures: Figures, rules: SoakRules): Failure | undefined {
  const { samples, failed, failures } = figures;
  const [most] = failures;
  if (failed > failuresAllowed(rules) && most) {
    const others = failures.length > 1 ? ` and ${failed - most.times} others` : '';
    const rate = percentText(samples - failed, samples);
    const cause = `only ${rate} of ${samples} probes passed in the soak, expected ${rules.successRate} %: ${most.times} × ${most.cause}${others}`;
    return { reason: most.reason, cause, final: true };
  }
  if (samples < rules.minSamples)
    return fault(`the soak has only ${samples} samples, and at least ${rules.minSamples} were asked for`);
  for (const name of ['p50', 'p95', 'p99'] as const) {
    const [limit, value] = [rules.limits[name], figures[name]];
    if (limit !== undefined && value !== undefined && value > limit)
      return fault(
        `${name} of the latency was ${msText(value)} over ${samples} probes, expected ${msText(limit)} or less`,
      );
  }
  return undefined;
}

function fault(cause: string): Failure {
  return { reason: 'assert', cause, final: true };
}

export interface Comparison {
  /** Chance of a false alarm. */
  significance: number;
  ratio: number;
  slackMs: number;
}

export function comparison(config: BaselineConfig): Comparison {
  return {
    significance: config.significance ?? 0.01,
    ratio: config['p95-ratio'] ?? 1.5,
    slackMs: parseDuration(config['p95-slack'] ?? '20ms') ?? 0,
  };
}

/** Fewest samples that have a 95th percentile worth comparing. */
const ENOUGH = 20;

export interface Compared {
  failure?: Failure;
  /** What was compared, in sentences. */
  notes: string[];
}

type Before = Pick<Figures, 'samples' | 'failed' | 'p95'>;

/** A soak beside what served before: errors by an exact test, the p95 by its ratio. Pure. */
export function compare(before: Before, now: Figures, by: Comparison): Compared {
  const notes: string[] = [];
  const p = fisherWorse({ bad: before.failed, total: before.samples }, { bad: now.failed, total: now.samples });
  const rates = `${percentText(now.failed, now.samples)} of ${now.samples} probes failed, ${percentText(before.failed, before.samples)} of ${before.samples} before`;
  notes.push(`${rates} (p = ${chance(p)})`);
  if (p < by.significance && now.failed > 0) {
    const [most] = now.failures;
    const cause = `${rates}; by chance alone that happens once in ${Math.round(1 / p).toLocaleString('en')} (${most?.cause ?? ''})`;
    return { notes, failure: { reason: 'regression', cause, final: true } };
  }
  const old = before.p95;
  const fresh = now.p95;
  if (old === undefined || fresh === undefined || before.samples - before.failed < ENOUGH || now.samples < ENOUGH) {
    notes.push(`the p95 is not compared: that takes ${ENOUGH} answers on both sides`);
    return { notes };
  }
  const said = `p95 is ${msText(fresh)}, ${msText(old)} before (× ${(fresh / old).toFixed(2)})`;
  notes.push(said);
  // A runner that is late itself makes no service slow.
  const served = fresh - (now.lateP95 ?? 0);
  if (served > old * by.ratio && served - old > by.slackMs)
    return { notes, failure: { reason: 'regression', cause: `the ${said}; × ${by.ratio} is allowed`, final: true } };
  return { notes };
}

function chance(p: number): string {
  return p >= 0.001 ? p.toFixed(3) : p.toExponential(1);
}

export function msText(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${ms.toFixed(0)} ms`;
}

export function percentText(part: number, whole: number): string {
  if (whole === 0) return '0 %';
  const percent = (part / whole) * 100;
  const text = percent.toFixed(percent > 99 || percent < 1 ? 2 : 1).replace(/\.0+$/, '');
  // Not all is never called all.
  return `${text === '100' && part < whole ? '99.99' : text} %`;
}
