import type { StoredDefinition } from '../../lib/ecs/api.ts';
import type { JsonObject } from '../../lib/ecs/json.ts';
import { changesOf } from './definition/changes.ts';
import { type Difference, diffDefinitions } from './definition/diff.ts';
import { render } from './definition/render.ts';
import { fromStored, type LoadedDefinition } from './definition/source.ts';
import type { EcsDeployInputs } from './inputs.ts';
import { ownTags, releaseFingerprint } from './release.ts';
import { settingsOf } from './settings.ts';

/** What a deployment ships. */
export interface Release {
  definition: JsonObject;
  /** The user's tags; ours are added when it is registered. */
  tags: Record<string, string>;
  fingerprint: string;
  /** Containers whose image this run asks for. */
  images: ReadonlyMap<string, string>;
  /** Against what the service is set to now. */
  differences: Difference[];
}

/** The definition with the inputs put in, and what that changes against the one that runs. */
export function releaseOf(
  inputs: EcsDeployInputs,
  loaded: LoadedDefinition,
  running: StoredDefinition | undefined,
): Release {
  const { definition, images } = render(loaded.definition, changesOf(inputs));
  const service = settingsOf(inputs);
  const settings = {
    desiredCount: inputs['desired-count'],
    ...(Object.keys(service).length > 0 && { service: service as JsonObject }),
  };
  return {
    definition,
    tags: ownTags(loaded.tags),
    images,
    fingerprint: releaseFingerprint(definition, settings),
    differences: diffDefinitions(running && fromStored(running).definition, definition),
  };
}
