import { type LedgerEntry, lastDeployed } from '../../lib/ledger/ledger.ts';

/** What a component is compared with, and why. */
export type Base =
  | { type: 'commit'; commit: string; why: string; deployed?: { environment: string; at: string } }
  /** Not known: the input `on-unknown` decides. */
  | { type: 'unknown'; why: string }
  /** Known to differ as a whole. */
  | { type: 'everything'; why: string }
  | { type: 'nothing'; why: string };

/** How many rolled-back states of a component are remembered; each costs a comparison. */
const HELD_REMEMBERED = 3;

/** Base by the ledger, or undefined when it has no entry of the component: then the event decides. */
export function ledgerBase(entries: readonly LedgerEntry[] | undefined, environment: string): Base | undefined {
  const entry = lastDeployed(entries);
  if (entry) {
    const why = `last successful deployment to ${environment}`;
    return { type: 'commit', commit: entry.commit, why, deployed: { environment, at: entry.at } };
  }
  const [last] = entries ?? [];
  if (!last) return undefined;
  if (last.state === 'destroyed') {
    return { type: 'everything', why: `it was destroyed in ${environment} at ${shortTime(last.at)}` };
  }
  // An attempt is on record: what it meant to bring is still missing, whatever today's event says.
  const how = last.state === 'held' ? 'was rolled back' : 'failed';
  return {
    type: 'everything',
    why: `no deployment to ${environment} has succeeded yet (the last, of ${short(last.commit)}, ${how})`,
  };
}

/**
 * Rolled-back states that are still held, newest first: those that no later success of the same release has lifted. Order in the
 * ledger does not matter, because a rollback records both the return to the old release and the hold on the new one.
 */
export function heldEntries(entries: readonly LedgerEntry[] | undefined): LedgerEntry[] {
  const all = entries ?? [];
  const held = all.filter(
    (entry, i) => entry.state === 'held' && !all.slice(0, i).some((later) => lifts(later, entry)),
  );
  const commits = new Set<string>();
  return held.filter((e) => !commits.has(e.commit) && commits.add(e.commit)).slice(0, HELD_REMEMBERED);
}

function lifts(later: LedgerEntry, held: LedgerEntry): boolean {
  if (later.state !== 'deployed') return false;
  if (later.releaseFingerprint && held.releaseFingerprint) return later.releaseFingerprint === held.releaseFingerprint;
  return later.commit === held.commit;
}

export function short(commit: string): string {
  return commit.slice(0, 10);
}

/** 2026-11-21 08:17 UTC */
export function shortTime(iso: string): string {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(iso) ? `${iso.slice(0, 16).replace('T', ' ')} UTC` : iso;
}
