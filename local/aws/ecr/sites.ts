import { AwsFault, type AwsService, accessDenied, type Call, type Operation } from '../service.ts';
import { createEcr, type EcrDeps } from './ecr.ts';

/** The members by which a request names a registry and a repository. */
interface Addressed {
  registryId?: string;
  registryIds?: readonly string[];
  repositoryName?: string;
  repositoryNames?: readonly string[];
}

/**
 * ECR of several accounts and regions behind one endpoint. The region is the one that the request is signed for; the
 * account is the `registryId`, else the caller's. A caller of another account needs the repository's policy.
 */
export function createEcrSites(sites: readonly EcrDeps[]): AwsService {
  const services = new Map(sites.map((site) => [keyOf(site), { site, service: createEcr(site) }]));
  const [first] = services.values();
  if (first === undefined) throw new TypeError('an ECR needs at least one account and region');
  const route = (name: string): Operation => {
    return (input: Addressed, call: Call) => {
      const account = input.registryId ?? input.registryIds?.[0] ?? call.identity.account;
      const found = services.get(keyOf({ account, region: call.region }));
      if (found === undefined) throw noRegistry(account, call.region);
      if (account !== call.identity.account) checkShared(found.site, name, input, call);
      const operation = found.service.operations[name] as (input: Addressed, call: Call) => Promise<object> | object;
      return operation(input, call);
    };
  };
  const names = Object.keys(first.service.operations);
  return { id: 'ecr', operations: Object.fromEntries(names.map((name) => [name, route(name)])) };
}

function keyOf({ account, region }: { account: string; region: string }): string {
  return `${account}/${region}`;
}

function noRegistry(account: string, region: string): AwsFault {
  return new AwsFault(
    'RegistryNotFoundException',
    `The local world has no registry of account ${account} in ${region}`,
  );
}

function checkShared({ registry, account, region }: EcrDeps, operation: string, input: Addressed, call: Call): void {
  for (const name of input.repositoryNames ?? [input.repositoryName ?? '']) {
    const repository = registry.repositories.get(name);
    // GetAuthorizationToken names no repository: the token opens what policies let it open.
    if (name === '' || repository?.sharedWith.includes(call.identity.account)) continue;
    const resource = `arn:aws:ecr:${region}:${account}:repository/${name}`;
    throw accessDenied(
      call,
      `ecr:${operation === 'ListImageReferrers' ? 'BatchGetImage' : operation}`,
      resource,
      'resource-based',
    );
  }
}
