import { createHash } from 'node:crypto';
import type { JsonObject } from '../../lib/ecs/json.ts';
import { canonical, stableJson } from './definition/canonical.ts';

export const RELEASE_TAG = 'slipway:release';
const TAG_PREFIX = 'slipway:';

/**
 * What a deployment ships, as one word: the definition in its canonical form (its images are in it) and the settings of the
 * service that were asked for. The same on every machine and at every time.
 */
export function releaseFingerprint(definition: JsonObject, settings: { desiredCount?: number | undefined }): string {
  const { desiredCount } = settings;
  const content = stableJson({
    definition: canonical(definition),
    ...(desiredCount !== undefined && { desiredCount }),
  });
  return createHash('sha256').update(content).digest('hex');
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
