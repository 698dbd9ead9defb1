import { code, details, escapeCell, heading, table } from '../../lib/summary.ts';
import type { Diagnostic } from './messages.ts';
import { type Change, countChanges, type PlanSummary, sayCounts } from './plan.ts';

const ROWS = 200;

const LABELS: Readonly<Record<Change['action'], string>> = {
  replace: '❗ replace',
  destroy: '❗ destroy',
  forget: 'forget',
  update: 'update',
  create: 'create',
  import: 'import',
  move: 'move',
};

export function title(operation: string, root: string, environment: string): string {
  return heading(3, `Terraform ${operation}: ${root}${environment ? ` (${environment})` : ''}`);
}

/** What a plan would do: a warning when something is lost, then the table, what cannot be undone first. */
export function planSection(plan: PlanSummary): string {
  const counts = countChanges(plan);
  const lost = counts.replace + counts.destroy;
  const warning =
    lost > 0 ? `> [!WARNING]\n> ${lost} resource${lost === 1 ? ' is' : 's are'} destroyed or replaced.\n\n` : '';
  const rows = plan.changes.slice(0, ROWS).map((change) => [LABELS[change.action], code(change.address), why(change)]);
  const more = plan.changes.length > ROWS ? `… and ${plan.changes.length - ROWS} more in the job log.\n\n` : '';
  return [
    `**${sayCounts(counts)}**\n\n`,
    warning,
    rows.length > 0 ? table(['Action', 'Resource', 'What changes'], rows) : '',
    more,
    plan.outputs.length > 0 ? `Outputs that change: ${plan.outputs.map(code).join(', ')}\n\n` : '',
    plan.drifted.length > 0
      ? details('Changed outside of Terraform', plan.drifted.map((one) => `- ${code(one)}`).join('\n'))
      : '',
  ].join('');
}

function why({ attributes, forcedBy }: Change): string {
  const forced = forcedBy.length > 0 ? `forced by ${forcedBy.map(code).join(', ')}` : '';
  const rest = attributes.filter((name) => !forcedBy.includes(name));
  return [forced, rest.map(code).join(', ')].filter(Boolean).join('; ');
}

export function diagnosticsSection(diagnostics: readonly Diagnostic[]): string {
  if (diagnostics.length === 0) return '';
  const rows = diagnostics.map((one) => [
    one.severity === 'error' ? '❌ error' : '⚠️ warning',
    one.file === undefined ? '' : code(`${one.file}${one.line === undefined ? '' : `:${one.line}`}`),
    escapeCell([one.summary, one.detail].filter(Boolean).join(': ')),
  ]);
  return table(['', 'Where', 'What'], rows);
}

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
