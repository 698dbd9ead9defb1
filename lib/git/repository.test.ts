import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { processes } from '../process.ts';
import { type Fixture, fixture } from './fixture.ts';
import { encodeName } from './names.ts';
import { type Git, type GitOptions, openGit } from './repository.ts';

let origin: Fixture;
let first: string;
let second: string;
let orphan: string;
const temp = mkdtempSync(join(tmpdir(), 'slipway-git-test-'));
const AWKWARD = Buffer.concat([Buffer.from('web/-n ö\n\t"\\*'), Buffer.from([0xff, 0xfe])]);

beforeAll(() => {
  origin = fixture();
  first = origin.commit({ 'web/a': '1', 'web/b': '1', 'bot/a': '1', 'run.sh': 'x' });
  second = origin.commit({ 'web/b': '2', 'web/c': { link: 'a' }, 'bot/a': null, 'run.sh': { text: 'x', mode: 0o755 } });
  origin.git('checkout', '--quiet', '--orphan', 'other');
  orphan = origin.commit([[AWKWARD, 'x']]);
  origin.git('checkout', '--quiet', 'main');
});

afterAll(() => {
  origin.remove();
  rmSync(temp, { recursive: true });
});

function open(workspace: string, more: Partial<GitOptions> = {}): Git {
  return openGit({ processes: processes(), workspace, tempDir: temp, ...more });
}

/** Everything in a folder, with contents where a change would show. */
function snapshot(folder: string): string {
  const list = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return [...list, readFileSync(join(folder, '.git/config'), 'utf8')].join('\n');
}

const told = async (git: Git, a: string, b: string) => (await git.diff(a, b)).map((c) => `${c.status} ${c.name}`);
const CHANGES = ['D bot/a', 'M run.sh', 'M web/b', 'A web/c'];

describe('diff', () => {
  test('in a full clone', async () => {
    const git = open(origin.clone().folder);
    expect(await told(git, first, second)).toEqual(CHANGES);
  });

  test.each([[['--depth=1']], [['--depth=1', '--filter=blob:none']]])(
    'after one fetch in %j, which leaves the clone as it was',
    async (options) => {
      const clone = origin.clone(...options);
      const before = snapshot(clone.folder);
      const git = open(clone.folder);
      expect(await git.present([first, second])).toEqual(new Set([second]));
      expect(await git.fetch([first])).toEqual(new Set([first]));
      expect(await told(git, first, second)).toEqual(CHANGES);
      await git.dispose();
      expect(snapshot(clone.folder)).toBe(before);
      expect(readdirSync(temp)).toEqual([]);
    },
  );

  test.each([['--filter=tree:0'], ['--filter=blob:none'], ['--filter=tree:0 --sparse']])(
    'in a clone with %s, which stays as it was: what it lacks is not written into it',
    async (options) => {
      const clone = origin.clone(...options.split(' '));
      const before = snapshot(clone.folder);
      const git = open(clone.folder);
      expect(await git.present([first, second])).toEqual(new Set([first, second]));
      expect(await told(git, first, second)).toEqual(CHANGES);
      expect((await git.file(first, 'bot/a'))?.toString()).toBe('1');
      const trees = await Promise.all([git.tree(first, ''), git.tree(first, 'web')]);
      expect(trees.map((tree) => tree.length)).toEqual([4, 2]);
      await git.dispose();
      expect(snapshot(clone.folder)).toBe(before);
      expect(readdirSync(temp)).toEqual([]);
    },
  );

  test('without any checkout', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'slipway-empty-'));
    const git = open(empty, { origin: { url: origin.url } });
    expect(await git.fetch([first, second])).toEqual(new Set([first, second]));
    expect(await told(git, first, second)).toEqual(CHANGES);
    expect(await git.isAncestor(first, second)).toBeUndefined();
    await git.dispose();
    expect(readdirSync(empty)).toEqual([]);
    rmSync(empty, { recursive: true });
  });

  test('a full clone stays full when a commit that no branch holds is fetched', async () => {
    const gone = origin.commit({ 'web/b': '3' });
    origin.git('reset', '--quiet', '--hard', second);
    const clone = origin.clone();
    const before = snapshot(clone.folder);
    const git = open(clone.folder);
    expect(await git.fetch([gone])).toEqual(new Set([gone]));
    expect(await told(git, gone, second)).toEqual(['M web/b']);
    expect(await git.isAncestor(first, second)).toBe(true);
    await git.dispose();
    expect(snapshot(clone.folder)).toBe(before);
    expect(clone.git('rev-parse', '--is-shallow-repository')).toBe('false');
  });

  test('names come out byte for byte', async () => {
    const git = open(origin.folder);
    const changes = await git.diff(second, orphan);
    const added = changes.find((c) => c.status === 'A');
    expect(encodeName(added?.name ?? '').equals(AWKWARD)).toBe(true);
  });
});

test('commits that the remote does not have are told apart from those it has', async () => {
  const git = open(origin.clone('--depth=1').folder);
  const absent = 'f'.repeat(40);
  expect(await git.fetch([absent, first])).toEqual(new Set([first]));
  expect(await git.fetch([absent])).toEqual(new Set());
  await git.dispose();
});

test('several commits that are gone do not hide those that are there', async () => {
  const git = open(origin.clone('--depth=1').folder);
  const absent = [...'abcdef'].map((digit) => digit.repeat(40));
  expect(await git.fetch([...absent, first])).toEqual(new Set([first]));
  await git.dispose();
});

test('reads at the same time share what a partial clone lacks', async () => {
  const git = open(origin.clone('--filter=tree:0').folder);
  const trees = await Promise.all([git.tree(first, ''), git.tree(first, 'web'), git.tree(first, 'bot')]);
  expect(trees.map((tree) => tree.length)).toEqual([4, 2, 1]);
  await git.dispose();
  expect(readdirSync(temp)).toEqual([]);
});

test('nothing is left behind where there is no remote to fetch from', async () => {
  const clone = origin.clone('--depth=1');
  clone.git('remote', 'remove', 'origin');
  await expect(open(clone.folder).fetch([first])).rejects.toThrow('no remote named origin');
  expect(readdirSync(temp)).toEqual([]);
});

test('a cancelled fetch from a server that does not answer ends, and leaves nothing behind', async () => {
  const stop = new AbortController();
  const silent = createServer(() => stop.abort());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  const clone = origin.clone('--depth=1');
  clone.git('remote', 'set-url', 'origin', `http://127.0.0.1:${port}/acme/sample.git`);
  const git = open(clone.folder, { signal: stop.signal });
  await expect(git.fetch([first])).rejects.toMatchObject({ kind: 'cancelled' });
  await git.dispose();
  expect(readdirSync(temp)).toEqual([]);
  silent.closeAllConnections();
  silent.close();
});

test('an unreachable remote is a Problem that names the way out', async () => {
  const clone = origin.clone('--depth=1');
  clone.git('remote', 'set-url', 'origin', 'file:///nonexistent/repository');
  await expect(open(clone.folder).fetch([first])).rejects.toThrow(/git fetch from origin: it failed.*contents: read/);
});

test('history: what the clone can prove, and what it cannot', async () => {
  const full = open(origin.folder);
  expect(await full.isAncestor(first, second)).toBe(true);
  expect(await full.isAncestor(second, first)).toBe(false);
  expect(await full.mergeBase(first, second)).toBe(first);
  expect(await full.parents(second)).toEqual([first]);
  expect(await full.resolve('refs/heads/main')).toBe(second);
  expect(await full.resolve('refs/heads/none')).toBeUndefined();
  const shallow = open(origin.clone('--depth=1').folder);
  expect(await shallow.isAncestor(first, second)).toBeUndefined();
  expect(await shallow.mergeBase(second, second)).toBeUndefined();
  expect(await shallow.parents(second)).toEqual([first]);
});

test('tree and file', async () => {
  const git = open(origin.folder);
  expect((await git.tree(second, './web/')).map((e) => `${e.mode} ${e.name}`)).toEqual([
    '100644 a',
    '100644 b',
    '120000 c',
  ]);
  expect((await git.tree(second, '.')).length).toBe(4);
  expect((await git.file(second, 'web/b'))?.toString()).toBe('2');
  expect(await git.file(second, 'web')).toBeUndefined();
  expect(await git.file(second, '*')).toBeUndefined();
  await expect(git.tree(second, 'none')).rejects.toThrow(/folder 'none'.*committed/);
});

test('nothing but a commit id reaches git', async () => {
  const git = open(origin.folder);
  await expect(git.diff('--output=/tmp/x', second)).rejects.toThrow('not a full commit id');
  await expect(git.fetch(['main'])).rejects.toThrow('not a full commit id');
});

test('a checkout that another user owns is read without a global setting', async () => {
  // git's own switch for its tests: as if the folder belonged to somebody else.
  const env = { ...process.env, GIT_TEST_ASSUME_DIFFERENT_OWNER: '1' };
  const { folder } = origin.clone();
  expect(() => execFileSync('git', ['log'], { cwd: folder, env, stdio: 'pipe' })).toThrow('dubious ownership');
  expect(await told(open(folder, { env }), first, second)).toEqual(CHANGES);
});

test('the token is sent where the clone keeps a header for another server only', async () => {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/o/r.git`;
  const clone = origin.clone('--depth=1');
  clone.git('remote', 'set-url', 'origin', url);
  clone.git('config', 'http.https://packages.example/.extraheader', 'AUTHORIZATION: basic other');
  const git = open(clone.folder, { origin: { url, token: 'sesame' } });
  await expect(git.fetch([first])).rejects.toThrow('git fetch from origin');
  expect(seen[0]).toBe(`basic ${Buffer.from('x-access-token:sesame').toString('base64')}`);
  await git.dispose();
  server.close();
});

test('a token goes to git by environment, never by argument', async () => {
  const seen: string[] = [];
  const spy = processes();
  const git = openGit({
    processes: {
      run: (argv, options) => {
        seen.push(argv.join(' '));
        return spy.run(argv, options);
      },
    },
    workspace: temp,
    tempDir: temp,
    origin: { url: 'https://127.0.0.1:1/o/r.git', token: 'sesame' },
  });
  await expect(git.fetch([first])).rejects.toThrow('git fetch from origin');
  await git.dispose();
  expect(seen.join('\n')).not.toMatch(/sesame|AUTHORIZATION/i);
});
