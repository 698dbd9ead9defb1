import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fixture } from '../git/fixture.ts';
import type { TreeEntry } from '../git/plumbing.ts';
import { openGit } from '../git/repository.ts';
import { processes } from '../process.ts';
import { type BuildInput, buildFingerprint, readBuildTree, treeFingerprint } from './build.ts';
import { canonicalJson, sha256 } from './canonical.ts';
import { type ReleaseInput, releaseFingerprint } from './release.ts';

const blob = (name: string, id = 'a'.repeat(40), mode = '100644'): TreeEntry => ({ mode, type: 'blob', id, name });
const digest = (c: string) => `sha256:${c.repeat(64)}`;

const BUILD: BuildInput = {
  context: [blob('a'), blob('b')],
  dockerfile: blob('Dockerfile'),
  target: 'runtime',
  platforms: ['linux/amd64', 'linux/arm64'],
  buildArgs: { A: '1', B: '2' },
  baseImages: { 'node:24-slim': digest('1') },
};

describe('buildFingerprint', () => {
  test('is what it was: a change of this value rebuilds every image of every user', () => {
    expect(buildFingerprint(BUILD)).toBe('e13c6c7f04ba313c87f342df53049ba42c48f3c371d86be85448e0f158ea18cd');
  });

  const same: [string, Partial<BuildInput>][] = [
    ['the order of entries', { context: [blob('b'), blob('a')] }],
    ['the order of platforms, or one twice', { platforms: ['linux/arm64', 'linux/amd64', 'linux/arm64'] }],
    ['the order of build arguments', { buildArgs: { B: '2', A: '1' } }],
    ['a number for its text', { buildArgs: { A: 1, B: 2 } }],
  ];
  test.each(same)('does not depend on %s', (_, change) => {
    expect(buildFingerprint({ ...BUILD, ...change })).toBe(buildFingerprint(BUILD));
  });

  const different: [string, Partial<BuildInput>][] = [
    ['content', { context: [blob('a'), blob('b', 'b'.repeat(40))] }],
    ['mode', { context: [blob('a'), blob('b', undefined, '100755')] }],
    ['a name', { context: [blob('a'), blob('c')] }],
    ['a file more', { context: [blob('a'), blob('b'), blob('c')] }],
    ['Dockerfile', { dockerfile: blob('Dockerfile', 'c'.repeat(40)) }],
    ['target', { target: 'test' }],
    ['no target', { target: undefined }],
    ['platforms', { platforms: ['linux/amd64'] }],
    ['a build argument', { buildArgs: { A: '1', B: '3' } }],
    ['a base image', { baseImages: { 'node:24-slim': digest('2') } }],
  ];
  test.each(different)('depends on %s', (_, change) => {
    expect(buildFingerprint({ ...BUILD, ...change })).not.toBe(buildFingerprint(BUILD));
  });

  test('names that hold separators cannot imitate other entries', () => {
    const one = buildFingerprint({ ...BUILD, context: [blob('a\n100644 blob x\tb')] });
    const two = buildFingerprint({ ...BUILD, context: [blob('a'), blob('b', 'x')] });
    expect(one).not.toBe(two);
    expect(treeFingerprint([blob('\udcff')])).not.toBe(treeFingerprint([blob('\ufffd')]));
  });
});

test('is the same from a full clone, a shallow one and a partial one, and after an unrelated commit', async () => {
  const origin = fixture();
  const temp = mkdtempSync(join(tmpdir(), 'slipway-fp-'));
  origin.commit({ 'web/Dockerfile': 'FROM node', 'web/src/a.ts': '1', 'bot/a': '1' });
  const prints = new Set<string>();
  for (const options of [[], ['--depth=1'], ['--filter=blob:none', '--no-checkout']]) {
    const clone = origin.clone(...options);
    const git = openGit({ processes: processes(), workspace: clone.folder, tempDir: temp });
    const tree = await readBuildTree(git, clone.git('rev-parse', 'HEAD'), 'web', 'web/Dockerfile');
    expect(tree.context.map((e) => e.name)).toEqual(['Dockerfile', 'src/a.ts']);
    prints.add(buildFingerprint({ ...BUILD, ...tree }));
    origin.commit({ 'bot/a': options.join() });
  }
  expect(prints.size).toBe(1);
  const git = openGit({ processes: processes(), workspace: origin.folder, tempDir: temp });
  const head = origin.git('rev-parse', 'HEAD');
  await expect(readBuildTree(git, head, 'web', 'web/Dockerfil')).rejects.toThrow(
    /Dockerfile is "web\/Dockerfil".*no such file/,
  );
  origin.remove();
  rmSync(temp, { recursive: true });
});

const RELEASE: ReleaseInput = {
  images: { web: `registry.example.com/web@${digest('a')}` },
  definition: { family: 'web', containerDefinitions: [{ name: 'web', command: ['a', ''] }] },
  settings: { desired: 2 },
};

describe('releaseFingerprint', () => {
  test('is what it was: a change of this value redeploys everything of every user', () => {
    expect(releaseFingerprint(RELEASE)).toBe('4938ed8615243ce588152b2f2aa37f388af7689b6d7d96de773e6b56589ca428');
  });
  const rows: [string, Partial<ReleaseInput>, boolean][] = [
    ['another registry', { images: { web: `other.example.com/x@${digest('a')}` } }, true],
    ['a digest alone', { images: { web: digest('a') } }, true],
    [
      'the order of keys',
      { definition: { containerDefinitions: [{ command: ['a', ''], name: 'web' }], family: 'web' } },
      true,
    ],
    ['a member that is undefined', { settings: { desired: 2, force: undefined } }, true],
    ['another digest', { images: { web: digest('b') } }, false],
    ['another container', { images: { app: digest('a') } }, false],
    [
      'an empty word less',
      { definition: { family: 'web', containerDefinitions: [{ name: 'web', command: ['a'] }] } },
      false,
    ],
    ['another count', { settings: { desired: 3 } }, false],
  ];
  test.each(rows)('%s', (_, change, same) => {
    expect(releaseFingerprint({ ...RELEASE, ...change }) === releaseFingerprint(RELEASE)).toBe(same);
  });
  test('refuses a tag', () => {
    expect(() => releaseFingerprint({ ...RELEASE, images: { web: 'web:latest' } })).toThrow(
      /container 'web' is "web:latest".*digest/,
    );
  });
});

describe('canonicalJson', () => {
  test('reads back as the same value, whatever the order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
  test.each([[Number.NaN], [Number.POSITIVE_INFINITY], [1n], [() => 1], [Symbol('a')], [[undefined]]])(
    'refuses %p',
    (value) => {
      expect(() => canonicalJson(value)).toThrow(TypeError);
    },
  );
  test('sha256 tells lists of parts apart', () => {
    expect(sha256(['ab', 'c'])).not.toBe(sha256(['a', 'bc']));
    expect(sha256(['a', ''])).not.toBe(sha256(['a']));
  });
});
