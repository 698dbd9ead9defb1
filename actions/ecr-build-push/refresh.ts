import * as v from 'valibot';
import type { Finding } from './scan/finding.ts';

const HOUR_MS = 3_600_000;

/** An age in milliseconds, from hours or days such as 12h or 7d. */
export function age(defaultValue: string) {
  return v.pipe(
    v.string(),
    v.trim(),
    v.transform((s) => (s === '' ? defaultValue : s)),
    v.check((s) => /^\d+[hd]$/.test(s), 'it is not an age|Write hours or days, such as 12h or 7d'),
    v.transform((s) => Number.parseInt(s, 10) * (s.endsWith('d') ? 24 : 1) * HOUR_MS),
  );
}

/** What a refresh knows of the newest build of the content. */
export interface RefreshFacts {
  /** Milliseconds since the epoch; undefined when ECR does not tell. */
  pushedAt: number | undefined;
  now: number;
  maxAgeMs: number;
  /** Names of critical findings for which a fixed version exists. */
  fixable: readonly string[];
}

/**
 * A finding may have its cause in the repository's own lock file, which building again does not change: such an image is
 * built at most once in this time.
 */
const FINDING_PAUSE_MS = 24 * HOUR_MS;

/** Why the newest build of this content is to be built again; undefined when it is good for now. A base image that moved needs no word here: its content has another fingerprint. */
export function refreshReason({ pushedAt, now, maxAgeMs, fixable }: RefreshFacts): string | undefined {
  if (pushedAt === undefined) return 'ECR does not tell when the image was pushed';
  const ageMs = now - pushedAt;
  if (ageMs >= maxAgeMs) return `the image is ${spoken(ageMs)} old, and ${spoken(maxAgeMs)} are its \`max-age\``;
  const [first] = fixable;
  if (first === undefined || ageMs < FINDING_PAUSE_MS) return undefined;
  const more = fixable.length > 1 ? ` and ${fixable.length - 1} more` : '';
  return `a fixed version exists for what the scan found: ${first}${more}`;
}

function spoken(ms: number): string {
  const hours = Math.floor(ms / HOUR_MS);
  return hours < 48 ? `${hours} hours` : `${Math.floor(hours / 24)} days`;
}

/** Names of the critical findings that a new build may be rid of. A finding that does not say whether a fix exists is none of them. */
export function fixableFindings(findings: readonly Finding[]): string[] {
  const fixable = findings.filter(({ severity, fixable }) => severity === 'critical' && fixable === 'yes');
  return [...new Set(fixable.map(({ id }) => id || 'a finding without a name'))];
}
