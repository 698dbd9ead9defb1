import type { Log } from '../../lib/log.ts';
import { type Repository, type StoredImage, tagTaken } from './repository.ts';

/** Label by which an image of the same content is known, whatever base images it was built on and however often. */
export const CONTENT_LABEL = 'slipway.content-fingerprint';

export interface TakenTagsOptions {
  repository: Repository;
  /** The image that would get the tags; undefined when it is still to be built. */
  image: StoredImage | undefined;
  /** Content fingerprint of what is built. */
  content: string;
  labels(manifest: string): Promise<Record<string, string>>;
  log: Log;
}

/**
 * The tags that the image can have. One that cannot move and stands for an earlier build of the same content stays there: a
 * refresh makes a new image of an old commit, and what was published as 1.2.3 is not replaced.
 * @throws Problem kind `conflict`, before anything is built, where it stands for another content.
 */
export async function freeTags(tags: readonly string[], options: TakenTagsOptions): Promise<string[]> {
  const { repository, image, content, labels, log } = options;
  const fixed = tags.filter((tag) => repository.immutable(tag));
  const taken = fixed.length > 0 ? await repository.byTags(fixed) : [];
  const staying = new Set<string>();
  for (const owner of taken) {
    if (owner.digest === image?.digest) continue;
    const known = (await labels(owner.manifest))[CONTENT_LABEL];
    if (known !== content)
      throw tagTaken(repository.name, owner.tag, owner.digest, image?.digest ?? 'the content of this commit');
    log.info(`Tag ${owner.tag} stays with the earlier build of this content, ${owner.digest}: it cannot move`);
    staying.add(owner.tag);
  }
  return tags.filter((tag) => !staying.has(tag));
}
