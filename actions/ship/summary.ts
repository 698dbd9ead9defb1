import { humanDuration } from '../../lib/clock.ts';
import { type Outcome, outcomeLabel } from '../../lib/outcome.ts';
import { code, codeBlock, escapeCell, escapeText, heading, mermaid, table } from '../../lib/summary.ts';
import type { ShipPorts } from './ports.ts';
import { portable, type Shipment } from './shipment.ts';

/** One section: what was decided and why, how each step went, what to do next, and below it the steps' own sections. */
export function summaryOf(shipment: Shipment, outcome: Outcome, { context }: ShipPorts): string {
  const { inputs, journal, images, notes, blocked } = shipment;
  const label = blocked === '' ? outcomeLabel(outcome.status) : '⏸️ blocked';
  const sha = context.sha.slice(0, 12);
  return [
    heading(2, `${escapeText(inputs.component)} in ${escapeText(inputs.environment)}: ${inputs.operation} ${label}`),
    outcome.cause === '' ? '' : `${escapeText(outcome.cause)}\n\n`,
    outcome.next ? `**Next:** ${escapeText(outcome.next)}\n\n` : '',
    notes.map((note) => `- ${escapeText(note)}\n`).join(''),
    notes.length > 0 ? '\n' : '',
    steps(shipment),
    images.length > 0 || sha !== ''
      ? table(
          ['', ''],
          [
            ['Commit of this run', code(sha)],
            ...images.map((i) => [`Image ${escapeCell(i.container)}`, code(portable(i.reference))]),
            ...(images[0]?.revision ? [['Built at', code(images[0].revision.slice(0, 12))]] : []),
          ],
        )
      : '',
    ...journal.entries.map((e) => e.summary),
    shipment.log.length > 0 && journal.entries.every((e) => e.summary === '') ? codeBlock(shipment.log.join('\n')) : '',
  ].join('');
}

function steps({ journal }: Shipment): string {
  const { entries, startedAt } = journal;
  if (entries.length === 0) return '';
  const rows = entries.map((e) => [
    escapeCell(e.name),
    outcomeLabel(e.outcome.status),
    humanDuration(e.endedAt - e.startedAt),
    escapeCell(e.outcome.cause),
  ]);
  const bars = entries.map(
    (e) =>
      `  ${e.name} ${e.outcome.status} :${bar(e.outcome.status)}${e.startedAt - startedAt}, ${Math.max(e.endedAt, e.startedAt + 1) - startedAt}`,
  );
  const chart = ['gantt', '  dateFormat x', '  axisFormat %M:%S', ...bars].join('\n');
  return table(['Step', 'Outcome', 'Took', 'Why'], rows) + (entries.length > 2 ? mermaid(chart) : '');
}

function bar(status: Outcome['status']): string {
  return status === 'succeeded' ? 'done, ' : status === 'unchanged' ? '' : 'crit, ';
}
