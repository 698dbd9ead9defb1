import { humanDuration } from '../../lib/clock.ts';
import { repositoryOf } from '../../lib/ecs/names.ts';
import { type Outcome, outcomeLabel } from '../../lib/outcome.ts';
import { printable } from '../../lib/printable.ts';
import type { Report } from '../../lib/report.ts';
import { code, codeBlock, details, escapeCell, escapeText, heading, mermaid, table } from '../../lib/summary.ts';
import type { Context } from './context.ts';
import type { HostFacts, HostResult } from './host-result.ts';
import type { Operation } from './inputs.ts';
import { megabytes } from './preflight.ts';

export interface Told {
  outcome: Outcome;
  results: readonly HostResult[];
  /** What hosts told before; a host's own later facts count more. */
  facts?: ReadonlyMap<string, HostFacts | undefined>;
  commandIds: readonly string[];
  /** Whole fingerprint, or what of it is known. */
  release: string;
  previousRelease: string;
  /** The image that was deployed; '' for none. */
  image: string;
  /** What was decided, in sentences. */
  notes: readonly string[];
  /** What should be looked at, in sentences; annotations too. */
  warnings: readonly string[];
  /** More outputs, and a section that stands in the summary in place of the table of hosts. */
  outputs?: Record<string, string>;
  section?: string;
}

/** Most lines of one host in the summary; the job log has them all. */
const SHOWN_LINES = 400;

/** The report of an operation: outputs, and one section of the summary that a person can act on. */
export function reportOf(operation: Operation, { place }: Context, told: Told): Report {
  const { outcome, results, commandIds, release, previousRelease, notes, warnings, outputs = {}, section = '' } = told;
  const died = results.find((r) => r.logs.length > 0 && r.status !== 'succeeded');
  return {
    outcome,
    outputs: {
      hosts: JSON.stringify(results.map(hostOf)),
      'command-ids': commandIds.join(','),
      'release-fingerprint': release,
      'previous-release': previousRelease,
      'desired-state': place.parameter,
      log: (died?.logs ?? []).join('\n'),
      ...outputs,
    },
    summary: [
      heading(
        3,
        `${escapeText(place.component)} on ${escapeText(place.group)}: ${operation} ${outcomeLabel(outcome.status)}`,
      ),
      outcome.cause === '' ? '' : `${escapeText(outcome.cause)}\n\n`,
      outcome.next ? `**Next:** ${escapeText(outcome.next)}\n\n` : '',
      [...warnings.map((w) => `⚠️ ${w}`), ...notes].map((note) => `- ${escapeText(note)}\n`).join(''),
      warnings.length + notes.length > 0 ? '\n' : '',
      ...(section === '' ? [hostTable(told), timeline(results)] : [section]),
      ...results.map((r) => lastWords(r)),
      ...results.map((r) => outputOf(r)),
    ].join(''),
    annotations: warnings.map((message) => ({ level: 'warning' as const, title: place.component, message })),
  };
}

/** A host in the output `hosts`: everything but the long texts. */
function hostOf({ output: _output, logs: _logs, facts: _facts, steps, ...host }: HostResult) {
  return { ...host, steps: Object.fromEntries(steps.map((s) => [s.name, s.ms])) };
}

const short = (image: string) =>
  image === '' ? '' : `${repositoryOf(image)}@${image.split('@')[1]?.slice(0, 19) ?? ''}`;

function hostTable({ results, facts }: Told): string {
  if (results.length === 0) return '';
  const rows = results.map((r) => {
    const known = r.facts ?? facts?.get(r.instance);
    const disk = known?.diskFree === undefined ? '' : megabytes(known.diskFree);
    return [
      code(r.instance),
      outcomeLabel(r.status),
      r.ms > 0 ? humanDuration(r.ms) : '',
      code(r.release),
      code(short(r.image)),
      escapeCell(known?.engine ?? ''),
      disk,
      escapeCell(r.cause),
    ];
  });
  const header = ['Host', 'Outcome', 'Took', 'Release', 'Image', 'Engine', 'Disk free', 'Why'];
  // A column in which nothing stands is left out.
  const used = header.map((_, i) => rows.some((row) => row[i] !== ''));
  const pick = (cells: readonly string[]) => cells.filter((_, i) => used[i]);
  return table(pick(header), rows.map(pick));
}

/** When each host was at work, where several were. */
function timeline(results: readonly HostResult[]): string {
  const worked = results.filter((r) => r.startedAt > 0);
  if (worked.length < 2) return '';
  const start = Math.min(...worked.map((r) => r.startedAt));
  const bars = worked.map((r) => {
    const mark = r.status === 'succeeded' ? 'done, ' : r.status === 'unchanged' ? '' : 'crit, ';
    const from = r.startedAt - start;
    return `  ${r.instance} ${r.status} :${mark}${from}, ${from + Math.max(r.ms, 1)}`;
  });
  return mermaid(['gantt', '  dateFormat x', '  axisFormat %M:%S', ...bars].join('\n'));
}

function lastWords({ instance, logs, status }: HostResult): string {
  if (logs.length === 0) return '';
  const title =
    status === 'succeeded'
      ? `Log on ${code(instance)}`
      : `Last lines of the container that failed on ${code(instance)}`;
  return `${title}:\n\n${codeBlock(logs.slice(-SHOWN_LINES).map(printable).join('\n'))}\n`;
}

function outputOf({ instance, output, status, steps }: HostResult): string {
  if (output.length === 0 || status === 'unchanged') return '';
  const took = steps.map((s) => `${s.name} ${humanDuration(s.ms)}`).join(', ');
  return details(
    `Output of ${instance}${took === '' ? '' : ` (${took})`}`,
    codeBlock(output.slice(-SHOWN_LINES).map(printable).join('\n')),
  );
}
