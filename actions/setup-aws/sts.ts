import {
  AssumeRoleCommand,
  AssumeRoleWithWebIdentityCommand,
  GetCallerIdentityCommand,
  STSClient,
} from '@aws-sdk/client-sts';
import { awsConfig, callAws } from '../../lib/aws/client.ts';
import { Problem } from '../../lib/errors.ts';
import type { ChainPorts } from './chain.ts';
import type { SessionCredentials, Sts } from './credentials.ts';

/** STS through the SDK; clients are made when first used, since the credentials change in between. */
export function stsPort(region: string, signal: AbortSignal): Sts & ChainPorts {
  const client = (session?: SessionCredentials) =>
    new STSClient({ ...awsConfig({ region, action: 'setup-aws' }), ...(session && { credentials: session }) });
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
      throw noCredentials(call.resource);
    },
    async assume({ role, sessionName, durationSeconds, externalId, with: session }) {
      const command = new AssumeRoleCommand({
        RoleArn: role,
        RoleSessionName: sessionName,
        DurationSeconds: durationSeconds,
        ...(externalId && { ExternalId: externalId }),
      });
      const call = { operation: 'sts:AssumeRole', resource: `role ${role}` };
      const { Credentials } = await callAws(call, () => client(session).send(command, { abortSignal: signal }));
      if (Credentials?.AccessKeyId) return Credentials;
      throw noCredentials(call.resource);
    },
    async identity(session) {
      const call = { operation: 'sts:GetCallerIdentity', resource: 'the AWS credentials' };
      const answer = await callAws(call, () =>
        client(session).send(new GetCallerIdentityCommand({}), { abortSignal: signal }),
      );
      return { account: answer.Account ?? '', arn: answer.Arn ?? '' };
    },
  };
}

function noCredentials(what: string): Problem {
  return new Problem({ what, cause: 'STS gave no credentials', fix: 'Run it again', kind: 'service' });
}
