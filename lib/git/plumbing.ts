import { Problem } from '../errors.ts';
import { encodeName, splitNul } from './names.ts';

/** One entry of a comparison of two trees. A rename is a D and an A: telling it would mean reading file contents. */
export interface Change {
  /** Added, modified (content or mode), deleted, type changed (file, symlink, submodule). */
  status: 'A' | 'M' | 'D' | 'T';
  /** As decodeName() gives it. */
  name: string;
}

/** The words that people write for kinds of change. */
export const STATUS_WORDS: Readonly<Record<string, Change['status']>> = {
  added: 'A',
  modified: 'M',
  deleted: 'D',
  'type-changed': 'T',
};

export interface TreeEntry {
  mode: string;
  type: 'blob' | 'commit' | 'tree';
  id: string;
  /** Relative to the tree that was listed; as decodeName() gives it. */
  name: string;
}

/**
 * Reads `git diff-tree -r -z --no-renames --name-status A B`. Format: git-diff-tree(1), "--name-status" and "-z".
 * @returns the changes in the order of their names' bytes, which those who look for names rely on.
 */
export function parseDiff(output: Buffer): Change[] {
  const fields = splitNul(output);
  const changes: Change[] = [];
  let last = '';
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const status = fields[i];
    const name = fields[i + 1];
    if (!isStatus(status) || !name) throw unreadable('diff-tree', status);
    if (!precedes(last, name)) throw unreadable('diff-tree', name);
    changes.push({ status, name });
    last = name;
  }
  if (fields.length % 2 === 1) throw unreadable('diff-tree', fields.at(-1));
  return changes;
}

/** By bytes, as git sorts. UTF-16 puts a few characters elsewhere, so only what it calls wrong is looked at twice. */
function precedes(a: string, b: string): boolean {
  return a < b || Buffer.compare(encodeName(a), encodeName(b)) < 0;
}

const isStatus = (s: string | undefined): s is Change['status'] => s === 'A' || s === 'M' || s === 'D' || s === 'T';

/** Reads `git ls-tree -r -z TREE`. Format: git-ls-tree(1), "OUTPUT FORMAT". */
export function parseTree(output: Buffer): TreeEntry[] {
  return splitNul(output).map((line) => {
    const match = /^(\d{6}) (blob|commit|tree) ([0-9a-f]+)\t([\s\S]+)$/.exec(line);
    if (!match) throw unreadable('ls-tree', line);
    const [, mode = '', type = '', id = '', name = ''] = match;
    return { mode, type: type as TreeEntry['type'], id, name };
  });
}

function unreadable(command: string, seen: string | undefined): Problem {
  return new Problem({
    what: `git ${command}`,
    seen,
    cause: 'its output is not in the documented format',
    fix: 'Report it together with `git --version`',
    kind: 'environment',
  });
}
