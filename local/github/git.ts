import { execFile } from 'node:child_process';

export interface GitCommit {
  sha: string;
  tree: string;
  parents: string[];
  author: { name: string; email: string; date: string };
  committer: { name: string; email: string; date: string };
  message: string;
}

export interface GitFileChange {
  filename: string;
  status: 'added' | 'modified' | 'removed' | 'renamed' | 'changed';
  additions: number;
  deletions: number;
  sha: string;
  previous?: string;
}

export interface GitRef {
  ref: string;
  sha: string;
  type: string;
}

export interface GitEntry {
  name: string;
  path: string;
  type: 'blob' | 'tree' | 'commit';
  sha: string;
  size: number;
}

export interface GitTreeEntry {
  path: string;
  mode: string;
  type: GitEntry['type'];
  sha: string;
}

export interface BareRepository {
  resolve(ref: string): Promise<string | undefined>;
  commit(sha: string): Promise<GitCommit | undefined>;
  /** Commits reachable from `to` and not from `from`, oldest first, at most `max`. */
  range(from: string, to: string, max: number): Promise<{ commits: GitCommit[]; total: number }>;
  mergeBase(a: string, b: string): Promise<string | undefined>;
  /** Files between two commits, with renames found as GitHub does. */
  files(from: string | undefined, to: string): Promise<GitFileChange[]>;
  refs(prefix: string): Promise<GitRef[]>;
  entry(ref: string, path: string): Promise<GitEntry | GitEntry[] | undefined>;
  blob(sha: string): Promise<Buffer>;
  /** Entries of the tree of a commit (or of a tree), folders too, in git's order; undefined when there is no such object. */
  tree(sha: string, recursive: boolean): Promise<GitTreeEntry[] | undefined>;
  createRef(ref: string, sha: string): Promise<void>;
  updateRef(ref: string, sha: string): Promise<void>;
  deleteRef(ref: string): Promise<void>;
  isAncestor(ancestor: string, descendant: string): Promise<boolean>;
  /** Merges `from` into branch `into`; the new commit, or undefined when they conflict. */
  merge(from: string, into: string, message: string): Promise<string | undefined>;
}

interface Ran {
  code: number;
  out: Buffer;
}

const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
const FORMAT = '%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x01';

/** Reads (and, for the few calls that need it, writes) a bare repository through git itself. Names that start with a dash are refused by resolve(). */
export function bareRepository(gitDir: string): BareRepository {
  const run = (...args: string[]): Promise<Ran> =>
    new Promise((resolve) => {
      execFile(
        'git',
        ['--git-dir', gitDir, ...args],
        {
          encoding: 'buffer',
          maxBuffer: 64 * 1024 * 1024,
          env: { ...process.env, ...IDENTITY, GIT_CONFIG_NOSYSTEM: '1' },
        },
        (error, out) => resolve({ code: error ? Number(error.code ?? 1) || 1 : 0, out }),
      );
    });
  const text = async (...args: string[]): Promise<string | undefined> => {
    const { code, out } = await run(...args);
    return code === 0 ? out.toString('utf8').trim() : undefined;
  };
  const need = async (...args: string[]): Promise<string> => {
    const out = await text(...args);
    if (out === undefined) throw new Error(`git ${args[0]} failed in ${gitDir}`);
    return out;
  };
  const resolve = async (ref: string): Promise<string | undefined> => {
    if (!ref || ref.startsWith('-')) return undefined;
    for (const name of [`refs/heads/${ref}`, `refs/tags/${ref}`, ref]) {
      const sha = await text('rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`);
      if (sha) return sha;
    }
    return undefined;
  };
  const log = async (...args: string[]): Promise<GitCommit[]> => {
    const { code, out } = await run('log', `--format=${FORMAT}`, ...args);
    return code === 0 ? parseLog(out.toString('utf8')) : [];
  };
  return {
    resolve,
    commit: async (sha) => (await log('-1', sha))[0],
    async range(from, to, max) {
      const total = Number(await need('rev-list', '--count', `${from}..${to}`));
      const commits = total === 0 ? [] : await log('--reverse', '--topo-order', `${from}..${to}`);
      return { commits: commits.slice(0, max), total };
    },
    mergeBase: (a, b) => text('merge-base', a, b),
    files: async (from, to) => changes(run, from ?? EMPTY_TREE, to),
    async refs(prefix) {
      const out = (await text('for-each-ref', '--format=%(refname)%00%(objectname)%00%(objecttype)')) ?? '';
      return out
        .split('\n')
        .filter((line) => line.startsWith(prefix))
        .map((line) => {
          const [ref = '', sha = '', type = ''] = line.split('\0');
          return { ref, sha, type };
        });
    },
    entry: (ref, path) => treeEntry(run, ref, path),
    blob: async (sha) => (await run('cat-file', 'blob', sha)).out,
    async tree(sha, recursive) {
      const { code, out } = await run('ls-tree', '-z', ...(recursive ? ['-r', '-t'] : []), sha);
      if (code !== 0) return undefined;
      const lines = out.toString('utf8').split('\0').filter(Boolean);
      return lines.map((line) => {
        const [meta = '', path = ''] = line.split(/\t(.*)/s);
        const [mode = '', type = 'blob', id = ''] = meta.split(' ');
        return { path, mode, type: type as GitEntry['type'], sha: id };
      });
    },
    createRef: async (ref, sha) => void (await need('update-ref', ref, sha, '0'.repeat(40))),
    updateRef: async (ref, sha) => void (await need('update-ref', ref, sha)),
    deleteRef: async (ref) => void (await need('update-ref', '-d', ref)),
    isAncestor: async (a, b) => (await run('merge-base', '--is-ancestor', a, b)).code === 0,
    async merge(from, into, message) {
      const ours = await need('rev-parse', `refs/heads/${into}`);
      const tree = await run('merge-tree', '--write-tree', ours, from);
      if (tree.code !== 0) return undefined;
      const id = tree.out.toString('utf8').split('\n')[0] ?? '';
      const sha = await need('commit-tree', id, '-p', ours, '-p', from, '-m', message);
      await need('update-ref', `refs/heads/${into}`, sha, ours);
      return sha;
    },
  };
}

const IDENTITY = {
  GIT_AUTHOR_NAME: 'GitHub',
  GIT_AUTHOR_EMAIL: 'noreply@github.com',
  GIT_COMMITTER_NAME: 'GitHub',
  GIT_COMMITTER_EMAIL: 'noreply@github.com',
};

function parseLog(text: string): GitCommit[] {
  return text
    .split('\x01')
    .map((record) => record.replace(/^\n/, ''))
    .filter((record) => record !== '')
    .map((record) => {
      const [sha = '', tree = '', parents = '', an = '', ae = '', ad = '', cn = '', ce = '', cd = '', body = ''] =
        record.split('\0');
      return {
        sha,
        tree,
        parents: parents.split(' ').filter(Boolean),
        author: { name: an, email: ae, date: utc(ad) },
        committer: { name: cn, email: ce, date: utc(cd) },
        message: body.replace(/\n+$/, ''),
      };
    });
}

const utc = (date: string): string => new Date(date).toISOString().replace('.000Z', 'Z');

const STATUS: Record<string, GitFileChange['status']> = {
  A: 'added',
  M: 'modified',
  D: 'removed',
  R: 'renamed',
  T: 'changed',
};

async function changes(run: (...args: string[]) => Promise<Ran>, from: string, to: string): Promise<GitFileChange[]> {
  const raw = (await run('diff-tree', '-r', '-z', '-M', '--raw', '--no-abbrev', from, to)).out
    .toString('utf8')
    .split('\0');
  const found: GitFileChange[] = [];
  for (let at = 0; at + 1 < raw.length; ) {
    const [, , , after = '', code = ''] = (raw[at] ?? '').split(' ');
    const renamed = code.startsWith('R');
    const filename = raw[at + (renamed ? 2 : 1)] ?? '';
    const change: GitFileChange = {
      filename,
      status: STATUS[code[0] ?? ''] ?? 'changed',
      additions: 0,
      deletions: 0,
      sha: after,
    };
    if (renamed) change.previous = raw[at + 1] ?? '';
    found.push(change);
    at += renamed ? 3 : 2;
  }
  const byName = new Map(found.map((change) => [change.filename, change]));
  const counts = (await run('diff-tree', '-r', '-z', '--numstat', '--no-renames', from, to)).out
    .toString('utf8')
    .split('\0');
  for (const line of counts) {
    const [added = '', removed = '', name = ''] = line.split('\t');
    const change = byName.get(name);
    if (!change) continue;
    change.additions = Number(added) || 0;
    change.deletions = Number(removed) || 0;
  }
  return found;
}

async function treeEntry(
  run: (...args: string[]) => Promise<Ran>,
  ref: string,
  path: string,
): Promise<GitEntry | GitEntry[] | undefined> {
  const list = async (...args: string[]): Promise<GitEntry[]> =>
    (await run('ls-tree', '-z', '-l', ...args)).out
      .toString('utf8')
      .split('\0')
      .filter(Boolean)
      .map((line) => {
        const [meta = '', name = ''] = line.split('\t');
        const [, type = 'blob', sha = '', size = '0'] = meta.split(/ +/);
        return {
          name: name.split('/').pop() ?? name,
          path: name,
          type: type as GitEntry['type'],
          sha,
          size: Number(size) || 0,
        };
      });
  const clean = path.replace(/^\/+|\/+$/g, '');
  if (clean === '') return list(ref);
  const [own] = (await list(ref, '--', clean)).filter((entry) => entry.path === clean);
  if (own?.type !== 'tree') return own;
  return list(ref, '--', `${clean}/`);
}
