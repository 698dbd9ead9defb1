import { Problem } from '../errors.ts';
import type { GitHubClient } from '../github/client.ts';
import { encodeName } from './names.ts';
import type { Change, TreeEntry } from './plumbing.ts';
import type { Git } from './repository.ts';

/** "Get a tree": the reference allows 100,000 entries and 7 MB, and says `truncated` beyond. */
interface TreeAnswer {
  truncated: boolean;
  tree: { path: string; mode: string; type: TreeEntry['type']; sha: string }[];
}

interface CommitAnswer {
  parents: { sha: string }[];
  committer: { date: string };
}

interface BlobAnswer {
  content: string;
}

export interface ApiGitOptions {
  client(): Promise<Pick<GitHubClient, 'rest'>>;
  repository: { owner: string; name: string };
}

/**
 * Git's answers from GitHub's API, for a machine that has no git: a container of a job, say. One request a commit that is compared; history it does
 * not know. Source: GitHub REST reference, "Git database".
 */
export function apiGit({ client, repository }: ApiGitOptions): Git {
  const trees = new Map<string, Map<string, TreeEntry>>();
  const commits = new Map<string, Promise<CommitAnswer>>();
  const get = async <T>(route: string, parameters: Record<string, unknown>): Promise<T> => {
    const { owner, name: repo } = repository;
    const { data } = await (await client()).rest<T>('GET', `/repos/{owner}/{repo}/git/${route}`, {
      ...{ owner, repo },
      ...parameters,
    });
    return data;
  };
  const commit = (id: string): Promise<CommitAnswer> => {
    const asked = commits.get(id) ?? get<CommitAnswer>('commits/{sha}', { sha: id });
    commits.set(id, asked);
    return asked;
  };
  const treeOf = (id: string): Map<string, TreeEntry> => {
    const tree = trees.get(id);
    if (tree) return tree;
    throw new Problem({
      what: 'commit',
      seen: id,
      cause: 'it was not fetched',
      fix: 'Report it: a commit has to be fetched before it is read',
    });
  };
  return {
    present: async (ids) => new Set(ids.filter((id) => trees.has(id))),
    async fetch(ids) {
      for (const id of ids) {
        try {
          // GitHub takes a commit for its tree.
          if (!trees.has(id)) trees.set(id, readTree(id, await get('trees/{sha}', { sha: id, recursive: '1' })));
        } catch (error) {
          const absent = error instanceof Problem && (error.kind === 'not-found' || error.kind === 'conflict');
          if (!absent) throw error;
        }
      }
      return new Set(ids.filter((id) => trees.has(id)));
    },
    parents: async (id) => (await commit(id)).parents.map(({ sha }) => sha),
    async committedAt(ids) {
      const times = ids.map(async (id) => [id, Date.parse((await commit(id)).committer.date) / 1000] as const);
      return new Map(await Promise.all(times));
    },
    diff: async (from, to) => compareTrees(treeOf(from), treeOf(to)),
    async tree(id, folder) {
      const parts = folder.split('/').filter((part) => part !== '' && part !== '.');
      const prefix = parts.length === 0 ? '' : `${parts.join('/')}/`;
      const inside = [...treeOf(id).values()].filter(({ name }) => name.startsWith(prefix));
      if (inside.length > 0) return inside.map((entry) => ({ ...entry, name: entry.name.slice(prefix.length) }));
      throw new Problem({
        what: `folder '${folder}'`,
        cause: `commit ${id.slice(0, 12)} has no files in it`,
        fix: 'Check that the path is a folder and is committed: what is not in git has no fingerprint',
        kind: 'config',
      });
    },
    async file(id, path) {
      const entry = treeOf(id).get(path);
      if (entry?.type !== 'blob') return undefined;
      const { content } = await get<BlobAnswer>('blobs/{sha}', { sha: entry.id });
      return Buffer.from(content, 'base64');
    },
    has: async (id, path) => treeOf(id).get(path)?.type === 'blob',
    mergeBase: async () => undefined,
    isAncestor: async (a, b) => (a === b ? true : undefined),
    resolve: async () => undefined,
    dispose: async () => undefined,
  };
}

/** @throws Problem where the answer is not whole, or is not what git has: a change that is not in it would be missed. */
function readTree(id: string, { truncated, tree }: TreeAnswer): Map<string, TreeEntry> {
  const what = `tree of commit ${id.slice(0, 12)}`;
  const fix = 'Install git, which has no such limit, in the container or on the runner of this job';
  if (truncated) {
    throw new Problem({ what, cause: 'it has more files than GitHub’s API tells', fix, kind: 'environment' });
  }
  // JSON has no bytes: two names that are not UTF-8 can look the same.
  const garbled = tree.find(({ path }) => path.includes('\ufffd'));
  if (garbled) {
    throw new Problem({
      what,
      seen: garbled.path,
      cause: 'this name may not be UTF-8, and the API cannot tell',
      fix,
      kind: 'environment',
    });
  }
  const files = tree.filter(({ type }) => type !== 'tree');
  return new Map(files.map(({ path, mode, type, sha }) => [path, { mode, type, id: sha, name: path }]));
}

/** What `git diff-tree -r --no-renames` would say, in its order. */
function compareTrees(from: ReadonlyMap<string, TreeEntry>, to: ReadonlyMap<string, TreeEntry>): Change[] {
  const changes: Change[] = [];
  for (const [name, after] of to) {
    const before = from.get(name);
    if (before === undefined) changes.push({ status: 'A', name });
    else if (before.id !== after.id || before.mode !== after.mode) {
      changes.push({ status: formatOf(before) === formatOf(after) ? 'M' : 'T', name });
    }
  }
  for (const name of from.keys()) if (!to.has(name)) changes.push({ status: 'D', name });
  const bytes = new Map(changes.map(({ name }) => [name, encodeName(name)]));
  const none = Buffer.alloc(0);
  return changes.sort((a, b) => Buffer.compare(bytes.get(a.name) ?? none, bytes.get(b.name) ?? none));
}

/** File, symbolic link or submodule: the first digits of the mode. */
function formatOf({ mode }: TreeEntry): string {
  return mode.slice(0, 3);
}
