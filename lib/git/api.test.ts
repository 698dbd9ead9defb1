import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createGithub, type Github } from '../../local/github/server.ts';
import { githubContext } from '../context.ts';
import { github } from '../github/client.ts';
import { processes } from '../process.ts';
import { apiGit } from './api.ts';
import { type Fixture, fixture } from './fixture.ts';
import { openGit } from './repository.ts';

let origin: Fixture;
let api: Github;
let before: string;
let after: string;
let odd: string;

beforeAll(async () => {
  origin = fixture();
  before = origin.commit({
    'web/a': '1',
    'web/gone': '1',
    'web/turns': '1',
    'web/script': '1',
    'web.txt': '1',
    'é\n"x"/b': '1',
    slipway: 'é',
  });
  after = origin.commit({
    'web/a': '2',
    'web/gone': null,
    'web/turns': { link: 'a' },
    'web/script': { text: '1', mode: 0o755 },
    'web/new/\u{1f680}': '1',
    'web/new/\uffee': '1',
    'é\n"x"/b': '2',
    slipway: 'ö',
  });
  odd = origin.commit([[Buffer.from([0x61, 0xff]), '1']]);
  const repository = { owner: 'acme', name: 'sample', gitDir: join(origin.folder, '.git') };
  api = await createGithub({ repositories: [repository], tokens: { t: { login: 'me' } } });
});
afterAll(async () => {
  await api.close();
  origin.remove();
});

const fromApi = () => {
  const context = githubContext({
    GITHUB_REPOSITORY: 'acme/sample',
    GITHUB_API_URL: api.url,
    GITHUB_GRAPHQL_URL: api.graphqlUrl,
  });
  return apiGit({ client: async () => github({ context, token: 't' }), repository: context.repository });
};
const fromClone = () => openGit({ processes: processes(), workspace: origin.folder, tempDir: origin.folder });

test('the API answers what git answers', async () => {
  const [theirs, ours] = [fromApi(), fromClone()];
  expect(await theirs.present([before])).toEqual(new Set());
  expect(await theirs.fetch([before, after])).toEqual(new Set([before, after]));
  expect(await theirs.present([before, 'f'.repeat(40)])).toEqual(new Set([before]));
  expect(await theirs.diff(before, after)).toEqual(await ours.diff(before, after));
  expect(await theirs.diff(before, before)).toEqual([]);
  expect(await theirs.parents(after)).toEqual(await ours.parents(after));
  expect(await theirs.committedAt([before, after])).toEqual(await ours.committedAt([before, after]));
  expect(await theirs.file(after, 'slipway')).toEqual(Buffer.from('ö'));
  expect(await theirs.file(after, 'web')).toBeUndefined();
  for (const folder of ['', 'web', './web/new/']) {
    expect(await theirs.tree(after, folder)).toEqual(await ours.tree(after, folder));
  }
});

test('a commit that GitHub does not have is absent', async () => {
  expect(await fromApi().fetch(['f'.repeat(40), after])).toEqual(new Set([after]));
});

test('a folder that is none has the error that git’s has', async () => {
  const git = fromApi();
  await git.fetch([after]);
  await expect(git.tree(after, 'nowhere')).rejects.toThrow(/folder 'nowhere': commit .* has no files in it/);
});

test('what the API cannot tell exactly is an error, not a difference that nobody sees', async () => {
  await expect(fromApi().fetch([odd])).rejects.toThrow(/may not be UTF-8, and the API cannot tell. Install git/);
  const rest = async <T>() => ({ status: 200, data: { truncated: true, tree: [] } as T });
  const cut = apiGit({ client: async () => ({ rest }), repository: { owner: 'a', name: 'b' } });
  await expect(cut.fetch([after])).rejects.toThrow(/it has more files than GitHub’s API tells. Install git/);
});
