import { ECRClient } from '@aws-sdk/client-ecr';
import { awsConfig, regionFrom } from '../../../lib/aws/client.ts';
import { openConfig } from '../../../lib/config/action.ts';
import { Problem } from '../../../lib/errors.ts';
import { openLedger } from '../../../lib/ledger/open.ts';
import type { Edge } from '../../../lib/runner.ts';
import { callerAccount } from '../caller.ts';
import type { BuildInputs } from '../inputs.ts';
import { openRepository } from '../repository.ts';
import { addEcsUsage } from './ecs-usage.ts';
import { deleteImages, readInventory } from './inventory.ts';
import { placesOf } from './places.ts';
import type { PrunePorts, PruneSettings } from './run.ts';

/** What `operation: prune` is asked for. @throws Problem for inputs that cannot be */
export function pruneSettings(inputs: BuildInputs): PruneSettings {
  return {
    repository: inputs.repository,
    keepNewest: inputs['keep-newest'] ?? 0,
    keepTags: inputs['keep-tags'],
    minAgeMs: inputs['min-age'],
    rollbackDepth: inputs['rollback-depth'] ?? 0,
    dryRun: inputs['dry-run'],
    ledger: inputs.ledger,
  };
}

/** The real ports of a prune. @throws Problem when the repository is not there */
export async function prunePorts(inputs: BuildInputs, edge: Edge): Promise<PrunePorts> {
  const { env, log, signal, context } = edge;
  if (inputs.token !== '') log.mask(inputs.token);
  const keep = keptDefinitions(inputs['keep-task-definitions']);
  const region = regionFrom(inputs.region, env);
  const ecr = new ECRClient(awsConfig({ region, action: 'ecr-build-push' }));
  const { name, account } = await openRepository({
    ecr,
    name: inputs.repository,
    registryId: inputs['registry-id'],
    signal,
  });
  const scope = { ecr, repositoryName: name, registryId: account, signal };
  const configured = await openConfig(edge.input, context.workspace);
  return {
    log,
    now: Date.now,
    places: () =>
      placesOf({
        given: inputs['ecs-places'],
        region,
        account: () => callerAccount(region, signal),
        config: configured?.config,
      }),
    inventory: () => readInventory(scope),
    ledger: (depth) => openLedger({ kind: inputs.ledger, token: inputs.token, context, signal }).survey(depth),
    addEcs: (usage, place) => addEcsUsage(usage, { place, keep, signal }),
    remove: (digests) => deleteImages(digests, scope),
  };
}

function keptDefinitions(value: string): 'all' | number {
  if (value === 'all') return value;
  if (/^[1-9]\d{0,5}$/.test(value)) return Number(value);
  throw new Problem({
    what: "input 'keep-task-definitions'",
    seen: value,
    cause: 'it is neither all nor a number from 1',
    fix: 'Write all, or how many newest revisions of each family keep their images',
  });
}
