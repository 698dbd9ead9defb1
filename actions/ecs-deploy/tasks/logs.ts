import { type LogPage, logReads } from '../../../lib/aws/log-reads.ts';
import { Problem } from '../../../lib/errors.ts';
import type { EvidenceOptions, LogPlace } from '../evidence.ts';

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
