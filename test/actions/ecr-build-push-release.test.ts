import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type GitFixture, gitFixture } from '../../local/github/fixture.ts';
import { type Local, startLocal } from '../../local/start.ts';
import { runAction } from '../support/action.ts';

// Versions, their git tags and releases, on a real git repository behind GitHub's own words.
let git: GitFixture;
let local: Local;
let token: string;
let work: string;

beforeAll(async () => {
  git = gitFixture();
  work = git.git('rev-parse', '--show-toplevel');
  git.commit({ Dockerfile: 'FROM scratch\nCOPY file /\n', file: '1' });
  local = await startLocal({
    world: {
      repositories: [{ name: 'web', tagMutability: 'IMMUTABLE_WITH_EXCLUSION', exclusions: ['latest'] }],
      github: { repositories: [{ owner: 'acme', name: 'sample', gitDir: git.bare }] },
    },
  });
  token = local.env().GITHUB_TOKEN ?? '';
}, 60_000);
afterAll(async () => {
  await local?.stop();
  git?.remove();
}, 30_000);

const build = (inputs: Record<string, string>) =>
  runAction(
    'ecr-build-push',
    { repository: 'web', token, ...inputs },
    {
      cwd: work,
      env: {
        ...local.env(),
        GITHUB_WORKSPACE: work,
        GITHUB_REPOSITORY: 'acme/sample',
        GITHUB_REF_TYPE: 'branch',
        GITHUB_REF_NAME: 'main',
        GITHUB_RUN_NUMBER: '3',
        GITHUB_SHA: git.git('rev-parse', 'HEAD'),
      },
    },
  );
const tagged = async (tag: string) => git.git('--git-dir', git.bare, 'rev-parse', `refs/tags/${tag}^{commit}`);
const release = async (tag: string) => {
  const url = `${local.endpoints.github}/repos/acme/sample/releases/tags/${tag}`;
  return (await (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).json()) as Record<
    string,
    unknown
  >;
};

test('a version is built, tagged in both places and released, once', async () => {
  const first = await build({ version: '1.2.0', tags: 'semver', release: 'release' });
  expect([first.code, first.outputs.cause]).toEqual([0, '']);
  expect(first.outputs).toMatchObject({ version: '1.2.0', 'git-tag': 'v1.2.0' });
  // 1.2 and 1 could never move to 1.2.1 in this repository.
  expect(first.outputs.tags?.split('\n').slice(1)).toEqual(['1.2.0']);
  expect(first.log).toContain('Tag 1.2 is left out');
  expect(await tagged('v1.2.0')).toBe(git.git('rev-parse', 'HEAD'));
  const made = await release('v1.2.0');
  expect(made).toMatchObject({ name: 'v1.2.0', prerelease: false, html_url: first.outputs['release-url'] });
  expect(made.body).toContain(`web@${first.outputs.digest}`);
  const again = await build({ version: '1.2.0', tags: 'semver', release: 'release' });
  expect(again.outputs).toMatchObject({ outcome: 'unchanged', 'release-url': first.outputs['release-url'] });
}, 60_000);

test('a version that stands for another commit is refused before anything is built', async () => {
  git.commit({ file: '2' });
  const run = await build({ version: '1.2.0', tags: 'sha', release: 'tag' });
  expect(run.outputs.cause).toMatch(/^git tag v1\.2\.0 is "[0-9a-f]{40}": it exists, and stands for another commit/);
  expect(run.log).not.toMatch(/Building/);
}, 60_000);

test('what was published stays when its content is built again', async () => {
  const first = await build({ version: '1.3.0', tags: 'sha\nsemver' });
  const refreshed = await build({ version: '1.3.0', tags: 'sha\nsemver', refresh: 'true', 'max-age': '0h' });
  expect(refreshed.outputs).toMatchObject({ built: 'true', tags: expect.stringMatching(/-r2$/) });
  expect(refreshed.log).toContain('Tag 1.3.0 stays with the earlier build of this content');
  expect(local.registry.repositories.get('web')?.tags.get('1.3.0')).toBe(first.outputs.digest);
  const again = await build({ version: '1.3.0', tags: 'sha\nsemver' });
  expect(again.outputs).toMatchObject({ outcome: 'unchanged', digest: refreshed.outputs.digest });
}, 60_000);

test('a development build has a date', async () => {
  const run = await build({ tags: 'date\nsemver', release: 'tag' });
  expect(run.outputs.version).toMatch(/^\d{8}\.3$/);
  expect(run.outputs.tags?.split('\n')).toContain(run.outputs.version);
  expect(await tagged(run.outputs.version ?? '')).toBe(git.git('rev-parse', 'HEAD'));
  expect(run.outputs['release-url']).toBe('');
}, 60_000);

test('without a token it is said so at once', async () => {
  expect((await build({ release: 'tag', token: '' })).outputs.cause).toMatch(
    /input 'token': it is empty, and `release: tag`/,
  );
});
