import type { StoredDefinition } from '../../lib/ecs/api.ts';
import { textOf } from '../../lib/ecs/json.ts';
import { shortName } from '../../lib/ecs/names.ts';
import { Problem } from '../../lib/errors.ts';
import { sameDefinition } from './definition/canonical.ts';
import { fromStored } from './definition/source.ts';
import type { EcsDeployInputs } from './inputs.ts';
import type { Release } from './planned-release.ts';
import type { EcsDeployPorts } from './ports.ts';
import { RELEASE_TAG, releaseTags } from './release.ts';

/** The newest ACTIVE revision of a family; undefined for a family that has none. */
export async function newestOf(
  family: string,
  { ecs }: Pick<EcsDeployPorts, 'ecs'>,
): Promise<StoredDefinition | undefined> {
  return ecs.describeTaskDefinition(family).catch((error: unknown) => {
    // ECS answers a family that does not exist yet with a client error of no name of its own.
    if (error instanceof Problem && (error.kind === 'not-found' || /unable to describe/i.test(error.message)))
      return undefined;
    throw error;
  });
}

export function isSame(
  stored: StoredDefinition,
  definition: Parameters<typeof sameDefinition>[0],
  fingerprint: string,
) {
  return stored.tags[RELEASE_TAG] === fingerprint || sameDefinition(fromStored(stored).definition, definition);
}

interface Stored {
  /** What serves. */
  running: StoredDefinition;
  /** The newest of its family. */
  newest: StoredDefinition | undefined;
}

/** Both by one call where they are the same, which they are unless a release failed or was taken back. */
export async function storedOf(serving: string, ports: EcsDeployPorts): Promise<Stored> {
  const newest = await newestOf(shortName(serving).split(':')[0] ?? '', ports);
  const running = newest?.arn === serving ? newest : await ports.ecs.describeTaskDefinition(serving);
  return { running, newest };
}

/**
 * Registers the release, or finds that the family's newest revision is it already (a deployment of it that failed before).
 * @param known the newest revision of a family that was read already
 */
export async function register(
  inputs: EcsDeployInputs,
  release: Release,
  { ecs, log }: EcsDeployPorts,
  known?: StoredDefinition,
): Promise<string> {
  const family = textOf(release.definition.family);
  const newest = textOf(known?.definition.family) === family ? known : await newestOf(family, { ecs });
  if (newest && isSame(newest, release.definition, release.fingerprint)) {
    log.info(`${shortName(newest.arn)} is registered already`);
    return newest.arn;
  }
  const arn = await ecs.registerTaskDefinition(release.definition, {
    ...release.tags,
    ...releaseTags(release.fingerprint, inputs),
  });
  log.info(`Registered ${shortName(arn)}`);
  return arn;
}
