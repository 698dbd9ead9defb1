import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../errors.ts';
import type { Processes, RunOptions, RunResult } from '../process.ts';
import { gitEnvironment, type Setting } from './environment.ts';
import { type Change, parseDiff, parseTree, type TreeEntry } from './plumbing.ts';
import { type Origin, Store } from './store.ts';

/** Git plumbing as a port. Commits are full object ids. Nothing that belongs to the user is ever written. */
export interface Git {
  /** Those of the commits that can be read here, without asking the remote. */
  present(commits: readonly string[]): Promise<Set<string>>;
  /**
   * Fetches exactly these commits, trees but no file contents, in one request; returns those that the remote has.
   * @param depth 2 brings their parents too, for a commit whose parents are not known before it is here.
   */
  fetch(commits: readonly string[], depth?: 1 | 2): Promise<Set<string>>;
  /** Parents of a commit that is present, also where the clone is cut below it. */
  parents(commit: string): Promise<string[]>;
  /** When commits that are present were committed, in seconds since the epoch. */
  committedAt(commits: readonly string[]): Promise<Map<string, number>>;
  /** Two-dot comparison. @throws Problem when it fails. */
  diff(from: string, to: string): Promise<Change[]>;
  /** All entries below a folder, named relative to it. @throws Problem when there is no such folder in that commit. */
  tree(commit: string, folder: string): Promise<TreeEntry[]>;
  /** Content of a file, or undefined when that commit has none of this name. @throws Problem when it cannot be read. */
  file(commit: string, path: string): Promise<Buffer | undefined>;
  /** Whether a commit has a file of this name. */
  has(commit: string, path: string): Promise<boolean>;
  /** Best common ancestor; undefined when the history that is here cannot tell. */
  mergeBase(a: string, b: string): Promise<string | undefined>;
  /** Whether `a` is an ancestor of `b` (or the same); undefined when the history that is here cannot tell. */
  isAncestor(a: string, b: string): Promise<boolean | undefined>;
  /** The commit that a name stands for in the clone, such as refs/remotes/origin/main; undefined when it has none. */
  resolve(name: string): Promise<string | undefined>;
  /** Removes what was fetched. */
  dispose(): Promise<void>;
}

export interface GitOptions {
  processes: Processes;
  /** The user's checkout, if there is one. */
  workspace: string;
  /** Where fetched objects may be kept until dispose(). */
  tempDir: string;
  /** Where to fetch from when the checkout has no remote or there is no checkout. */
  origin?: Origin;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
}

const LOCAL_TIMEOUT_MS = 120_000;
const OBJECT_ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Opens the checkout in `workspace`; works without one too, as long as there is an origin. */
export function openGit(options: GitOptions): Git {
  return new Repository(options);
}

interface RunExtra extends Pick<RunOptions, 'stdin'> {
  /** Whether git may ask the remote for an object that is not here. */
  lazy?: boolean;
}

class Repository implements Git {
  readonly #options: GitOptions;
  #store: Store | undefined;
  #opening: Promise<Store> | undefined;
  #shallow: Promise<boolean> | undefined;
  /** What was found out about commits; neither changes during a run. */
  readonly #here = new Set<string>();
  readonly #gone = new Set<string>();

  constructor(options: GitOptions) {
    this.#options = options;
  }

  async present(commits: readonly string[]): Promise<Set<string>> {
    commits.forEach(checkId);
    const asked = commits.filter((c) => !this.#here.has(c));
    if (asked.length > 0) for (const commit of await this.#ask(asked)) this.#here.add(commit);
    return new Set(commits.filter((c) => this.#here.has(c)));
  }

  async #ask(commits: readonly string[]): Promise<string[]> {
    const stdin = commits.map((c) => `${c}^{commit}\n`).join('');
    const { code, stdout } = await this.#git(['cat-file', '--batch-check=%(objecttype)'], { stdin, lazy: false });
    if (code !== 0) return [];
    const lines = stdout.toString('utf8').split('\n');
    return commits.filter((_, i) => lines[i] === 'commit');
  }

  async fetch(commits: readonly string[], depth: 1 | 2 = 1): Promise<Set<string>> {
    commits.forEach(checkId);
    const wanted = commits.filter((c) => !this.#gone.has(c));
    const [first] = wanted;
    if (first === undefined) return new Set();
    const store = await this.#openStore(first);
    const fetched = await store.fetch(wanted, depth);
    for (const commit of wanted) (fetched.has(commit) ? this.#here : this.#gone).add(commit);
    return fetched;
  }

  /** One for all that ask at the same time. */
  async #openStore(commit: string): Promise<Store> {
    this.#opening ??= this.#makeStore(commit);
    this.#store = await this.#opening;
    return this.#store;
  }

  async #makeStore(commit: string): Promise<Store> {
    const { processes, workspace, tempDir, origin, env = process.env, signal } = this.#options;
    const folder = await mkdtemp(join(tempDir, 'slipway-git-'));
    try {
      return await Store.create({
        run: (argv, o) => processes.run(argv, { signal, timeoutMs: LOCAL_TIMEOUT_MS, group: true, ...o }),
        workspace,
        folder,
        objectFormat: commit.length === 64 ? 'sha256' : 'sha1',
        origin,
        env,
      });
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async parents(commit: string): Promise<string[]> {
    checkId(commit);
    // The raw object, since a clone cut below this commit makes rev-list deny that it has parents.
    const { stdout } = await this.#must(commit, ['cat-file', 'commit', commit]);
    const [header = ''] = stdout.toString('latin1').split('\n\n', 1);
    return [...header.matchAll(/^parent ([0-9a-f]+)$/gm)].map((m) => m[1] ?? '');
  }

  async committedAt(commits: readonly string[]): Promise<Map<string, number>> {
    commits.forEach(checkId);
    const args = ['rev-list', '--no-walk=unsorted', '--timestamp', ...new Set(commits)];
    const { stdout } = await this.#must(commits[0], args);
    const lines = stdout.toString('latin1').trim().split('\n');
    return new Map(lines.map((line) => line.split(' ')).map(([seconds = '', id = '']) => [id, Number(seconds)]));
  }

  async diff(from: string, to: string): Promise<Change[]> {
    checkId(from);
    checkId(to);
    const args = ['diff-tree', '-r', '-z', '--no-renames', '--ignore-submodules=none', '--name-status', from, to];
    return parseDiff((await this.#must(from, args)).stdout);
  }

  async tree(commit: string, folder: string): Promise<TreeEntry[]> {
    checkId(commit);
    const path = normalFolder(folder);
    const of = path === '' ? commit : `${commit}:${path}`;
    const result = await this.#read(commit, ['ls-tree', '-r', '-z', '--full-tree', of]);
    if (result.code === 0) return parseTree(result.stdout);
    throw new Problem({
      what: `folder '${folder}'`,
      cause: `git cannot list it at commit ${commit.slice(0, 12)} (${lastLine(result)})`,
      fix: 'Check that the path is a folder and is committed: what is not in git has no fingerprint',
      kind: 'config',
    });
  }

  async file(commit: string, path: string): Promise<Buffer | undefined> {
    checkId(commit);
    const entry = await this.#blob(commit, path);
    if (!entry) return undefined;
    return (await this.#must(commit, ['cat-file', 'blob', entry.id])).stdout;
  }

  async has(commit: string, path: string): Promise<boolean> {
    checkId(commit);
    return (await this.#blob(commit, path)) !== undefined;
  }

  async #blob(commit: string, path: string): Promise<TreeEntry | undefined> {
    // No file of a commit is called so, and git fails instead of saying it.
    if (path.startsWith('/') || path.split('/').includes('..')) return undefined;
    const args = ['ls-tree', '-z', '--full-tree', commit, '--', `:(literal)${path}`];
    const listed = parseTree((await this.#must(commit, args)).stdout);
    return listed.find((e) => e.type === 'blob' && e.name === path);
  }

  async mergeBase(a: string, b: string): Promise<string | undefined> {
    checkId(a);
    checkId(b);
    if (await this.#isShallow()) return undefined;
    const { code, stdout } = await this.#inWorkspace(['merge-base', a, b]);
    return code === 0 ? stdout.toString('utf8').trim() : undefined;
  }

  async isAncestor(a: string, b: string): Promise<boolean | undefined> {
    checkId(a);
    checkId(b);
    if (a === b) return true;
    const { code } = await this.#inWorkspace(['merge-base', '--is-ancestor', a, b]);
    if (code === 0) return true;
    // "No" proves something only where the whole history is here.
    if (code !== 1 || (await this.#isShallow())) return undefined;
    return false;
  }

  async resolve(name: string): Promise<string | undefined> {
    const { code, stdout } = await this.#inWorkspace([
      'rev-parse',
      '--verify',
      '--quiet',
      '--end-of-options',
      `${name}^{commit}`,
    ]);
    const id = stdout.toString('utf8').trim();
    return code === 0 && OBJECT_ID.test(id) ? id : undefined;
  }

  async dispose(): Promise<void> {
    if (this.#store) await rm(this.#store.folder, { recursive: true, force: true });
    this.#store = undefined;
    this.#opening = undefined;
  }

  #isShallow(): Promise<boolean> {
    this.#shallow ??= this.#inWorkspace(['rev-parse', '--is-shallow-repository']).then(
      // No repository at all knows even less.
      ({ code, stdout }) => code !== 0 || stdout.toString('utf8').trim() !== 'false',
    );
    return this.#shallow;
  }

  /** History is asked of the checkout alone: what was fetched is cut off at each commit. */
  #inWorkspace(args: readonly string[]): Promise<RunResult> {
    return this.#run(args, this.#options.workspace, []);
  }

  /**
   * Reads objects. Those that a partial clone has left on its remote come into a repository of our own, since git by itself would
   * write them into the checkout.
   */
  async #read(commit: string | undefined, args: readonly string[]): Promise<RunResult> {
    const inStore = this.#store !== undefined;
    const result = await this.#git(args);
    if (result.code === 0 || inStore || commit === undefined) return result;
    const partial = await this.#inWorkspace(['config', '--get-regexp', '^remote\\..*\\.promisor$']);
    if (partial.code !== 0) return result;
    await this.#openStore(commit);
    return this.#git(args);
  }

  #git(args: readonly string[], extra: RunExtra = {}): Promise<RunResult> {
    const { folder = this.#options.workspace, settings = [] } = this.#store ?? {};
    return this.#run(args, folder, settings, { lazy: this.#store !== undefined, ...extra });
  }

  #run(
    args: readonly string[],
    folder: string,
    settings: readonly Setting[],
    { stdin, lazy = false }: RunExtra = {},
  ): Promise<RunResult> {
    const { processes, signal, env = process.env } = this.#options;
    const all = gitEnvironment(env, [['safe.directory', folder], ...settings]);
    return processes.run(['git', ...args], {
      cwd: folder,
      env: lazy ? all : { ...all, GIT_NO_LAZY_FETCH: '1' },
      stdin,
      signal,
      timeoutMs: LOCAL_TIMEOUT_MS,
      group: true,
    });
  }

  /** @param commit what is read, or is read from. */
  async #must(commit: string | undefined, args: readonly string[]): Promise<RunResult> {
    const result = await this.#read(commit, args);
    if (result.code === 0) return result;
    throw new Problem({
      what: `git ${args[0]}`,
      seen: args.filter((a) => OBJECT_ID.test(a)).join(' ') || undefined,
      cause: `it failed with exit code ${result.code} (${lastLine(result)})`,
      fix: 'Check out the repository before this step (actions/checkout, any depth)',
      kind: 'environment',
    });
  }
}

function lastLine({ stderr }: RunResult): string {
  return stderr.trim().split('\n').at(-1) || 'git gave no reason';
}

function normalFolder(folder: string): string {
  return folder
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

/** Only ids reach an argument list, so that no value can be taken for an option or a revision expression. */
function checkId(id: string): void {
  if (OBJECT_ID.test(id)) return;
  throw new Problem({
    what: 'commit',
    seen: id,
    cause: 'it is not a full commit id',
    fix: 'Give all 40 (or 64) hexadecimal digits, in lower case',
  });
}
