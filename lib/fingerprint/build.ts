import { Problem } from '../errors.ts';
import { encodeName } from '../git/names.ts';
import type { TreeEntry } from '../git/plumbing.ts';
import type { Git } from '../git/repository.ts';
import { canonicalJson, sha256 } from './canonical.ts';

/** Everything that decides what an image holds. A commit id, a date or a tag is none of it: the same input is the same image. */
export interface BuildInput {
  /** Entries of the context's git tree, relative to the context, in any order. `.dockerignore` is one of them. */
  context: readonly TreeEntry[];
  /** The Dockerfile's git blob, for a Dockerfile that may stand outside the context. */
  dockerfile: Pick<TreeEntry, 'mode' | 'id'>;
  /** The ignore file of this Dockerfile alone (NAME.dockerignore), which may stand outside the context too. */
  dockerignore?: Pick<TreeEntry, 'mode' | 'id'> | undefined;
  target?: string | undefined;
  platforms?: readonly string[] | undefined;
  buildArgs?: Readonly<Record<string, string | number | boolean>> | undefined;
  /**
   * Image reference as FROM has it, to the digest that it stood for. Empty gives the fingerprint of the content alone, which
   * needs no network: `changes` tells by it what changed, and never looks for an image by it.
   */
  baseImages: Readonly<Record<string, string>>;
  /** Named build contexts beside the main one: name to fingerprint of its tree, or to what names it. */
  contexts?: Readonly<Record<string, string>> | undefined;
}

/** Changed only when the meaning of the fingerprint changes: every image is then built once more. */
const FORMAT = 'slipway build 1';

/**
 * Build fingerprint: 64 hexadecimal digits, the same on every machine and at every clone depth.
 *
 * `.dockerignore` is not applied. Its patterns have a dialect of their own, and a mistake in reading it would reuse an image
 * that should have been built; counting ignored files costs at most a build that was not needed.
 */
export function buildFingerprint(input: BuildInput): string {
  const options = canonicalJson({
    target: input.target || undefined,
    platforms: [...new Set(input.platforms ?? [])].sort(),
    buildArgs: Object.fromEntries(Object.entries(input.buildArgs ?? {}).map(([k, v]) => [k, String(v)])),
    baseImages: input.baseImages,
    contexts: input.contexts,
    dockerfile: `${input.dockerfile.mode} ${input.dockerfile.id}`,
    dockerignore: input.dockerignore && `${input.dockerignore.mode} ${input.dockerignore.id}`,
  });
  return sha256([FORMAT, options, ...treeParts(input.context)]);
}

/** Fingerprint of git tree entries alone, for what is not an image: an AMI's template, a Terraform root. */
export function treeFingerprint(entries: readonly TreeEntry[], settings: unknown = null): string {
  return sha256(['slipway tree 1', canonicalJson(settings), ...treeParts(entries)]);
}

function treeParts(entries: readonly TreeEntry[]): (string | Buffer)[] {
  return entries
    .map((entry) => ({ head: `${entry.mode} ${entry.type} ${entry.id}`, name: encodeName(entry.name) }))
    .sort((a, b) => Buffer.compare(a.name, b.name))
    .flatMap(({ head, name }) => [head, name]);
}

export interface BuildTree {
  context: TreeEntry[];
  dockerfile: TreeEntry;
  dockerignore?: TreeEntry | undefined;
}

/**
 * Reads from git what a build is made of. Files that are not committed are not seen: build from a clean checkout.
 * @param context and dockerfile are paths from the repository's root.
 * @throws Problem when the context is no folder, or the Dockerfile no file, of that commit.
 */
export async function readBuildTree(git: Git, commit: string, context: string, dockerfile: string): Promise<BuildTree> {
  const parts = dockerfile.split('/').filter((part) => part !== '' && part !== '.');
  const name = parts.pop() ?? '';
  const [entries, siblings] = await Promise.all([git.tree(commit, context), git.tree(commit, parts.join('/'))]);
  const file = siblings.find((entry) => entry.name === name);
  const dockerignore = siblings.find((entry) => entry.name === `${name}.dockerignore`);
  if (file?.type === 'blob') return { context: entries, dockerfile: file, dockerignore };
  throw new Problem({
    what: 'Dockerfile',
    seen: dockerfile,
    cause: `commit ${commit.slice(0, 12)} holds no such file`,
    fix: 'Correct `dockerfile` (it is relative to the root of the repository), or commit the file',
    kind: 'config',
  });
}
