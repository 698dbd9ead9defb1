import { type LedgerEntry, lastDeployed } from './ledger.ts';

/** The entry that holds a release back: the newest word of the ledger about it is that it was rolled back. */
export function heldBy(entries: readonly LedgerEntry[], releaseFingerprint: string): LedgerEntry | undefined {
  const newest = entries.find((e) => e.releaseFingerprint === releaseFingerprint && e.state !== 'failed');
  return newest?.state === 'held' ? newest : undefined;
}

/**
 * The release to go back to: the newest deployed one before the current that is another release and is not held.
 * Entries are newest first.
 */
export function previousRelease(entries: readonly LedgerEntry[]): LedgerEntry | undefined {
  const current = entries.find((e) => e.state === 'deployed');
  if (!current) return undefined;
  return entries
    .slice(entries.indexOf(current) + 1)
    .find((e) => e.state === 'deployed' && !sameRelease(e, current) && !isHeld(entries, e));
}

function isHeld(entries: readonly LedgerEntry[], { releaseFingerprint }: LedgerEntry): boolean {
  return releaseFingerprint !== undefined && heldBy(entries, releaseFingerprint) !== undefined;
}

export function sameRelease(a: LedgerEntry, b: LedgerEntry): boolean {
  if (a.releaseFingerprint !== undefined && b.releaseFingerprint !== undefined)
    return a.releaseFingerprint === b.releaseFingerprint;
  return a.taskDefinition !== undefined && a.taskDefinition === b.taskDefinition;
}

/**
 * The release to go back to from a task definition that runs: the one before it in the ledger, or the last verified one where
 * something runs that the ledger does not know.
 */
export function releaseBefore(entries: readonly LedgerEntry[], running: string): LedgerEntry | undefined {
  const last = lastDeployed(entries);
  if (last?.taskDefinition === undefined || last.taskDefinition === running) return previousRelease(entries);
  return isHeld(entries, last) ? previousRelease(entries) : last;
}
