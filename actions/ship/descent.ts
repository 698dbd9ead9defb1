import type { GitHubContext } from '../../lib/context.ts';
import { Problem } from '../../lib/errors.ts';
import type { Git } from '../../lib/git/repository.ts';
import type { GitHubClient } from '../../lib/github/client.ts';

export interface DescentPorts {
  git: Pick<Git, 'isAncestor'>;
  /** Undefined without a token. */
  github: GitHubClient | undefined;
  context: Pick<GitHubContext, 'repository'>;
}

/**
 * Whether `ancestor` is an ancestor of `commit`, or the same: by the checkout where its history is whole, else by GitHub.
 * A commit that GitHub does not know (the branch was rewritten) descends from nothing here.
 * @throws Problem when neither can tell: a deployment must not go back in time by mistake.
 */
export async function isAncestor(ancestor: string, commit: string, ports: DescentPorts): Promise<boolean> {
  const known = await ports.git.isAncestor(ancestor, commit);
  if (known !== undefined) return known;
  if (!ports.github) {
    throw new Problem({
      what: `order of the commits ${ancestor.slice(0, 12)} and ${commit.slice(0, 12)}`,
      cause: 'the checkout is cut off below its commit, and without a token GitHub cannot be asked',
      fix: 'Pass `token: ${{ github.token }}`, or check out with `fetch-depth: 0`',
      kind: 'environment',
    });
  }
  const { owner, name } = ports.context.repository;
  try {
    const { data } = await ports.github.rest<{ status?: string }>('GET', '/repos/{owner}/{repo}/compare/{basehead}', {
      owner,
      repo: name,
      basehead: `${ancestor}...${commit}`,
      // The answer is one word; by default it would carry every commit and file between the two.
      per_page: 1,
      page: 2,
    });
    return data.status === 'ahead' || data.status === 'identical';
  } catch (error) {
    if (error instanceof Problem && error.kind === 'not-found') return false;
    throw error;
  }
}
