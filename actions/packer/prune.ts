import { Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Image, Images } from './images.ts';
import { type Build, beyond, nameOfArn, type Use } from './retention.ts';
import { TAG } from './tags.ts';

export interface PruneOptions {
  series: string;
  keep: number;
  /** The image that hosts are to start from now. */
  current: string;
  /** All regions that have images of this series. */
  regions: readonly string[];
}

export interface Pruned {
  removed: Image[];
  /** Older builds that stay since something holds one of their images. */
  held: { build: Build; uses: Use[] }[];
  /** Why the removal ended early; '' when it did not. */
  failure: string;
}

/**
 * Removes what is beyond the newest `keep` builds of a series, in all its regions, with the snapshots. A build stays whole while anything in
 * any of the regions refers to one of its images, or another account may start one: what that account runs cannot be seen from here.
 * @throws Problem when AWS does not tell what is in use; then nothing has been removed.
 */
export async function prune(
  { series, keep, current, regions }: PruneOptions,
  { images, log }: { images: Images; log: Log },
): Promise<Pruned> {
  const found = (await Promise.all(regions.map((region) => images.tagged(region, { [TAG.series]: series })))).flat();
  const old = beyond(found, keep, current);
  const candidates = old.flatMap((build) => build.images);
  // All questions before the first removal.
  const uses = new Map<string, Use[]>();
  for (const use of await usesOf(candidates, images)) uses.set(use.image, [...(uses.get(use.image) ?? []), use]);
  const pruned: Pruned = { removed: [], held: [], failure: '' };
  for (const build of old) {
    const held = build.images.flatMap((image) => uses.get(image.id) ?? []);
    if (held.length > 0) {
      pruned.held.push({ build, uses: held });
      continue;
    }
    for (const image of build.images) {
      try {
        await images.remove(image.region, image.id);
      } catch (error) {
        if (!(error instanceof Problem) || error.kind === 'cancelled') throw error;
        // Another run may have come first. After anything else it says what is gone by now.
        if (error.kind !== 'not-found') return { ...pruned, failure: error.message };
      }
      log.info(`removed ${image.id} (${image.name}) in ${image.region}`);
      pruned.removed.push(image);
    }
  }
  return pruned;
}

async function usesOf(candidates: readonly Image[], images: Images): Promise<Use[]> {
  const regions = [...new Set(candidates.map((image) => image.region))];
  const references = regions.map(async (region) => {
    const ids = candidates.filter((image) => image.region === region).map((image) => image.id);
    return (await images.references(region, ids)).map(({ id, by }) => ({ image: id, by: nameOfArn(by) }));
  });
  const shares = candidates.map(async ({ id, region, public: everybody }) => {
    if (everybody) return [{ image: id, by: 'everybody, since it is public' }];
    return (await images.sharedWith(region, id)).map((who) => ({
      image: id,
      by: `account ${who}, with which it is shared`,
    }));
  });
  return (await Promise.all([...references, ...shares])).flat();
}
