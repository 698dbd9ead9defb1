import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { BUNDLE_LIMIT, build, rooms } from '../../scripts/build.ts';
import { differences } from '../../scripts/check-dist.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-build-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, files: Record<string, string>): string {
  const root = join(folder, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

test('a bundle is small, runs as a module, carries licences, names no folder of this machine, and is the same twice', async () => {
  const [first, second] = [join(folder, 'first'), join(folder, 'second')];
  const [bundle] = await build(first, ['verify-health']);
  process.env.LC_ALL = 'tr_TR.UTF-8';
  await build(second, ['verify-health']);
  delete process.env.LC_ALL;
  expect(await differences(first, second)).toEqual([]);
  expect(bundle?.bytes).toBeLessThan(BUNDLE_LIMIT);
  expect(bundle?.parts.map(([name]) => name)).toEqual(expect.arrayContaining(['slipway', 'yaml']));
  const code = readFileSync(join(first, 'verify-health/index.js'), 'utf8');
  expect(code).not.toContain(join(import.meta.dirname, '../..'));
  expect(JSON.parse(readFileSync(join(first, 'verify-health/package.json'), 'utf8'))).toEqual({ type: 'module' });
  expect(readFileSync(join(first, 'verify-health/licenses.txt'), 'utf8')).toContain('yaml');
}, 180_000);

test('every action that has a main.ts is built, and an unknown name is refused', async () => {
  expect(await rooms()).toContain('ecs-deploy');
  await expect(build(folder, ['nothing'])).rejects.toThrow('no actions/nothing/main.ts; there are: changes,');
});

test.each([
  ['the same', { 'a/index.js': '1' }, { 'a/index.js': '1' }, []],
  ['other bytes', { 'a/index.js': '1' }, { 'a/index.js': '2' }, ['a/index.js: a rebuild gives other bytes']],
  ['one that was never committed', { 'a/index.js': '1', 'b/1.js': '' }, { 'a/index.js': '1' }, ['b/1.js: missing']],
  [
    'one left over',
    { 'a/index.js': '1' },
    { 'a/index.js': '1', 'b/1.js': '' },
    ['b/1.js: no source builds it any more'],
  ],
])('differences between a rebuild and dist: %s', async (name, built, committed, expected) => {
  expect(await differences(write(`${name}/built`, built), write(`${name}/dist`, committed))).toEqual(expected);
});

test('a dist that is not there is told by each file that it lacks', async () => {
  expect(await differences(write('alone', { 'a/index.js': '1' }), join(folder, 'nowhere'))).toEqual([
    'a/index.js: missing',
  ]);
});
