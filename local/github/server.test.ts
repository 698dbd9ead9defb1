import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Octokit } from '@octokit/core';
import { createFaults } from '../faults.ts';
import { type GitFixture, gitFixture } from './fixture.ts';
import { createGithub, type Github } from './server.ts';
import type { Dispatch } from './state.ts';

const SLUG = 'acme/sample';
const WORKFLOW = `name: Deploy
on:
  workflow_dispatch:
    inputs:
      environment: { type: choice, options: [dev, prod], required: true }
      force: { default: '' }
jobs: {}
`;

let repo: GitFixture;
let github: Github;
let first = '';
let second = '';
const dispatches: Dispatch[] = [];
const unknown: string[] = [];
const faults = createFaults(1);

beforeAll(async () => {
  repo = gitFixture();
  first = repo.commit({ 'web/a.txt': 'one\n', 'keep me.txt': 'x\n' }, 'first');
  second = repo.commit({ 'web/a.txt': 'one\ntwo\n', '.github/workflows/deploy.yml': WORKFLOW }, 'second\n\nbody');
  github = await createGithub({
    faults,
    repositories: [{ owner: 'acme', name: 'sample', gitDir: repo.bare }],
    tokens: {
      full: { login: 'github-actions[bot]' },
      reader: { login: 'reader', permissions: { contents: 'read', deployments: 'read' } },
      stranger: { login: 'stranger', repositories: ['other/repo'] },
    },
    onDispatch: (dispatch) => dispatches.push(dispatch),
    onUnknown: (request) => unknown.push(request),
  });
});
afterAll(async () => {
  await github.close();
  repo.remove();
});

const client = (auth = 'full'): Octokit => new Octokit({ baseUrl: github.url, auth, request: { retries: 0 } });
const at = { owner: 'acme', repo: 'sample' };

/** Status and body of a call that is expected to be refused. */
async function refusal(call: Promise<unknown>) {
  const error = (await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )) as { status: number; response: { data: { message: string; errors?: unknown }; headers: Record<string, string> } };
  if (!error) throw new Error('expected a refusal');
  return { ...error.response.data, status: error.status, headers: error.response.headers };
}

interface DeploymentBody {
  id: number;
}
async function deploy(environment: string, task: string, more: Record<string, unknown> = {}): Promise<number> {
  const body = { ref: second, auto_merge: false, required_contexts: [], environment, task, ...more };
  const made = await client().request('POST /repos/{owner}/{repo}/deployments', { ...at, ...body });
  expect(made.status).toBe(201);
  return (made.data as DeploymentBody).id;
}
const succeed = (id: number, more: Record<string, unknown> = {}) =>
  client().request('POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses', {
    ...at,
    deployment_id: id,
    state: 'success',
    ...more,
  });
const states = async (id: number): Promise<string[]> => {
  const route = 'GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses';
  return (await client().request(route, { ...at, deployment_id: id })).data.map((one) => one.state);
};

describe('deployments', () => {
  test('a deployment carries what was given and GitHub’s defaults', async () => {
    const made = await client().request('POST /repos/{owner}/{repo}/deployments', {
      ...at,
      ref: 'main',
      required_contexts: [],
      payload: { images: { web: 'x@sha256:1' } },
    });
    expect(made.data).toMatchObject({
      sha: second,
      ref: 'main',
      task: 'deploy',
      environment: 'production',
      production_environment: true,
      transient_environment: false,
      payload: { images: { web: 'x@sha256:1' } },
    });
  });

  test.each([
    ['no ref', {}, 422, /"ref" wasn't supplied/],
    ['an unknown ref', { ref: 'nowhere' }, 422, /No ref found for: nowhere/],
    ['a ref that looks like an option', { ref: '--all' }, 422, /No ref found/],
    ['contexts that are no list', { ref: 'main', required_contexts: 'ci' }, 422, /required_contexts/],
    ['a payload that is a list', { ref: 'main', payload: [1] }, 422, /not an object/],
  ])('refuses %s', async (_name, body, status, message) => {
    const refused = await refusal(client().request('POST /repos/acme/sample/deployments', body));
    expect(refused.status).toBe(status);
    expect(refused.message).toMatch(message);
  });

  test('a pending or failed context is a conflict unless the list is empty', async () => {
    github.setCheck(SLUG, first, 'pipeline / deploy', 'pending');
    const body = { ...at, ref: first, auto_merge: false };
    const refused = await refusal(client().request('POST /repos/{owner}/{repo}/deployments', body));
    expect(refused.status).toBe(409);
    expect(refused.message).toMatch(/Commit status checks failed/);
    const made = await client().request('POST /repos/{owner}/{repo}/deployments', { ...body, required_contexts: [] });
    expect(made.status).toBe(201);
  });

  test('a branch behind the default branch is merged (202), a conflicting one refused (409)', async () => {
    repo.branch('topic', first);
    repo.commit({ 'other.txt': 'y\n' });
    repo.branch('clash', first);
    repo.commit({ 'web/a.txt': 'different\n' });
    const ask = (ref: string) =>
      client().request('POST /repos/{owner}/{repo}/deployments', { ...at, ref, required_contexts: [] });
    const merged = await ask('topic');
    expect([merged.status, (merged.data as { message?: string }).message]).toEqual([
      202,
      'Auto-merged main into topic on deployment.',
    ]);
    expect((await ask('topic')).status).toBe(201);
    expect(await refusal(ask('clash'))).toMatchObject({ status: 409, message: 'Conflict merging main into clash' });
  });

  test('success inactivates other successes of the environment, other tasks too, unless told not to', async () => {
    const web = await deploy('dev', 'slipway/web');
    const failed = await deploy('dev', 'slipway/web');
    await succeed(web);
    await succeed(failed, { state: 'failure' });
    const other = await deploy('staging', 'slipway/web');
    await succeed(other);
    const quiet = await deploy('dev', 'slipway/bot');
    await succeed(quiet, { auto_inactive: false });
    expect(await states(web)).toEqual(['success']);
    const loud = await deploy('dev', 'slipway/bot');
    await succeed(loud);
    expect(await states(web)).toEqual(['inactive', 'success']);
    expect(await states(quiet)).toEqual(['inactive', 'success']);
    expect(await states(failed)).toEqual(['failure']);
    expect(await states(other)).toEqual(['success']);
  });

  test('production and transient deployments stay active', async () => {
    const production = await deploy('live', 'deploy', { production_environment: true });
    const transient = await deploy('live', 'deploy', { transient_environment: true });
    await succeed(production);
    await succeed(transient);
    await succeed(await deploy('live', 'deploy'));
    expect([await states(production), await states(transient)]).toEqual([['success'], ['success']]);
  });

  test.each([
    ['an unknown state', { state: 'done' }, /Validation Failed/],
    ['no state', {}, /"state" wasn't supplied/],
    ['a long description', { state: 'success', description: 'x'.repeat(141) }, /Validation Failed/],
  ])('refuses a status with %s', async (_name, body, message) => {
    const id = await deploy('dev', 'deploy');
    const refused = await refusal(client().request(`POST /repos/acme/sample/deployments/${id}/statuses`, body));
    expect(refused.status).toBe(422);
    expect(refused.message).toMatch(message);
  });

  test('lists are newest first, filtered and paged', async () => {
    const ids: number[] = [];
    for (let n = 0; n < 5; n += 1) ids.push(await deploy('paged', n % 2 ? 'slipway/a' : 'slipway/b'));
    const list = (more: object) =>
      client().request('GET /repos/{owner}/{repo}/deployments', { ...at, environment: 'paged', ...more });
    const one = await list({ per_page: 2 });
    expect(one.data.map((d) => d.id)).toEqual([ids[4], ids[3]]);
    expect(one.headers.link).toMatch(/page=2>; rel="next"/);
    const last = await list({ per_page: 2, page: 3 });
    expect(last.data.map((d) => d.id)).toEqual([ids[0]]);
    expect(last.headers.link).not.toMatch(/rel="next"/);
    expect((await list({ task: 'slipway/a' })).data.map((d) => d.id)).toEqual([ids[3], ids[1]]);
  });
});

describe('GraphQL', () => {
  const QUERY = `query ($owner: String!, $name: String!, $env: [String!], $after: String) {
    repository(owner: $owner, name: $name) {
      deployments(environments: $env, first: 2, after: $after, orderBy: { field: CREATED_AT, direction: DESC }) {
        nodes {
          databaseId task environment commitOid createdAt payload description
          statuses(first: 20) { nodes { state createdAt logUrl description } }
          latestStatus { state }
        }
        pageInfo { hasNextPage endCursor }
      }
    }
  }`;
  interface Page {
    repository: {
      deployments: {
        nodes: { databaseId: number; payload: string; statuses: { nodes: { state: string }[] } }[];
        pageInfo: { hasNextPage: boolean; endCursor: string };
      };
    };
  }
  const variables = { owner: 'acme', name: 'sample', env: ['gql'] };

  test('reads the ledger page by page, statuses and all', async () => {
    const ids: number[] = [];
    for (let n = 0; n < 3; n += 1) ids.push(await deploy('gql', 'slipway/web', { payload: { n } }));
    await succeed(ids[2] ?? 0, { log_url: 'https://example.com/run', auto_inactive: false });
    const one = await client().graphql<Page>(QUERY, variables);
    const { nodes, pageInfo } = one.repository.deployments;
    expect(nodes.map((node) => node.databaseId)).toEqual([ids[2], ids[1]]);
    expect(JSON.parse(nodes[0]?.payload ?? '')).toEqual({ n: 2 });
    expect(nodes[0]?.statuses.nodes).toMatchObject([{ state: 'SUCCESS', logUrl: 'https://example.com/run' }]);
    expect(pageInfo.hasNextPage).toBe(true);
    const two = await client().graphql<Page>(QUERY, { ...variables, after: pageInfo.endCursor });
    expect(two.repository.deployments.nodes.map((node) => node.databaseId)).toEqual([ids[0]]);
    expect(two.repository.deployments.pageInfo.hasNextPage).toBe(false);
  });

  test.each([
    [
      'an unknown field',
      '{ repository(owner: "acme", name: "sample") { secrets } }',
      /Cannot query field "secrets"/,
      undefined,
    ],
    ['an unknown repository', '{ repository(owner: "acme", name: "x") { id } }', /Could not resolve/, 'NOT_FOUND'],
    [
      'a page without bounds',
      '{ repository(owner: "acme", name: "sample") { deployments { totalCount } } }',
      /`first` or `last`/,
      'MISSING_PAGINATION_BOUNDARIES',
    ],
    [
      'a page over 100',
      '{ repository(owner: "acme", name: "sample") { deployments(first: 101) { totalCount } } }',
      /exceeds the `first` limit of 100/,
      'EXCESSIVE_PAGINATION',
    ],
    ['no query at all', '{', /Syntax Error/, undefined],
  ])('refuses %s', async (_name, query, message, type) => {
    const response = await fetch(github.graphqlUrl, {
      method: 'POST',
      headers: { authorization: 'bearer full' },
      body: JSON.stringify({ query }),
    });
    const body = (await response.json()) as { errors: { message: string; type?: string }[] };
    expect(response.status).toBe(200);
    expect(body.errors[0]?.message).toMatch(message);
    expect(body.errors[0]?.type).toBe(type);
  });
});

describe('commits, refs and contents come from the bare repository', () => {
  test('compare tells status, commits and files', async () => {
    const { data } = await client().request('GET /repos/{owner}/{repo}/compare/{basehead}', {
      ...at,
      basehead: `${first}...${second}`,
    });
    expect(data).toMatchObject({ status: 'ahead', ahead_by: 1, behind_by: 0, merge_base_commit: { sha: first } });
    expect(data.files?.map((file) => [file.filename, file.status, file.additions])).toEqual([
      ['.github/workflows/deploy.yml', 'added', 7],
      ['web/a.txt', 'modified', 1],
    ]);
    const back = await client().request('GET /repos/{owner}/{repo}/compare/{basehead}', {
      ...at,
      basehead: `${second}...${first}`,
    });
    expect(back.data.status).toBe('behind');
  });

  test('commit, ref, matching refs, contents', async () => {
    const commit = await client().request('GET /repos/{owner}/{repo}/commits/{ref}', { ...at, ref: 'main' });
    expect(commit.data).toMatchObject({
      sha: second,
      commit: { message: 'second\n\nbody', author: { name: 'Ada', date: '2026-01-02T02:04:05Z' } },
      parents: [{ sha: first }],
    });
    const ref = await client().request('GET /repos/{owner}/{repo}/git/ref/{ref}', { ...at, ref: 'heads/main' });
    expect(ref.data.object).toMatchObject({ sha: second, type: 'commit' });
    const file = await client().request('GET /repos/{owner}/{repo}/contents/{path}', {
      ...at,
      path: 'keep me.txt',
      ref: first,
    });
    expect(Buffer.from((file.data as { content: string }).content, 'base64').toString()).toBe('x\n');
    const folder = await client().request('GET /repos/{owner}/{repo}/contents/{path}', { ...at, path: 'web' });
    expect((folder.data as { path: string }[]).map((entry) => entry.path)).toEqual(['web/a.txt']);
  });

  test('refs can be created, moved forward only, and removed', async () => {
    const ref = 'refs/tags/v1';
    await client().request('POST /repos/{owner}/{repo}/git/refs', { ...at, ref, sha: second });
    const again = client().request('POST /repos/{owner}/{repo}/git/refs', { ...at, ref, sha: second });
    expect(await refusal(again)).toMatchObject({ status: 422, message: 'Reference already exists' });
    const move = (force: boolean) =>
      client().request('PATCH /repos/{owner}/{repo}/git/refs/{ref}', { ...at, ref: 'tags/v1', sha: first, force });
    expect(await refusal(move(false))).toMatchObject({ status: 422, message: 'Update is not a fast forward' });
    expect((await move(true)).data.object.sha).toBe(first);
    expect(
      (await client().request('DELETE /repos/{owner}/{repo}/git/refs/{ref}', { ...at, ref: 'tags/v1' })).status,
    ).toBe(204);
  });
});

describe('pull requests and comments', () => {
  test('files, counts and comments of a pull request', async () => {
    repo.branch('feature', second);
    repo.commit({ 'web/b.txt': 'b\n' });
    const pull = github.addPull(SLUG, {
      title: 'Add b',
      body: null,
      state: 'open',
      draft: false,
      author: 'ada',
      head: 'feature',
      base: 'main',
    });
    const { number } = pull;
    const files = await client().request('GET /repos/{owner}/{repo}/pulls/{pull_number}/files', {
      ...at,
      pull_number: number,
    });
    expect(files.data.map((file) => file.filename)).toEqual(['web/b.txt']);
    const got = await client().request('GET /repos/{owner}/{repo}/pulls/{pull_number}', { ...at, pull_number: number });
    expect(got.data).toMatchObject({ changed_files: 1, commits: 1, head: { ref: 'feature' }, base: { sha: second } });
    const comments = 'POST /repos/{owner}/{repo}/issues/{issue_number}/comments';
    const made = await client().request(comments, { ...at, issue_number: number, body: 'plan' });
    await client().request('PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}', {
      ...at,
      comment_id: made.data.id,
      body: 'plan 2',
    });
    const list = await client().request('GET /repos/{owner}/{repo}/issues/{issue_number}/comments', {
      ...at,
      issue_number: number,
    });
    expect(list.data.map((one) => one.body)).toEqual(['plan 2']);
    const long = client().request(comments, { ...at, issue_number: number, body: 'x'.repeat(65_537) });
    expect(await refusal(long)).toMatchObject({ status: 422 });
  });
});

describe('dispatches', () => {
  const route = 'POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches';
  const ask = (more: object) => client().request(route, { ...at, workflow_id: 'deploy.yml', ref: 'main', ...more });

  test('a dispatch registers a run, calls back with all inputs and answers as asked', async () => {
    expect((await ask({ inputs: { environment: 'dev' } })).status).toBe(204);
    const detailed = await ask({ inputs: { environment: 'prod', force: 'all' }, return_run_details: true });
    const { workflow_run_id: id } = detailed.data as unknown as { workflow_run_id: number };
    expect(dispatches.at(-1)).toMatchObject({
      runId: id,
      ref: 'main',
      sha: second,
      inputs: { environment: 'prod', force: 'all' },
    });
    expect(dispatches.at(-2)?.inputs).toEqual({ environment: 'dev', force: '' });
    github.updateRun(SLUG, id, { status: 'completed', conclusion: 'success' });
    const run = await client().request('GET /repos/{owner}/{repo}/actions/runs/{run_id}', { ...at, run_id: id });
    expect(run.data).toMatchObject({ id, status: 'completed', conclusion: 'success', event: 'workflow_dispatch' });
  });

  test.each([
    [
      'an input that the workflow has not',
      { inputs: { environment: 'dev', x: '1' } },
      422,
      /Unexpected inputs provided: \["x"\]/,
    ],
    ['a missing required input', { inputs: {} }, 422, /Required input 'environment' not provided/],
    ['a value that is no option', { inputs: { environment: 'moon' } }, 422, /not in the list of allowed values/],
    ['an unknown ref', { ref: 'gone' }, 422, /No ref found for: gone/],
    ['an unknown workflow', { workflow_id: 'none.yml' }, 404, /Not Found/],
  ])('refuses %s', async (_name, more, status, message) => {
    const refused = await refusal(ask(more));
    expect(refused.status).toBe(status);
    expect(refused.message).toMatch(message);
  });

  test('a repository dispatch carries its payload', async () => {
    const body = { event_type: 'ship', client_payload: { a: 1 } };
    const made = await client().request('POST /repos/{owner}/{repo}/dispatches', { ...at, ...body });
    expect(made.status).toBe(204);
    expect(dispatches.at(-1)).toMatchObject({ kind: 'repository_dispatch', eventType: 'ship', payload: { a: 1 } });
  });
});

describe('tokens, limits, faults', () => {
  test.each([
    [undefined, 401, 'Requires authentication'],
    ['Bearer nobody', 401, 'Bad credentials'],
    ['Basic full', 401, 'Bad credentials'],
    ['token stranger', 404, 'Not Found'],
  ])('authorization %s', async (authorization, status, message) => {
    const headers: Record<string, string> = authorization ? { authorization } : {};
    const response = await fetch(`${github.url}/repos/${SLUG}`, { headers });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ message, status: String(status) });
  });

  test('a read-only token reads but may not write, and is told what it would need', async () => {
    expect((await client('reader').request('GET /repos/{owner}/{repo}/deployments', at)).status).toBe(200);
    const refused = await refusal(
      client('reader').request('POST /repos/{owner}/{repo}/deployments', { ...at, ref: 'main' }),
    );
    expect(refused).toMatchObject({ status: 403, message: 'Resource not accessible by integration' });
    expect(refused.headers['x-accepted-github-permissions']).toBe('deployments=write');
  });

  test('a route that nobody serves is refused by name', async () => {
    const refused = await refusal(client().request('GET /repos/{owner}/{repo}/stargazers', at));
    expect(refused.status).toBe(404);
    expect(refused.headers['x-slipway-unknown-route']).toBe('GET /repos/acme/sample/stargazers');
    expect(unknown).toContain('GET /repos/acme/sample/stargazers');
  });

  test('the hourly limit answers 403 with the headers that say so', async () => {
    const small = await createGithub({ hourlyLimit: 1, tokens: { t: { login: 'x' } } });
    const ask = () => fetch(`${small.url}/repos/a/b`, { headers: { authorization: 'Bearer t' } });
    expect((await ask()).headers.get('x-ratelimit-remaining')).toBe('0');
    const over = await ask();
    expect([over.status, over.headers.get('x-ratelimit-resource')]).toEqual([403, 'core']);
    await small.close();
  });

  test.each([
    ['throttle', { throttle: true } as const, 403, /secondary rate limit/],
    ['denied', { denied: true } as const, 403, /Resource not accessible/],
    ['status', { status: 502 } as const, 502, /Server Error/],
  ])('fault %s strikes the operation it names', async (_name, effect, status, message) => {
    faults.add({ service: 'github', operation: 'GET /repos/:owner/:repo', times: 1, effect });
    const refused = await refusal(client().request('GET /repos/{owner}/{repo}', at));
    expect(refused.status).toBe(status);
    expect(refused.message).toMatch(message);
    expect((await client().request('GET /repos/{owner}/{repo}', at)).status).toBe(200);
  });

  test('a connection cut after the operation leaves it carried out', async () => {
    faults.add({
      service: 'github',
      operation: 'POST /repos/:owner/:repo/deployments',
      times: 1,
      effect: { cut: 'after' },
    });
    await expect(deploy('cut', 'deploy')).rejects.toThrow();
    const { data } = await client().request('GET /repos/{owner}/{repo}/deployments', { ...at, environment: 'cut' });
    expect(data).toHaveLength(1);
  });
});
