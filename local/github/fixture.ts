import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A bare repository and a work tree that pushes to it, for tests. */
export interface GitFixture {
  bare: string;
  /** Writes files (undefined deletes), commits, pushes; returns the commit. */
  commit(files: Record<string, string | undefined>, message?: string): string;
  /** Creates or checks out a branch. */
  branch(name: string, from?: string): void;
  git(...args: string[]): string;
  remove(): void;
}

export function gitFixture(): GitFixture {
  const root = mkdtempSync(join(tmpdir(), 'slipway-git-'));
  const [bare, work] = [join(root, 'bare.git'), join(root, 'work')];
  const env = {
    PATH: process.env.PATH,
    HOME: root,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
    GIT_AUTHOR_DATE: '2026-01-02T03:04:05+0100',
    GIT_COMMITTER_DATE: '2026-01-02T03:04:05+0100',
  };
  const run = (cwd: string, ...args: string[]): string =>
    execFileSync('git', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  run(root, 'init', '-q', '--bare', '-b', 'main', bare);
  run(root, 'clone', '-q', bare, work);
  run(work, 'checkout', '-q', '-B', 'main');
  return {
    bare,
    git: (...args) => run(work, ...args),
    commit(files, message = 'change') {
      for (const [name, content] of Object.entries(files)) {
        const path = join(work, name);
        if (content === undefined) {
          rmSync(path);
          continue;
        }
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, content);
      }
      run(work, 'add', '-A');
      run(work, 'commit', '-q', '--allow-empty', '-m', message);
      run(work, 'push', '-q', 'origin', 'HEAD');
      return run(work, 'rev-parse', 'HEAD');
    },
    branch: (name, from = 'HEAD') => void run(work, 'checkout', '-q', '-B', name, from),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Status and body of a call that is expected to be refused. */
export async function refusal(call: Promise<unknown>) {
  const error = (await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )) as { status: number; response: { data: { message: string; errors?: unknown }; headers: Record<string, string> } };
  if (!error) throw new Error('expected a refusal');
  return { ...error.response.data, status: error.status, headers: error.response.headers };
}
