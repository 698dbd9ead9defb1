import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { withDockerConfig } from './docker-config.ts';
import { buildsOf, fingerprintTag, fingerprintTags, newestBuild } from './fingerprint-tag.ts';
import { isImmutable } from './repository.ts';
import { refuseCommitInArguments } from './run.ts';
import { isProposal, movesWithReleases, tagsFor, versionFor } from './tags.ts';

const sha = '0123456789abcdef0123456789abcdef01234567';
const branch = { refName: 'feature/Ünï code', refType: 'branch', eventName: 'push', event: {} } as const;
const tag = (refName: string) => ({ refName, refType: 'tag', eventName: 'push', event: {} }) as const;
const pull = {
  refName: '7/merge',
  refType: 'branch',
  eventName: 'pull_request',
  event: { pull_request: { number: 7 } },
} as const;

describe('tags', () => {
  test.each([
    [['sha'], branch, ['sha-0123456789ab']],
    [['branch'], branch, ['branch-feature-n-code']],
    [['branch'], tag('v1.0.0'), []],
    [['semver'], tag('v1.2.3'), ['1.2.3', '1.2', '1']],
    [['semver'], tag('1.2.3-rc.1'), ['1.2.3-rc.1']],
    [['semver'], tag('release-1'), []],
    [['semver'], tag('v0.4.1'), ['0.4.1', '0.4']],
    [['semver'], tag('v1.2.3+build.5'), ['1.2.3', '1.2', '1']],
    [['semver'], tag('v1.02.3'), []],
    [['semver', 'date', 'fingerprint'], branch, ['20261121.7']],
    [['date'], tag('v1.2.3'), []],
    [['pr'], pull, ['pr-7']],
    [['pr'], branch, []],
    [['raw=x', 'latest', 'raw=x'], branch, ['x', 'latest']],
  ] as const)('%j on %j', (rules, context, tags) => {
    const version = versionFor('', context, new Date('2026-11-21T12:00:00Z'), '7');
    expect(tagsFor(rules, { sha, version, context })).toEqual(tags);
  });
  test.each([
    ['newest', /there is no such rule/],
    ['raw=a b', /"a b": a tag has at most 128/],
    ['raw=', /a tag has at most 128/],
    [`raw=${'a'.repeat(129)}`, /a tag has at most 128/],
    ['raw=-x', /a tag has at most 128/],
  ])('%p is refused', (rule, message) => {
    expect(() => tagsFor([rule], { sha, version: '1.2.3', context: branch })).toThrow(message);
  });
  test.each([
    ['', tag('v1.2.3'), '1.2.3'],
    ['', tag('v1.2.3-rc.1'), '1.2.3-rc.1'],
    ['', branch, '20261121.42'],
    ['', tag('nightly'), '20261121.42'],
    ['v2.0.0', branch, '2.0.0'],
    ['2.0.0', tag('v1.2.3'), '2.0.0'],
  ])('version asked for %j on %j', (asked, context, version) => {
    expect(versionFor(asked, context, new Date('2026-11-21T23:59:59Z'), '42')).toBe(version);
  });
  test('what is no version is refused', () => {
    expect(() => versionFor('next', branch, new Date(0), '1')).toThrow(
      /input 'version' is "next": it is no semantic version/,
    );
  });
  test('only what stands for the newest of several moves', () => {
    expect(['1.2.3', '1.2', '1', 'x'].filter((t) => movesWithReleases(t, '1.2.3'))).toEqual(['1.2', '1']);
    expect(movesWithReleases('20261121.7', '20261121.7')).toBe(false);
  });
});

test.each([
  ['push', {}, false],
  ['schedule', {}, false],
  ['pull_request', {}, true],
  ['pull_request_target', {}, true],
  ['merge_group', {}, true],
  ['workflow_run', { workflow_run: { event: 'pull_request' } }, true],
  ['workflow_run', { workflow_run: { event: 'push' } }, false],
  ['push', { workflow_run: { event: 'pull_request' } }, false],
])('a run of %s, %j, builds what a pull request proposes: %s', (eventName, event, is) => {
  expect(isProposal({ eventName, event })).toBe(is);
});

describe('builds of one content', () => {
  const image = (n: number) => ({
    digest: `d${n}`,
    manifest: '',
    mediaType: '',
    tag: fingerprintTag('f'.repeat(64), n),
  });
  test('the newest generation is used, and the next one is new', () => {
    expect(newestBuild([image(2), image(10), image(1)])).toEqual({ newest: image(10), next: 11 });
    expect(newestBuild([])).toEqual({ newest: undefined, next: 1 });
  });
  test('all of them are found, however many there are', async () => {
    const stored = [1, 60, 101].map(image);
    const byTags = async (tags: readonly string[]) => stored.filter((i) => tags.includes(i.tag));
    expect(newestBuild(await buildsOf('f'.repeat(64), { byTags }))).toMatchObject({ newest: image(101), next: 102 });
  });
  test('tags end in their generation', () => {
    expect(fingerprintTags('a'.repeat(64)).slice(0, 2)).toEqual([`fp-${'a'.repeat(32)}-r1`, `fp-${'a'.repeat(32)}-r2`]);
  });
});

test.each([
  ['IMMUTABLE', [], 'latest', true],
  ['MUTABLE', [], '1.2.3', false],
  ['IMMUTABLE_WITH_EXCLUSION', ['latest', 'pr-*'], 'latest', false],
  ['IMMUTABLE_WITH_EXCLUSION', ['latest', 'pr-*'], 'pr-12', false],
  ['IMMUTABLE_WITH_EXCLUSION', ['latest', 'pr-*'], 'xpr-12', true],
  ['IMMUTABLE_WITH_EXCLUSION', ['a.c'], 'abc', true],
  ['MUTABLE_WITH_EXCLUSION', ['v*'], 'v1', true],
  [undefined, [], 'x', false],
] as const)('%s excluding %j: %s is immutable: %s', (imageTagMutability, filters, name, immutable) => {
  const filter = filters.map((f) => ({ filterType: 'WILDCARD' as const, filter: f }));
  expect(isImmutable({ imageTagMutability, imageTagMutabilityExclusionFilters: filter }, name)).toBe(immutable);
});

test('a commit id among the build arguments is refused with the reason', () => {
  expect(() => refuseCommitInArguments({ GIT_SHA: sha }, sha)).toThrow(
    /"GIT_SHA=0123.*every commit would build a new image/,
  );
  expect(() => refuseCommitInArguments({ V: `1.0-${sha.slice(0, 7)}` }, sha)).toThrow();
  expect(() => refuseCommitInArguments({ V: sha.slice(0, 7).toUpperCase() }, sha)).toThrow();
  expect(() => refuseCommitInArguments({ URL: `https://x.test/${sha.slice(0, 9)}.tgz` }, sha)).toThrow();
  expect(() => refuseCommitInArguments({ V: '1.0' }, sha)).not.toThrow();
  expect(() => refuseCommitInArguments({ V: sha.slice(0, 6) }, sha)).not.toThrow();
});

describe('the login', () => {
  let work: string;
  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), 'slipway-login-'));
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));
  const login = { host: 'ecr.test', user: 'AWS', password: 'hunter2' };

  test('is joined by those of the base images’ registries', async () => {
    const logins = [{ ...login, host: 'other.test' }, login];
    await withDockerConfig(logins, { HOME: work }, work, async ({ DOCKER_CONFIG: ours = '' }) => {
      const { auths } = JSON.parse(readFileSync(join(ours, 'config.json'), 'utf8'));
      expect(Object.keys(auths)).toEqual(['other.test', 'ecr.test']);
    });
  });

  test('lives in a private folder, leaves the user’s file alone and is gone afterwards, also after an error', async () => {
    const theirs = join(work, 'docker');
    mkdirSync(join(theirs, 'cli-plugins'), { recursive: true });
    writeFileSync(join(theirs, 'config.json'), '{"psFormat":"x"}');
    const failing = withDockerConfig([login], { DOCKER_CONFIG: theirs }, work, async ({ DOCKER_CONFIG: ours = '' }) => {
      const file = join(ours, 'config.json');
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ psFormat: 'x', auths: { 'ecr.test': {} } });
      expect(readdirSync(ours)).toContain('cli-plugins');
      throw new Error('build failed');
    });
    await expect(failing).rejects.toThrow('build failed');
    expect(readdirSync(work)).toEqual(['docker']);
    expect(readFileSync(join(theirs, 'config.json'), 'utf8')).toBe('{"psFormat":"x"}');
  });
});
