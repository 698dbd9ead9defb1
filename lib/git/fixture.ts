import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gitEnvironment } from './environment.ts';

/** Content of a file, or null to remove it, or a link's target, or a file's mode. */
export type FileSpec = string | null | { link: string } | { text: string; mode: number };

/** A real repository in a temporary folder, for tests of this and of other rooms. */
export interface Fixture {
  readonly folder: string;
  /** file:// URL that behaves as GitHub does: partial fetches, any commit by id. */
  readonly url: string;
  git(...args: string[]): string;
  /** Writes files (names may be bytes), commits them all, returns the commit's id. */
  commit(files: Record<string, FileSpec> | [Buffer, string][], message?: string): string;
  /** A clone of it with these options, such as --depth=1. */
  clone(...options: string[]): Fixture;
  remove(): void;
}

const IDENTITY = {
  GIT_AUTHOR_NAME: 'test',
  GIT_AUTHOR_EMAIL: 'test@example.com',
  GIT_COMMITTER_NAME: 'test',
  GIT_COMMITTER_EMAIL: 'test@example.com',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
};

export function fixture(): Fixture {
  const top = mkdtempSync(join(tmpdir(), 'slipway-fixture-'));
  const made = at(join(top, 'origin'), () => rmSync(top, { recursive: true, force: true }), top);
  mkdirSync(made.folder);
  made.git('init', '--quiet', '--initial-branch=main');
  made.git('config', 'uploadpack.allowFilter', 'true');
  made.git('config', 'uploadpack.allowAnySHA1InWant', 'true');
  return made;
}

/** Seconds since the epoch, a minute further with each call: commits are a minute apart, and their ids the same in each run. */
const FIRST_COMMIT_AT = 1_793_491_200;

function at(folder: string, remove: () => void, top: string): Fixture {
  let minutes = 0;
  const run = (args: readonly string[]) => {
    const date = `@${FIRST_COMMIT_AT + 60 * minutes++} +0000`;
    return execFileSync('git', args, {
      cwd: folder,
      env: { ...gitEnvironment(process.env, []), ...IDENTITY, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date },
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    }).trim();
  };
  let clones = 0;
  return {
    folder,
    url: `file://${folder}`,
    git: (...args) => run(args),
    commit(files, message = 'change') {
      const entries = Array.isArray(files) ? files : Object.entries(files);
      for (const [name, spec] of entries) write(folder, name, spec);
      run(['add', '--all', '--force']);
      run(['commit', '--quiet', '--allow-empty', '--message', message]);
      return run(['rev-parse', 'HEAD']);
    },
    clone(...options) {
      const target = join(top, `clone-${Math.random().toString(36).slice(2)}-${clones++}`);
      run(['clone', '--quiet', ...options, `file://${folder}`, target]);
      return at(target, () => rmSync(target, { recursive: true, force: true }), top);
    },
    remove,
  };
}

function write(folder: string, name: string | Buffer, spec: FileSpec): void {
  const path = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name)]);
  if (typeof name === 'string') mkdirSync(dirname(join(folder, name)), { recursive: true });
  rmSync(typeof name === 'string' ? join(folder, name) : path, { recursive: true, force: true });
  if (spec === null) return;
  if (typeof spec === 'string') writeFileSync(path, spec);
  else if ('link' in spec) symlinkSync(spec.link, path);
  else {
    writeFileSync(path, spec.text);
    chmodSync(path, spec.mode);
  }
}
