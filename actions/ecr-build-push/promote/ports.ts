import { ECRClient } from '@aws-sdk/client-ecr';
import { awsConfig, regionFrom } from '../../../lib/aws/client.ts';
import { registryPassword } from '../../../lib/aws/registry-password.ts';
import { systemClock } from '../../../lib/clock.ts';
import type { Edge } from '../../../lib/runner.ts';
import { callerAccount } from '../caller.ts';
import type { BuildInputs } from '../inputs.ts';
import { RegistryReader } from '../registry.ts';
import { creationOf } from '../registry-ports.ts';
import { openRepository, type Repository } from '../repository.ts';
import { assumedCredentials, type RoleCredentials } from '../role.ts';
import { tagsFor } from '../tags.ts';
import { referrersOf } from './referrers.ts';
import { RegistryClient } from './registry-client.ts';
import type { PromotePorts } from './run.ts';
import { parseSource } from './source.ts';

const ACTION = 'ecr-build-push';

/** The real ports of a promotion. @throws Problem when either repository is not there or may not be read */
export async function promotePorts(inputs: BuildInputs, edge: Edge): Promise<PromotePorts> {
  const { env, log, signal, context } = edge;
  const from = parseSource(inputs.from);
  // An image that was named by a tag keeps it, unless others are asked for.
  const named = from.reference.startsWith('sha256:') ? [] : [from.reference];
  const tags = inputs.tags.length > 0 ? tagsFor(inputs.tags, { sha: context.sha, context }) : named;
  const region = regionFrom(inputs.region, env);
  const fromRegion = inputs['from-region'] || from.region || region;
  const role = inputs['from-role'];
  const credentials = role ? await assumedCredentials({ role, region: fromRegion, signal }) : undefined;
  const sourceEcr = clientFor(fromRegion, credentials);
  const targetEcr = clientFor(region);
  const [sourceRepository, repository] = await Promise.all([
    openRepository({
      ecr: sourceEcr,
      name: from.repository,
      registryId: inputs['from-registry-id'] || from.account,
      signal,
    }),
    openRepository({
      ecr: targetEcr,
      name: inputs.repository,
      registryId: inputs['registry-id'],
      create: creationOf(inputs),
      callerAccount: () => callerAccount(region, signal),
      signal,
    }),
  ]);
  const client = (ecr: ECRClient, { name, account }: Repository) =>
    new RegistryClient({
      access: () => registryPassword(ecr, account, log),
      repository: name,
      clock: systemClock,
      signal,
    });
  return {
    source: client(sourceEcr, sourceRepository),
    target: client(targetEcr, repository),
    repository,
    reference: from.reference,
    tags,
    referrers: inputs.referrers
      ? (digest) => referrersOf(digest, { ecr: sourceEcr, repository: sourceRepository, signal })
      : async () => [],
    labels: async (manifest) =>
      new RegistryReader(await registryPassword(targetEcr, repository.account, log), repository.name, signal).labels(
        manifest,
      ),
    log,
  };
}

function clientFor(region: string, credentials?: RoleCredentials): ECRClient {
  return new ECRClient({ ...awsConfig({ region, action: ACTION }), ...(credentials && { credentials }) });
}
