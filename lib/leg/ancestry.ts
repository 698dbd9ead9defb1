import type { GitHubContext } from '../context.ts';
import { Problem } from '../errors.ts';
import type { GitHubClient } from '../github/client.ts';

export interface AncestryPorts {
  /** The checkout; its history may be cut. */
  isAncestor(a: string, b: string): Promise<boolean | undefined>;
  /** Undefined where the run has no token. */
  github: GitHubClient | undefined;
  repository: GitHubContext['repository'];
}

/**
 * Whether `a` is an ancestor of `b`: asked of the checkout, and of GitHub where the checkout's history is cut.
 * Source for the states: GitHub REST reference, "Compare two commits". Undefined when neither knows.
 */
export async function ancestry(a: string, b: string, ports: AncestryPorts): Promise<boolean | undefined> {
  const known = await ports.isAncestor(a, b).catch(() => undefined);
  if (known !== undefined || !ports.github || ports.repository.slug === '') return known;
  const { owner, name } = ports.repository;
  try {
    const route = '/repos/{owner}/{repo}/compare/{basehead}';
    const parameters = { owner, repo: name, basehead: `${a}...${b}`, per_page: 1 };
    const { data } = await ports.github.rest<{ status?: string }>('GET', route, parameters);
    return data.status === undefined ? undefined : data.status === 'ahead' || data.status === 'identical';
  } catch (error) {
    // A commit that was pushed away, or a token that may not look, proves nothing.
    if (error instanceof Problem && error.kind !== 'cancelled') return undefined;
    throw error;
  }
}
