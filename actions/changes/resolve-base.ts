import type { Git } from '../../lib/git/repository.ts';
import { type Base, short } from './bases.ts';
import { makePresent } from './compare.ts';
import type { Compare } from './compare-api.ts';
import type { EventBase } from './events.ts';

/** The event's base as a commit, asking the clone first and GitHub only where the clone cannot tell. */
export async function resolveEventBase(base: EventBase, git: Git, compare: Compare): Promise<Base> {
  switch (base.type) {
    case 'merged': {
      const absent = await makePresent(git, [base.merge], 2);
      const parents = absent.has(base.merge) ? [] : await git.parents(base.merge);
      const [first] = parents;
      if (first !== undefined && parents.length > 1) return { type: 'commit', commit: first, why: base.why };
      const why = 'where the pull request left its base branch';
      return commonAncestor({ type: 'merge-base', with: { commit: base.into }, head: base.head, why }, git, compare);
    }
    case 'merge-base':
      return commonAncestor(base, git, compare);
    default:
      return base;
  }
}

async function commonAncestor(
  base: Extract<EventBase, { type: 'merge-base' }>,
  git: Git,
  compare: Compare,
): Promise<Base> {
  const other = 'commit' in base.with ? base.with.commit : await git.resolve(`refs/remotes/origin/${base.with.branch}`);
  const known = other === undefined ? undefined : await git.mergeBase(other, base.head);
  const found =
    known ?? (await compare('commit' in base.with ? base.with.commit : base.with.branch, base.head))?.mergeBase;
  if (found !== undefined) return { type: 'commit', commit: found, why: base.why };
  const name = 'commit' in base.with ? short(base.with.commit) : base.with.branch;
  return {
    type: 'unknown',
    why: `${base.why}, but neither the clone nor GitHub could tell the common ancestor with ${name}`,
  };
}
