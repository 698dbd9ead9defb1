import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { github as client } from '../../../lib/github/client.ts';
import { recordingLog } from '../../../lib/log.ts';
import { type GitFixture, gitFixture } from '../../../local/github/fixture.ts';
import { createGithub, type Github } from '../../../local/github/server.ts';
import { findComment, pullRequestNumber, pullRequestOf, writeComment } from './comment.ts';
import { DRIFT_LABEL, keepDriftIssue } from './drift-issue.ts';
import { type GitHubPlace, marker } from './place.ts';

const SLUG = 'acme/sample';
const ROOT = { name: 'infra', environment: 'dev' };
let git: GitFixture;
let server: Github;
let sha = '';

beforeEach(async () => {
  git = gitFixture();
  sha = git.commit({ a: '1' });
  server = await createGithub({
    repositories: [{ owner: 'acme', name: 'sample', gitDir: git.bare }],
    tokens: {
      ours: { login: 'github-actions[bot]' },
      eve: { login: 'eve' },
      blind: { login: 'x[bot]', permissions: { contents: 'read' } },
    },
  });
  git.branch('feature');
  git.commit({ a: '2' });
  server.addPull(SLUG, {
    title: 'x',
    body: null,
    state: 'open',
    draft: false,
    author: 'ada',
    head: 'feature',
    base: 'main',
  });
});
afterEach(async () => {
  await server.close();
  git.remove();
});

function place(token = 'ours', commit = sha): GitHubPlace {
  const context = {
    repository: { owner: 'acme', name: 'sample', slug: SLUG },
    sha: commit,
    runUrl: 'https://github.com/acme/sample/actions/runs/7',
    event: {},
    eventName: 'push',
    apiUrl: server.url,
    graphqlUrl: server.graphqlUrl,
  };
  return { client: client({ context, token }), context, log: recordingLog() };
}
const state = () => {
  const [repository] = server.snapshot().repositories;
  if (!repository) throw new Error('no repository');
  return repository;
};

describe('the comment about a root', () => {
  test('is one, edited from plan to plan, and each root and environment has its own', async () => {
    const url = await writeComment(place(), ROOT, 1, 'first');
    expect(url).toMatch(/#issuecomment-\d+$/);
    expect(await writeComment(place(), ROOT, 1, 'second')).toBe(url);
    await writeComment(place(), { ...ROOT, environment: 'prod' }, 1, 'other');
    await writeComment(place(), { ...ROOT, name: 'infra-2' }, 1, 'third');
    expect(state().comments.map(({ body }) => body.split('\n')[1])).toEqual(['second', 'other', 'third']);
  });

  test('of somebody else is never edited nor read, though it holds the marker', async () => {
    await writeComment(place('eve'), ROOT, 1, 'forged');
    expect(await findComment(place(), ROOT, 1)).toBeUndefined();
    await writeComment(place(), ROOT, 1, 'ours');
    expect(state().comments.map(({ author }) => author)).toEqual(['eve', 'github-actions[bot]']);
    expect(state().comments[0]?.body).toContain('forged');
  });

  test('is found behind a hundred others', async () => {
    const { client: eve } = place('eve');
    for (let i = 0; i < 101; i++)
      await eve.rest('POST', '/repos/{owner}/{repo}/issues/{n}/comments', {
        owner: 'acme',
        repo: 'sample',
        n: 1,
        body: 'talk',
      });
    await writeComment(place(), ROOT, 1, 'first');
    await writeComment(place(), ROOT, 1, 'second');
    expect(state().comments.filter(({ body }) => body.startsWith(marker('plan', ROOT)))).toHaveLength(1);
  });

  test('without the right to write is a Problem that says which', async () => {
    await expect(writeComment(place('blind'), ROOT, 1, 'x')).rejects.toMatchObject({ kind: 'denied' });
  });

  test('has a marker that no name can end', () => {
    expect(marker('plan', { name: 'a --> <b>', environment: 'x y' })).toMatch(
      /^<!-- slipway-terraform-plan [^ <>]+ [^ <>]+ -->$/,
    );
  });
});

test('a run’s pull request is read from its event', () => {
  expect(pullRequestNumber({ pull_request: { number: 5 } })).toBe(5);
  expect(pullRequestNumber({ number: 5, pull_request: {} })).toBe(5);
  expect(pullRequestNumber({ number: 5 })).toBeUndefined();
  expect(pullRequestNumber({ pull_request: { number: '5; rm' } })).toBeUndefined();
});

test('the pull request of a commit on main is the one that was merged with it', async () => {
  git.git('checkout', '-q', 'main');
  const squashed = git.commit({ a: '2' }, 'squashed (#1)');
  expect(await pullRequestOf(place('ours', squashed))).toBeUndefined();
  server.mergePull(SLUG, 1, squashed);
  expect(await pullRequestOf(place('ours', squashed))).toBe(1);
});

describe('the issue about drift', () => {
  test('is opened once, kept up to date, and closed when the drift is gone', async () => {
    expect(await keepDriftIssue(place(), ROOT, '')).toBe('');
    const url = await keepDriftIssue(place(), ROOT, 'a differs');
    expect(url).toMatch(/\/issues\/2$/);
    expect(await keepDriftIssue(place(), ROOT, 'b differs')).toBe(url);
    await keepDriftIssue(place(), { ...ROOT, environment: 'prod' }, 'other');
    expect(state().issues).toMatchObject([
      {
        title: 'Terraform drift: infra in dev',
        state: 'open',
        labels: [DRIFT_LABEL],
        body: expect.stringMatching(/b differs$/),
      },
      { title: 'Terraform drift: infra in prod', state: 'open' },
    ]);
    expect(await keepDriftIssue(place(), ROOT, '')).toBe('');
    expect(state().issues.map((one) => one.state)).toEqual(['closed', 'open']);
    expect(state().comments).toEqual([
      expect.objectContaining({ issue: 2, body: expect.stringMatching(/drift is gone/) }),
    ]);
    // Drift that comes back is a new story.
    expect(await keepDriftIssue(place(), ROOT, 'again')).toMatch(/\/issues\/4$/);
  });

  test('of somebody else is left alone', async () => {
    const mine = {
      owner: 'acme',
      repo: 'sample',
      title: 'x',
      body: `${marker('drift', ROOT)}\nhello`,
      labels: [DRIFT_LABEL],
    };
    await place('eve').client.rest('POST', '/repos/{owner}/{repo}/issues', mine);
    await keepDriftIssue(place(), ROOT, '');
    await keepDriftIssue(place(), ROOT, 'differs');
    expect(state().issues.map(({ author, state: s }) => [author, s])).toEqual([
      ['eve', 'open'],
      ['github-actions[bot]', 'open'],
    ]);
  });

  test('is one again when two runs had opened one each', async () => {
    const body = `${marker('drift', ROOT)}\nx`;
    for (const title of ['one', 'two'])
      await place().client.rest('POST', '/repos/{owner}/{repo}/issues', {
        owner: 'acme',
        repo: 'sample',
        title,
        body,
        labels: [DRIFT_LABEL],
      });
    await keepDriftIssue(place(), ROOT, 'differs');
    expect(state().issues.map(({ title, state: s }) => [title, s])).toEqual([
      ['one', 'open'],
      ['two', 'closed'],
    ]);
  });
});
