import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { processes } from '../process.ts';
import { gitLedger } from './git.ts';
import { type LedgerEntry, lastDeployed } from './ledger.ts';

let root: string;
const git = (cwd: string, ...args: string[]) => execFileSync('git', args, { cwd, encoding: 'utf8', stdio: 'pipe' });
const clone = (name: string, ...args: string[]) => {
  git(root, 'clone', '--quiet', ...args, `file://${join(root, 'remote.git')}`, name);
  return join(root, name);
};

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'slipway-ledger-'));
  git(root, 'init', '--quiet', '--bare', '--initial-branch=main', 'remote.git');
  const work = clone('seed');
  for (const n of [1, 2, 3]) {
    writeFileSync(join(work, 'file'), String(n));
    git(work, 'add', '.');
    git(work, '-c', 'user.name=t', '-c', 'user.email=t@t.invalid', 'commit', '--quiet', '-m', `c${n}`);
  }
  git(work, 'push', '--quiet', 'origin', 'HEAD:main');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const entry = (over: Partial<LedgerEntry> = {}): LedgerEntry => ({
  component: 'web',
  environment: 'dev',
  commit: 'a'.repeat(40),
  state: 'deployed',
  runUrl: 'https://github.test/o/r/actions/runs/1',
  at: '2026-11-21T00:00:00.000Z',
  images: { web: 'sample-web@sha256:1' },
  ...over,
});
const ledgerIn = (cwd: string) => gitLedger({ processes: processes(), cwd });

describe('git ledger', () => {
  test('an empty ledger has no entries', async () => {
    expect(await ledgerIn(clone('empty')).read('dev', ['web'])).toEqual(new Map());
  });

  test('what one clone records another reads, newest first, and environments are apart', async () => {
    const writer = ledgerIn(clone('writer'));
    await writer.record(entry({ commit: '1'.repeat(40) }));
    await writer.record(entry({ commit: '2'.repeat(40), state: 'held', cause: 'never "healthy"\nüber' }));
    await writer.record(entry({ component: 'bot', environment: 'prod' }));
    const entries = await ledgerIn(clone('reader', '--depth=1')).read('dev', ['web', 'bot']);
    expect([...entries.keys()]).toEqual(['web']);
    expect(entries.get('web')?.map((e) => [e.commit[0], e.state, e.cause])).toEqual([
      ['2', 'held', 'never "healthy"\nüber'],
      ['1', 'deployed', undefined],
    ]);
    expect(lastDeployed(entries.get('web'))?.commit).toBe('1'.repeat(40));
  });

  test('two runs that record at once lose nothing', async () => {
    const writers = ['w1', 'w2', 'w3'].map((name) => ledgerIn(clone(name)));
    await Promise.all(writers.map((w, i) => w.record(entry({ component: 'api', commit: String(i).repeat(40) }))));
    const entries = await ledgerIn(clone('after')).read('dev', ['api']);
    expect(new Set(entries.get('api')?.map((e) => e.commit[0]))).toEqual(new Set(['0', '1', '2']));
  });

  test('the clone is left as it was: no file, no ref, no configuration', async () => {
    const cwd = clone('clean');
    const state = () => [
      git(cwd, 'status', '--porcelain'),
      git(cwd, 'for-each-ref'),
      git(cwd, 'config', '--list', '--local'),
    ];
    const before = state();
    await ledgerIn(cwd).record(entry());
    await ledgerIn(cwd).read('dev', ['web']);
    expect(state()).toEqual(before);
  });

  test('a remote that cannot be reached is an error, never an empty ledger', async () => {
    const cwd = clone('lost');
    git(cwd, 'remote', 'set-url', 'origin', join(root, 'nowhere.git'));
    await expect(ledgerIn(cwd).read('dev', ['web'])).rejects.toThrow(
      /ledger \(git refs\) on remote 'origin': it could not be read/,
    );
  });

  test.each(['../x', 'a b', 'x.lock', '', '-x'])(
    'environment %p is refused: it would be part of a ref',
    async (environment) => {
      await expect(ledgerIn(root).read(environment, ['web'])).rejects.toThrow(/cannot be part of a ref name/);
    },
  );
});
