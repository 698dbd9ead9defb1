import { Problem } from '../../../lib/errors.ts';
import type { Finding } from './finding.ts';

/** One finding that does not count for a while. */
export interface Ignore {
  id: string;
  /** '' for every package. */
  package: string;
  /** Last day on which it does not count, YYYY-MM-DD (UTC). */
  until: string;
  reason: string;
  /** Where it is written: "input 'ignore-findings'", or the file with its line. */
  source: string;
}

const LINE = /^(\S+?)(?::(\S+))?\s+(\d{4}-\d\d-\d\d)\s+(\S.*)$/;

/**
 * Reads lines such as "CVE-2026-1234:openssl 2026-12-31 not reachable from outside"; empty ones and those after # are passed over.
 * Day and reason have to be there: what is ignored for ever, by nobody knows whom, is never looked at again.
 * @param source "input 'ignore-findings'" or the name of the file, which gets the line's number
 * @throws Problem kind `config` for a line that is none, with file and line
 */
export function parseIgnores(lines: readonly string[], source: string, file?: string): Ignore[] {
  return lines.flatMap((line, i): Ignore[] => {
    const text = line.replace(/(^|\s)#.*$/, '').trim();
    if (text === '') return [];
    const [, id = '', name = '', until = '', reason = ''] = LINE.exec(text) ?? [];
    if (id === '' || !isDay(until)) throw noIgnore(text, source, file, i + 1);
    return [{ id, package: name, until, reason, source: file ? `${file}:${i + 1}` : source }];
  });
}

function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

function noIgnore(text: string, source: string, file: string | undefined, line: number): Problem {
  return new Problem({
    what: file ? `${source} '${file}'` : source,
    seen: text,
    cause: 'a finding to ignore needs an id, the last day on which it is ignored, and a reason',
    fix: 'Write for instance: CVE-2026-1234 2026-12-31 not reachable from outside',
    kind: 'config',
    ...(file && { file, line }),
  });
}

/** The first ignore that names the finding, whatever its day. */
export function ignoreOf(finding: Finding, ignores: readonly Ignore[]): Ignore | undefined {
  return ignores.find((i) => i.id === finding.id && (i.package === '' || i.package === finding.package));
}

/** @param today YYYY-MM-DD */
export function isExpired({ until }: Ignore, today: string): boolean {
  return until < today;
}
