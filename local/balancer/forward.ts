import { randomBytes } from 'node:crypto';
import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Target } from './target-group.ts';

export interface ForwardLimits {
  /** Without a byte for this long, the target is given up with 504 (an Application Load Balancer's idle time-out: 60 s). */
  idleMs: number;
  /** A connection that is not made by then is 504 (10 s). */
  connectMs: number;
}

export const ALB_LIMITS: ForwardLimits = { idleMs: 60_000, connectMs: 10_000 };

/** Headers that belong to one connection (RFC 9110, section 7.6.1) and are not passed on. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

/** How a request ended: the target answered it, the balancer did (502, 504), or a side broke off in the middle. */
export interface Forwarded {
  by: 'target' | 'balancer' | 'nobody';
  status: number;
}

/**
 * Passes one request to a target and its answer back, both streamed.
 *
 * A connection is used again only for GET and HEAD without a body. If the target closed it while it idled, the request is
 * sent once more on a fresh one: the target never saw it. Nothing else is sent twice.
 */
export async function forward(
  from: IncomingMessage,
  to: ServerResponse,
  target: Target,
  limits: ForwardLimits,
): Promise<Forwarded> {
  const reusable = (from.method === 'GET' || from.method === 'HEAD') && !hasBody(from);
  const first = await attempt(from, to, target, limits, reusable);
  if (first !== 'stale') return first;
  const second = await attempt(from, to, target, limits, false);
  return second === 'stale' ? { by: 'nobody', status: 0 } : second;
}

function attempt(
  from: IncomingMessage,
  to: ServerResponse,
  target: Target,
  limits: ForwardLimits,
  reusable: boolean,
): Promise<Forwarded | 'stale'> {
  return new Promise((resolve) => {
    const upstream = request({
      ...target.connect,
      method: from.method,
      path: from.url,
      headers: requestHeaders(from, reusable),
      agent: reusable ? target.agent : false,
      setHost: false,
    });
    const connecting = setTimeout(() => fail(504), limits.connectMs);
    let settled = false;
    const settle = (result: Forwarded | 'stale'): void => {
      settled = true;
      clearTimeout(connecting);
      to.off('close', onClientGone);
      resolve(result);
    };
    const fail = (status: number): void => {
      if (settled) return;
      upstream.destroy();
      if (to.headersSent) {
        to.destroy();
        settle({ by: 'nobody', status });
      } else {
        answer(to, status);
        settle({ by: 'balancer', status });
      }
    };
    const onClientGone = (): void => {
      if (to.writableFinished || settled) return;
      upstream.destroy();
      settle({ by: 'nobody', status: 0 });
    };
    to.on('close', onClientGone);
    upstream.on('socket', (socket) => {
      if (!socket.connecting) return clearTimeout(connecting);
      socket.once('connect', () => clearTimeout(connecting));
    });
    upstream.setTimeout(limits.idleMs, () => fail(504));
    upstream.on('error', (error: NodeJS.ErrnoException) => {
      if (settled) return;
      if (!to.headersSent && reusable && upstream.reusedSocket && isStale(error)) settle('stale');
      else fail(502);
    });
    upstream.on('response', (response) => passBack(response, to, settle, fail));
    send(from, upstream, reusable);
  });
}

function send(from: IncomingMessage, upstream: ClientRequest, bodyless: boolean): void {
  if (bodyless) upstream.end();
  else from.pipe(upstream);
}

function passBack(
  response: IncomingMessage,
  to: ServerResponse,
  settle: (result: Forwarded) => void,
  fail: (status: number) => void,
): void {
  const status = response.statusCode ?? 502;
  to.writeHead(status, response.statusMessage, endToEnd(response.rawHeaders));
  response.on('error', () => fail(502));
  response.on('aborted', () => fail(502));
  to.on('finish', () => settle({ by: 'target', status }));
  response.pipe(to);
}

function isStale(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ECONNRESET' || error.code === 'EPIPE';
}

function hasBody(from: IncomingMessage): boolean {
  return from.headers['transfer-encoding'] !== undefined || Number(from.headers['content-length'] ?? 0) > 0;
}

/** What the balancer adds: who asked, and a trace id. Source: "HTTP headers and Application Load Balancers". */
function requestHeaders(from: IncomingMessage, keepAlive: boolean): string[] {
  const skipped = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-port'];
  const headers = endToEnd(from.rawHeaders).filter(
    (_, i, all) => !skipped.includes((all[i - (i % 2)] ?? '').toLowerCase()),
  );
  const before = from.headers['x-forwarded-for'];
  const client = from.socket.remoteAddress ?? '127.0.0.1';
  headers.push('X-Forwarded-For', before ? `${before}, ${client}` : client);
  headers.push('X-Forwarded-Proto', 'http', 'X-Forwarded-Port', `${from.socket.localPort ?? 80}`);
  if (!from.headers['x-amzn-trace-id']) headers.push('X-Amzn-Trace-Id', traceId());
  if (from.headers['transfer-encoding']) headers.push('Transfer-Encoding', 'chunked');
  headers.push('Connection', keepAlive ? 'keep-alive' : 'close');
  return headers;
}

function traceId(): string {
  const seconds = Math.floor(Date.now() / 1000).toString(16);
  return `Root=1-${seconds}-${randomBytes(12).toString('hex')}`;
}

function endToEnd(raw: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    if (!HOP_BY_HOP.has(name.toLowerCase())) kept.push(name, raw[i + 1] ?? '');
  }
  return kept;
}

const TITLES: Record<number, string> = {
  502: '502 Bad Gateway',
  503: '503 Service Temporarily Unavailable',
  504: '504 Gateway Time-out',
};

/** The balancer's own answer, marked as such by its Server header, as at AWS. */
export function answer(to: ServerResponse, status: number): void {
  const title = TITLES[status] ?? `${status}`;
  const body = `<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`;
  to.writeHead(status, {
    Server: 'awselb/2.0',
    'Content-Type': 'text/html',
    'Content-Length': Buffer.byteLength(body),
  });
  to.end(body);
}
