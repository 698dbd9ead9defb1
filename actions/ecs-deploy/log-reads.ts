import { type AwsSettings, callAws } from '../../lib/aws/client.ts';
import { type JsonService, jsonService } from '../../lib/aws/json-service.ts';
import { objects, textOf } from '../../lib/ecs/json.ts';
import { redactText } from './definition/redact.ts';

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

/** By the client of ECS: that of CloudWatch Logs would be one more of its size in the bundles, for two operations. */
export function logReads({ region: own, ...settings }: AwsSettings): LogReads {
  const services = new Map<string, JsonService>();
  const of = (region: string) => {
    const place = region || own;
    const made =
      services.get(place) ?? jsonService({ ...settings, service: 'logs', target: 'Logs_20140328', region: place });
    services.set(place, made);
    return made;
  };
  const events = async (place: LogPosition, more: Record<string, string | number | boolean>, signal: AbortSignal) => {
    const call = { operation: 'logs:GetLogEvents', resource: `log group ${place.group}` };
    const input = { logGroupName: place.group, logStreamName: place.stream, ...more };
    const answer = await callAws(call, () => of(place.region)('GetLogEvents', input, signal));
    const lines = objects(answer.events).map((e) => redactText(textOf(e.message).trimEnd()));
    return { lines, token: textOf(answer.nextForwardToken) || undefined };
  };
  return {
    tail: async (place, limit, signal) => (await events(place, { limit, startFromHead: false }, signal)).lines,
    next: (place, token, signal) =>
      events(place, { startFromHead: true, ...(token !== undefined && { nextToken: token }) }, signal),
    async groups(prefix, region, signal) {
      const call = { operation: 'logs:DescribeLogGroups', resource: `log group ${prefix}` };
      const answer = await callAws(call, () => of(region)('DescribeLogGroups', { logGroupNamePrefix: prefix }, signal));
      return objects(answer.logGroups).map((g) => textOf(g.logGroupName));
    },
  };
}
