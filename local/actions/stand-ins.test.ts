import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-stand-ins-'));
  mkdirSync(join(folder, 'workspace'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a stand-in as act does; inputs as the runner passes them. */
function run(name: string, inputs: Record<string, string>, env: Record<string, string> = {}) {
  const given = Object.entries(inputs).map(([key, value]) => [`INPUT_${key.toUpperCase()}`, value]);
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, name, 'main.ts')], {
    cwd: join(folder, 'workspace'),
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      GITHUB_WORKSPACE: join(folder, 'workspace'),
      GITHUB_RUN_ID: '7',
      LOCAL_ARTIFACTS: join(folder, 'artifacts'),
      ...Object.fromEntries(given),
      ...env,
    },
  });
  return { status, text: stdout + stderr };
}

describe('artifacts', () => {
  const write = (path: string, text: string) => {
    mkdirSync(join(folder, 'workspace', path, '..'), { recursive: true });
    writeFileSync(join(folder, 'workspace', path), text);
  };
  const read = (path: string) => readFileSync(join(folder, 'workspace', path), 'utf8');

  test('of a folder and of a file come back by name and by pattern, later over earlier', () => {
    write('plan/result-web.json', 'planned');
    write('out/result-web.json', 'shipped');
    expect(run('upload-artifact', { name: 'plan', path: 'plan' }).status).toBe(0);
    expect(run('upload-artifact', { name: 'result-web', path: 'out/result-web.json' }).status).toBe(0);
    expect(run('download-artifact', { name: 'plan', path: 'in' }).status).toBe(0);
    expect(read('in/result-web.json')).toBe('planned');
    expect(run('download-artifact', { pattern: 'result-*', 'merge-multiple': 'true', path: 'in' }).status).toBe(0);
    expect(read('in/result-web.json')).toBe('shipped');
    expect(run('download-artifact', { path: 'all' }).status).toBe(0);
    expect(readdirSync(join(folder, 'workspace/all')).sort()).toEqual(['plan', 'result-web']);
  });

  test('of the same name are refused unless they may be replaced', () => {
    write('a', 'one');
    run('upload-artifact', { name: 'x', path: 'a' });
    expect(run('upload-artifact', { name: 'x', path: 'a' })).toMatchObject({
      status: 1,
      text: expect.stringMatching(/Conflict/),
    });
    write('a', 'two');
    expect(run('upload-artifact', { name: 'x', path: 'a', overwrite: 'true' }).status).toBe(0);
    run('download-artifact', { name: 'x', path: 'in' });
    expect(read('in/a')).toBe('two');
  });

  test('that are not there: an error by name, none by pattern', () => {
    expect(run('download-artifact', { name: 'x', path: 'in' })).toMatchObject({ status: 1 });
    expect(run('download-artifact', { pattern: 'x-*', path: 'in' })).toMatchObject({ status: 0 });
    expect(run('upload-artifact', { name: 'x', path: 'nothing' }).status).toBe(0);
    expect(run('upload-artifact', { name: 'x', path: 'nothing', 'if-no-files-found': 'error' }).status).toBe(1);
    expect(existsSync(join(folder, 'artifacts'))).toBe(false);
  });

  test('of another run are not seen', () => {
    write('a', 'one');
    run('upload-artifact', { name: 'x', path: 'a' });
    expect(run('download-artifact', { name: 'x', path: 'in' }, { GITHUB_RUN_ID: '8' }).status).toBe(1);
  });
});

describe('checkout', () => {
  test('takes the run’s commit at the asked depth, with a remote to fetch more from', () => {
    const remote = join(folder, 'remote.git');
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@test', '-C', remote, ...args], {
        encoding: 'utf8',
      }).trim();
    execFileSync('git', ['init', '--quiet', '--initial-branch=main', remote]);
    for (const message of ['one', 'two']) git('commit', '--quiet', '--allow-empty', '--message', message);
    const sha = git('rev-parse', 'HEAD');
    expect(run('checkout', {}, { LOCAL_GIT_REMOTE: remote, GITHUB_SHA: sha }).status).toBe(0);
    const workspace = join(folder, 'workspace');
    const count = execFileSync('git', ['-C', workspace, 'rev-list', '--count', 'HEAD'], { encoding: 'utf8' }).trim();
    expect(count).toBe('1');
    execFileSync('git', ['-C', workspace, 'fetch', '--quiet', '--unshallow', 'origin']);
  });

  test('without a remote says what is missing', () => {
    expect(run('checkout', {})).toMatchObject({ status: 1 });
  });
});
