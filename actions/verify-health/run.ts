import { createHash } from 'node:crypto';
import { humanDuration } from '../../lib/clock.ts';
import { Problem } from '../../lib/errors.ts';
import type { Outcome } from '../../lib/outcome.ts';
import type { Report } from '../../lib/report.ts';
import { dimensionsOf, judgeBalancer, minutesOf, settledCounts } from './balancer/metrics.ts';
import { type Failure, failureText } from './failure.ts';
import type { VerifyInputs } from './inputs.ts';
import { NEXT } from './next.ts';
import { targetsOf } from './plan.ts';
import type { VerifyPorts } from './ports.ts';
import { type Baseline, baselineText, parseBaseline } from './soak/baseline.ts';
import { runSoak, type Soaked } from './soak/run-soak.ts';
import { compare, comparison, judgeSoak, msText, type SoakRules, soakRules } from './soak/soak.ts';
import { percentile } from './soak/statistics.ts';
import { type Verdict, watch } from './stability/watch.ts';
import { baselineSummary, type Story, summaryOf } from './summary.ts';
import type { Target } from './target.ts';

/** Probes all addresses side by side; healthy when every one is stable, and bears the soak where one is asked for. */
export async function run(inputs: VerifyInputs, ports: VerifyPorts): Promise<Report> {
  const targets = await targetsOf(inputs, ports);
  if (inputs.soak) soakRules(inputs.soak);
  for (const secret of targets.flatMap((target) => target.secrets)) ports.log.mask(secret);
  return inputs.operation === 'baseline' ? record(targets, inputs, ports) : verify(targets, inputs, ports);
}

/** Measures what serves now. That it is ill, or not there yet, is no fault of the deployment to come. */
async function record(targets: Target[], inputs: VerifyInputs, ports: VerifyPorts): Promise<Report> {
  const { clock, log } = ports;
  const rules = soakRules(inputs.soak ?? { duration: '30s' });
  const dimensions = inputs['load-balancer'] && dimensionsOf(inputs['load-balancer']);
  const startedAt = clock.now();
  log.info(`Measuring what serves now for ${humanDuration(rules.durationMs)}, ${rules.rate} probes a second`);
  const soaked = await runSoak(targets, rules, true, ports);
  const endedAt = clock.now();
  for (const { target, figures } of soaked)
    if (figures.failed === figures.samples)
      log.info(
        `${target.name}: nothing healthy serves there yet (${figures.failures[0]?.cause ?? ''}); that is its baseline`,
      );
  const metrics = dimensions && (await ports.openMetrics());
  // The hour before: it is there without waiting, and says more than the last seconds would.
  const hour = minutesOf(startedAt - 3_600_000, startedAt);
  const counts = metrics && dimensions && (await metrics.counts(dimensions, hour.from, hour.to));
  const text = baselineText(
    startedAt,
    rules.connections,
    new Map(soaked.map(({ target, figures }) => [target.name, figures])),
    counts && { requests: counts.requests, errors: counts.errors },
  );
  const file = await ports.writeText(`slipway-baseline-${shortHash(targets)}.json`, `${text}\n`);
  for (const { target, figures } of soaked)
    log.info(
      `${target.name}: ${figures.samples} probes, ${figures.failed} failed, p95 ${figures.p95 === undefined ? 'unknown' : msText(figures.p95)}`,
    );
  return {
    outcome: { status: 'succeeded', cause: '' },
    outputs: {
      ...figuresOutputs(soaked),
      attempts: String(sum(soaked, (s) => s.figures.samples)),
      baseline: text,
      'baseline-file': file,
    },
    summary: baselineSummary(soaked, endedAt - startedAt),
  };
}

async function verify(targets: Target[], inputs: VerifyInputs, ports: VerifyPorts): Promise<Report> {
  const { clock } = ports;
  const known = inputs.baseline === '' ? undefined : parseBaseline(await baselineOf(inputs.baseline, ports));
  if (known && !inputs.soak) throw soakMissing();
  if (known && inputs.soak) checkComparable(known, soakRules(inputs.soak), targets);
  const balancer = inputs['load-balancer'];
  const dimensions = balancer && dimensionsOf(balancer);
  // Asked once before anything is waited for: a call that is denied should not come to light after the soak.
  const metrics = dimensions && (await ports.openMetrics());
  const startedAt = clock.now();
  if (metrics && dimensions) await metrics.counts(dimensions, ...range(startedAt - 60_000, startedAt));
  const verdicts = await waitUntilStable(targets, inputs, startedAt, ports);
  const story: Story = { verdicts, soaked: [], notes: [], startedAt, endedAt: clock.now() };
  let outcome = outcomeOf(verdicts, inputs.timeout);
  let reason = unhealthy(verdicts)[0]?.failure?.reason;
  if (outcome.status === 'succeeded') {
    const failure = await goOn(targets, inputs, known, story, { ports, metrics, dimensions });
    story.endedAt = clock.now();
    reason = failure?.reason;
    if (failure)
      outcome = { status: 'failed', cause: failureText(failure), next: failure.next ?? NEXT[failure.reason] };
  }
  const { soaked } = story;
  return {
    outcome,
    outputs: {
      attempts: String(sum(verdicts, (v) => v.attempts) + sum(soaked, (s) => s.figures.samples)),
      identity: JSON.stringify(Object.fromEntries(verdicts.map((verdict) => [verdict.target.name, verdict.identity]))),
      instances: JSON.stringify(Object.fromEntries(verdicts.map(({ target, instances }) => [target.name, instances]))),
      ...(soaked.length > 0 ? figuresOutputs(soaked) : latencyOutputs(verdicts)),
      reason: reason ?? '',
    },
    summary: summaryOf(story, outcome),
  };
}

function range(from: number, to: number): [number, number] {
  const minutes = minutesOf(from, to);
  return [minutes.from, minutes.to];
}

async function waitUntilStable(
  targets: readonly Target[],
  inputs: VerifyInputs,
  startedAt: number,
  ports: VerifyPorts,
): Promise<Verdict[]> {
  const { clock, log, random, signal } = ports;
  const prober = ports.openProber('new');
  const say = (text: string) => log.info(`${humanDuration(clock.now() - startedAt).padStart(8)}  ${text}`);
  const decided = new AbortController();
  const options = {
    decided: decided.signal,
    successes: inputs.successes ?? 1,
    intervalMs: inputs.interval,
    maxIntervalMs: inputs['max-interval'],
    deadline: startedAt + inputs.timeout,
    failFast: inputs['fail-fast'],
    signal,
  };
  try {
    return await Promise.all(
      targets.map(async (target) => {
        const verdict = await watch(target, options, { prober, clock, random, say });
        // Waiting for the others could not change the outcome.
        if (!verdict.healthy && !verdict.timedOut) decided.abort();
        return verdict;
      }),
    );
  } finally {
    prober.close();
  }
}

interface Measuring {
  ports: VerifyPorts;
  metrics: Awaited<ReturnType<VerifyPorts['openMetrics']>> | undefined;
  dimensions: ReturnType<typeof dimensionsOf> | undefined;
}

/** Soak, comparison and the load balancer's own count, as far as each is asked for. @returns what is wrong */
async function goOn(
  targets: readonly Target[],
  inputs: VerifyInputs,
  known: Baseline | undefined,
  story: Story,
  { ports, metrics, dimensions }: Measuring,
): Promise<Failure | undefined> {
  const { log, clock, signal } = ports;
  const by = comparison(inputs['baseline-rules'] ?? {});
  const since = clock.now();
  let failure: Failure | undefined;
  if (inputs.soak) {
    const rules = soakRules(inputs.soak);
    log.info(`Healthy; soak for ${humanDuration(rules.durationMs)}, ${rules.rate} probes a second`);
    story.soaked = await runSoak(targets, rules, false, ports);
    for (const soaked of story.soaked) {
      failure ??= about(soaked.target, judgeSoak(soaked.figures, rules));
      failure ??= against(known, soaked, by, story.notes);
    }
  }
  if (failure || !metrics || !dimensions) return failure;
  log.info('Waiting for CloudWatch to have what the load balancer counted');
  const counts = await settledCounts(dimensions, { from: since, to: clock.now() }, inputs['load-balancer']?.wait, {
    metrics,
    clock,
    signal,
  });
  const mostPercent = inputs['load-balancer']?.['max-5xx-rate'] ?? 1;
  const judged = judgeBalancer(counts, known?.['load-balancer'], { mostPercent, by });
  story.notes.push(judged.note);
  return judged.failure;
}

function against(
  known: Baseline | undefined,
  { target, figures }: Soaked,
  by: ReturnType<typeof comparison>,
  notes: string[],
): Failure | undefined {
  if (!known) return undefined;
  const before = known.endpoints[target.name];
  if (!before) {
    notes.push(`${target.name}: the baseline does not know it, so it is not compared`);
    return undefined;
  }
  const compared = compare(before, figures, by);
  notes.push(...compared.notes.map((note) => `${target.name}: ${note}`));
  return about(target, compared.failure);
}

function about({ name }: Target, failure: Failure | undefined): Failure | undefined {
  return failure && { ...failure, cause: `${name}: ${failure.cause}` };
}

/** Those that were not waited for to the end come last: they did not decide anything. */
function unhealthy(verdicts: readonly Verdict[]): Verdict[] {
  return verdicts
    .filter(({ healthy }) => !healthy)
    .toSorted((a, b) => Number(a.leftAlone ?? false) - Number(b.leftAlone ?? false));
}

/** The outcome of all addresses together: the first that is not healthy decides. */
export function outcomeOf(verdicts: readonly Verdict[], timeoutMs: number): Outcome {
  const [bad, ...more] = unhealthy(verdicts);
  if (!bad) return { status: 'succeeded', cause: '' };
  const why = bad.failure ? failureText(bad.failure) : 'too few answers came in time';
  const alike = more.filter(({ leftAlone }) => !leftAlone).length;
  const others = alike > 0 ? ` (and ${alike} more)` : '';
  const next = NEXT[bad.failure?.reason ?? 'timeout'];
  const { name } = bad.target;
  if (bad.timedOut)
    return {
      status: 'timed-out',
      cause: `${name} was not healthy within ${humanDuration(timeoutMs)}: ${why}${others}`,
      next,
    };
  return { status: 'failed', cause: `${name} cannot become healthy by waiting: ${why}${others}`, next };
}

function latencyOutputs(verdicts: readonly Verdict[]): Record<string, string> {
  const latencies = verdicts.flatMap(({ points }) => points.filter((p) => p.passed).map((p) => p.ms));
  const at = (share: number) => percentile(latencies, share)?.toFixed(0) ?? '';
  return { 'latency-p50': at(0.5), 'latency-p95': at(0.95), 'latency-p99': at(0.99), 'success-rate': '' };
}

function figuresOutputs(soaked: readonly Soaked[]): Record<string, string> {
  const latencies = soaked.flatMap(({ samples }) => samples.map(({ ms }) => ms));
  const at = (share: number) => percentile(latencies, share)?.toFixed(1) ?? '';
  const [total, failed] = [latencies.length, sum(soaked, (s) => s.figures.failed)];
  const rate = total === 0 ? '' : String(Math.floor(((total - failed) / total) * 10_000) / 100);
  return { 'latency-p50': at(0.5), 'latency-p95': at(0.95), 'latency-p99': at(0.99), 'success-rate': rate };
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

async function baselineOf(given: string, { readText }: VerifyPorts): Promise<string> {
  if (given.trimStart().startsWith('{')) return given;
  try {
    return await readText(given);
  } catch {
    return given;
  }
}

/** Two baselines of one job must not meet in one file. */
function shortHash(targets: readonly Target[]): string {
  return createHash('sha256')
    .update(JSON.stringify(targets.map(({ name }) => name)))
    .digest('hex')
    .slice(0, 8);
}

/** A connection that is opened first takes a round trip more, and with TLS two: that would be a regression every time. */
function checkComparable(known: Baseline, { connections }: SoakRules, targets: readonly Target[]): void {
  if (!targets.some(({ name }) => known.endpoints[name]))
    throw new Problem({
      what: "input 'baseline'",
      seen: Object.keys(known.endpoints).join(', '),
      cause: `it is of other addresses than those probed here (${targets.map(({ name }) => name).join(', ')}), so that nothing would be compared`,
      fix: 'Give both steps the same `url`, or the same names in `endpoints`',
    });
  if (known.connections === connections) return;
  throw new Problem({
    what: "input 'baseline'",
    seen: `connections: ${known.connections}`,
    cause: `the soak has \`connections: ${connections}\`, so that its latency cannot be compared`,
    fix: 'Give both steps the same `soak`',
  });
}

function soakMissing(): Problem {
  return new Problem({
    what: "input 'baseline'",
    cause: 'there is nothing to compare with it: no soak is asked for',
    fix: 'Set `soak`, for instance to { duration: 1m, rate: 5 }, the same as when the baseline was recorded',
  });
}
