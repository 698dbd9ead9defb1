import { isApp } from '../../lib/config/defaults.ts';
import type { Config } from '../../lib/config/load.ts';
import { treeFingerprint } from '../../lib/fingerprint/build.ts';
import { imagesFingerprint } from '../../lib/fingerprint/images.ts';
import type { TreeEntry } from '../../lib/git/plumbing.ts';
import type { Git } from '../../lib/git/repository.ts';
import { makePresent } from './compare.ts';
import type { Unit } from './units.ts';

/**
 * Fingerprint of each component's content at a commit, 64 hexadecimal digits, the same at any clone depth and on any machine: of a component
 * with an image that of what it is built from, but for the base images, whose digests only a registry knows (ecr-build-push
 * gives the same as `content-fingerprint`); of every other that of the files that its patterns include.
 * @throws Problem when the commit cannot be had, or holds no such context or Dockerfile.
 */
export async function fingerprintsOf(
  units: readonly Unit[],
  config: Config | undefined,
  head: string,
  git: Git,
): Promise<Record<string, string>> {
  await makePresent(git, [head]);
  const found: Record<string, string> = {};
  let whole: Promise<TreeEntry[]> | undefined;
  for (const unit of units) {
    const component = config?.components[unit.name];
    if (component && isApp(component)) found[unit.name] = await imagesFingerprint(component, head, git);
    else {
      whole ??= git.tree(head, '');
      found[unit.name] = treeFingerprint((await whole).filter(({ name }) => unit.match(name)?.included));
    }
  }
  return found;
}
