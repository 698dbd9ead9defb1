import { Problem } from '../../../lib/errors.ts';
import type { EvidenceOptions, LogPlace } from '../evidence.ts';
import { type LogPage, logReads } from '../log-reads.ts';

/** Reads a container's log while it is written. */
export interface TaskLogs {
  /** What came since the token (all without one); nothing as long as there is no such stream. */
  next(place: LogPlace, token: string | undefined): Promise<LogPage>;
}

export function awsTaskLogs({ region, signal, credentials }: EvidenceOptions): TaskLogs {
  const logs = logReads({ region, action: 'ecs-deploy', credentials });
  return {
    async next(place, token) {
      try {
        return await logs.next(place, token, signal);
      } catch (error) {
        // The stream begins with the container's first line.
        if (error instanceof Problem && error.kind === 'not-found') return { lines: [], token };
        throw error;
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
