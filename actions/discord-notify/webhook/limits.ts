/** What Discord has said about how soon the next request may come. */
export interface Gate {
  /** When the next request may be sent, in milliseconds since the epoch. */
  openAt: number;
}

/** The gates of one webhook: its own bucket, and the one that all requests from this machine share. */
export interface Gates {
  bucket: Gate;
  global: Gate;
}

export function openAt({ bucket, global }: Gates): number {
  return Math.max(bucket.openAt, global.openAt);
}

interface Headers {
  get(name: string): string | null;
}

/**
 * Closes the gates as an answer says, before a request would be refused. Source: Discord developer documentation, "Rate Limits":
 * the figures are read, never known beforehand.
 */
export function heed(gates: Gates, headers: Headers, now: number): void {
  const left = Number(headers.get('x-ratelimit-remaining') ?? Number.NaN);
  const after = Number(headers.get('x-ratelimit-reset-after') ?? Number.NaN);
  if (left === 0 && Number.isFinite(after)) gates.bucket.openAt = Math.max(gates.bucket.openAt, now + after * 1000);
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

/** Closes the gate that a 429 is about. */
export function heedRefusal(gates: Gates, headers: Headers, body: unknown, until: number): void {
  const { global } = (typeof body === 'object' && body !== null ? body : {}) as { global?: unknown };
  const everywhere = global === true || headers.get('x-ratelimit-global') !== null;
  const gate = everywhere ? gates.global : gates.bucket;
  gate.openAt = Math.max(gate.openAt, until);
}
