import type { Clock } from '../../lib/clock.ts';
import { messageOf, Problem } from '../../lib/errors.ts';
import type { Message } from './limits.ts';

export interface WebhookRequest {
  method: 'POST' | 'PATCH';
  headers: Record<string, string>;
  body: string;
  redirect: 'error';
  signal: AbortSignal;
}

export interface WebhookResponse {
  ok: boolean;
  status: number;
  headers: { get(name: string): string | null };
  text(): Promise<string>;
}

/** As much of fetch as is used here, so that the runtime's own and undici's both serve. */
export type Fetch = (url: URL, init: WebhookRequest) => Promise<WebhookResponse>;

export interface WebhookPorts {
  fetch: Fetch;
  clock: Clock;
  signal: AbortSignal;
}

export interface Sent {
  messageId: string;
  /** True when an earlier message was gone and a new one was posted. */
  anew: boolean;
}

/** An address of a Discord webhook: the last part of the path is its secret token. */
const WEBHOOK = /^https?:\/\/[^/?#]+(?:\/api(?:\/v\d+)?)?\/webhooks\/(\d+)\/([\w-]+)\/?(?:\?.*)?$/;

// Codes after which the same request cannot succeed. Source: Discord developer documentation, "JSON Error Codes".
const UNKNOWN_MESSAGE = 10008;
const TOO_OLD_TO_EDIT = 30046;
const USER_AGENT = 'DiscordBot (https://github.com/slipway/slipway, 1)';

/**
 * The address with the API's version in it: without one, as people copy it, Discord answers as version 6, whose 429 counts
 * in milliseconds and whose errors have another shape (Discord developer documentation, "API Versioning").
 * @throws Problem for an address that is no Discord webhook; the address itself is a secret and not repeated.
 */
export function checkWebhook(address: string): URL {
  if (WEBHOOK.test(address)) {
    const url = new URL(address);
    url.pathname = url.pathname.replace(/^(?:\/api(?:\/v\d+)?)?\/webhooks\//, '/api/v10/webhooks/');
    return url;
  }
  throw new Problem({
    what: "input 'webhook'",
    cause: 'it is not the address of a Discord webhook (https://discord.com/api/webhooks/ID/TOKEN)',
    fix: 'Copy it again from the channel’s settings (Integrations, Webhooks) into the secret',
  });
}

interface Refusal {
  code?: number;
  message?: string;
  retry_after?: number;
  errors?: unknown;
}

/**
 * Posts the message, or edits the one with the id; a message that is gone is posted anew.
 * Waits as Discord says after a 429, and gives up when that would pass the deadline (ms since the epoch).
 * @throws Problem that never contains the webhook's token.
 */
export async function deliver(
  webhook: URL,
  message: Message,
  messageId: string,
  deadline: number,
  ports: WebhookPorts,
): Promise<Sent> {
  if (messageId !== '') {
    const edited = await call(webhook, 'PATCH', `/messages/${messageId}`, message, deadline, ports);
    if ('id' in edited) return { messageId: edited.id, anew: false };
    if (edited.refusal.code !== UNKNOWN_MESSAGE && edited.refusal.code !== TOO_OLD_TO_EDIT)
      throw refused(edited.status, edited.refusal);
  }
  const posted = await call(webhook, 'POST', '', message, deadline, ports);
  if ('id' in posted) return { messageId: posted.id, anew: messageId !== '' };
  throw refused(posted.status, posted.refusal);
}

type Answer = { id: string } | { status: number; refusal: Refusal };

async function call(
  webhook: URL,
  method: 'POST' | 'PATCH',
  path: string,
  message: Message,
  deadline: number,
  ports: WebhookPorts,
): Promise<Answer> {
  const url = new URL(webhook);
  url.pathname = url.pathname.replace(/\/$/, '') + path;
  // Without wait=true Discord answers 204 also when it did not keep the message.
  if (method === 'POST') url.searchParams.set('wait', 'true');
  const init = {
    method,
    headers: { 'content-type': 'application/json', 'user-agent': USER_AGENT },
    body: JSON.stringify(message),
  };
  for (let attempt = 1; ; attempt++) {
    const wait = await tryOnce(url, init, attempt, deadline, ports);
    if (typeof wait !== 'number') return wait;
    if (ports.clock.now() + wait >= deadline) throw gaveUp(wait);
    await ports.clock.sleep(wait, ports.signal);
  }
}

/** One request: an answer, or the milliseconds to wait before the next one. */
async function tryOnce(
  url: URL,
  init: Pick<WebhookRequest, 'method' | 'headers' | 'body'>,
  attempt: number,
  deadline: number,
  ports: WebhookPorts,
): Promise<Answer | number> {
  const backoff = Math.min(4000, 250 * 2 ** attempt) * (0.5 + Math.random() / 2);
  const left = deadline - ports.clock.now();
  if (left <= 0) throw gaveUp(0);
  let response: WebhookResponse;
  let text: string;
  try {
    response = await ports.fetch(url, {
      ...init,
      redirect: 'error',
      signal: AbortSignal.any([ports.signal, AbortSignal.timeout(left)]),
    });
    text = await response.text();
  } catch (error) {
    if (ports.signal.aborted || ports.clock.now() + backoff >= deadline) throw unreachable(error);
    return backoff;
  }
  const body = parse(text);
  if (response.ok && typeof body.id === 'string') return { id: body.id };
  if (response.status === 429) return retryAfter(response, body) ?? backoff;
  if (response.status >= 500) return backoff;
  return { status: response.status, refusal: body };
}

/** Milliseconds that Discord asks to wait; the body's figure is in seconds with decimals, the header's may be rounded. */
function retryAfter(response: WebhookResponse, body: Refusal): number | undefined {
  const seconds = body.retry_after ?? Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) ? Math.ceil(seconds * 1000) : undefined;
}

function parse(text: string): Refusal & { id?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    // Cloudflare in front of Discord answers with HTML or plain text.
    return {};
  }
}

const FIXES: Readonly<Record<number, string>> = {
  10015: 'The webhook was deleted: make a new one and store its address in the secret',
  50027: 'The token is wrong or was reset: store the address again in the secret',
  220001: 'The channel is a forum: use the webhook of a text channel, or add ?thread_id=ID to the address',
};

function refused(status: number, { code, message, errors }: Refusal): Problem {
  return new Problem({
    what: 'Discord webhook',
    cause: `Discord refused the message with status ${status}${code ? `, code ${code}` : ''}${message ? `: ${message}` : ''}${errors ? ` ${JSON.stringify(errors)}` : ''}`,
    fix:
      FIXES[code ?? 0] ??
      (status === 404 ? (FIXES[10015] ?? '') : 'Look the code up in the Discord developer documentation'),
    kind: 'service',
  });
}

function gaveUp(waitMs: number): Problem {
  return new Problem({
    what: 'Discord webhook',
    cause:
      waitMs > 0
        ? `Discord asks to wait ${(waitMs / 1000).toFixed(1)} s, longer than the time that is left`
        : 'the time for sending is over',
    fix: 'The deployment is not affected; raise `time-limit` if the message matters more than the time',
    kind: 'throttled',
  });
}

function unreachable(error: unknown): Problem {
  const cause = error instanceof Error && error.cause ? messageOf(error.cause) : messageOf(error);
  return new Problem({
    what: 'Discord webhook',
    cause: `Discord could not be reached (${cause})`,
    fix: 'The deployment is not affected; check the runner’s network',
    kind: 'network',
  });
}
