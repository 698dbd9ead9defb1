import { allPosts, type GitHubPlace, isOurs, marker, ownLogin, type Post, type RootName } from './place.ts';

export const DRIFT_LABEL = 'slipway-drift';
const ISSUE = '/repos/{owner}/{repo}/issues/{issue_number}';

/**
 * Keeps one issue per root open while there is drift: opened when it is found, edited while it stays, closed with a word when
 * it is gone. Only issues of our own are touched.
 * @param body what differs, without its marker; '' when nothing does
 * @returns the issue's address; '' when there is none
 */
export async function keepDriftIssue(place: GitHubPlace, root: RootName, body: string): Promise<string> {
  const { client, context, log } = place;
  const { owner, name: repo } = context.repository;
  const [first, ...more] = await openIssues(place, root);
  const close = async (issue: Post, why: string) => {
    const at = { owner, repo, issue_number: issue.number };
    await client.rest('POST', `${ISSUE}/comments`, { ...at, body: why });
    await client.rest('PATCH', ISSUE, { ...at, state: 'closed', state_reason: 'completed' });
  };
  // Two runs at once may have opened one each.
  for (const issue of more) await close(issue, `Told in #${first?.number} as well.`);
  if (body === '') {
    if (first) await close(first, `The drift is gone, as [this run](${context.runUrl}) has found.`);
    return '';
  }
  const text = `${marker('drift', root)}\n${body}`;
  if (first) {
    const { data } = await client.rest<Post>('PATCH', ISSUE, { owner, repo, issue_number: first.number, body: text });
    return data.html_url ?? '';
  }
  const where = root.environment === '' ? root.name : `${root.name} in ${root.environment}`;
  const { data } = await client.rest<Post>('POST', '/repos/{owner}/{repo}/issues', {
    owner,
    repo,
    title: `Terraform drift: ${where}`,
    body: text,
    labels: [DRIFT_LABEL],
  });
  log.info(`Opened ${data.html_url}`);
  return data.html_url ?? '';
}

async function openIssues({ client, context }: GitHubPlace, root: RootName): Promise<Post[]> {
  const { owner, name: repo } = context.repository;
  const [line, login] = [marker('drift', root), await ownLogin(client)];
  const found: Post[] = [];
  const query = { owner, repo, state: 'open', labels: DRIFT_LABEL, sort: 'created', direction: 'asc' };
  for await (const post of allPosts(client, '/repos/{owner}/{repo}/issues', query)) {
    if (isOurs(post, line, login)) found.push(post);
  }
  return found;
}
