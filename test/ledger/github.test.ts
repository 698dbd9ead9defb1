import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { github } from '../../lib/github/client.ts';
import { githubLedger } from '../../lib/ledger/github.ts';
import { type LedgerEntry, lastDeployed } from '../../lib/ledger/ledger.ts';
import { createFaults } from '../../local/faults.ts';
import { type GitFixture, gitFixture } from '../../local/github/fixture.ts';
import { createGithub, type Github } from '../../local/github/server.ts';

// The ledger over GitHub's API as the local stand-in answers it: real HTTP, a real GraphQL schema, real commits.
let repo: GitFixture;
let server: Github;
let commits: string[];
const faults = createFaults(1);

beforeAll(async () => {
  repo = gitFixture();
  commits = ['a', 'b', 'c'].map((name) => repo.commit({ [name]: name }, name));
  server = await createGithub({
    faults,
    repositories: [{ owner: 'acme', name: 'sample', gitDir: repo.bare }],
    tokens: {
      full: { login: 'bot' },
      reader: { login: 'reader', permissions: { contents: 'read', deployments: 'read' } },
    },
  });
});
afterAll(async () => {
  await server.close();
  repo.remove();
});

const ledger = (token = 'full') =>
  githubLedger(github({ context: { apiUrl: server.url, graphqlUrl: `${server.url}/graphql` }, token }), {
    repository: { owner: 'acme', name: 'sample', slug: 'acme/sample' },
  });
const entry = (n: number, over: Partial<LedgerEntry> = {}): LedgerEntry => ({
  component: 'web',
  environment: 'dev',
  commit: commits[n] ?? '',
  state: 'deployed',
  runUrl: 'https://github.test/acme/sample/actions/runs/1',
  at: '2026-11-21T00:00:00.000Z',
  images: { web: 'sample-web@sha256:1' },
  ...over,
});

describe('GitHub Deployments as the ledger', () => {
  test('what is recorded is read, newest first, environments and components apart', async () => {
    const book = ledger();
    await book.record(entry(0));
    await book.record(entry(1));
    await book.record(entry(2, { state: 'held', cause: 'crash "loop"\nü' }));
    await book.record(entry(2, { component: 'bot' }));
    await book.record(entry(2, { environment: 'prod' }));
    const entries = await book.read('dev', ['web', 'infra']);
    expect([...entries.keys()]).toEqual(['web']);
    expect(entries.get('web')?.map((e) => [e.commit, e.state, e.cause])).toEqual([
      [commits[2], 'held', 'crash "loop"\nü'],
      [commits[1], 'deployed', undefined],
      [commits[0], 'deployed', undefined],
    ]);
    expect(lastDeployed(entries.get('web'))).toEqual(entry(1));
  });

  test('a success of another component does not hide it, and a deployment without a status proves nothing', async () => {
    await ledger().record(entry(2, { component: 'api' }));
    const client = github({ context: { apiUrl: server.url, graphqlUrl: `${server.url}/graphql` }, token: 'full' });
    const payload = { slipway: 1, ...entry(1, { component: 'api' }) };
    const body = {
      owner: 'acme',
      repo: 'sample',
      ref: commits[1],
      task: 'slipway/api',
      environment: 'dev',
      auto_merge: false,
      required_contexts: [],
      payload,
    };
    await client.rest('POST', '/repos/{owner}/{repo}/deployments', body);
    const entries = await ledger().read('dev', ['api', 'web']);
    expect(entries.get('api')?.map((e) => e.commit)).toEqual([commits[2]]);
    expect(lastDeployed(entries.get('web'))?.commit).toBe(commits[1]);
  });

  test('a read that fails is an error, never an empty ledger', async () => {
    faults.add({ service: 'github', operation: 'POST /graphql', times: 10, effect: { status: 503 } });
    await expect(ledger().read('dev', ['web'])).rejects.toMatchObject({ kind: 'service' });
    faults.clear();
  });

  test('a passing failure is tried again', async () => {
    faults.add({ service: 'github', operation: 'POST /graphql', times: 1, effect: { status: 502 } });
    expect((await ledger().read('dev', ['web'])).size).toBe(1);
  });

  test('a token that may not write names the permission', async () => {
    await expect(ledger('reader').record(entry(0))).rejects.toThrow(/deployments: write/);
  });

  test('a token that is none is told apart', async () => {
    await expect(ledger('nobody').read('dev', ['web'])).rejects.toMatchObject({ kind: 'credentials' });
  });
});

test('what was destroyed is deployed no more', async () => {
  const book = ledger();
  await book.record(entry(0, { component: 'infra' }));
  await book.record(entry(1, { component: 'infra', state: 'destroyed', cause: 'destroyed' }));
  const entries = await book.read('dev', ['infra']);
  expect(entries.get('infra')?.map((e) => e.state)).toEqual(['destroyed', 'deployed']);
  expect(lastDeployed(entries.get('infra'))).toBeUndefined();
});

describe('a survey of the whole ledger', () => {
  test('every environment and component to the depth asked for, also what was recorded halfway', async () => {
    const book = ledger();
    for (const n of [0, 1, 2]) await book.record(entry(n, { environment: 'survey', component: 'one' }));
    await book.record(entry(0, { environment: 'elsewhere', component: 'two', state: 'failed' }));
    const client = github({ context: { apiUrl: server.url, graphqlUrl: `${server.url}/graphql` }, token: 'full' });
    const at = { owner: 'acme', repo: 'sample', auto_merge: false, required_contexts: [] };
    const half = entry(1, { environment: 'survey', component: 'half' });
    await client.rest('POST', '/repos/{owner}/{repo}/deployments', {
      ...at,
      ref: commits[1],
      task: 'slipway/half',
      environment: 'survey',
      payload: { slipway: 1, ...half },
    });
    // Deployments of others are none of ours, whatever they hold.
    await client.rest('POST', '/repos/{owner}/{repo}/deployments', {
      ...at,
      ref: commits[0],
      task: 'deploy',
      payload: {},
    });
    const ours = (await book.survey(2)).filter((e) => ['one', 'two', 'half'].includes(e.component));
    expect(ours.map((e) => [e.environment, e.component, e.commit])).toEqual([
      ['survey', 'half', commits[1]],
      ['elsewhere', 'two', commits[0]],
      ['survey', 'one', commits[2]],
      ['survey', 'one', commits[1]],
    ]);
  });

  test('one that cannot be read is an error, never an empty one', async () => {
    await expect(ledger('nobody').survey(1)).rejects.toMatchObject({ kind: 'credentials' });
  });

  test('an entry that cannot be understood is an error: it may name an image that runs', async () => {
    const client = github({ context: { apiUrl: server.url, graphqlUrl: `${server.url}/graphql` }, token: 'full' });
    await client.rest('POST', '/repos/{owner}/{repo}/deployments', {
      owner: 'acme',
      repo: 'sample',
      auto_merge: false,
      required_contexts: [],
      ref: commits[0],
      task: 'slipway/later',
      payload: { slipway: 2 },
    });
    await expect(ledger().survey(1)).rejects.toThrow(/ledger entry slipway\/later of .*cannot be understood/);
  });
});
