import { awsConfig, callAws } from '../../lib/aws/client.ts';
import { Problem } from '../../lib/errors.ts';

export interface RoleCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
}

/** Credentials of a role that the ones at hand may assume: for reading another account. @throws Problem kind `denied` when they may not */
export async function assumedCredentials(options: {
  role: string;
  region: string;
  signal: AbortSignal;
}): Promise<RoleCredentials> {
  const { role, region, signal } = options;
  const { AssumeRoleCommand, STSClient } = await import('@aws-sdk/client-sts');
  const client = new STSClient(awsConfig({ region, action: 'ecr-build-push' }));
  const call = { operation: 'sts:AssumeRole', resource: `role ${role}` };
  const command = new AssumeRoleCommand({ RoleArn: role, RoleSessionName: 'slipway-registry' });
  const { Credentials: c } = await callAws(call, () => client.send(command, { abortSignal: signal }));
  if (c?.AccessKeyId && c.SecretAccessKey && c.SessionToken)
    return { accessKeyId: c.AccessKeyId, secretAccessKey: c.SecretAccessKey, sessionToken: c.SessionToken };
  throw new Problem({ what: call.resource, cause: 'STS gave no credentials', fix: 'Run it again', kind: 'service' });
}
