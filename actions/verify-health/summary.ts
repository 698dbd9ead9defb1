import { humanDuration } from '../../lib/clock.ts';
import { isGood, type Outcome } from '../../lib/outcome.ts';
import { code, details, escapeCell, escapeText, heading, mermaid, table } from '../../lib/summary.ts';
import type { Timings } from './answer.ts';
import { latencyChart } from './chart.ts';
import { failureText } from './failure.ts';
import type { Soaked } from './soak/run-soak.ts';
import { msText, percentText } from './soak/soak.ts';
import { percentile } from './soak/statistics.ts';
import type { Verdict } from './stability/watch.ts';

/** Everything that a run found out, from which its summary is made. */
export interface Story {
  verdicts: Verdict[];
  soaked: Soaked[];
  /** What was compared, in sentences. */
  notes: string[];
  startedAt: number;
  endedAt: number;
}

/** Changes that are shown; what flaps for hours would fill the summary. */
const MOST_EVENTS = 200;

export function summaryOf(story: Story, outcome: Outcome): string {
  const took = humanDuration(story.endedAt - story.startedAt);
  return (
    heading(3, isGood(outcome) ? `✅ Healthy after ${took}` : `❌ Not healthy after ${took}`) +
    (outcome.cause === '' ? '' : `${escapeText(outcome.cause)}\n\n`) +
    (outcome.next === undefined ? '' : `**Next:** ${outcome.next}.\n\n`) +
    table(['Address', 'State', 'Probes', 'p95', 'Instances', 'Says of itself'], story.verdicts.map(verdictRow)) +
    soakTable(story.soaked) +
    failuresOf(story.soaked) +
    list(story.notes) +
    chartOf(story) +
    timeline(story)
  );
}

export function baselineSummary(soaked: readonly Soaked[], tookMs: number): string {
  return heading(3, `📏 Baseline, measured for ${humanDuration(tookMs)}`) + soakTable(soaked) + failuresOf(soaked);
}

function verdictRow({
  target,
  healthy,
  leftAlone,
  failure,
  attempts,
  points,
  instances,
  identity,
  seen,
}: Verdict): string[] {
  const p95 = percentile(
    points.filter((p) => p.passed).map((p) => p.ms),
    0.95,
  );
  return [
    code(target.name),
    healthy ? '✅ healthy' : leftAlone ? '⏹️ not waited for' : `❌ ${failure?.reason ?? 'timeout'}`,
    String(attempts),
    p95 === undefined ? '' : `${msText(p95)}${parts(seen?.timings)}`,
    instances.length === 0 ? '' : code(instances.join(', ')),
    Object.keys(identity).length === 0 ? '' : code(JSON.stringify(identity)),
  ];
}

/** Where the time of the last attempt went. */
function parts(timings: Timings | undefined): string {
  const names = [
    ['dns', 'DNS'],
    ['connect', 'connect'],
    ['tls', 'TLS'],
    ['firstByte', 'first byte'],
  ] as const;
  const known = names.flatMap(([key, name]) =>
    timings?.[key] === undefined ? [] : [`${name} ${msText(timings[key])}`],
  );
  return known.length === 0 ? '' : `<br><sub>last: ${known.join(', ')}</sub>`;
}

function soakTable(soaked: readonly Soaked[]): string {
  if (soaked.length === 0) return '';
  const ms = (value: number | undefined) => (value === undefined ? '' : msText(value));
  const rows = soaked.map(({ target, figures: f }) => [
    code(target.name),
    String(f.samples),
    percentText(f.samples - f.failed, f.samples),
    ms(f.p50),
    ms(f.p95),
    ms(f.p99),
    ms(f.lateP99),
  ]);
  return table(['Soak', 'Probes', 'Passed', 'p50', 'p95', 'p99', 'Sent late (p99)'], rows);
}

function failuresOf(soaked: readonly Soaked[]): string {
  return list(
    soaked.flatMap(({ target, figures }) =>
      figures.failures.slice(0, 5).map(({ times, cause }) => `${target.name}: ${times} × ${cause}`),
    ),
  );
}

function list(sentences: readonly string[]): string {
  return sentences.length === 0
    ? ''
    : `${sentences.map((s) => `- ${escapeText(s.replace(/\s+/g, ' '))}`).join('\n')}\n\n`;
}

function chartOf({ verdicts, soaked, startedAt, endedAt }: Story): string {
  const waited = verdicts.flatMap(({ points }) => points.map(({ at, ms }) => ({ atMs: at - startedAt, ms })));
  const steady = soaked.flatMap((s) =>
    s.samples.map(({ dueMs, ms }) => ({ atMs: s.startedAt - startedAt + dueMs, ms })),
  );
  const chart = latencyChart([...waited, ...steady], endedAt - startedAt);
  return chart === '' ? '' : mermaid(chart);
}

function timeline({ verdicts, soaked, startedAt }: Story): string {
  const events = [
    ...verdicts.flatMap(({ events, target }) => events.map((event) => ({ ...event, name: target.name }))),
    ...soaked.flatMap((s) => [
      { at: s.startedAt, name: s.target.name, text: 'the soak begins' },
      ...firstFailure(s),
      {
        at: s.endedAt,
        name: s.target.name,
        text: `the soak ends: ${s.figures.failed} of ${s.figures.samples} probes failed`,
      },
    ]),
  ].toSorted((a, b) => a.at - b.at);
  if (events.length === 0) return '';
  const shown =
    events.length <= MOST_EVENTS ? events : [...events.slice(0, MOST_EVENTS / 2), ...events.slice(-MOST_EVENTS / 2)];
  const rows = shown.map((e) => [humanDuration(Math.max(0, e.at - startedAt)), code(e.name), escapeCell(e.text)]);
  const left = events.length > shown.length ? ` (${events.length - shown.length} in the middle left out)` : '';
  return details(`Timeline${left}`, table(['After', 'Address', 'What changed'], rows));
}

/** The rest of them stands in the list of what was seen how often. */
function firstFailure({ samples, startedAt, target }: Soaked): { at: number; name: string; text: string }[] {
  const first = samples.find(({ failure }) => failure);
  if (!first?.failure) return [];
  return [{ at: startedAt + first.dueMs, name: target.name, text: failureText(first.failure) }];
}
