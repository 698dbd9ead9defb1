import { Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Built } from './build.ts';
import { PushFailed } from './push-failure.ts';
import type { ServedImage } from './registry.ts';
import type { StoredImage } from './repository.ts';

export interface SettlePorts {
  repository: string;
  /** The tag that the builder pushes. */
  tag: string;
  /** Whether that tag stands for the content, so that whoever pushed it built the same. */
  ofContent: boolean;
  manifest(reference: string): Promise<ServedImage>;
  log: Log;
}

export interface Settled {
  /** Its tag is '' where another run has moved that on. */
  image: StoredImage;
  /** False where another run's image of the same content is taken. */
  built: boolean;
}

/**
 * Builds, and tells which image the registry then has for it. Two runs may build the same content at the same time: the later
 * push is refused where tags cannot move, and takes the tag over where they can. Whoever finds another image at the
 * fingerprint's tag takes that one, so that the runs end in one digest.
 * @throws Problem where the push failed for another reason, or what was pushed is not what the registry has.
 */
export async function settled(build: () => Promise<Built>, ports: SettlePorts): Promise<Settled> {
  const { tag, ofContent, repository, manifest, log } = ports;
  const taken = (image: ServedImage): Settled => {
    log.info(`Another run has built the same content meanwhile and pushed it as ${tag}: its image is taken`);
    return { built: false, image: stored(image, tag) };
  };
  let own: Built;
  try {
    own = await build();
  } catch (error) {
    const refused = ofContent && error instanceof PushFailed && error.failure === 'immutable';
    const winner = refused ? await unlessMissing(manifest(tag)) : undefined;
    if (!winner) throw error;
    return taken(winner);
  }
  const tagged = await manifest(tag);
  if (own.digest === '' || own.digest === tagged.digest) return { built: true, image: stored(tagged, tag) };
  const pushed = await unlessMissing(manifest(own.digest));
  if (!pushed) throw otherDigest(repository, own.digest, tagged.digest);
  if (ofContent) return taken(tagged);
  log.warning(`Another run has moved tag ${tag} to ${tagged.digest} meanwhile; this one goes on with its own image`);
  return { built: true, image: stored(pushed, '') };
}

function stored({ digest, manifest, mediaType }: ServedImage, tag: string): StoredImage {
  return { digest, manifest, mediaType, tag };
}

async function unlessMissing(answer: Promise<ServedImage>): Promise<ServedImage | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Problem && error.kind === 'not-found') return undefined;
    throw error;
  }
}

export function otherDigest(repository: string, wanted: string, served: string): Problem {
  return new Problem({
    what: `image ${repository}@${wanted}`,
    seen: served,
    cause: 'the registry serves another digest than the one that was pushed',
    fix: 'Something between the runner and ECR changes manifests; do not deploy this image',
    kind: 'service',
  });
}
