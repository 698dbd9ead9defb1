import { bySeverity, type Severity } from './severity.ts';

/** One vulnerability of one package, whichever scanner found it. */
export interface Finding {
  /** CVE-2026-1234, GHSA-… */
  id: string;
  severity: Severity;
  package: string;
  installed: string;
  /** The version that fixes it; '' when none is known. */
  fixedIn: string;
  /** `unknown` where the scanner does not say: it must not count as unfixed. */
  fixable: 'yes' | 'no' | 'unknown';
  /** Platforms of the image that have it; [''] for an image of one. */
  platforms: string[];
}

/** The findings of several platforms as one list, worst first; the same one on two platforms is one. */
export function merged(lists: readonly (readonly Finding[])[]): Finding[] {
  const found = new Map<string, Finding>();
  for (const finding of lists.flat()) {
    const key = [finding.id, finding.package, finding.installed].join('\0');
    const known = found.get(key);
    if (known === undefined) found.set(key, { ...finding, platforms: [...finding.platforms] });
    else known.platforms = [...new Set([...known.platforms, ...finding.platforms])];
  }
  return [...found.values()].sort(
    (a, b) => bySeverity(a.severity, b.severity) || a.id.localeCompare(b.id) || a.package.localeCompare(b.package),
  );
}
