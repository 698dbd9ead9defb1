import type { Clock } from '../../lib/clock.ts';
import { GithubFault } from './errors.ts';

export interface Spent {
  headers: Record<string, string>;
  refused?: GithubFault;
}

const HOUR = 3_600_000;

/** The primary rate limit: requests an hour per token, REST and GraphQL apart. Source: "Rate limits for the REST API". */
export function createQuota(
  clock: Pick<Clock, 'now'>,
  limit: number,
): { spend(token: string, resource: string): Spent } {
  const windows = new Map<string, { start: number; used: number }>();
  return {
    spend(token, resource) {
      const key = `${resource} ${token}`;
      const now = clock.now();
      let window = windows.get(key);
      if (!window || now >= window.start + HOUR) {
        window = { start: now, used: 0 };
        windows.set(key, window);
      }
      const over = window.used >= limit;
      if (!over) window.used += 1;
      const headers = {
        'x-ratelimit-limit': String(limit),
        'x-ratelimit-remaining': String(limit - window.used),
        'x-ratelimit-used': String(window.used),
        'x-ratelimit-reset': String(Math.ceil((window.start + HOUR) / 1000)),
        'x-ratelimit-resource': resource,
      };
      return over
        ? { headers, refused: new GithubFault(403, 'API rate limit exceeded for installation.') }
        : { headers };
    },
  };
}
