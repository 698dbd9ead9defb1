import { code, details, escapeCell, heading, table } from '../../../lib/summary.ts';
import type { Judged, Judgement } from './judge.ts';
import { SEVERITIES, type Threshold } from './severity.ts';

/** Rows of the table; a bad base image has hundreds of findings, and nobody reads past the first screens. */
const ROWS = 50;

/** The findings as a section of the job summary: those that fail first, worst first, bounded. */
export function scanSummary(judgement: Judgement, { scanner, failOn }: { scanner: string; failOn: Threshold }): string {
  const { all, failing, expired, idle } = judgement;
  const title = failing.length > 0 ? `❌ ${failing.length} findings fail this image` : '✅ No finding fails this image';
  const notes = [
    ...expired.map((i) => `- ⚠️ ${code(i.id)} counts again: its ignore ended on ${i.until} (${escapeCell(i.source)})`),
    ...idle.map((i) => `- ${code(i.id)} is ignored and was not found: ${escapeCell(i.source)} can go`),
  ];
  const rest =
    all.length > ROWS ? `\n${all.length - ROWS} more, less bad ones, are in the scanner's own report.\n\n` : '';
  const list = table(
    ['Severity', 'Finding', 'Package', 'Installed', 'Fixed in', 'Platforms', ''],
    all.slice(0, ROWS).map(row),
  );
  return (
    heading(4, title) +
    `${countsText(judgement)} (scanned by ${scanner}, fails from ${failOn} on).\n\n` +
    (notes.length > 0 ? `${notes.join('\n')}\n\n` : '') +
    (all.length === 0 ? '' : failing.length > 0 ? list + rest : details(`${all.length} findings`, list + rest))
  );
}

/** "2 critical, 1 high", in words for a sentence. */
export function countsText({ counts }: Pick<Judgement, 'counts'>): string {
  const parts = SEVERITIES.flatMap((s) => (counts[s] ? [`${counts[s]} ${s}`] : []));
  return parts.length > 0 ? parts.join(', ') : 'Nothing that counts';
}

function row({ finding, verdict, ignore }: Judged): string[] {
  const { severity, id, installed, fixedIn, fixable, platforms } = finding;
  const why = {
    fails: ignore ? `fails; its ignore ended on ${ignore.until}` : 'fails',
    counts: 'below the threshold',
    ignored: `ignored until ${ignore?.until ?? ''}: ${ignore?.reason ?? ''}`,
    unfixed: 'no fix yet, ignored',
  }[verdict];
  return [
    severity,
    code(id),
    code(finding.package),
    code(installed),
    fixedIn === '' ? { yes: 'fixable', no: 'no fix', unknown: 'not known' }[fixable] : code(fixedIn),
    platforms.filter(Boolean).map(code).join(' '),
    escapeCell(why),
  ];
}
