import { messageOf, Problem } from '../../lib/errors.ts';
import type { Git } from '../../lib/git/repository.ts';
import type { Log } from '../../lib/log.ts';
import { type Base, short } from './bases.ts';
import { makePresent } from './compare.ts';
import type { EventBase } from './events.ts';

/** How two commits relate, as GitHub's "Compare two commits" tells it. */
export interface Comparison {
  status: 'ahead' | 'behind' | 'identical' | 'diverged';
  mergeBase: string;
}

/** Compares `base` (a commit or a branch) with `head`; undefined when GitHub cannot tell. Used where the clone's history ends too early. */
export type Compare = (base: string, head: string) => Promise<Comparison | undefined>;

/** The event's base as a commit, asking the clone first and GitHub only where the clone cannot tell. */
export async function resolveEventBase(base: EventBase, git: Git, compare: Compare): Promise<Base> {
  switch (base.type) {
    case 'merged': {
      // Most often `into` is the parent that is looked for: with both in one request no second one is needed.
      const here = (await git.present([base.merge])).has(base.merge);
      const absent = here ? new Map() : await makePresent(git, [base.merge, base.into]);
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

/**
 * Deployed commits that head is an ancestor of: deploying head there would go back.
 * The newest is asked first: on one line of history, a head that is no ancestor of it is none of the others either.
 */
export async function newerThan(
  head: string,
  deployed: readonly { commit: string; at: string }[],
  git: Git,
  compare: Compare,
): Promise<Set<string>> {
  const newest = deployed.toSorted((a, b) => b.at.localeCompare(a.at)).map((d) => d.commit);
  const commits = [...new Set(newest)].filter((commit) => commit !== head);
  const newer = new Set<string>();
  for (const commit of commits) {
    const known = await git.isAncestor(head, commit);
    const older = known ?? (await compare(commit, head))?.status === 'behind';
    if (older) newer.add(commit);
    else if (newer.size === 0 && known === undefined) break;
  }
  return newer;
}

interface CompareAnswer {
  status: Comparison['status'];
  merge_base_commit: { sha: string };
}

/** The one REST call that this needs, as a port. */
export interface CompareClient {
  rest<T>(method: 'GET', route: string, parameters: Record<string, unknown>): Promise<{ data: T }>;
}

/** Compare by GitHub's API; without a client (no token) it cannot tell. */
export function compareByApi(
  client: (() => Promise<CompareClient>) | undefined,
  repository: { owner: string; name: string },
  log: Pick<Log, 'info'>,
): Compare {
  return async (base, head) => {
    if (!client || repository.name === '') return undefined;
    try {
      // The files come with the first page only, and nobody needs them here.
      const { data } = await (await client()).rest<CompareAnswer>('GET', '/repos/{owner}/{repo}/compare/{basehead}', {
        owner: repository.owner,
        repo: repository.name,
        basehead: `${base}...${head}`,
        per_page: 1,
        page: 2,
      });
      return { status: data.status, mergeBase: data.merge_base_commit.sha };
    } catch (error) {
      if (error instanceof Problem && error.kind === 'cancelled') throw error;
      log.info(`GitHub could not compare ${base} with ${short(head)}: ${messageOf(error)}`);
      return undefined;
    }
  };
}
