import { type ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { Problem } from '../errors.ts';
import type { Log } from '../log.ts';
import { callAws } from './client.ts';

export interface RegistryPassword {
  /** Host of the registry, with its port where it has one. */
  host: string;
  user: string;
  password: string;
}

/** A registry's host and its 12-hour password, which is masked before anybody else sees it. */
export async function registryPassword(ecr: ECRClient, account: string, log: Log): Promise<RegistryPassword> {
  const call = { operation: 'ecr:GetAuthorizationToken', resource: `registry ${account}` };
  const answer = await callAws(call, () => ecr.send(new GetAuthorizationTokenCommand({ registryIds: [account] })));
  const data = answer.authorizationData?.[0];
  const [user = '', ...rest] = Buffer.from(data?.authorizationToken ?? '', 'base64')
    .toString('utf8')
    .split(':');
  const password = rest.join(':');
  if (!data?.proxyEndpoint || password === '') {
    throw new Problem({
      what: call.resource,
      cause: 'ECR gave no password for it',
      fix: 'Check the account id in `registries`',
      kind: 'service',
    });
  }
  log.mask(password);
  log.mask(data.authorizationToken ?? '');
  return { host: new URL(data.proxyEndpoint).host, user, password };
}
