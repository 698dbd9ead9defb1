/** Severities from the worst down, as all scanners' are translated to. */
export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'informational', 'undefined'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** From which severity on a finding fails the step. */
export const THRESHOLDS = ['critical', 'high', 'medium', 'low', 'informational', 'none'] as const;
export type Threshold = (typeof THRESHOLDS)[number];

/** ECR says UNDEFINED, Inspector UNTRIAGED and Trivy UNKNOWN where nobody has judged yet. */
export function severityOf(word: string | undefined): Severity {
  const lower = (word ?? '').toLowerCase();
  if (lower === 'negligible') return 'informational';
  return SEVERITIES.find((severity) => severity === lower) ?? 'undefined';
}

/** Less than 0 when the first is worse. */
export function bySeverity(a: Severity, b: Severity): number {
  return SEVERITIES.indexOf(a) - SEVERITIES.indexOf(b);
}

/**
 * Whether a finding is as bad as the threshold. What nobody has judged yet counts only where everything does: it may be anything,
 * and failing on it at `critical` would stop every new CVE's first days.
 */
export function reaches(severity: Severity, threshold: Threshold): boolean {
  if (threshold === 'none') return false;
  if (severity === 'undefined') return threshold === 'informational';
  return SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(threshold);
}
