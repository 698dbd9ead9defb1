import type { Finding } from './finding.ts';
import { type Ignore, ignoreOf, isExpired } from './ignores.ts';
import { reaches, type Severity, type Threshold } from './severity.ts';

export interface Policy {
  failOn: Threshold;
  ignores: readonly Ignore[];
  ignoreUnfixed: boolean;
  /** YYYY-MM-DD, UTC. */
  today: string;
}

export interface Judged {
  finding: Finding;
  /** `fails` stops the step; `counts` is below the threshold; the others do not count. */
  verdict: 'fails' | 'counts' | 'ignored' | 'unfixed';
  /** The ignore that names it, also one that has expired. */
  ignore?: Ignore;
}

export interface Judgement {
  /** Every finding, those that fail first, worst first among each. */
  all: Judged[];
  failing: Judged[];
  /** Ignores whose day has passed: what they name counts again. */
  expired: Ignore[];
  /** Ignores that named nothing that was found. */
  idle: Ignore[];
  /** Findings that count, by severity. */
  counts: Partial<Record<Severity, number>>;
}

const ORDER = { fails: 0, counts: 1, unfixed: 2, ignored: 3 } as const;

/** Which findings fail the step, and why the others do not. Findings come worst first. */
export function judge(findings: readonly Finding[], policy: Policy): Judgement {
  const all = findings.map((finding) => judgeOne(finding, policy)).sort((a, b) => ORDER[a.verdict] - ORDER[b.verdict]);
  const counts: Judgement['counts'] = {};
  for (const { finding, verdict } of all) {
    if (verdict === 'fails' || verdict === 'counts') counts[finding.severity] = (counts[finding.severity] ?? 0) + 1;
  }
  const named = new Set(all.flatMap(({ ignore }) => ignore ?? []));
  return {
    all,
    failing: all.filter(({ verdict }) => verdict === 'fails'),
    expired: policy.ignores.filter((i) => named.has(i) && isExpired(i, policy.today)),
    idle: policy.ignores.filter((i) => !named.has(i)),
    counts,
  };
}

function judgeOne(finding: Finding, { failOn, ignores, ignoreUnfixed, today }: Policy): Judged {
  const ignore = ignoreOf(finding, ignores);
  const found = { finding, ...(ignore && { ignore }) };
  if (ignore && !isExpired(ignore, today)) return { ...found, verdict: 'ignored' };
  // Where the scanner does not say, there may be a fix.
  if (ignoreUnfixed && finding.fixable === 'no') return { ...found, verdict: 'unfixed' };
  return { ...found, verdict: reaches(finding.severity, failOn) ? 'fails' : 'counts' };
}
