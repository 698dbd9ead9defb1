import type { SSMClient } from '@aws-sdk/client-ssm';
import { awsConfig, type CredentialProvider, callAws } from '../../lib/aws/client.ts';
import { logReads } from '../../lib/aws/log-reads.ts';
import { Problem } from '../../lib/errors.ts';
import type { Invocation } from './host-result.ts';
import type { OutputPlaces } from './ssm.ts';

/** The output of commands beside SSM: while it is written (Logs), and whole (Logs or S3). Every method throws Problem. */
export interface Outputs {
  /** Lines of stdout since the token, all without one; none as long as nothing was written. */
  next(place: StreamPlace, token: string | undefined): Promise<{ lines: string[]; token: string | undefined }>;
  /** The whole of stdout from S3. */
  object(invocation: Pick<Invocation, 'stdoutUrl' | 'commandId' | 'instance'>): Promise<string>;
}

export interface StreamPlace {
  group: string;
  commandId: string;
  instance: string;
}

export interface OutputOptions {
  region: string;
  action: string;
  signal: AbortSignal;
  credentials?: CredentialProvider | undefined;
  /** A client's own credentials and hash, for the request that no client makes. */
  signer: Pick<SSMClient['config'], 'credentials' | 'sha256'>;
}

/** Most bytes of an output that are read back: a summary holds 1 MiB. */
const MOST_BYTES = 2_000_000;
const READ_MS = 20_000;

export function awsOutputs({ region, action, signal, credentials, signer }: OutputOptions): Outputs {
  const reads = logReads({ region, action, credentials });
  const streams = new Map<string, string>();
  // The agent names the stream COMMAND/INSTANCE/PLUGIN/stdout, and the plug-in's part differs between its versions.
  const streamOf = async ({ group, commandId, instance }: StreamPlace) => {
    const prefix = `${commandId}/${instance}/`;
    const known = streams.get(prefix);
    if (known !== undefined) return known;
    const { CloudWatchLogsClient, DescribeLogStreamsCommand } = await import('@aws-sdk/client-cloudwatch-logs');
    const client = new CloudWatchLogsClient(awsConfig({ region, action, credentials }));
    const call = { operation: 'logs:DescribeLogStreams', resource: `log group ${group}` };
    const list = new DescribeLogStreamsCommand({ logGroupName: group, logStreamNamePrefix: prefix });
    const { logStreams = [] } = await callAws(call, () => client.send(list, { abortSignal: signal }));
    const name = logStreams.find((s) => s.logStreamName?.endsWith('/stdout'))?.logStreamName;
    if (name !== undefined) streams.set(prefix, name);
    return name;
  };
  return {
    async next(place, token) {
      try {
        const stream = await streamOf(place);
        if (stream === undefined) return { lines: [], token };
        return await reads.next({ group: place.group, stream, region }, token, signal);
      } catch (error) {
        // Group and stream begin with the first line.
        if (error instanceof Problem && error.kind === 'not-found') return { lines: [], token };
        throw error;
      }
    },
    object: ({ stdoutUrl, commandId, instance }) => {
      const call = { operation: 's3:GetObject', resource: `output of ${commandId} on ${instance} at ${stdoutUrl}` };
      return callAws(call, () => signedGet(stdoutUrl, { region, signer, signal }));
    },
  };
}

/**
 * One object of S3, by the URL that SSM gives for it. Signed with the SDK's signer and the credentials that its clients find:
 * the client of S3 would be 0.2 MB more in the bundles of this action and of ship, for this one request.
 */
async function signedGet(
  url: string,
  { region, signer, signal }: Pick<OutputOptions, 'region' | 'signer' | 'signal'>,
): Promise<string> {
  const { hostname, port, protocol, pathname, host } = new URL(url);
  const { SignatureV4 } = await import('@smithy/signature-v4');
  const { credentials, sha256 } = signer;
  // S3 signs a path as it stands; the other services encode it once more.
  const signature = new SignatureV4({ credentials, sha256, region, service: 's3', uriEscapePath: false });
  const { headers } = await signature.sign({
    method: 'GET',
    protocol,
    hostname,
    ...(port !== '' && { port: Number(port) }),
    path: pathname,
    query: {},
    headers: { host, range: `bytes=0-${MOST_BYTES - 1}` },
  });
  const response = await fetch(url, { headers, signal: AbortSignal.any([signal, AbortSignal.timeout(READ_MS)]) });
  const text = await response.text();
  if (response.ok) return text;
  // S3 tells in XML what is wrong; the name is what errors are sorted by.
  const [, code = 'UnknownError'] = /<Code>(\w+)<\/Code>/.exec(text) ?? [];
  const [, message = ''] = /<Message>([^<]*)<\/Message>/.exec(text) ?? [];
  throw Object.assign(new Error(message), { name: code, $metadata: { httpStatusCode: response.status } });
}

/** Whether commands leave more of their output than SSM gives back. */
export function keepsWhole({ logGroup, bucket }: OutputPlaces): boolean {
  return logGroup !== '' || bucket !== '';
}
