import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { startLocal } from '../../local/start.ts';
import { BUNDLE_LIMIT, build, rooms } from '../../scripts/build.ts';
import { differences } from '../../scripts/check-dist.ts';
import { asEsModules } from '../../scripts/package-view.ts';
import { runAction } from '../support/action.ts';

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
  const licences = readFileSync(join(first, 'verify-health/licenses.txt'), 'utf8').split('\n');
  // Of what is loaded at once, and of what is loaded late.
  expect(licences).toEqual(expect.arrayContaining(['slipway', 'yaml', 'valibot', '@aws-sdk/client-cloudwatch']));
  expect(licences).not.toContain('UNKNOWN');
}, 180_000);

// The tests elsewhere run the sources, with the SDK's CommonJS; a bundle has its ES modules.
test('a bundle holds of an AWS client what is used, and that works: calls, and errors told apart by their class', async () => {
  await build(folder, ['setup-aws']);
  const bundle = join(folder, 'setup-aws/index.js');
  const code = readdirSync(join(folder, 'setup-aws'))
    .filter((file) => file.endsWith('.js'))
    .map((file) => readFileSync(join(folder, 'setup-aws', file), 'utf8'))
    .join('');
  expect(code).toContain('GetAuthorizationToken');
  expect(code).not.toContain('CreateRepository');
  const local = await startLocal({ world: {} });
  try {
    const env = local.env();
    const good = await runAction('setup-aws', {}, { env, bundle });
    expect([good.code, good.log]).toEqual([0, expect.stringContaining('AWS account')]);
    expect(good.outputs.registry).toBe(local.registry.host);
    const denied = await runAction('setup-aws', {}, { env: { ...env, AWS_SECRET_ACCESS_KEY: 'another' }, bundle });
    expect([denied.code, denied.log]).toEqual([1, expect.stringContaining('the AWS credentials cannot be used')]);
    const none = { ...env, AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_EC2_METADATA_DISABLED: 'true' };
    const missing = await runAction('setup-aws', {}, { env: none, bundle });
    expect([missing.code, missing.log]).toEqual([1, expect.stringContaining('id-token: write')]);
  } finally {
    await local.stop();
  }
}, 120_000);

test.each([
  ['of one entry', { main: './c.js', module: './e.js' }, { main: './e.js', module: './e.js' }],
  ['that has no ES modules', { main: './c.js' }, { main: './c.js' }],
  [
    'of several entries',
    { main: './c.js', module: './e.js', exports: { '.': { node: './c.js', import: './e.js' }, './p': './p.json' } },
    { main: './e.js', module: './e.js', exports: { '.': './e.js', './p': './p.json' } },
  ],
  [
    'of an entry without ES modules',
    { exports: { '.': { node: './c.js', require: './c.js' } } },
    { exports: { '.': { node: './c.js', require: './c.js' } } },
  ],
])('the bundler’s view of a package %s', (_, manifest, expected) => {
  expect(asEsModules(manifest)).toEqual(expected);
});

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
