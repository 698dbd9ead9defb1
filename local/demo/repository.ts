import { execFile } from 'node:child_process';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { parseDocument } from 'yaml';

const run = promisify(execFile);

/** A user's clone and the bare repository that it pushes to. */
export interface DemoRepository {
  clone: string;
  remote: string;
}

export interface Pushed {
  before: string;
  sha: string;
  subject: string;
  files: string[];
  event: Record<string, unknown>;
}

export const SLUG = 'acme/sample';
export const BRANCH = 'main';
const PERSON = { name: 'Ada', email: 'ada@sample.test', login: 'ada' };
export const ACTOR = PERSON.login;

const NOT_COPIED = new Set(['node_modules', 'dist', '.terraform', 'coverage']);

/** Copies the sample out of this repository and makes a bare repository that gives out partial clones as GitHub does. */
export async function createRepository(sample: string, folder: string): Promise<DemoRepository> {
  const repository = { clone: join(folder, 'sample'), remote: join(folder, 'remote.git') };
  await cp(sample, repository.clone, { recursive: true, filter: (path) => !NOT_COPIED.has(basename(path)) });
  await git(folder, 'init', '--quiet', '--bare', `--initial-branch=${BRANCH}`, repository.remote);
  for (const setting of ['uploadpack.allowFilter', 'uploadpack.allowAnySHA1InWant'])
    await git(repository.remote, 'config', setting, 'true');
  await git(repository.clone, 'init', '--quiet', `--initial-branch=${BRANCH}`);
  await git(repository.clone, 'remote', 'add', 'origin', repository.remote);
  return repository;
}

/** Commits everything and pushes it; the event is what GitHub would send for it. */
export async function push(repository: DemoRepository, subject: string): Promise<Pushed> {
  const { clone } = repository;
  const before = await git(clone, 'rev-parse', '--verify', '--quiet', 'HEAD').catch(() => '0'.repeat(40));
  await git(clone, 'add', '--all');
  await git(clone, 'commit', '--quiet', '--no-gpg-sign', '--message', subject);
  await git(clone, 'push', '--quiet', 'origin', BRANCH);
  const sha = await git(clone, 'rev-parse', 'HEAD');
  const names = await git(clone, 'show', '--name-only', '--format=', 'HEAD');
  const files = names.split('\n').filter(Boolean);
  const timestamp = await git(clone, 'show', '--no-patch', '--format=%cI', 'HEAD');
  const commit = { id: sha, message: subject, timestamp, author: PERSON, committer: PERSON, distinct: true };
  const [owner, name] = SLUG.split('/');
  const event = {
    ref: `refs/heads/${BRANCH}`,
    before,
    after: sha,
    created: /^0+$/.test(before),
    deleted: false,
    forced: false,
    commits: [commit],
    head_commit: commit,
    repository: { name, full_name: SLUG, default_branch: BRANCH, private: true, owner: { login: owner, name: owner } },
    pusher: PERSON,
    sender: { login: PERSON.login, type: 'User' },
  };
  return { before, sha, subject, files, event };
}

/** Changes a text in a file of the clone. @throws Error when it is not there, so that the demo follows the sample. */
export async function replace(repository: DemoRepository, file: string, from: string, to: string): Promise<void> {
  const path = join(repository.clone, file);
  const text = await readFile(path, 'utf8');
  if (!text.includes(from)) throw new Error(`${file} of the sample no longer contains "${from}"`);
  await writeFile(path, text.replace(from, to));
}

/** What a user writes into slipway.yml for an environment of their own: where this bot's Discord and GitHub are. */
export async function describeEnvironment(
  repository: DemoRepository,
  environment: string,
  components: Record<string, unknown>,
): Promise<void> {
  const path = join(repository.clone, '.github/slipway.yml');
  const document = parseDocument(await readFile(path, 'utf8'));
  document.setIn(['environments', environment, 'components'], components);
  await writeFile(path, document.toString());
}

async function git(cwd: string, ...args: string[]): Promise<string> {
  const identity = {
    GIT_AUTHOR_NAME: PERSON.name,
    GIT_AUTHOR_EMAIL: PERSON.email,
    GIT_COMMITTER_NAME: PERSON.name,
    GIT_COMMITTER_EMAIL: PERSON.email,
    // The machine's own settings (hooks, signing, templates) have no say here.
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
  };
  const { stdout } = await run('git', args, { cwd, env: { PATH: process.env.PATH, HOME: cwd, ...identity } });
  return stdout.trim();
}
