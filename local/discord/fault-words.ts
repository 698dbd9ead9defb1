import type { FaultWords } from '../http/faults.ts';
import type { HttpReply } from '../http/server.ts';
import { type Buckets, cloudflare } from './buckets.ts';
import { DiscordFault } from './errors.ts';

const THROTTLE_MS = 500;
const SHARED_MS = 2_000;

/**
 * Discord's words for the faults it is told to have. `error` takes a JSON error code ("30046"), "shared" (a 429 of the channel's
 * hidden limit), "global" (a 429 of the global one) or "cloudflare" (a 429 that Discord never saw).
 */
export function faultWords(buckets: Buckets, version: number): FaultWords {
  return {
    throttle: () => buckets.refusal('user', THROTTLE_MS, version),
    denied: () => new DiscordFault(403, 50_013, 'Missing Permissions').reply(version),
    failure: (status, code, message): HttpReply => {
      if (code === 'cloudflare') return cloudflare();
      if (code === 'shared') return buckets.refusal('shared', SHARED_MS, version);
      if (code === 'global') return buckets.refusal('global', THROTTLE_MS, version);
      if (code !== undefined && /^\d+$/.test(code))
        return new DiscordFault(status, Number(code), message ?? '').reply(version);
      // Between Cloudflare and Discord: an HTML page, not JSON.
      const headers = { 'content-type': 'text/html; charset=UTF-8', server: 'cloudflare' };
      return {
        status,
        headers,
        body: `<html><head><title>${status}</title></head><body>${message ?? 'error'}</body></html>`,
      };
    },
  };
}
