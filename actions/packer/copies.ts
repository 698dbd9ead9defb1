import { createHash } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import { Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Image, Images } from './images.ts';
import { TAG } from './tags.ts';

export interface CopyPorts {
  images: Images;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

/** A copy of a small image between continents takes some ten minutes; a job's own time-out comes before this one. */
const LONGEST_MS = 60 * 60_000;
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 15_000;

/**
 * Sees to it that each region has the image: what is there, or on its way from a run before, is taken; the rest is copied.
 * @returns the image of each region, available.
 */
export async function ensureCopies(
  main: Image,
  regions: readonly string[],
  ports: CopyPorts,
): Promise<Map<string, Image>> {
  const copies = await Promise.all(
    regions.map(async (region): Promise<[string, Image]> => [region, await ensureCopy(main, region, ports)]),
  );
  return new Map(copies);
}

async function ensureCopy(main: Image, region: string, ports: CopyPorts): Promise<Image> {
  const { images, log } = ports;
  const there = await images.tagged(region, { [TAG.build]: main.id });
  const usable = there.find((image) => image.state === 'available') ?? there.find((image) => image.state === 'pending');
  if (usable) return awaitAvailable(usable.id, region, ports);
  const token = createHash('sha256').update(`${main.id} ${region} ${there.length}`).digest('hex');
  const copied = {
    source: main.id,
    sourceRegion: main.region,
    // A copy that failed may still have the name. Source: EC2 API reference, CopyImage: names are unique in a region.
    name: there.length === 0 ? main.name : `${main.name.slice(0, 120)}-${there.length + 1}`,
    token,
    tags: { ...main.tags, [TAG.build]: main.id },
  };
  const id = await images.copy(region, copied);
  log.info(`copying ${main.id} to ${region} as ${id}`);
  return awaitAvailable(id, region, ports);
}

/** Looks until the image can be started from; right after it was made it may not be seen yet. */
export async function awaitAvailable(id: string, region: string, { images, clock, signal }: CopyPorts): Promise<Image> {
  const until = clock.now() + LONGEST_MS;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
    const [image] = await images.byId(region, [id]);
    if (image?.state === 'available') return image;
    if (image !== undefined && image.state !== 'pending') {
      throw new Problem({
        what: `image ${id} in ${region}`,
        seen: image.state,
        cause: image.reason || 'AWS gives no reason',
        fix: 'See the image in the EC2 console; deregister it and run again',
        kind: 'service',
      });
    }
    if (clock.now() >= until) {
      throw new Problem({
        what: `image ${id} in ${region}`,
        seen: image?.state ?? 'not found',
        cause: 'it is not available after an hour',
        fix: 'See the image in the EC2 console; run again to wait on',
        kind: 'service',
      });
    }
    await clock.sleep(pause, signal);
  }
}
