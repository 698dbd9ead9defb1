import { encodeName } from '../../lib/git/names.ts';
import type { Change } from '../../lib/git/plumbing.ts';

/** A run of neighbours in a list: from the first index up to, not including, the second. */
export type Span = readonly [from: number, to: number];

/**
 * Where the names that begin with one of the texts stand in a comparison, in order and without overlaps. With many components each of them
 * is then matched against its own folders' files, and not against all that changed.
 * @param changes in git's order, which is that of the names' bytes (git-diff-tree(1) with -r).
 */
export function spansOf(prefixes: readonly string[], changes: readonly Change[]): Span[] {
  const found: [number, number][] = [];
  for (const prefix of prefixes) {
    if (prefix === '') return [[0, changes.length]];
    const bytes = encodeName(prefix);
    const from = partition(changes, 0, (name) => Buffer.compare(encodeName(name), bytes) < 0);
    const to = partition(changes, from, (name) => name.startsWith(prefix));
    if (to > from) found.push([from, to]);
  }
  found.sort((a, b) => a[0] - b[0]);
  const spans: [number, number][] = [];
  for (const span of found) {
    const last = spans.at(-1);
    if (last && span[0] <= last[1]) last[1] = Math.max(last[1], span[1]);
    else spans.push(span);
  }
  return spans;
}

/** The first index, from `low` on, whose name does not hold; all that hold stand before all that do not. */
function partition(changes: readonly Change[], low: number, holds: (name: string) => boolean): number {
  let high = changes.length;
  let at = low;
  while (at < high) {
    const middle = (at + high) >>> 1;
    if (holds(changes[middle]?.name ?? '')) at = middle + 1;
    else high = middle;
  }
  return at;
}
