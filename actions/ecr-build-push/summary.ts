import { code, escapeCell, heading, table } from '../../lib/summary.ts';

/** The section of the job summary: what the image is, and why it was built or not. */
export function summaryOf(outputs: Record<string, string>, why: string): string {
  const rows: [string, string][] = [
    ['Repository', code(outputs.repository ?? '')],
    ['Digest', code(outputs.digest ?? '')],
    ['Tags', (outputs.tags ?? '').split('\n').filter(Boolean).map(code).join(' ')],
    ['Version', code(outputs.version ?? '')],
    ['Built at commit', code(outputs.revision ?? '')],
    ['Fingerprint', code((outputs.fingerprint ?? '').slice(0, 32))],
    [outputs.built === 'true' ? 'Built because' : 'Not built because', escapeCell(why)],
  ];
  return (
    heading(3, outputs.built === 'true' ? 'Image built' : 'Image reused') +
    table(
      ['', ''],
      rows.filter(([, value]) => value !== ''),
    )
  );
}
