import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { deriveTree, deriveWorkflow } from '../../local/act/derive.ts';
import { callers, own, ROOT } from './files.ts';

let folder = '';
let derived: string[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-workflows-'));
  mkdirSync(join(folder, 'dist'));
  await deriveTree(ROOT, join(folder, 'tree'), join(folder, 'dist'));
  const own = join(folder, 'tree/.github/workflows');
  derived = readdirSync(own).map((file) => join(own, file));
  for (const [i, { path }] of callers.entries()) {
    const file = join(own, `caller-${i}.yml`);
    const content = parse(await readFile(join(ROOT, path), 'utf8'));
    await writeFile(file, stringify(deriveWorkflow(content, () => ({}))));
    derived.push(file);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A linter that scripts/setup.sh has installed, or that is on PATH. */
function tool(name: string): string {
  const folders = [join(ROOT, '.tools/bin'), ...(process.env.PATH ?? '').split(delimiter)];
  const found = folders.map((each) => join(each, name)).find((path) => existsSync(path));
  if (!found) throw new Error(`${name} is missing: run scripts/setup.sh`);
  return found;
}

function run(program: string, args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', cwd: folder });
  return { status, text: `${stdout}${stderr}` };
}

const originals = [...own, ...callers].map(({ path }) => join(ROOT, path));
const BROKEN = `on: push
permissions: {}
jobs:
  a: { runs-on: ubuntu-latest, steps: [{ run: 'echo \${{ github.event.pull_request.title }}', tiimeout: 1 }] }
`;

describe('every workflow file', () => {
  test('passes actionlint, in the form that it can read', () => {
    expect(run(tool('actionlint'), ['-no-color', '-shellcheck=', '-pyflakes=', ...derived])).toEqual({
      status: 0,
      text: '',
    });
  });

  test('passes zizmor without a finding', () => {
    const config = join(ROOT, 'test/workflows/zizmor.yml');
    const { status, text } = run(tool('zizmor'), [
      // In a CI environment it colours what it prints.
      '--color=never',
      '--offline',
      '--no-progress',
      '--quiet',
      '--config',
      config,
      ...originals,
    ]);
    expect([status, text]).toEqual([0, expect.stringMatching(/^(No findings to report.*)?\s*$/)]);
  });

  test('is read by GitHub’s own parser', () => {
    const { status, text } = run(process.execPath, [join(ROOT, 'test/workflows/parse.ts'), ...originals]);
    expect([status, text.trim()]).toEqual([0, '[]']);
  });
});

test('each of the three finds what is wrong with a broken one', () => {
  const file = join(folder, 'broken.yml');
  writeFileSync(file, BROKEN);
  expect(run(tool('actionlint'), ['-no-color', file]).text).toMatch(/tiimeout/);
  expect(run(tool('zizmor'), ['--color=never', '--offline', '--no-progress', '--quiet', file]).text).toMatch(
    /template-injection/,
  );
  expect(run(process.execPath, [join(ROOT, 'test/workflows/parse.ts'), file]).text).toMatch(/tiimeout/);
});
