import { messageOf, Problem } from '../errors.ts';
import { gitEnvironment, type Setting } from '../git/environment.ts';
import type { Processes } from '../process.ts';
import { decodeEntry, encodeEntry, unreadable } from './entry.ts';
import { type Ledger, type LedgerEntry, type LedgerHistory, withinDepth } from './ledger.ts';

const ATTEMPTS = 5;
const HISTORY = 50;
const NAME_AND_EMAIL = ['slipway', 'slipway@users.noreply.github.com'] as const;
const IDENTITY = {
  GIT_AUTHOR_NAME: NAME_AND_EMAIL[0],
  GIT_AUTHOR_EMAIL: NAME_AND_EMAIL[1],
  GIT_COMMITTER_NAME: NAME_AND_EMAIL[0],
  GIT_COMMITTER_EMAIL: NAME_AND_EMAIL[1],
};

export interface GitLedgerOptions {
  processes: Processes;
  /** A clone whose remote holds the ledger; its working tree, index and refs are not touched. */
  cwd: string;
  remote?: string;
  /** For a checkout that kept no credentials: sent to this server only, as a header, in the environment. */
  credentials?: { serverUrl: string; token: string } | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * The ledger as refs `refs/slipway/ENVIRONMENT/COMPONENT` of any git remote. Each entry is a commit without files whose
 * message is the entry and whose parent is the entry before; the ref is moved by compare-and-swap.
 */
export function gitLedger({
  processes,
  cwd,
  remote = 'origin',
  credentials,
  signal,
}: GitLedgerOptions): Ledger & LedgerHistory {
  // A container job often runs as another user than the one that owns the clone; said for these calls only.
  const settings: Setting[] = [['safe.directory', cwd], ...authorization(credentials)];
  const git = async (args: string[], stdin?: string) => {
    const env = { ...gitEnvironment(process.env, settings), ...IDENTITY };
    const result = await processes.run(['git', ...args], { cwd, env, stdin, signal, timeoutMs: 60_000, group: true });
    return { ...result, text: result.stdout.toString('utf8') };
  };
  const must = async (what: 'read' | 'write', args: string[], stdin?: string) => {
    const result = await git(args, stdin);
    if (result.code !== 0) throw failed(what, remote, result.stderr);
    return result.text;
  };

  const tips = async (pattern: string) => {
    const text = await must('read', ['ls-remote', '--refs', remote, pattern]);
    return new Map(
      text
        .split('\n')
        .filter(Boolean)
        .map((line) => line.split('\t').reverse() as [string, string]),
    );
  };
  const fetchObjects = async (shas: readonly string[]) => {
    if (shas.length > 0)
      await must('read', [
        'fetch',
        '--quiet',
        '--no-tags',
        '--no-write-fetch-head',
        '--no-recurse-submodules',
        remote,
        ...shas,
      ]);
  };

  return {
    async read(environment, components) {
      checkNames([environment, ...components]);
      const prefix = `refs/slipway/${environment}/`;
      const found = await tips(`${prefix}*`);
      const wanted = components.flatMap((component) => {
        const sha = found.get(prefix + component);
        return sha ? [{ component, sha }] : [];
      });
      await fetchObjects(wanted.map((w) => w.sha));
      const entries = new Map<string, LedgerEntry[]>();
      for (const { component, sha } of wanted) {
        const log = await must('read', ['log', `--max-count=${HISTORY}`, '--format=%B%x00', sha]);
        const list = log.split('\0').flatMap((message) => decodeEntry(message.trim()) ?? []);
        if (list.length > 0) entries.set(component, list);
      }
      return entries;
    },

    async survey(depth) {
      const found = await tips('refs/slipway/*');
      await fetchObjects([...found.values()]);
      const kept: LedgerEntry[] = [];
      for (const [ref, sha] of found) {
        // Refs of another depth belong to something else.
        if (!/^refs\/slipway\/[^/]+\/[^/]+$/.test(ref)) continue;
        const log = await must('read', ['log', '--format=%B%x00', sha]);
        const entries = log
          .split('\0')
          .map((message) => message.trim())
          .filter(Boolean)
          .map((message) => decodeEntry(message) ?? unreadable(`${ref} on remote '${remote}'`));
        kept.push(...withinDepth(entries, depth));
      }
      return kept;
    },

    async record(entry) {
      checkNames([entry.environment, entry.component]);
      const ref = `refs/slipway/${entry.environment}/${entry.component}`;
      const tree = (await must('write', ['hash-object', '-t', 'tree', '-w', '--stdin'])).trim();
      let reason = '';
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const old = (await tips(ref)).get(ref);
        if (old) await fetchObjects([old]);
        const message = JSON.stringify(encodeEntry(entry));
        const commit = (await must('write', ['commit-tree', tree, ...(old ? ['-p', old] : [])], message)).trim();
        const push = await git([
          'push',
          '--quiet',
          `--force-with-lease=${ref}:${old ?? ''}`,
          remote,
          `${commit}:${ref}`,
        ]);
        if (push.code === 0) return;
        reason = push.stderr;
        // Only a ref that moved under us is worth another try.
        if (!/stale info|fetch first|cannot lock ref|failed to update ref/.test(reason)) break;
      }
      throw failed('write', remote, reason);
    },
  };
}

function authorization(credentials: GitLedgerOptions['credentials']): Setting[] {
  if (!credentials?.token || !credentials.serverUrl.startsWith('http')) return [];
  const basic = Buffer.from(`x-access-token:${credentials.token}`).toString('base64');
  const key = `http.${credentials.serverUrl.replace(/\/$/, '')}/.extraheader`;
  // The empty value drops what the checkout may have kept: the server refuses two of them.
  return [
    [key, ''],
    [key, `AUTHORIZATION: basic ${basic}`],
  ];
}

// Both become part of a ref name. Source: git-check-ref-format(1).
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?$/;

function checkNames(names: readonly string[]): void {
  const bad = names.find((n) => !NAME.test(n) || n.includes('..') || n.endsWith('.lock'));
  if (bad === undefined) return;
  throw new Problem({
    what: 'ledger (git refs)',
    seen: bad,
    cause: 'this environment or component cannot be part of a ref name',
    fix: 'Use letters, digits, dots, dashes and underscores only, or use `ledger: github`',
  });
}

function failed(what: 'read' | 'write', remote: string, stderr: string): Problem {
  return new Problem({
    what: `ledger (git refs) on remote '${remote}'`,
    cause: `it could not be ${what === 'read' ? 'read' : 'written'}: ${messageOf(stderr.trim() || 'git gave no reason')}`,
    fix:
      what === 'read'
        ? 'Check that the step runs in a checkout with a remote it can reach'
        : 'Give the job `permissions: contents: write`, or use `ledger: github`',
    kind: 'service',
  });
}
