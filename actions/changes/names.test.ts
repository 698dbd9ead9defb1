import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Fixture, fixture } from '../../lib/git/fixture.ts';
import { encodeName } from '../../lib/git/names.ts';
import { type ActionRun, runAction } from '../../test/support/action.ts';
import { CANARY, LONG, NAMES } from './test/names.ts';

const expected = [...Object.values(NAMES).map((n) => Buffer.concat([Buffer.from('web/'), Buffer.from(n)])), LONG]
  .map((n) => Buffer.from(n).toString('hex'))
  .sort();

let origin: Fixture;
let folder: string;
let before: string;
let head: string;

beforeAll(() => {
  origin = fixture();
  folder = mkdtempSync(join(tmpdir(), 'slipway-names-'));
  before = origin.commit({ 'web/kept': '1', 'bot/kept': '1' });
  const web = Buffer.from('web/');
  origin.commit(Object.values(NAMES).map((n): [Buffer, string] => [Buffer.concat([web, Buffer.from(n)]), 'x']));
  head = origin.commit({ [LONG]: 'x' });
});

afterAll(() => {
  origin.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Programs that record what they are given before they do their work. */
function watchedShells(log: string): string {
  const bin = mkdtempSync(join(folder, 'bin-'));
  for (const name of ['sh', 'bash', 'dash', 'zsh']) {
    writeFileSync(join(bin, name), `#!/bin/sh\nprintf '%s\\n' "$0" "$@" >> '${log}'\nexec /bin/sh "$@"\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}

describe.each(['full', 'depth 1'])('%s', (depth) => {
  let run: ActionRun;
  let log: string;
  let temp: string;
  let cwd: string;

  beforeAll(async () => {
    cwd = origin.clone(...(depth === 'full' ? [] : ['--depth=1'])).folder;
    temp = mkdtempSync(join(folder, 'temp-'));
    log = join(temp, 'shells');
    const event = join(temp, 'event.json');
    writeFileSync(event, JSON.stringify({ before, repository: { default_branch: 'main' } }));
    mkdirSync(join(temp, 'runner'));
    const env = {
      PATH: `${watchedShells(log)}${delimiter}${process.env.PATH}`,
      SHELL: 'sh',
      GITHUB_SHA: head,
      GITHUB_REF: 'refs/heads/main',
      GITHUB_EVENT_NAME: 'push',
      GITHUB_EVENT_PATH: event,
      GITHUB_WORKSPACE: cwd,
      RUNNER_TEMP: join(temp, 'runner'),
    };
    const filters = "web: ['web/**']\nbot: ['bot/**']\nstar: ['web/\\*']\ndash: ['web/-rf']\nemoji: ['web/*🚀']";
    run = await runAction('changes', { filters, 'list-files': 'nul' }, { cwd, env });
    const json = await runAction('changes', { filters, 'list-files': 'json' }, { cwd, env });
    run.outputs.files = json.outputs.files ?? '';
  }, 60_000);

  test('the step ends well, and each pattern finds what it should', () => {
    expect([run.code, run.log.match(/^::error.*/gm)]).toEqual([0, null]);
    expect(run.outputs).toMatchObject({ any: 'true', web: 'true', bot: 'false', star: 'true', dash: 'true' });
  });

  test('the NUL-separated file has every name, byte for byte', () => {
    const bytes = readFileSync(join(run.outputs.path ?? '', 'web.nul'));
    const names = bytes.toString('latin1').split('\0');
    expect(names.pop()).toBe('');
    expect(names.map((n) => Buffer.from(n, 'latin1').toString('hex')).sort()).toEqual(expected);
    const one = (name: string) => readFileSync(join(run.outputs.path ?? '', `${name}.nul`), 'utf8');
    expect([one('star'), one('dash'), one('emoji')]).toEqual(['web/*\0', 'web/-rf\0', 'web/👩‍🚀🚀\0']);
  });

  test('so has the JSON output', () => {
    const { web = [] } = JSON.parse(run.outputs.files ?? '{}') as { web?: string[] };
    expect(web.map((n) => encodeName(n).toString('hex')).sort()).toEqual(expected);
  });

  test('no shell ever saw one of them, and no name became an output or a command', () => {
    expect(existsSync(log) ? readFileSync(log, 'utf8') : '').not.toMatch(/canary|web\/|set-output/);
    for (const place of [cwd, temp, join(temp, 'runner')]) expect(existsSync(join(place, CANARY))).toBe(false);
    expect(run.log).not.toMatch(/^::(?:set-output|add-mask)/m);
  });
});
