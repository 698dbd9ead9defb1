import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Octokit } from '@octokit/core';
import { type GitFixture, gitFixture, refusal } from './fixture.ts';
import { createGithub, type Github } from './server.ts';

const SLUG = 'acme/sample';
let repo: GitFixture;
let github: Github;
let first = '';
let second = '';

beforeAll(async () => {
  repo = gitFixture();
  first = repo.commit({ 'web/a.txt': 'one\n' }, 'first');
  second = repo.commit({ 'web/a.txt': 'one\ntwo\n' }, 'second');
  github = await createGithub({
    repositories: [{ owner: 'acme', name: 'sample', gitDir: repo.bare }],
    tokens: { full: { login: 'github-actions[bot]' } },
  });
});
afterAll(async () => {
  await github.close();
  repo.remove();
});

const client = (): Octokit => new Octokit({ baseUrl: github.url, auth: 'full', request: { retries: 0 } });
const at = { owner: 'acme', repo: 'sample' };

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
