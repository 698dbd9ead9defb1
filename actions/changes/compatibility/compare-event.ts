import { Problem } from '../../../lib/errors.ts';
import type { Change } from '../../../lib/git/plumbing.ts';
import { type Base, short } from '../bases.ts';
import { compareAll, everyFile, withFailures } from '../compare.ts';
import { type EventPlan, eventPlan } from '../events.ts';
import type { ChangesPorts } from '../ports.ts';
import { resolveEventBase } from '../resolve-base.ts';

/** What changed by the event alone, as the actions that compatibility is with tell it. */
export interface EventChanges {
  changes: readonly Change[];
  head: string;
  base: Base;
  warnings: string[];
}

/**
 * Compares with the event's base, or with `given`.
 * @throws Problem when the base is not known and `onUnknown` is `error`.
 */
export async function compareEvent(
  { git, compare, context }: ChangesPorts,
  onUnknown: 'all' | 'error',
  given: { head?: string | undefined; base?: EventPlan['base'] | undefined } = {},
): Promise<EventChanges> {
  const plan = eventPlan(context);
  const head = given.head || plan.head || (await git.resolve('HEAD')) || '';
  const found = await resolveEventBase(given.base ?? plan.base, git, compare);
  const compared = await compareAll(git, head, found.type === 'commit' ? [found.commit] : []);
  const base = withFailures(found, compared.failed);
  if (base.type === 'commit') return { changes: compared.changes.get(base.commit) ?? [], head, base, warnings: [] };
  if (base.type === 'nothing') return { changes: [], head, base, warnings: [] };
  if (base.type === 'unknown' && onUnknown === 'error') throw unknownBase(base.why);
  const warnings = [`Every file counts as added, because there is nothing to compare with: ${base.why}`];
  return { changes: await everyFile(git, head), head, base, warnings };
}

/** "1a2b3c4d5e (where the branch stood before this push)" */
export function baseText(base: Base): string {
  return base.type === 'commit' ? `${short(base.commit)} (${base.why})` : base.why;
}

function unknownBase(why: string): Problem {
  return new Problem({
    what: 'base of the comparison',
    cause: `it is not known: ${why}`,
    fix: 'Give a commit as the base, or set `on-unknown: all` to count every file as added',
    kind: 'environment',
  });
}
