import { exec } from '@actions/exec';
import { type ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { callAws } from '../../lib/aws/client.ts';
import { Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';

export interface RegistryLogin {
  host: string;
}

/** A registry's host and its 12-hour password, which is masked before anybody else sees it. */
export async function registryPassword(
  ecr: ECRClient,
  account: string,
  log: Log,
): Promise<{ host: string; user: string; password: string }> {
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

/** Runs docker login with the password on standard input: on the command line every process of the machine could read it. */
export async function dockerLogin(host: string, user: string, password: string): Promise<RegistryLogin> {
  let stderr = '';
  const code = await runDocker(['login', '--username', user, '--password-stdin', host], password, (text) => {
    stderr += text;
  });
  if (code === 0) return { host };
  throw new Problem({
    what: `docker login to ${host}`,
    cause: stderr.replaceAll(password, '***').trim() || `it ended with exit code ${code}`,
    fix: 'Check that the docker engine runs and that the registry can be reached from the runner',
    kind: 'environment',
  });
}

/** Forgets a login; one that is gone already is fine. */
export async function dockerLogout(host: string): Promise<void> {
  await runDocker(['logout', host], '', () => undefined);
}

async function runDocker(args: string[], stdin: string, onError: (text: string) => void): Promise<number> {
  try {
    return await exec('docker', args, {
      input: Buffer.from(stdin),
      silent: true,
      ignoreReturnCode: true,
      listeners: { stderr: (chunk) => onError(chunk.toString('utf8')) },
    });
  } catch (error) {
    throw new Problem({
      what: "program 'docker'",
      cause: `it could not be started (${(error as Error).message})`,
      fix: 'Install docker on the runner, or set `login: false` if no step needs it',
      kind: 'environment',
      underlying: error,
    });
  }
}
