import type { GitHubContext } from '../../../lib/context.ts';
import type { GitHubClient } from '../../../lib/github/client.ts';
import type { Log } from '../../../lib/log.ts';

/** GitHub as comments and issues need it. */
export interface GitHubPlace {
  client: GitHubClient;
  context: Pick<GitHubContext, 'repository' | 'sha' | 'runUrl' | 'event' | 'eventName'>;
  log: Pick<Log, 'info' | 'warning'>;
}

/** What one root in one environment is known by, in comments and issues. */
export interface RootName {
  /** The component, or the folder where there is none. */
  name: string;
  environment: string;
}

export interface Author {
  login: string;
}

/** A comment or an issue, as far as it is used here. */
export interface Post {
  id: number;
  number?: number;
  body?: string | null;
  user?: { login?: string } | null;
  html_url?: string;
}

/** A hidden first line that tells our own post about one root from all others. Nothing of it can close the comment. */
export function marker(kind: 'plan' | 'drift', { name, environment }: RootName): string {
  const plain = (text: string) => encodeURIComponent(text).replaceAll('--', '%2D%2D');
  return `<!-- slipway-terraform-${kind} ${plain(environment)} ${plain(name)} -->`;
}

/** As whom the token writes. GITHUB_TOKEN may not ask for /user, but GraphQL tells it. */
export async function ownLogin(client: GitHubClient): Promise<string> {
  const { viewer } = await client.graphql<{ viewer: Author }>('query { viewer { login } }');
  return viewer.login;
}

/** Whether a post is ours: by the marker alone anybody could have their own text edited, or read as a plan. */
export function isOurs(post: Post, line: string, login: string): boolean {
  const author = post.user?.login ?? '';
  const same = author === login || author === `${login}[bot]`;
  return same && (post.body ?? '').startsWith(line);
}

const PAGE = 100;
/** 3,000 comments; what is beyond is not looked for. */
const MOST_PAGES = 30;

/** Every post of a list, page by page. */
export async function* allPosts(
  client: GitHubClient,
  route: string,
  parameters: Record<string, unknown>,
): AsyncGenerator<Post> {
  for (let page = 1; page <= MOST_PAGES; page++) {
    const { data } = await client.rest<Post[]>('GET', route, { ...parameters, per_page: PAGE, page });
    yield* data;
    if (data.length < PAGE) return;
  }
}
