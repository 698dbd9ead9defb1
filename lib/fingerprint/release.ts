import { Problem } from '../errors.ts';
import { canonicalJson, sha256 } from './canonical.ts';

/** Everything that decides what runs. */
export interface ReleaseInput {
  /** Container name to image, as repository@digest or as a digest alone. */
  images: Readonly<Record<string, string>>;
  /** The task definition as it is registered, or the options that a host's container is run with. */
  definition: unknown;
  /** Settings of the deployment that change what runs: desired count, hosts. Not time-outs, not what only watches. */
  settings?: unknown;
}

const FORMAT = 'slipway release 1';
const DIGEST = /^(?:.*@)?(sha256:[0-9a-f]{64})$/;

/**
 * Release fingerprint: 64 hexadecimal digits. Registry and repository do not count, the digest does: an image promoted to another
 * registry is the same release.
 * @throws Problem when an image is named by a tag, since what it stands for may change.
 */
export function releaseFingerprint({ images, definition, settings }: ReleaseInput): string {
  const digests = Object.fromEntries(Object.entries(images).map(([name, image]) => [name, digestOf(name, image)]));
  return sha256([FORMAT, canonicalJson({ images: digests, definition, settings })]);
}

function digestOf(container: string, image: string): string {
  const digest = DIGEST.exec(image)?.[1];
  if (digest) return digest;
  throw new Problem({
    what: `image of container '${container}'`,
    seen: image,
    cause: 'it is not named by a digest, and a tag can stand for another image tomorrow',
    fix: 'Use repository@sha256:..., as the build step puts it out',
  });
}
