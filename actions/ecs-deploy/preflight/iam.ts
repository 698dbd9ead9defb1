import { type AwsSettings, awsConfig, callAws } from '../../../lib/aws/client.ts';
import { type Credentials, callQuery } from '../../../lib/aws/query-call.ts';
import { Problem } from '../../../lib/errors.ts';

/** Where IAM of a partition is, and the region that it is signed for. Source: IAM, "Endpoints and quotas". */
const PLACES: readonly [region: RegExp, endpoint: string, signedFor: string][] = [
  [/^cn-/, 'https://iam.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
  [/^us-gov-/, 'https://iam.us-gov.amazonaws.com', 'us-gov-west-1'],
  [/^(?:us-iso|eu-iso|eusc)/, '', ''],
  [/./, 'https://iam.amazonaws.com', 'us-east-1'],
];

export interface IamOptions {
  settings: AwsSettings;
  /** Instead of the partition's own: AWS_ENDPOINT_URL. */
  endpoint?: string | undefined;
  signal: AbortSignal;
}

/** @throws Problem when IAM cannot be asked */
export async function roleExists(name: string, { settings, endpoint, signal }: IamOptions): Promise<boolean> {
  const [, own = '', signedFor = ''] = PLACES.find(([pattern]) => pattern.test(settings.region)) ?? [];
  if (!endpoint && own === '') throw unknownPartition(settings.region);
  const call = { operation: 'iam:GetRole', resource: `role ${name}` };
  try {
    await callAws(call, async () =>
      callQuery({
        service: 'iam',
        region: endpoint ? settings.region : signedFor,
        endpoint: endpoint || own,
        params: { Action: 'GetRole', Version: '2010-05-08', RoleName: name },
        credentials: await credentials(settings),
        signal,
        now: Date.now(),
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof Problem && error.kind === 'not-found') return false;
    throw error;
  }
}

/** Those of every other client: the SDK's own chain finds them. */
async function credentials(settings: AwsSettings): Promise<Credentials> {
  const { ECSClient } = await import('@aws-sdk/client-ecs');
  return new ECSClient(awsConfig(settings)).config.credentials();
}

function unknownPartition(region: string): Problem {
  return new Problem({
    what: 'iam:GetRole',
    seen: region,
    cause: 'where IAM of this partition is, is not known here',
    fix: 'Set AWS_ENDPOINT_URL, or do without',
    kind: 'service',
  });
}
