import type { GitHubContext } from '../context.ts';
import { Problem } from '../errors.ts';
import type { Git } from '../git/repository.ts';
import type { GitHubClient } from '../github/client.ts';

export interface AncestryPorts {
  git: Pick<Git, 'isAncestor'>;
  /** Undefined where the run has no token. */
  github: GitHubClient | undefined;
  repository: GitHubContext['repository'];
}

/**
 * Whether `a` is an ancestor of `b`: asked of the checkout, and of GitHub where the checkout's history is cut. A commit that
 * GitHub does not know (the branch was rewritten) descends from nothing.
 * Source for the states: GitHub REST reference, "Compare two commits".
 * @throws Problem when neither can tell.
 */
export async function ancestry(a: string, b: string, { git, github, repository }: AncestryPorts): Promise<boolean> {
  const known = await git.isAncestor(a, b);
  if (known !== undefined) return known;
  if (!github) {
    throw new Problem({
      what: `order of the commits ${a.slice(0, 12)} and ${b.slice(0, 12)}`,
      cause: 'the history of the checkout is cut off, and without a token GitHub cannot be asked',
      fix: 'Pass `token: ${{ github.token }}`, check out with `fetch-depth: 0`, or name the component in `force`',
      kind: 'environment',
    });
  }
  const parameters = { owner: repository.owner, repo: repository.name, basehead: `${a}...${b}`, per_page: 1, page: 2 };
  try {
    const { data } = await github.rest<{ status?: string }>(
      'GET',
      '/repos/{owner}/{repo}/compare/{basehead}',
      parameters,
    );
    return data.status === 'ahead' || data.status === 'identical';
  } catch (error) {
    if (error instanceof Problem && error.kind === 'not-found') return false;
    throw error;
  }
}
