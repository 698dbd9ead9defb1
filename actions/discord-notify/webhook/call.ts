import type { Clock } from '../../../lib/clock.ts';
import { cancelled, messageOf } from '../../../lib/errors.ts';
import type { Webhook } from './address.ts';
import { type Fetch, textOf, type WebhookResponse } from './http.ts';
import { type Gates, gateOf, type Headers, heed, openAt, spreadOf, waitOf } from './limits.ts';
import {
  blockedByCloudflare,
  crowdedOut,
  gaveUp,
  notUnderstood,
  type Refusal,
  refusalOf,
  unavailable,
  unreachable,
} from './refusal.ts';

export interface WebhookPorts {
  fetch: Fetch;
  clock: Clock;
  signal: AbortSignal;
  /** A number from 0 to 1, so that many who wait do not come back all at once. */
  random(): number;
}

/** One webhook being written to: what it has asked for, and until when there is time. */
export interface Line {
  webhook: Webhook;
  gates: Gates;
  /** When to give up, in milliseconds since the epoch. */
  deadline: number;
  ports: WebhookPorts;
}

export interface Request {
  method: 'GET' | 'POST' | 'PATCH';
  /** Below the webhook: '' or /messages/ID. */
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer>;
  /** Whether something newer will take its place: among many who wait it lets the others go first. */
  passing?: boolean;
}

/** What came of a request; `stale` when it was not wanted any more after a wait. */
export type Answer = Settled | 'stale';

/** `crowded`: others used the limit as well. */
type Settled = { body: Record<string, unknown>; crowded: boolean } | { refusal: Refusal };

const USER_AGENT = 'DiscordBot (https://github.com/slipway/slipway, 1)';
const FIRST_BACKOFF_MS = 250;
const LONGEST_BACKOFF_MS = 4_000;
/** Refused so often in a row, it is part of what keeps the limit spent. */
const MOST_REFUSALS = 6;
/** One attempt may take so much of the time: a stuck connection must leave some for another. */
const ATTEMPT_SHARE = 0.6;
const LEAST_ATTEMPT_MS = 1_000;

/** Try again after so many milliseconds, and if there is no time, end with this. */
class Again {
  readonly waitMs: number | undefined;
  readonly reason: Error;
  /** Whether it may have been done all the same. */
  readonly lost: boolean;

  constructor(waitMs: number | undefined, reason: Error, lost = false) {
    this.waitMs = waitMs;
    this.reason = reason;
    this.lost = lost;
  }
}

/**
 * Sends a request until Discord has answered it for good. Waits as told, before a limit is hit where its headers tell, and gives up
 * as soon as the next attempt would come after the deadline.
 * @param stale asked after each wait for a rate limit, where somebody else may have written meanwhile
 * @throws Problem that never contains the webhook's token
 */
export async function call(line: Line, request: Request, stale?: () => Promise<boolean>): Promise<Answer> {
  const { ports, deadline } = line;
  let lost = 0;
  let reason: Error = gaveUp(0);
  for (let n = 1; ; n++) {
    // Asking whether it is stale may spend the last of the limit; then there is a wait again, and the answer is old.
    while (await waitForGates(line)) if (await stale?.()) return 'stale';
    const left = deadline - ports.clock.now();
    if (left <= 0) throw reason;
    const answer = await attempt(line, request, left);
    if (!(answer instanceof Again)) return answer;
    ({ reason } = answer);
    if (answer.lost) lost += 1;
    // A post whose answer was lost may be there: it is sent once more, since a message twice is better than none, and no oftener.
    if (request.method === 'POST' && lost > 1) throw reason;
    const wait = answer.waitMs ?? backoff(n, ports.random());
    if (ports.clock.now() + wait >= deadline) throw reason;
    if (wait > 0) await ports.clock.sleep(wait, ports.signal);
  }
}

/** @returns whether there was anything to wait for */
async function waitForGates({ gates, ports, deadline }: Line): Promise<boolean> {
  let waited = false;
  // A timer may ring a little early.
  for (;;) {
    const until = openAt(gates);
    const pause = until - ports.clock.now();
    if (pause <= 0) return waited;
    if (until >= deadline) throw gaveUp(pause);
    await ports.clock.sleep(pause, ports.signal);
    waited = true;
  }
}

function backoff(n: number, random: number): number {
  return Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** n) * (0.5 + random / 2);
}

async function attempt(line: Line, request: Request, left: number): Promise<Settled | Again> {
  const { ports } = line;
  let response: WebhookResponse;
  let text: string;
  try {
    response = await ports.fetch(addressOf(line.webhook, request), {
      method: request.method,
      headers: { ...request.headers, 'user-agent': USER_AGENT },
      ...(request.body !== undefined && { body: request.body }),
      // Discord's API sends nobody on; whoever does would get the token.
      redirect: 'manual',
      signal: AbortSignal.any([ports.signal, AbortSignal.timeout(Math.ceil(patience(left)))]),
    });
    text = await textOf(response);
  } catch (error) {
    if (ports.signal.aborted) throw cancelled('Discord webhook');
    return failedToSend(error, line.webhook);
  }
  return judge(line, request, response, text);
}

function patience(left: number): number {
  return Math.min(left, Math.max(LEAST_ATTEMPT_MS, left * ATTEMPT_SHARE));
}

function judge(line: Line, request: Request, response: WebhookResponse, text: string): Settled | Again {
  const { gates, ports } = line;
  const { status, headers, ok } = response;
  const body = parsed(text);
  const crowded = heed(gates, headers, ports.clock.now());
  if (status === 429) return limited(line, request, headers, body);
  gates.bucket.refused = 0;
  gates.global.refused = 0;
  if (ok && (body || status === 204)) return { body: body ?? {}, crowded };
  if (status < 400) throw notUnderstood(status);
  if (status >= 500) return new Again(undefined, unavailable(status), LOST.has(status));
  return { refusal: refusalOf(status, body) };
}

function limited({ gates, ports, deadline }: Line, { passing }: Request, headers: Headers, body: unknown): Again {
  const wait = waitOf(headers, body);
  if (wait === undefined) throw blockedByCloudflare();
  const now = ports.clock.now();
  const open = now + wait;
  if (open >= deadline) throw gaveUp(wait);
  const gate = gateOf(gates, headers, body);
  gate.refused += 1;
  // What a newer story will replace is not worth the last of the time.
  const hopeless = passing && gate.refused > 1 && deadline - open < 3 * wait;
  if (hopeless || gate.refused >= MOST_REFUSALS) throw crowdedOut(gate.refused);
  gate.openAt = open + spreadOf(gate.refused, wait, passing ?? false, deadline - open, ports.random());
  return new Again(0, gaveUp(wait));
}

/** Codes of failures before anything was sent. */
const NOT_SENT = /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;

/** Gateways that had no answer from behind: 504, and Cloudflare's "unknown error" and "a timeout occurred". */
const LOST: ReadonlySet<number> = new Set([504, 520, 524]);

function failedToSend(error: unknown, { token }: Webhook): Again {
  const cause = error instanceof Error && error.cause ? error.cause : error;
  const code = (cause as { code?: unknown } | undefined)?.code;
  const why = timedOut(error) ? 'it did not answer in time' : messageOf(cause).replaceAll(token, '***');
  return new Again(undefined, unreachable(why), !NOT_SENT.test(String(code)));
}

function timedOut(error: unknown): boolean {
  return (error as { name?: unknown } | undefined)?.name === 'TimeoutError';
}

function addressOf(webhook: Webhook, { path, query }: Request): URL {
  const url = new URL(webhook.url);
  url.pathname += path;
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    // Cloudflare in front of Discord answers with HTML or plain text.
    return undefined;
  }
}
