import { type JsonObject, objects, textOf } from '../../lib/ecs/json.ts';
import { pinnedDigest } from '../../lib/ecs/names.ts';
import { releaseFingerprint as fingerprintOf } from '../../lib/fingerprint/release.ts';
import { canonical } from './definition/canonical.ts';

export const RELEASE_TAG = 'slipway:release';
const TAG_PREFIX = 'slipway:';

/**
 * What a deployment ships, as one word: the definition in its canonical form, the digests of its images, and the settings of
 * the service that were asked for. An image named by a tag counts by its name.
 */
export function releaseFingerprint(
  definition: JsonObject,
  settings: { desiredCount?: number | undefined; service?: JsonObject | undefined },
): string {
  const pinned: Record<string, string> = {};
  const canon = canonical(definition);
  const containerDefinitions = objects(canon.containerDefinitions).map((container) => {
    const { image, ...rest } = container;
    if (pinnedDigest(textOf(image)) === undefined) return container;
    pinned[textOf(container.name)] = textOf(image);
    return rest;
  });
  return fingerprintOf({ images: pinned, definition: { ...canon, containerDefinitions }, settings });
}

export interface Identity {
  component: string;
  environment: string;
  revision: string;
}

/** The tags that tell what a revision or service is a release of. */
export function releaseTags(
  fingerprint: string,
  { component, environment, revision }: Identity,
): Record<string, string> {
  const tags = {
    [RELEASE_TAG]: fingerprint,
    'slipway:component': component,
    'slipway:environment': environment,
    'slipway:revision': revision,
  };
  return Object.fromEntries(Object.entries(tags).filter(([, value]) => value !== ''));
}

/** The user's own tags: ours are written anew each time, and AWS's cannot be set. */
export function ownTags(tags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !key.startsWith(TAG_PREFIX) && !/^aws:/i.test(key)));
}
