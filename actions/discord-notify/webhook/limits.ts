/** What Discord has said about how soon the next request may come. */
export interface Gate {
  /** When the next request may be sent, in milliseconds since the epoch. */
  openAt: number;
  /** How often in a row it was found closed, which tells how many others want through. */
  refused: number;
}

export function openGate(): Gate {
  return { openAt: 0, refused: 0 };
}

/** The gates of one webhook: its own bucket, and the one that all requests from this machine share. */
export interface Gates {
  bucket: Gate;
  global: Gate;
}

export function openAt({ bucket, global }: Gates): number {
  return Math.max(bucket.openAt, global.openAt);
}

export interface Headers {
  get(name: string): string | null;
}

/**
 * Closes the gates as an answer says, before a request would be refused. Source: Discord developer documentation, "Rate Limits":
 * the figures are read, never known beforehand.
 * @returns whether more of the limit is spent than this answer alone would have taken
 */
export function heed({ bucket }: Gates, headers: Headers, now: number): boolean {
  const said = (name: string) => Number(headers.get(`x-ratelimit-${name}`) ?? Number.NaN);
  const [left, after] = [said('remaining'), said('reset-after')];
  if (left === 0 && Number.isFinite(after)) bucket.openAt = Math.max(bucket.openAt, now + after * 1000);
  return left < said('limit') - 1;
}

/** How long a 429 says to wait, in milliseconds; undefined when it is not Discord that says it. */
export function waitOf(headers: Headers, body: unknown): number | undefined {
  const { retry_after: said } = (typeof body === 'object' && body !== null ? body : {}) as { retry_after?: unknown };
  // The body has decimals, the header may be rounded.
  if (typeof said === 'number' && said >= 0) return Math.ceil(said * 1000);
  const header = headers.get('retry-after');
  const seconds = Number(header ?? Number.NaN);
  return header !== null && Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds * 1000) : undefined;
}

/** The gate that a 429 is about. */
export function gateOf({ bucket, global }: Gates, headers: Headers, body: unknown): Gate {
  const { global: everywhere } = (typeof body === 'object' && body !== null ? body : {}) as { global?: unknown };
  return everywhere === true || headers.get('x-ratelimit-global') !== null ? global : bucket;
}

/** For a crowd that spent a limit at once. */
const SPREAD_MS = 16_000;
/** After the wait there is something to send. */
const SPREAD_SHARE = 0.75;
/** The first part of it is for what must be told: the others then find it there and have nothing more to send. */
const URGENT_SHARE = 0.25;

/**
 * Added to what a 429 asks for, so that those refused together do not return together: a throw of the dice over a time that is twice
 * as long each time.
 * @param refused how often in a row, this time included
 * @param waitMs what the 429 asks for
 * @param leftMs what will be left of the time then
 * @returns milliseconds
 */
export function spreadOf(refused: number, waitMs: number, passing: boolean, leftMs: number, random: number): number {
  const most = Math.min(SPREAD_MS * crowd(waitMs) * 2 ** (refused - 1), leftMs * SPREAD_SHARE);
  return Math.ceil(most * (passing ? URGENT_SHARE + (1 - URGENT_SHARE) * random : URGENT_SHARE * random));
}

/**
 * How many others there may be, from 0.1 to 1. Windows are seen to last whole seconds, so that what is left of one tells how soon it
 * was spent: within a tenth of a second by many at once, after most of a second by few.
 */
function crowd(waitMs: number): number {
  const sinceMs = Math.ceil(waitMs / 1000) * 1000 - waitMs;
  return Math.min(1, Math.max(0.1, Math.log10(1000 / Math.max(1, sinceMs))));
}
