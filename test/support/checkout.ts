import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ActionOptions, type ActionRun, runAction } from './action.ts';

/** A real git repository on disk, and the environment of a run in it. */
export interface Checkout {
  folder: string;
  env: Record<string, string>;
  git(...args: string[]): string;
  /** Writes files and commits everything. @returns the commit's id */
  commit(files: Record<string, string>): string;
  /** Runs an action in it, at its newest commit. */
  run(action: string, inputs: Record<string, string>, options?: ActionOptions): Promise<ActionRun>;
  remove(): void;
}

export function makeCheckout(env: Record<string, string>): Checkout {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-checkout-'));
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' }).trim();
  git('init', '--quiet', '--initial-branch=main');
  const all = {
    ...env,
    GITHUB_WORKSPACE: folder,
    GITHUB_REPOSITORY: 'acme/sample',
    GITHUB_REF: 'refs/heads/main',
    GITHUB_REF_NAME: 'main',
    GITHUB_REF_TYPE: 'branch',
    GITHUB_RUN_NUMBER: '7',
  };
  return {
    folder,
    env: all,
    git,
    commit(files) {
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(join(folder, name, '..'), { recursive: true });
        writeFileSync(join(folder, name), text);
      }
      git('add', '-A');
      git('-c', 'user.name=t', '-c', 'user.email=t@t.invalid', 'commit', '--quiet', '--allow-empty', '-m', 'change');
      return git('rev-parse', 'HEAD');
    },
    run: (action, inputs, options = {}) =>
      runAction(action, inputs, {
        cwd: folder,
        ...options,
        env: { ...all, GITHUB_SHA: git('rev-parse', 'HEAD'), ...options.env },
      }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
