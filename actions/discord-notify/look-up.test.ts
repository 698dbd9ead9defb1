import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { githubContext } from '../../lib/context.ts';
import { github } from '../../lib/github/client.ts';
import { githubLedger } from '../../lib/ledger/github.ts';
import type { LedgerEntry } from '../../lib/ledger/ledger.ts';
import { recordingLog } from '../../lib/log.ts';
import { type GitFixture, gitFixture } from '../../local/github/fixture.ts';
import { createGithub, type Github } from '../../local/github/server.ts';
import { gitHubLookUp } from './look-up.ts';

// Through @actions/github, against the local GitHub over real commits.
let repo: GitFixture;
let server: Github;
let commits: string[];

beforeAll(async () => {
  repo = gitFixture();
  commits = ['one', 'two', 'three', 'four'].map((name) => repo.commit({ [name]: name }, `Add ${name}\n\nmore`));
  server = await createGithub({
    repositories: [{ owner: 'acme', name: 'sample', gitDir: repo.bare }],
    tokens: { full: { login: 'bot' }, blind: { login: 'blind', permissions: {} } },
  });
});
afterAll(async () => {
  await server.close();
  repo.remove();
});

const contextAt = (apiUrl: string) =>
  githubContext({
    GITHUB_REPOSITORY: 'acme/sample',
    GITHUB_SHA: commits.at(-1) ?? '',
    GITHUB_API_URL: apiUrl,
    GITHUB_GRAPHQL_URL: `${apiUrl}/graphql`,
    GITHUB_RUN_ID: '99',
    GITHUB_REF_NAME: 'main',
    GITHUB_SERVER_URL: 'https://github.test',
  });

function lookUp(token = 'full', apiUrl = server.url) {
  return gitHubLookUp({
    context: contextAt(apiUrl),
    token,
    workflowRef: 'acme/sample/.github/workflows/deploy.yml@refs/heads/main',
    log: recordingLog(),
    signal: AbortSignal.timeout(10_000),
  });
}

test('the commits since the earliest of several bases, newest first, with their authors', async () => {
  const [first = '', , third = '', last = ''] = commits;
  const found = await lookUp().commits([third, first, 'd'.repeat(40)]);
  expect(found).toMatchObject({
    head: { sha: last, subject: 'Add four' },
    base: first,
    count: 3,
    url: `https://github.test/acme/sample/compare/${first}...${last}`,
    list: [{ subject: 'Add four' }, { subject: 'Add three' }, { subject: 'Add two' }],
  });
  expect(found?.authors).toHaveLength(1);
});

test('the head alone where there is no base, or nothing since it', async () => {
  for (const bases of [[], [commits.at(-1) ?? '']])
    expect(await lookUp().commits(bases)).toMatchObject({ head: { subject: 'Add four' }, base: '', count: 1 });
});

test('failures before this run: from the ledger', async () => {
  const context = { apiUrl: server.url, graphqlUrl: `${server.url}/graphql` };
  const book = githubLedger(github({ context, token: 'full' }), contextAt(server.url));
  const entry = (state: LedgerEntry['state'], run: number): LedgerEntry => ({
    component: 'web',
    environment: 'dev',
    commit: commits[0] ?? '',
    state,
    runUrl: `https://github.test/acme/sample/actions/runs/${run}`,
    at: `2026-11-21T00:0${run % 10}:00.000Z`,
  });
  for (const [state, run] of [
    ['deployed', 91],
    ['failed', 92],
    ['held', 93],
    ['deployed', 99],
  ] as const)
    await book.record(entry(state, run));
  expect(await lookUp().streak('dev', ['web'])).toEqual({ failures: 2, since: Date.UTC(2026, 10, 21, 0, 2) });
  expect(await lookUp().streak('dev', ['bot'])).toBeUndefined();
});

test('failures before this run: from the workflow’s runs where there is no ledger', async () => {
  const run = {
    name: 'deploy',
    title: 'deploy',
    path: '.github/workflows/deploy.yml',
    event: 'push',
    headBranch: 'main',
    headSha: '',
  };
  for (const conclusion of ['success', 'failure', 'failure']) {
    const { id } = server.addRun('acme/sample', run);
    server.updateRun('acme/sample', id, { status: 'completed', conclusion });
  }
  expect(await lookUp().streak('prod', ['web'])).toMatchObject({ failures: 2 });
  expect(await lookUp().streak('', [])).toMatchObject({ failures: 2 });
});

test('jobs with their durations and logs', async () => {
  const asked: string[] = [];
  const answer = {
    total_count: 2,
    jobs: [
      {
        name: 'web',
        html_url: 'https://x.test/1',
        started_at: '2026-01-01T00:00:00Z',
        completed_at: '2026-01-01T00:00:09Z',
      },
      { name: 'end', html_url: null, started_at: '2026-01-01T00:00:00Z', completed_at: null },
    ],
  };
  const one = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  }).listen(0, '127.0.0.1');
  await new Promise((done) => one.once('listening', done));
  try {
    const found = await lookUp('full', `http://127.0.0.1:${(one.address() as AddressInfo).port}`).jobs();
    expect(found).toEqual([
      { name: 'web', url: 'https://x.test/1', ms: 9000 },
      { name: 'end', url: '', ms: undefined },
    ]);
    expect(asked).toEqual(['/repos/acme/sample/actions/runs/99/attempts/1/jobs?per_page=100']);
  } finally {
    one.closeAllConnections();
    one.close();
  }
});

test('what the token may not see is left out, without a word that anybody has to read', async () => {
  const blind = lookUp('blind');
  expect([await blind.commits([]), await blind.streak('dev', ['web']), await blind.jobs()]).toEqual([
    undefined,
    undefined,
    [],
  ]);
  const nobody = lookUp('full', 'http://127.0.0.1:9');
  expect([await nobody.commits([]), await nobody.jobs()]).toEqual([undefined, []]);
});
