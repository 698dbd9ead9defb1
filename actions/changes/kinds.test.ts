import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Fixture, fixture } from '../../lib/git/fixture.ts';
import { openGit } from '../../lib/git/repository.ts';
import { processes } from '../../lib/process.ts';
import { firstMatch, matchingNames } from './patterns.ts';
import { at, changes, DEPTHS, repository, origin as sample, temp, useWorld, workspaceAt } from './test/world.ts';
import { unitsOfFilters } from './units.ts';

useWorld();

describe('kinds of change', () => {
  let origin: Fixture;
  let library: Fixture;
  let before: string;
  let head: string;

  beforeAll(() => {
    [origin, library] = [fixture(), fixture()];
    const first = library.commit({ a: '1' });
    const second = library.commit({ a: '2' });
    const submodule = (id: string) => origin.git('update-index', '--add', '--cacheinfo', `160000,${id},lib/sub`);
    origin.commit({
      'web/old': 'moved\n'.repeat(20),
      'web/script': { text: '#!', mode: 0o644 },
      'web/link': { link: 'old' },
      'web/turns': 'file',
      'web/gone': '1',
      'web/same': '1',
      'lib/x': '1',
    });
    submodule(first);
    origin.git('commit', '--quiet', '--message', 'submodule');
    before = origin.git('rev-parse', 'HEAD');
    origin.git('mv', 'web/old', 'bot-moved');
    origin.git('rm', '--quiet', 'web/gone');
    for (const [name, spec] of Object.entries({
      'web/script': { text: '#!', mode: 0o755 },
      'web/link': { link: 'same' },
      'web/turns': { link: 'same' },
      'web/new': '1',
    })) {
      // `commit` would stage the absent submodule as deleted, so that each file is staged by itself.
      origin.commit({ [name]: spec });
    }
    submodule(second);
    origin.git('commit', '--quiet', '--message', 'bump');
    head = origin.git('rev-parse', 'HEAD');
  });
  afterAll(() => {
    origin.remove();
    library.remove();
  });

  test.each([
    ["whole: '**'", 'bot-moved lib/sub web/gone web/link web/new web/old web/script web/turns'],
    ['added: [{added: "**"}]', 'bot-moved web/new'],
    ['deleted: [{deleted: "**"}]', 'web/gone web/old'],
    ['modified: [{modified: "**"}]', 'lib/sub web/link web/script'],
    ['types: [{type-changed: "**"}]', 'web/turns'],
    ['two: [{added|deleted: "web/**"}]', 'web/gone web/new web/old'],
    ['order: ["web/**", {deleted: "!**"}]', 'web/link web/new web/script web/turns'],
    ['lists: [{added: ["web/**", "bot*"]}]', 'bot-moved web/new'],
    ['submodule: lib/sub', 'lib/sub'],
    ['below: lib/sub/**', 'lib/sub'],
  ])('%s', async (filter, expected) => {
    const workspace = origin.clone('--depth=1').folder;
    const git = openGit({ processes: processes(), workspace, tempDir: temp });
    try {
      await git.fetch([before]);
      const list = await git.diff(before, head);
      const [unit] = unitsOfFilters(filter);
      expect(unit && matchingNames(unit.match, list)).toEqual(expected.split(' '));
      expect(unit && firstMatch(unit.match, list)?.files).toBe(expected.split(' ').length);
    } finally {
      await git.dispose();
    }
  });

  test('a kind that there is not is refused', () => {
    expect(() => unitsOfFilters('web: [{renamed: "**"}]')).toThrow(
      /"renamed": filter 'web' asks for a kind of change that there is not. Use added, modified, deleted, type-changed/,
    );
  });
});

test.each([
  ['web: web/', 'names a folder, and git knows only files. Write web/**'],
  ['web: ["web/**", web//a]', 'part that no name has'],
  ['web: ../web/**', 'part that no name has. Write it without empty parts'],
  ['web: web/./a', 'part that no name has'],
  ['web: "!web/.."', 'includes nothing'],
  ['web: ["**", "!web/.."]', 'part that no name has'],
  ['web: ["web/**", /bot/**]', 'begins with /, as no name does. Write bot/**'],
  ['web: ["web/**", "!/web/x"]', 'begins with /, as no name does. Write !web/x'],
  ['web: "!web/x"', 'includes nothing that could be excluded from'],
  ['web: []', 'includes nothing'],
  ['Web: web', 'a name that cannot be an output'],
  ['any: web', 'the name of an output'],
])('the filter %s, which could match nothing, is an error', (filter, words) => {
  expect(() => unitsOfFilters(filter)).toThrow(words);
});

describe('outputs', () => {
  const push = () => ({ head: at.ami ?? '', event: { before: at.start, repository } });

  test('base and head of each component', async () => {
    const { report } = await changes(workspaceAt(at.ami ?? '', 'full'), push());
    expect(JSON.parse(report.outputs.bases ?? '')).toMatchObject({ web: { base: at.start, head: at.ami } });
    expect(report.outputs).toMatchObject({ files: '', path: '', fingerprints: '{}' });
  });

  test('fingerprints are the same at any depth, and change with their component alone', async () => {
    const inputs = { fingerprints: 'true', filters: "web: ['web/**']\nbot: ['bot/**']" };
    const seen = await Promise.all(
      DEPTHS.map(async (depth) => {
        const { report } = await changes(workspaceAt(at.ami ?? '', depth), { ...push(), inputs });
        return report.outputs.fingerprints ?? '';
      }),
    );
    expect(new Set(seen).size).toBe(1);
    const now = JSON.parse(seen[0] ?? '') as Record<string, string>;
    expect(now.web).toMatch(/^[0-9a-f]{64}$/);
    const given = { head: at.start ?? '', event: { before: at.start, repository }, inputs };
    const { report } = await changes(workspaceAt(at.start ?? '', 'full'), given);
    const then = JSON.parse(report.outputs.fingerprints ?? '') as Record<string, string>;
    expect(now.web).not.toBe(then.web);
    expect(now.bot).not.toBe(then.bot);
    expect(now.web).not.toBe(now.bot);
  });

  test('the fingerprint of an image needs its Dockerfile in the commit', async () => {
    const given = { ...push(), inputs: { fingerprints: 'true' } };
    await expect(changes(workspaceAt(at.ami ?? '', 'full'), given)).rejects.toThrow(/Dockerfile is "web\/Dockerfile"/);
  });

  test('a list that is too long for an output is a file', async () => {
    sample.git('checkout', '--quiet', '--detach', at.setting ?? '');
    const many = Object.fromEntries(Array.from({ length: 3200 }, (_, i) => [`web/${'x'.repeat(40)}${i}`, '1']));
    const head = sample.commit(many);
    const eventName = 'pull_request';
    sample.git('checkout', '--quiet', '--detach', at.setting ?? '');
    sample.git('merge', '--quiet', '--no-ff', '--message', 'merge', head);
    const merge = sample.git('rev-parse', 'HEAD');
    const event = { pull_request: { head: { sha: head }, base: { sha: at.setting } } };
    for (const depth of DEPTHS) {
      const given = { head: merge, eventName, event, inputs: { filters: 'web: web/**', 'list-files': 'json' } };
      const { report, reasons } = await changes(workspaceAt(merge, depth), given);
      // More than GitHub's API lists of a pull request.
      expect(reasons.web?.reason).toContain('(and 3199 more files)');
      expect(report.outputs.files).toBe('');
      const file = JSON.parse(readFileSync(join(report.outputs.path ?? '', 'files.json'), 'utf8'));
      expect((file as { web: string[] }).web).toHaveLength(3200);
    }
  }, 60_000);
});
