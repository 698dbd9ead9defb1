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
  object(bucket: string, invocation: Pick<Invocation, 'stdoutUrl' | 'commandId' | 'instance'>): Promise<string>;
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
}

/** Most bytes of an output that are read back: a summary holds 1 MiB. */
const MOST_BYTES = 2_000_000;

export function awsOutputs({ region, action, signal, credentials }: OutputOptions): Outputs {
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
    async object(bucket, { stdoutUrl, commandId, instance }) {
      const { GetObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
      // Path style as well with a bucket whose name has dots, for which the certificate of the other would not do.
      const client = new S3Client({ ...awsConfig({ region, action, credentials }), forcePathStyle: true });
      const key = keyOf(stdoutUrl, bucket);
      const call = { operation: 's3:GetObject', resource: `output of ${commandId} on ${instance} in bucket ${bucket}` };
      const get = new GetObjectCommand({ Bucket: bucket, Key: key, Range: `bytes=0-${MOST_BYTES - 1}` });
      return callAws(call, async () => {
        const { Body } = await client.send(get, { abortSignal: signal });
        return (await Body?.transformToString('utf8')) ?? '';
      });
    },
  };
}

/** The key in what SSM gives as StandardOutputUrl, in both styles: https://s3.REGION…/BUCKET/KEY and https://BUCKET.s3…/KEY. */
export function keyOf(url: string, bucket: string): string {
  const path = decodeURIComponent(new URL(url).pathname.slice(1));
  return path.startsWith(`${bucket}/`) ? path.slice(bucket.length + 1) : path;
}

/** Whether commands leave more of their output than SSM gives back. */
export function keepsWhole({ logGroup, bucket }: OutputPlaces): boolean {
  return logGroup !== '' || bucket !== '';
}
