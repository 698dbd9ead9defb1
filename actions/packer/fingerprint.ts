import { createHash } from 'node:crypto';
import type { Git } from '../../lib/git/repository.ts';

export interface FingerprintParts {
  /** Folder of the template in the repository. */
  folder: string;
  template: string;
  vars: Readonly<Record<string, string>>;
  /** What the environment gives variables of the template: PKR_VAR_NAME. */
  env?: NodeJS.ProcessEnv;
  /** Machine images belong to a region. */
  region: string;
}

/**
 * What a machine image is made of, as one hash: the committed files of the template's folder, the variables (those of the
 * environment too), the region.
 * Not the day: `force` (or a scheduled refresh) builds anew where only packages have moved. '' outside of a git checkout.
 */
export async function fingerprint(git: Pick<Git, 'resolve' | 'tree'>, parts: FingerprintParts): Promise<string> {
  const head = await git.resolve('HEAD').catch(() => undefined);
  if (head === undefined) return '';
  const entries = await git.tree(head, parts.folder);
  const files = entries.map((entry) => [entry.name, entry.mode, entry.id]);
  const vars = Object.entries(parts.vars).sort(([a], [b]) => (a < b ? -1 : 1));
  // Packer reads these as it reads the variables, so an image is made of them too. None: the same hash as ever.
  const given = Object.entries(parts.env ?? {})
    .filter(([name]) => name.startsWith('PKR_VAR_'))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const material = JSON.stringify([1, parts.template, files, vars, parts.region, ...(given.length > 0 ? [given] : [])]);
  return createHash('sha256').update(material).digest('hex');
}
