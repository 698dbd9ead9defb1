import { awsConfig, callAws } from '../../../lib/aws/client.ts';
import { Problem } from '../../../lib/errors.ts';
import { redactText } from '../definition/redact.ts';
import type { EvidenceOptions, LogPlace } from '../evidence.ts';

export interface LogPage {
  /** Oldest first, with secrets hidden. */
  lines: string[];
  /** Where to go on. */
  token: string | undefined;
}

/** Reads a container's log while it is written. */
export interface TaskLogs {
  /** What came since the token (all without one); nothing as long as there is no such stream. */
  next(place: LogPlace, token: string | undefined): Promise<LogPage>;
}

export function awsTaskLogs({ region, signal, credentials }: EvidenceOptions): TaskLogs {
  return {
    async next(place, token) {
      const { CloudWatchLogsClient, GetLogEventsCommand } = await import('@aws-sdk/client-cloudwatch-logs');
      const client = new CloudWatchLogsClient(
        awsConfig({ region: place.region || region, action: 'ecs-deploy', credentials }),
      );
      const command = new GetLogEventsCommand({
        logGroupName: place.group,
        logStreamName: place.stream,
        startFromHead: true,
        ...(token !== undefined && { nextToken: token }),
      });
      const call = { operation: 'logs:GetLogEvents', resource: `log group ${place.group}` };
      try {
        const { events, nextForwardToken } = await callAws(call, () => client.send(command, { abortSignal: signal }));
        return { lines: (events ?? []).map((e) => redactText((e.message ?? '').trimEnd())), token: nextForwardToken };
      } catch (error) {
        // The stream begins with the container's first line.
        if (error instanceof Problem && error.kind === 'not-found') return { lines: [], token };
        throw error;
      } finally {
        client.destroy();
      }
    },
  };
}

/**
 * A line of a container's log as it may stand in a job's log: no control characters, and nothing that the runner would take
 * for a command of ours. Commands in the `##[` form are found anywhere in a line.
 */
export function printable(line: string): string {
  return line
    .replace(/\p{Cc}\[[0-9;]*[A-Za-z]/gu, '')
    .replace(/\p{Cc}/gu, ' ')
    .replaceAll('##[', '## [');
}
