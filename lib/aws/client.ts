import { Problem } from '../errors.ts';
import { type AwsCall, explainAws } from './errors.ts';

export interface AwsCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
}

/** What the SDK calls before a request, and again when what it got is about to end. */
export type CredentialProvider = () => Promise<AwsCredentials>;

export interface AwsSettings {
  region: string;
  /** Names the action in CloudTrail's user agent. */
  action: string;
  /** Credentials that renew themselves; undefined: what the SDK finds. */
  credentials?: CredentialProvider | undefined;
  /** Tries of each call, the first included. Default 4. */
  attempts?: number | undefined;
}

const CONNECT_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 20_000;
const ATTEMPTS = 4;

/**
 * The configuration every AWS client of the suite is made with: bounded time-outs, four attempts with the SDK's full-jitter
 * back-off. The endpoint is AWS's own unless AWS_ENDPOINT_URL says otherwise (the SDK reads it).
 * @throws Problem kind `input` for a region that cannot exist.
 */
export function awsConfig({ region, action, credentials, attempts = ATTEMPTS }: AwsSettings) {
  return {
    region: checkedRegion(region),
    ...(credentials && { credentials }),
    maxAttempts: attempts,
    retryMode: 'standard',
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
    customUserAgent: [['slipway', action]] as [string, string][],
  };
}

// Partition prefixes, compass directions and shape of region names: AWS documentation, "Regions and Zones". A misspelt
// region would else be a host name that nobody resolves, after all retries.
const REGION =
  /^(?:us|eu|ap|sa|ca|me|af|il|mx|cn|us-gov|us-iso[a-z]?|eu-isoe|eusc-[a-z]{2})-(?:central|(?:north|south)?(?:east|west)|north|south)-\d{1,2}$/;

/** The region of the input, or of AWS_REGION or AWS_DEFAULT_REGION. */
export function regionFrom(input: string, env: NodeJS.ProcessEnv): string {
  return input || env.AWS_REGION || env.AWS_DEFAULT_REGION || '';
}

function checkedRegion(region: string): string {
  if (region === '') {
    throw new Problem({
      what: "input 'region'",
      cause: 'no AWS region is known: the input is empty and neither AWS_REGION nor AWS_DEFAULT_REGION is set',
      fix: 'Set `region`, or run setup-aws before this step',
    });
  }
  if (!REGION.test(region)) {
    throw new Problem({
      what: 'AWS region',
      seen: region,
      cause: 'no AWS region is named like this',
      fix: 'Write a region code such as eu-central-1 (from the `region` input, the config file or AWS_REGION)',
    });
  }
  return region;
}

/**
 * Makes one call to AWS. Every call goes through here, so that each failure is explained in the same terms:
 * callAws({ operation: 'ecs:UpdateService', resource: 'service a/b' }, () => ecs.send(new UpdateServiceCommand(…), { abortSignal })).
 * @throws Problem kinds denied, throttled, not-found, network, credentials, conflict, service or cancelled.
 */
export async function callAws<T>(call: AwsCall, f: () => Promise<T>): Promise<T> {
  try {
    return await f();
  } catch (error) {
    throw explainAws(error, call);
  }
}
