import { messageOf } from '../../lib/errors.ts';
import { isComplete, type LedgerEntry, lastDeployed, type RecentEntries } from '../../lib/ledger/ledger.ts';
import { heldEntries } from './bases.ts';
import { rethrowCancelled } from './compare.ts';
import type { EventPlan } from './events.ts';
import type { ChangesInputs } from './inputs.ts';
import type { ChangesPorts } from './ports.ts';
import type { Unit } from './units.ts';

/** The ledger's entries by component, newest first. */
export type Entries = Map<string, LedgerEntry[]>;

/** What decides which entries are read. */
interface Question {
  inputs: ChangesInputs;
  plan: EventPlan;
  units: readonly Unit[];
  forced: ReadonlySet<string>;
  /** What was read before the components were known. */
  recent?: RecentEntries | undefined;
}

/** The ledger has a say on deploying runs into an environment. */
function asksLedger(inputs: ChangesInputs, { deploys }: EventPlan): boolean {
  return inputs.base === 'ledger' && inputs.environment !== '' && inputs.ledger !== 'none' && deploys;
}

/** The ledger's entries, where it has a say, for what is not forced anyway. */
export async function readLedger(
  { inputs, units, plan, forced, recent }: Question,
  { ledger }: ChangesPorts,
): Promise<{ entries: Entries; unreadable?: string }> {
  const names = units.map((u) => u.name).filter((name) => !forced.has(name));
  if (!asksLedger(inputs, plan) || names.length === 0) return { entries: new Map() };
  if (recent && (recent.whole || isComplete(recent.entries, names))) {
    return { entries: new Map([...recent.entries].filter(([name]) => names.includes(name))) };
  }
  try {
    return { entries: await (await ledger()).read(inputs.environment, names) };
  } catch (error) {
    rethrowCancelled(error);
    if (inputs['on-unknown'] === 'error') throw error;
    return { entries: new Map(), unreadable: messageOf(error) };
  }
}

/** Undefined where the ledger has no say, or cannot be read: readLedger() will meet the reason and tell it. */
export async function recentEntries(inputs: ChangesInputs, plan: EventPlan, { ledger }: ChangesPorts) {
  if (!asksLedger(inputs, plan) || inputs.force.includes('all')) return undefined;
  try {
    return await (await ledger()).recent?.(inputs.environment);
  } catch (error) {
    rethrowCancelled(error);
    return undefined;
  }
}

/** The commits that components will be compared with. */
export function deployedIn(entries: Entries): string[] {
  return [...entries.values()].flatMap((list) => {
    const held = heldEntries(list).map((entry) => entry.commit);
    const last = lastDeployed(list);
    return last ? [last.commit, ...held] : held;
  });
}
