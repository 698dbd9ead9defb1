import type { LedgerEntry } from '../../lib/ledger/ledger.ts';
import type { Streak } from './story.ts';

/** A run that ended, as GitHub lists it. */
export interface PastRun {
  id: string;
  conclusion: string;
  /** ISO 8601. */
  endedAt: string;
}

const FAILED: ReadonlySet<string> = new Set(['failure', 'timed_out', 'startup_failure']);

/** The failures in a row right before this run, from runs that come newest first; a cancelled or skipped one counts for nothing. */
export function streakOfRuns(runs: readonly PastRun[], runId: string): Streak | undefined {
  const judged = runs.filter(
    ({ id, conclusion }) => id !== runId && (conclusion === 'success' || FAILED.has(conclusion)),
  );
  const good = judged.findIndex(({ conclusion }) => conclusion === 'success');
  const failed = good < 0 ? judged : judged.slice(0, good);
  return streakOf(failed.map(({ id, endedAt }) => ({ run: id, at: endedAt })));
}

/**
 * The failed runs in a row before this one, of the components it shipped, from a ledger whose entries come newest first. One run
 * that failed several of them counts once.
 */
export function streakOfLedger(
  entries: ReadonlyMap<string, readonly LedgerEntry[]>,
  components: readonly string[],
  runUrl: string,
): Streak | undefined {
  const failed = components.flatMap((name) => {
    const before = (entries.get(name) ?? []).filter((entry) => entry.runUrl !== runUrl);
    const good = before.findIndex(({ state }) => state === 'deployed' || state === 'destroyed');
    return (good < 0 ? before : before.slice(0, good)).filter(({ state }) => state === 'failed' || state === 'held');
  });
  return streakOf(failed.map((entry) => ({ run: entry.runUrl || `${entry.component} ${entry.at}`, at: entry.at })));
}

function streakOf(failed: readonly { run: string; at: string }[]): Streak | undefined {
  const times = failed.map(({ at }) => Date.parse(at)).filter((time) => !Number.isNaN(time));
  if (times.length === 0) return undefined;
  return { failures: new Set(failed.map(({ run }) => run)).size, since: Math.min(...times) };
}
