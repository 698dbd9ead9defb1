import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../errors.ts';
import type { RunOptions, RunResult } from '../process.ts';
import { gitEnvironment, type Setting } from './environment.ts';
import { splitNul } from './names.ts';

/** A remote that is known without a checkout. */
export interface Origin {
  url: string;
  /** For https; sent as a header, never part of a URL or an argument. */
  token?: string;
}

interface StoreOptions {
  run(argv: readonly [string, ...string[]], options: RunOptions): Promise<RunResult>;
  workspace: string;
  folder: string;
  objectFormat: 'sha1' | 'sha256';
  origin: Origin | undefined;
  env: NodeJS.ProcessEnv;
}

// The settings of the checkout that decide how its remote is reached; the token of actions/checkout is among them.
const REACH =
  /^(?:remote\.origin\.(?:url|pushurl|promisor|partialclonefilter|proxy|uploadpack)|http\..*|url\..*|credential\..*|core\.sshcommand|protocol\..*)$/i;
const FETCH_TIMEOUT_MS = 180_000;
/** A remote names one absent commit a request; a history that was rewritten may leave the ledger with several. */
const ATTEMPTS = 20;

/**
 * A bare repository of our own beside the checkout: it borrows the checkout's objects and takes what is fetched. A fetch
 * into the checkout itself would leave it changed: with --depth a full clone becomes a shallow one, and with --filter a partial one.
 */
export class Store {
  readonly folder: string;
  readonly settings: readonly Setting[];
  readonly #options: StoreOptions;

  private constructor(options: StoreOptions, settings: readonly Setting[]) {
    this.#options = options;
    this.folder = options.folder;
    this.settings = settings;
  }

  /** @throws Problem when there is neither a checkout with a remote nor an origin. */
  static async create(options: StoreOptions): Promise<Store> {
    const { folder, objectFormat, workspace } = options;
    const inFolder = { cwd: folder, env: gitEnvironment(options.env, []) };
    const made = await options.run(
      ['git', 'init', '--quiet', '--bare', `--object-format=${objectFormat}`, folder],
      inFolder,
    );
    if (made.code !== 0) throw unusable(folder, made.stderr);
    const settings = await reachSettings(options);
    const store = new Store(options, settings);
    const paths = await store.#inWorkspace([
      'rev-parse',
      '--path-format=absolute',
      '--git-path',
      'objects',
      '--git-path',
      'shallow',
    ]);
    const [objects, shallow] = paths.code === 0 ? paths.stdout.toString('utf8').trim().split('\n') : [];
    if (objects) {
      await mkdir(join(folder, 'objects', 'info'), { recursive: true });
      await writeFile(join(folder, 'objects', 'info', 'alternates'), `${objects}\n`);
    }
    // Without it the remote would be told that everything below the checkout's commits is here, and send too little.
    if (shallow) await copyFile(shallow, join(folder, 'shallow')).catch(ignoreMissing);
    if (!settings.some(([key]) => key.toLowerCase() === 'remote.origin.url')) throw noRemote(workspace);
    return store;
  }

  /** Fetches commits and trees; returns the commits that the remote has. @throws Problem when the remote cannot be asked, or lacks too many. */
  async fetch(commits: readonly string[], depth: number): Promise<Set<string>> {
    let wanted = [...new Set(commits)];
    for (let attempt = 1; wanted.length > 0; attempt++) {
      const result = await this.#fetch(wanted, depth);
      if (result.code === 0) return new Set(wanted);
      const absent = absentCommits(result.stderr, wanted);
      if (absent.length === 0 || (attempt === ATTEMPTS && absent.length < wanted.length))
        throw notFetched(result.stderr);
      wanted = wanted.filter((c) => !absent.includes(c));
    }
    return new Set();
  }

  #fetch(commits: readonly string[], depth: number): Promise<RunResult> {
    const flags = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--no-auto-maintenance'];
    return this.#options.run(
      ['git', 'fetch', ...flags, `--depth=${depth}`, '--filter=blob:none', 'origin', ...commits],
      {
        cwd: this.folder,
        env: gitEnvironment(this.#options.env, [['safe.directory', '*'], ...this.settings]),
        timeoutMs: FETCH_TIMEOUT_MS,
      },
    );
  }

  #inWorkspace(args: readonly string[]): Promise<RunResult> {
    return inWorkspace(this.#options, args);
  }
}

function inWorkspace({ run, workspace, env }: StoreOptions, args: readonly string[]): Promise<RunResult> {
  return run(['git', ...args], { cwd: workspace, env: gitEnvironment(env, [['safe.directory', workspace]]) });
}

async function reachSettings(options: StoreOptions): Promise<Setting[]> {
  const { origin } = options;
  const listed = await inWorkspace(options, ['config', '--local', '--includes', '--null', '--list']);
  const settings: Setting[] = [];
  for (const item of listed.code === 0 ? splitNul(listed.stdout) : []) {
    const end = item.indexOf('\n');
    // A key without a value stands for true.
    const [key, value] = end < 0 ? [item, 'true'] : [item.slice(0, end), item.slice(end + 1)];
    if (REACH.test(key)) settings.push([key, value]);
  }
  const remote = settings.some(([key]) => key.toLowerCase() === 'remote.origin.url');
  if (!remote && origin) settings.push(['remote.origin.url', origin.url]);
  if (origin?.token && /^https?:/.test(origin.url)) {
    const server = new URL(origin.url).origin;
    // One for another server, of a step that fetched dependencies say, is no credential here.
    const kept = settings.some(([key]) => /^http\.(?:.+\.)?extraheader$/i.test(key) && appliesTo(key, server));
    const basic = Buffer.from(`x-access-token:${origin.token}`).toString('base64');
    if (!kept) settings.push([`http.${server}/.extraheader`, `AUTHORIZATION: basic ${basic}`]);
  }
  return settings;
}

/** Whether an `http.URL.extraheader`, or one for all, is sent to a server. */
function appliesTo(key: string, server: string): boolean {
  const scope = key.slice('http.'.length, -'.extraheader'.length);
  return scope === '' || scope.toLowerCase().startsWith(server.toLowerCase());
}

/** The wanted commits that the remote's refusal names. */
function absentCommits(stderr: string, wanted: readonly string[]): string[] {
  const refusals = stderr
    .split('\n')
    .filter((line) => /not our ref|unadvertised object|no such remote ref|couldn't find remote ref/i.test(line));
  return wanted.filter((commit) => refusals.some((line) => line.includes(commit)));
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

function noRemote(workspace: string): Problem {
  return new Problem({
    what: 'git remote',
    seen: workspace,
    cause: 'a commit has to be fetched, and the checkout has no remote named origin',
    fix: 'Check out the repository with actions/checkout before this step, or check out with `fetch-depth: 0`',
    kind: 'environment',
  });
}

function unusable(folder: string, stderr: string): Problem {
  return new Problem({
    what: 'temporary git repository',
    seen: folder,
    cause: `it could not be made (${stderr.trim() || 'git gave no reason'})`,
    fix: 'Check that RUNNER_TEMP is writable and that git is 2.31 or newer',
    kind: 'environment',
  });
}

function notFetched(stderr: string): Problem {
  const text = stderr.replace(/\b(?:https?:\/\/)[^@\s/]+@/g, 'https://***@').trim();
  return new Problem({
    what: 'git fetch from origin',
    cause: `it failed (${text.split('\n').at(-1) || 'git gave no reason'})`,
    fix: 'Give the job `permissions: contents: read`, keep the credentials of actions/checkout or pass `token`, or check out with `fetch-depth: 0`',
    kind: 'network',
  });
}
