import { ECRClient } from '@aws-sdk/client-ecr';
import { awsConfig, regionFrom } from '../../../lib/aws/client.ts';
import { registryPassword } from '../../../lib/aws/registry-password.ts';
import { systemClock } from '../../../lib/clock.ts';
import type { Edge } from '../../../lib/runner.ts';
import { callerAccount } from '../caller.ts';
import type { Creation } from '../creation.ts';
import type { BuildInputs } from '../inputs.ts';
import { RegistryReader } from '../registry.ts';
import { creationOf } from '../registry-ports.ts';
import { openRepository, type Repository } from '../repository.ts';
import { assumedCredentials, type RoleCredentials } from '../role.ts';
import { tagsFor, versionFor } from '../tags.ts';
import { referrersOf } from './referrers.ts';
import { RegistryClient } from './registry-client.ts';
import type { PromotePorts } from './run.ts';
import { parseSource } from './source.ts';

/** One image, and where it is to be. */
export interface PromoteRequest {
  from: {
    repository: string;
    /** Digest or tag. */
    reference: string;
    region: string;
    /** '' for that of the credentials. */
    registryId: string;
    /** Role to read it by; '' for the credentials at hand. */
    role: string;
  };
  to: { repository: string; region: string; registryId: string; create?: Creation | undefined };
  tags: readonly string[];
  /** Whether what is about the image goes with it. */
  referrers: boolean;
}

type PromoteEdge = Pick<Edge, 'log' | 'signal'>;

const ACTION = 'ecr-build-push';

/** What the inputs ask for. @throws Problem for a source that is none, and for tags that no registry takes */
export function promoteRequest(inputs: BuildInputs, { env, context }: Pick<Edge, 'env' | 'context'>): PromoteRequest {
  const from = parseSource(inputs.from);
  // An image that was named by a tag keeps it, unless others are asked for.
  const named = from.reference.startsWith('sha256:') ? [] : [from.reference];
  // The date of a development build is that of its build, which a promotion does not know.
  const released = inputs.version !== '' || context.refType === 'tag';
  const version = released ? versionFor(inputs.version, context, new Date(), '') : '';
  const region = regionFrom(inputs.region, env);
  return {
    from: {
      repository: from.repository,
      reference: from.reference,
      region: inputs['from-region'] || from.region || region,
      registryId: inputs['from-registry-id'] || from.account || '',
      role: inputs['from-role'],
    },
    to: {
      repository: inputs.repository,
      region,
      registryId: inputs['registry-id'],
      create: creationOf(inputs),
    },
    tags: inputs.tags.length > 0 ? tagsFor(inputs.tags, { sha: context.sha, version, context }) : named,
    referrers: inputs.referrers,
  };
}

/** The real ports of a promotion. @throws Problem when either repository is not there or may not be read */
export async function promotePorts(
  { from, to, tags, referrers }: PromoteRequest,
  edge: PromoteEdge,
): Promise<PromotePorts> {
  const { log, signal } = edge;
  const credentials = from.role
    ? await assumedCredentials({ role: from.role, region: from.region, signal })
    : undefined;
  const sourceEcr = clientFor(from.region, credentials);
  const targetEcr = clientFor(to.region);
  const [source, repository] = await Promise.all([
    openRepository({ ecr: sourceEcr, name: from.repository, registryId: from.registryId, signal }),
    openRepository({
      ecr: targetEcr,
      name: to.repository,
      registryId: to.registryId,
      create: to.create,
      callerAccount: () => callerAccount(to.region, signal),
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
    source: client(sourceEcr, source),
    target: client(targetEcr, repository),
    repository,
    reference: from.reference,
    tags,
    referrers: referrers
      ? (digest) => referrersOf(digest, { ecr: sourceEcr, repository: source, signal })
      : async () => [],
    labels: async (manifest) => {
      const access = await registryPassword(targetEcr, repository.account, log);
      return new RegistryReader(access, repository.name, signal).labels(manifest);
    },
    log,
  };
}

function clientFor(region: string, credentials?: RoleCredentials): ECRClient {
  return new ECRClient({ ...awsConfig({ region, action: ACTION }), ...(credentials && { credentials }) });
}
