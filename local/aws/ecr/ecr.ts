import type { LocalContext } from '../../context.ts';
import type { Registry } from '../../registry/registry.ts';
import type { RepositorySpec } from '../../world.ts';
import type { CredentialStore } from '../credentials.ts';
import type { AwsService, Call } from '../service.ts';
import { ecrFaults } from './faults.ts';
import { Images } from './images.ts';
import { RepositoryOperations } from './repositories.ts';
import { Scans } from './scans.ts';

export interface EcrDeps extends Pick<LocalContext, 'account' | 'region' | 'clock' | 'lag'> {
  registry: Registry;
  credentials: CredentialStore;
  /** How scans of a repository's images go, and what they find; undefined for one that the world did not tell of. */
  scans(repository: string): RepositorySpec | undefined;
}

/** ECR's API over the local registry. Source: ECR API reference. */
export function createEcr(deps: EcrDeps): AwsService {
  const faults = ecrFaults(deps.account);
  return {
    id: 'ecr',
    operations: {
      ...new RepositoryOperations(deps, faults).operations(),
      ...new Images(deps, faults).operations(),
      ...new Scans(deps, faults).operations(),
      GetAuthorizationToken: (_input: object, call: Call) => {
        const key = deps.credentials.find(call.identity.accessKeyId) ?? deps.credentials.root;
        const { password, expiresAt } = deps.registry.authorize(key);
        return {
          authorizationData: [
            {
              authorizationToken: Buffer.from(`AWS:${password}`).toString('base64'),
              expiresAt: new Date(expiresAt),
              proxyEndpoint: deps.registry.url,
            },
          ],
        };
      },
    },
  };
}
