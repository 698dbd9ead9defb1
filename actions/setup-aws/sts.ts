import { AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { awsConfig, callAws } from '../../lib/aws/client.ts';
import { Problem } from '../../lib/errors.ts';
import type { Sts } from './credentials.ts';

/** STS through the SDK; clients are made when first used, since the credentials change in between. */
export function stsPort(region: string, signal: AbortSignal): Sts {
  const client = () => new STSClient(awsConfig({ region, action: 'setup-aws' }));
  return {
    async assumeRole({ role, token, sessionName, durationSeconds }) {
      const command = new AssumeRoleWithWebIdentityCommand({
        RoleArn: role,
        RoleSessionName: sessionName,
        WebIdentityToken: token,
        DurationSeconds: durationSeconds,
      });
      const call = { operation: 'sts:AssumeRoleWithWebIdentity', resource: `role ${role}` };
      const { Credentials } = await callAws(call, () => client().send(command, { abortSignal: signal }));
      if (Credentials?.AccessKeyId) return Credentials;
      throw new Problem({
        what: call.resource,
        cause: 'STS gave no credentials',
        fix: 'Run it again',
        kind: 'service',
      });
    },
    async identity() {
      const call = { operation: 'sts:GetCallerIdentity', resource: 'the AWS credentials' };
      const answer = await callAws(call, () =>
        client().send(new GetCallerIdentityCommand({}), { abortSignal: signal }),
      );
      return { account: answer.Account ?? '', arn: answer.Arn ?? '' };
    },
  };
}
