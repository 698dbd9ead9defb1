import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Octokit } from '@octokit/core';
import { createFaults } from '../faults.ts';
import { type GitFixture, gitFixture, refusal } from './fixture.ts';
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

describe('pages that messages link to', () => {
  test('a run, a commit and the repository, escaped, without a token; anything else stays closed', async () => {
    const sha = repo.commit({ 'web/x.txt': 'x' }, 'Say <b>hello</b> & "bye"');
    const run = github.addRun(SLUG, {
      name: 'n',
      title: 'A <run>',
      path: 'p',
      event: 'push',
      headBranch: 'main',
      headSha: sha,
    });
    const get = async (path: string): Promise<[number, string]> => {
      const response = await fetch(`${github.url}${path}`);
      return [response.status, await response.text()];
    };
    const commit = await get(`/${SLUG}/commit/${sha}`);
    expect(commit).toEqual([200, expect.stringContaining('Say &lt;b&gt;hello&lt;/b&gt; &amp; &quot;bye&quot;')]);
    expect(await get(`/${SLUG}/actions/runs/${run.id}`)).toEqual([200, expect.stringContaining('A &lt;run&gt;')]);
    expect((await get(`/${SLUG}`))[0]).toBe(200);
    const range = await get(`/${SLUG}/compare/${sha}...${sha}`);
    expect(range).toEqual([200, expect.stringContaining('<dt>Commits</dt><dd>0</dd>')]);
    expect((await get(`/${SLUG}/actions/workflows/none.yml`))[0]).toBe(401);
    expect((await get(`/${SLUG}/actions/runs/1`))[0]).toBe(401);
    expect((await get('/other/repo'))[0]).toBe(401);
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
    const body = { ref: second, auto_merge: false, required_contexts: [], environment: 'cut' };
    await expect(client().request('POST /repos/{owner}/{repo}/deployments', { ...at, ...body })).rejects.toThrow();
    const { data } = await client().request('GET /repos/{owner}/{repo}/deployments', { ...at, environment: 'cut' });
    expect(data).toHaveLength(1);
  });
});
