import { allPosts, type GitHubPlace, isOurs, marker, ownLogin, type Post, type RootName } from './place.ts';

/** GitHub's limit on a comment, in characters. */
export const COMMENT_LIMIT = 65_536;

const COMMENTS = '/repos/{owner}/{repo}/issues/{issue_number}/comments';

/** The number of the pull request that a run is about; undefined where it is about none. */
export function pullRequestNumber(event: Readonly<Record<string, unknown>>): number | undefined {
  const { pull_request: pull, number } = event as { pull_request?: { number?: unknown }; number?: unknown };
  const found = pull?.number ?? (pull ? number : undefined);
  return typeof found === 'number' && Number.isSafeInteger(found) ? found : undefined;
}

/**
 * Writes the one comment about a root: the one that is there is edited, so that a pull request is not filled with old plans.
 * @param body without its marker
 * @returns its address
 */
export async function writeComment(place: GitHubPlace, root: RootName, pull: number, body: string): Promise<string> {
  const { client, context } = place;
  const { owner, name: repo } = context.repository;
  const line = marker('plan', root);
  const text = `${line}\n${body}`;
  const found = await findComment(place, root, pull);
  const { data } = found
    ? await client.rest<Post>('PATCH', '/repos/{owner}/{repo}/issues/comments/{comment_id}', {
        owner,
        repo,
        comment_id: found.id,
        body: text,
      })
    : await client.rest<Post>('POST', COMMENTS, { owner, repo, issue_number: pull, body: text });
  return data.html_url ?? '';
}

/** Our own comment about a root on a pull request. */
export async function findComment(
  { client, context }: GitHubPlace,
  root: RootName,
  pull: number,
): Promise<Post | undefined> {
  const { owner, name: repo } = context.repository;
  const [line, login] = [marker('plan', root), await ownLogin(client)];
  for await (const post of allPosts(client, COMMENTS, { owner, repo, issue_number: pull })) {
    if (isOurs(post, line, login)) return post;
  }
  return undefined;
}

/** The pull request that brought a commit to its branch: the newest merged one that holds it. */
export async function pullRequestOf({ client, context }: GitHubPlace): Promise<number | undefined> {
  const { owner, name: repo } = context.repository;
  const { data } = await client.rest<{ number: number; merged_at?: string | null; state?: string }[]>(
    'GET',
    '/repos/{owner}/{repo}/commits/{commit_sha}/pulls',
    { owner, repo, commit_sha: context.sha },
  );
  const merged = data.filter(({ merged_at }) => merged_at).sort((a, b) => b.number - a.number);
  return (merged[0] ?? data[0])?.number;
}
