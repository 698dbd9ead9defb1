import { awsConfig, callAws } from '../../lib/aws/client.ts';

/** The account that the credentials belong to; nobody can be denied this call. */
export async function callerAccount(region: string, signal: AbortSignal): Promise<string> {
  // Few runs need it, so that most do not load its client.
  const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts');
  const client = new STSClient(awsConfig({ region, action: 'ecr-build-push' }));
  const call = { operation: 'sts:GetCallerIdentity', resource: 'the AWS credentials' };
  const { Account } = await callAws(call, () => client.send(new GetCallerIdentityCommand({}), { abortSignal: signal }));
  return Account ?? '';
}
