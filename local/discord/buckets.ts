import type { Clock } from '../../lib/clock.ts';
import type { HttpReply } from '../http/server.ts';
import { INVALID_REQUESTS, RATE } from './limits.ts';

export interface Window {
  limit: number;
  windowMs: number;
}

export interface RateOptions {
  /** Per webhook. */
  bucket?: Window;
  /** Per IP address, or per bot token. */
  global?: Window;
  /** The undocumented limit per channel (discord-api-docs#1454), which the bucket's headers do not tell of; off unless given. */
  channel?: Window;
  invalidRequests?: Window;
}

type Scope = 'user' | 'global' | 'shared';
interface Counter {
  start: number;
  used: number;
}

export interface Buckets {
  /** Takes one request from the global limit. @returns the 429 when it is spent */
  global(key: string, version: number): HttpReply | undefined;
  /** Takes one request from a bucket. `headers` go on the answer. */
  take(
    key: string,
    channelId: string | undefined,
    version: number,
  ): { headers: Record<string, string>; refused?: HttpReply };
  /** A 429 in Discord's form. */
  refusal(scope: Scope, waitMs: number, version: number): HttpReply;
  /** Counts a 401, 403 or 429 towards the ban. */
  invalid(address: string): void;
  /** Cloudflare's answer while an address is banned. */
  banned(address: string): HttpReply | undefined;
}

const BUCKET_ID = 'b3f1c6d2a7e94f08';

/** Rate limits as rate-limits.mdx describes them, fixed windows that open with their first request. */
export function createBuckets(clock: Pick<Clock, 'now'>, options: RateOptions = {}): Buckets {
  const windows = {
    bucket: options.bucket ?? RATE.bucket,
    global: options.global ?? RATE.global,
    invalid: options.invalidRequests ?? INVALID_REQUESTS,
  };
  const counters = new Map<string, Counter>();
  const counter = (key: string, { windowMs }: Window): Counter => {
    const now = clock.now();
    let found = counters.get(key);
    if (!found || now >= found.start + windowMs) {
      found = { start: now, used: 0 };
      counters.set(key, found);
    }
    return found;
  };
  const left = (found: Counter, { windowMs }: Window): number => Math.max(1, found.start + windowMs - clock.now());
  const refusal = (scope: Scope, waitMs: number, version: number): HttpReply => {
    const seconds = Math.ceil(waitMs) / 1000;
    // Since v8 in seconds, before in milliseconds (change log of v8): the unversioned webhook URL answers the old way.
    const legacy = version < 8;
    const headers: Record<string, string> = {
      'retry-after': legacy ? String(Math.ceil(waitMs)) : String(Math.ceil(seconds)),
      'x-ratelimit-scope': scope,
    };
    if (scope === 'global') headers['x-ratelimit-global'] = 'true';
    const message = scope === 'shared' ? 'The resource is being rate limited.' : 'You are being rate limited.';
    const retryAfter = legacy ? Math.ceil(waitMs) : seconds;
    return { status: 429, headers, body: { message, retry_after: retryAfter, global: scope === 'global' } };
  };
  return {
    refusal,
    global(key, version) {
      const found = counter(`global ${key}`, windows.global);
      if (found.used >= windows.global.limit) return refusal('global', left(found, windows.global), version);
      found.used += 1;
      return undefined;
    },
    take(key, channelId, version) {
      const found = counter(`bucket ${key}`, windows.bucket);
      const refuse = found.used >= windows.bucket.limit;
      if (!refuse) found.used += 1;
      const wait = left(found, windows.bucket);
      const headers = {
        'x-ratelimit-limit': String(windows.bucket.limit),
        'x-ratelimit-remaining': String(windows.bucket.limit - found.used),
        'x-ratelimit-reset': ((clock.now() + wait) / 1000).toFixed(3),
        'x-ratelimit-reset-after': (wait / 1000).toFixed(3),
        'x-ratelimit-bucket': BUCKET_ID,
      };
      if (refuse) return { headers, refused: refusal('user', wait, version) };
      const hidden = options.channel && channelId !== undefined ? options.channel : undefined;
      if (!hidden) return { headers };
      const shared = counter(`channel ${channelId}`, hidden);
      if (shared.used >= hidden.limit) return { headers, refused: refusal('shared', left(shared, hidden), version) };
      shared.used += 1;
      return { headers };
    },
    invalid(address) {
      counter(`invalid ${address}`, windows.invalid).used += 1;
    },
    banned: (address) =>
      counter(`invalid ${address}`, windows.invalid).used >= windows.invalid.limit ? cloudflare() : undefined,
  };
}

/** What Cloudflare answers before Discord is reached: no JSON, no rate limit headers (discord-api-docs#5385). */
export function cloudflare(): HttpReply {
  return {
    status: 429,
    headers: { 'content-type': 'text/html; charset=UTF-8', server: 'cloudflare' },
    body: 'error code: 1015',
  };
}
