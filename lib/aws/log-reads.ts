import { redactText } from '../redact.ts';
import { type AwsSettings, awsConfig, callAws } from './client.ts';

export interface LogPosition {
  group: string;
  stream: string;
  region: string;
}

export interface LogPage {
  /** Oldest first, with secrets hidden. */
  lines: string[];
  /** Where to go on. */
  token: string | undefined;
}

/** What the action reads of CloudWatch Logs. Each call throws a Problem that names the permission or the group. */
export interface LogReads {
  /** The last lines of a stream. */
  tail(place: LogPosition, count: number, signal: AbortSignal): Promise<string[]>;
  /** What came since the token; from the first line without one. */
  next(place: LogPosition, token: string | undefined, signal: AbortSignal): Promise<LogPage>;
  /** Names of groups that begin like this, the shortest first. */
  groups(prefix: string, region: string, signal: AbortSignal): Promise<string[]>;
}

/** The client is loaded with the first log that is read. */
export function logReads({ region: own, ...settings }: AwsSettings): LogReads {
  const clients = new Map<string, ReturnType<typeof clientOf>>();
  const of = (region: string) => {
    const place = region || own;
    const client = clients.get(place) ?? clientOf({ ...settings, region: place });
    clients.set(place, client);
    return client;
  };
  const events = async (
    place: LogPosition,
    more: { limit?: number; nextToken?: string; startFromHead: boolean },
    signal: AbortSignal,
  ) => {
    const call = { operation: 'logs:GetLogEvents', resource: `log group ${place.group}` };
    const input = { logGroupName: place.group, logStreamName: place.stream, ...more };
    const { client, GetLogEventsCommand } = await of(place.region);
    const answer = await callAws(call, () => client.send(new GetLogEventsCommand(input), { abortSignal: signal }));
    const lines = (answer.events ?? []).map((e) => redactText((e.message ?? '').trimEnd()));
    return { lines, token: answer.nextForwardToken || undefined };
  };
  return {
    tail: async (place, limit, signal) => (await events(place, { limit, startFromHead: false }, signal)).lines,
    next: (place, token, signal) =>
      events(place, { startFromHead: true, ...(token !== undefined && { nextToken: token }) }, signal),
    async groups(prefix, region, signal) {
      const call = { operation: 'logs:DescribeLogGroups', resource: `log group ${prefix}` };
      const { client, DescribeLogGroupsCommand } = await of(region);
      const command = new DescribeLogGroupsCommand({ logGroupNamePrefix: prefix });
      const { logGroups } = await callAws(call, () => client.send(command, { abortSignal: signal }));
      return (logGroups ?? []).map((g) => g.logGroupName ?? '');
    },
  };
}

async function clientOf(settings: AwsSettings) {
  // Taken apart at once, so that the bundler sees what is used of it.
  const { CloudWatchLogsClient, DescribeLogGroupsCommand, GetLogEventsCommand } = await import(
    '@aws-sdk/client-cloudwatch-logs'
  );
  return { client: new CloudWatchLogsClient(awsConfig(settings)), DescribeLogGroupsCommand, GetLogEventsCommand };
}
