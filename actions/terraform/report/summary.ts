import { code, details, escapeCell, heading, table } from '../../../lib/summary.ts';
import type { Diagnostic } from '../messages.ts';
import type { PlanSummary } from '../plan/plan.ts';
import type { Progress } from '../progress.ts';
import { planText } from './plan-text.ts';

/** Bytes of the summary that a plan may take; the runner drops one over 1 MiB, and other sections follow. Characters may have three bytes. */
const PLAN_ROOM = 300_000;

export function title(operation: string, root: string, environment: string): string {
  return heading(3, `Terraform ${operation}: ${root}${environment ? ` (${environment})` : ''}`);
}

export function planSection(plan: PlanSummary, values: boolean): string {
  return planText(plan, { room: PLAN_ROOM, values, rest: 'the job log names each of them' });
}

export function diagnosticsSection(diagnostics: readonly Diagnostic[]): string {
  if (diagnostics.length === 0) return '';
  const rows = diagnostics
    .slice(0, MOST_DIAGNOSTICS)
    .map((one) => [
      one.severity === 'error' ? '❌ error' : '⚠️ warning',
      one.file === undefined ? '' : code(`${one.file}${one.line === undefined ? '' : `:${one.line}`}`),
      one.address === undefined ? '' : code(one.address),
      escapeCell([one.summary, one.detail].filter(Boolean).join(': ')),
    ]);
  const more = diagnostics.length - rows.length;
  return table(['', 'Where', 'Resource', 'What'], rows) + (more > 0 ? `… and ${more} more in the job log.\n\n` : '');
}

const MOST_DIAGNOSTICS = 100;

/** What an apply that did not get to its end has done: the reader has to know what is there now. */
export function progressSection({ done, failed, under }: Progress): string {
  const rows = [
    ...failed.map((one) => ['❌ failed', code(one.address), one.action]),
    ...under.map((one) => ['⚠️ begun, not finished', code(one.address), one.action]),
    ...done.map((one) => ['✅ done', code(one.address), one.action]),
  ].slice(0, MOST_PROGRESS);
  if (rows.length === 0) return 'Nothing was changed before it failed.\n\n';
  return details(`What was done before it failed (${done.length} done)`, table(['', 'Resource', 'Action'], rows));
}

const MOST_PROGRESS = 500;

export function outputsSection(plain: Readonly<Record<string, unknown>>, sensitive: readonly string[]): string {
  const rows = [
    ...Object.entries(plain).map(([name, value]) => [
      code(name),
      code(typeof value === 'string' ? value : JSON.stringify(value)),
    ]),
    ...sensitive.map((name) => [code(name), '(sensitive)']),
  ];
  return rows.length === 0 ? '' : details(`Outputs (${rows.length})`, table(['Output', 'Value'], rows));
}
