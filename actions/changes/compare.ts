import { messageOf, Problem } from '../../lib/errors.ts';
import type { Change } from '../../lib/git/plumbing.ts';
import type { Git } from '../../lib/git/repository.ts';
import { type Base, short } from './bases.ts';

/** Comparisons with head, by base; a base that cannot be compared with has its reason in `failed`. */
export interface Comparisons {
  changes: Map<string, Change[]>;
  failed: Map<string, string>;
}

/** Compares head with each commit: what is not here is fetched, all in one request, and nothing twice. */
export async function compareAll(git: Git, head: string, commits: readonly string[]): Promise<Comparisons> {
  const result: Comparisons = { changes: new Map(), failed: new Map() };
  const wanted = [...new Set(commits)];
  // A commit needs no git to be compared with itself.
  if (wanted.includes(head)) result.changes.set(head, []);
  const others = wanted.filter((c) => c !== head);
  if (others.length === 0) return result;
  const absent = await makePresent(git, [head, ...others]);
  for (const commit of others) {
    const reason = absent.get(head) ?? absent.get(commit);
    if (reason !== undefined) result.failed.set(commit, reason);
    else await compareOne(git, head, commit, result);
  }
  return result;
}

async function compareOne(git: Git, head: string, commit: string, result: Comparisons): Promise<void> {
  try {
    result.changes.set(commit, await git.diff(commit, head));
  } catch (error) {
    rethrowCancelled(error);
    result.failed.set(commit, messageOf(error));
  }
}

/**
 * Fetches what is missing; returns the commits that cannot be had, with the reason.
 * @param depth 2 for the parents too.
 */
export async function makePresent(
  git: Git,
  commits: readonly string[],
  depth: 1 | 2 = 1,
): Promise<Map<string, string>> {
  const here = await git.present(commits);
  const missing = commits.filter((c) => !here.has(c));
  if (missing.length === 0) return new Map();
  try {
    const fetched = await git.fetch(missing, depth);
    const gone = missing.filter((c) => !fetched.has(c));
    return new Map(gone.map((c) => [c, `${short(c)} is neither in the clone nor on the remote any more`]));
  } catch (error) {
    rethrowCancelled(error);
    return new Map(
      missing.map((c) => [c, `${short(c)} is not in the clone and could not be fetched: ${messageOf(error)}`]),
    );
  }
}

/** All files of a commit, as if each were added, in git's order. @throws Problem when the commit cannot be had. */
export async function everyFile(git: Git, commit: string): Promise<Change[]> {
  const reason = (await makePresent(git, [commit])).get(commit);
  if (reason !== undefined) {
    throw new Problem({
      what: 'files of the commit that is judged',
      cause: reason,
      fix: 'Check out the repository before this step, or pass a `token` of this repository with `permissions: contents: read`',
      kind: 'environment',
    });
  }
  const files = await git.tree(commit, '');
  return files.map(({ name }) => ({ status: 'A', name }));
}

/** A base whose comparison failed is not known. */
export function withFailures(base: Base, failed: ReadonlyMap<string, string>): Base {
  const reason = base.type === 'commit' ? failed.get(base.commit) : undefined;
  if (reason === undefined || base.type !== 'commit') return base;
  return { type: 'unknown', why: `${base.why}, but ${reason}` };
}

export function rethrowCancelled(error: unknown): void {
  if (error instanceof Problem && error.kind === 'cancelled') throw error;
}
