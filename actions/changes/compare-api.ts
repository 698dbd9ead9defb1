import { messageOf, Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { short } from './bases.ts';

/** How two commits relate, as GitHub's "Compare two commits" tells it. */
export interface Comparison {
  status: 'ahead' | 'behind' | 'identical' | 'diverged';
  mergeBase: string;
  /** What head has and base has not, with parents; empty unless it was asked for. */
  commits: { id: string; parents: string[] }[];
  /** Whether `commits` are all of them: GitHub tells 250. */
  complete: boolean;
}

/**
 * Compares `base` (a commit or a branch) with `head`; undefined when GitHub cannot tell. Used where the clone's history ends too early.
 * @param commits whether to list what head has and base has not; the answer is far larger with it.
 */
export type Compare = (base: string, head: string, commits?: boolean) => Promise<Comparison | undefined>;

interface CompareAnswer {
  status: Comparison['status'];
  merge_base_commit: { sha: string };
  total_commits: number;
  commits: { sha: string; parents: { sha: string }[] }[];
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
  return async (base, head, commits = false) => {
    if (!client || repository.name === '') return undefined;
    // Pages after the first hold no files, which nobody needs here. Without a page come 250 commits, more than one page has.
    const page = commits ? {} : { per_page: 1, page: 2 };
    const { owner, name } = repository;
    try {
      const { data } = await (await client()).rest<CompareAnswer>('GET', '/repos/{owner}/{repo}/compare/{basehead}', {
        ...{ owner, repo: name, basehead: `${base}...${head}` },
        ...page,
      });
      const listed = commits
        ? data.commits.map(({ sha, parents }) => ({ id: sha, parents: parents.map((p) => p.sha) }))
        : [];
      return {
        status: data.status,
        mergeBase: data.merge_base_commit.sha,
        commits: listed,
        complete: listed.length === data.total_commits,
      };
    } catch (error) {
      if (error instanceof Problem && error.kind === 'cancelled') throw error;
      log.info(`GitHub could not compare ${base} with ${short(head)}: ${messageOf(error)}`);
      return undefined;
    }
  };
}
