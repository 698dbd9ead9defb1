import type { Git } from '../../lib/git/repository.ts';
import type { Compare, Comparison } from './compare-api.ts';

export interface Newer {
  /** Those that head is an ancestor of: deploying head there would go back. */
  newer: Set<string>;
  /** Those of which it could not be told. */
  untold: Set<string>;
}

/**
 * Which of the deployed commits are descendants of head. The clone is asked first. Where its history is cut, one question to GitHub settles
 * it on one line of history: what lies between head and the newest deployed commit. Only a deployed commit that is beside that line and younger
 * than head is asked for by itself.
 * @param deployed commits that are present.
 */
export async function newerThan(
  head: string,
  deployed: readonly string[],
  git: Pick<Git, 'isAncestor' | 'committedAt'>,
  compare: Compare,
): Promise<Newer> {
  const found: Newer = { newer: new Set(), untold: new Set() };
  const open: string[] = [];
  for (const commit of new Set(deployed)) {
    if (commit === head) continue;
    const known = await git.isAncestor(head, commit);
    if (known) found.newer.add(commit);
    else if (known === undefined) open.push(commit);
  }
  if (open.length > 0) await askGithub(head, open, found, git, compare);
  return found;
}

async function askGithub(
  head: string,
  open: readonly string[],
  { newer, untold }: Newer,
  git: Pick<Git, 'committedAt'>,
  compare: Compare,
): Promise<void> {
  const times = open.length > 1 ? await git.committedAt([head, ...open]) : new Map<string, number>();
  const age = (commit: string) => times.get(commit) ?? Number.POSITIVE_INFINITY;
  // By the time of the commit, not of the deployment: a rollback deploys an old commit late.
  const [newest = '', ...others] = open.toSorted((a, b) => age(b) - age(a));
  const line = await compare(head, newest, true);
  if (line === undefined) untold.add(newest);
  const after = line ? descendants(line.commits, head) : new Set<string>();
  if (line?.status === 'ahead') after.add(newest);
  const settled = new Set([newest, ...(line?.complete ? line.commits.map(({ id }) => id) : [])]);
  for (const commit of open) if (after.has(commit)) newer.add(commit);
  for (const commit of others) {
    if (after.has(commit) || settled.has(commit) || age(commit) < age(head)) continue;
    const one = await compare(head, commit);
    if (one === undefined) untold.add(commit);
    else if (one.status === 'ahead') newer.add(commit);
  }
}

/** The listed commits that are below `root`, at whatever place in the list. */
function descendants(commits: Comparison['commits'], root: string): Set<string> {
  const found = new Set([root]);
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const { id, parents } of commits) if (parents.some((parent) => found.has(parent))) found.add(id);
  }
  found.delete(root);
  return found;
}
