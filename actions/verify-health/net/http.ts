import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Answer, Timings } from '../answer.ts';
import { ProbeFailure } from '../failure.ts';
import { shownUrl } from '../secrets.ts';
import type { Target } from '../target.ts';
import { findPlace, type Lookup, leads } from './addresses.ts';
import { classify } from './classify.ts';
import { certificateOf, dial, secure } from './dial.ts';
import type { ProxyFor } from './proxy.ts';
import { type Asked, redirected } from './redirect.ts';
import { limit, tooLate } from './within.ts';

/** Bytes of a body that are read; a health answer is small, and an endless one must not fill memory. */
export const BODY_LIMIT = 256 * 1024;
const MOST_REDIRECTS = 10;

/** What one attempt brings along, and what it learns on its way. */
export interface Attempt {
  target: Target;
  signal: AbortSignal;
  timings: Timings;
  /** Address that it was connected to. */
  address?: string | undefined;
  /** The request has a connection, new or kept. */
  connected?: boolean | undefined;
  /** What was read so far where nothing says that it is all (TCP). */
  partial?: string | undefined;
  /** Chooses one of the addresses, where instances are told apart by them. */
  choose?: ((addresses: readonly string[]) => string) | undefined;
}

/** Connections of attempts: a fresh one each, or kept between them. */
export class Dialler extends Agent {
  readonly #proxyFor: ProxyFor;
  readonly #lookup: Lookup;

  constructor(proxyFor: ProxyFor, lookup: Lookup, keep: boolean) {
    super({ keepAlive: keep, maxFreeSockets: 256 });
    this.#proxyFor = proxyFor;
    this.#lookup = lookup;
  }

  /** The agent asks for a connection when it has none to give; the request's own options say for which attempt. */
  override createConnection(options: object, done?: (error: Error | null, socket: Socket) => void): undefined {
    const { attempt, to } = options as { attempt: Attempt; to: URL };
    this.connect(attempt, to).then(
      (socket) => done?.(null, socket),
      (error) => done?.(error, undefined as never),
    );
    return undefined;
  }

  /** Which connections may serve which request; the agent's own answer knows neither scheme nor target. */
  override getName(options?: object): string {
    const { attempt, to } = options as { attempt: Attempt; to: URL };
    return `${to.origin} ${attempt.target.name}`;
  }

  proxyOf(target: Target, to: URL): URL | undefined {
    const direct =
      target.family !== 'any' ||
      target.instances?.by === 'address' ||
      target.overrides.some((override) => leads(override, to.hostname, portOf(to)));
    return direct ? undefined : this.#proxyFor(to);
  }

  /** @throws ProbeFailure, or an error of network or TLS with a code */
  async connect(attempt: Attempt, to: URL): Promise<Socket> {
    const proxy = this.proxyOf(attempt.target, to);
    if (!proxy) return this.#open(attempt, to);
    const { signal, timings, target } = attempt;
    const socket = await this.#open(attempt, to, proxy).catch((error) => {
      const failure = classify(signal.aborted ? signal.reason : error);
      throw new ProbeFailure(failure.reason, `the proxy ${proxy.host}: ${failure.cause}`, failure.final);
    });
    if (to.protocol !== 'https:') return socket;
    await tunnel(socket, proxy, to, attempt);
    return secure(socket, to.hostname, { deadlines: target.deadlines, signal, ca: target.ca, timings });
  }

  async #open(attempt: Attempt, to: URL, proxy?: URL): Promise<Socket> {
    const { target, signal, timings } = attempt;
    const { family, overrides, deadlines, ca } = target;
    const at = proxy ?? to;
    const started = performance.now();
    const found = await findPlace(at.hostname, portOf(at), {
      family: proxy ? 'any' : family,
      overrides: proxy ? [] : overrides,
      dnsMs: deadlines.dns,
      signal,
      lookup: this.#lookup,
    });
    timings.dns = performance.now() - started;
    // Where a redirect leads is no instance of the service.
    const choose = attempt.address === undefined ? attempt.choose : undefined;
    const chosen = choose?.(found.addresses.map(({ address }) => address));
    const addresses = chosen === undefined ? found.addresses : found.addresses.filter((a) => a.address === chosen);
    // Known before it is connected: what refuses is an instance, too.
    if (addresses.length === 1) attempt.address ??= addresses[0]?.address;
    const secureFor = at.protocol === 'https:' || at.protocol === 'tls:' ? at.hostname : undefined;
    const socket = await dial({ addresses, port: found.port, secureFor, ca, deadlines, signal, timings });
    attempt.address ??= socket.remoteAddress;
    return socket;
  }
}

function portOf(url: URL): number {
  return Number(url.port || (url.protocol === 'https:' || url.protocol === 'tls:' ? 443 : 80));
}

/** Asks a proxy for a way through (RFC 9110, section 9.3.6). */
async function tunnel(socket: Socket, proxy: URL, to: URL, { signal: whole, target }: Attempt): Promise<void> {
  const { signal, end } = limit(whole, target.deadlines.connect, 'way through');
  try {
    await wayThrough(socket, proxy, to, signal);
  } catch (error) {
    // Nobody else has it yet, and a proxy may keep it open for as long as it likes.
    socket.on('error', () => undefined).destroy();
    if (error instanceof ProbeFailure && error.failure.reason === 'timeout' && !whole.aborted)
      throw new ProbeFailure('timeout', `the proxy ${proxy.host}: ${error.message}`);
    throw error;
  } finally {
    end();
  }
}

function wayThrough(socket: Socket, proxy: URL, to: URL, signal: AbortSignal): Promise<void> {
  const place = `${to.hostname}:${portOf(to)}`;
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      createConnection: () => socket,
      method: 'CONNECT',
      path: place,
      headers: { host: place, ...proxyAuthorization(proxy) },
      signal,
    });
    request.on('error', (error) => reject(signal.aborted ? signal.reason : error));
    request.on('response', (response) => reject(proxyRefused(proxy, response.statusCode)));
    request.on('connect', ({ statusCode = 0 }) =>
      statusCode >= 200 && statusCode <= 299 ? resolve() : reject(proxyRefused(proxy, statusCode)),
    );
    request.end();
  });
}

function proxyRefused({ host }: URL, status: number | undefined): ProbeFailure {
  return new ProbeFailure('refused', `the proxy ${host} answered ${status} and opened no way through`, status === 407);
}

function proxyAuthorization({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** Sends the request, follows what may be followed, and reads the answer. @throws ProbeFailure, or an error of network or TLS */
export async function askHttp(attempt: Attempt, dialler: Dialler): Promise<Omit<Answer, 'ms'>> {
  const { target } = attempt;
  const visited: Asked[] = [];
  let asked: Asked = { url: new URL(target.url), method: target.method, headers: target.headers, body: target.body };
  for (;;) {
    visited.push(asked);
    const answer = await exchange(asked, attempt, dialler);
    const next = redirected(asked, answer, target);
    if (next === undefined) return { ...answer, url: asked.url.href };
    if (visited.some(({ url, method }) => url.href === next.url.href && method === next.method))
      throw circle(visited, next);
    if (visited.length > MOST_REDIRECTS)
      throw new ProbeFailure('status', `it redirects more than ${MOST_REDIRECTS} times`);
    asked = next;
  }
}

function circle(visited: readonly Asked[], next: Asked): ProbeFailure {
  const way = [...visited, next].map(({ url }) => shownUrl(url)).slice(-3);
  return new ProbeFailure('status', `redirects go in a circle: ${way.join(' → ')}`);
}

/** What writing to a connection meets that the other side has closed. */
const CLOSED: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

type Exchanged = Pick<Answer, 'status' | 'headers' | 'body' | 'truncated' | 'certificate'>;

/** One request and its answer; once more on a fresh connection where a kept one had been closed meanwhile (RFC 9112, section 9.3.1). */
async function exchange(asked: Asked, attempt: Attempt, dialler: Dialler): Promise<Exchanged> {
  for (;;) {
    const request = send(asked, attempt, dialler);
    let begun = false;
    try {
      const response = await answered(request, attempt);
      begun = true;
      const certificate = certificateOf(response.socket);
      return { ...(await read(response, attempt.signal)), certificate };
    } catch (error) {
      request.destroy();
      // An answer that had begun was cut off: that is the service's fault, and no connection that had been idle too long.
      const stale = !begun && request.reusedSocket && CLOSED.has((error as NodeJS.ErrnoException).code ?? '');
      if (!stale || (asked.method !== 'GET' && asked.method !== 'HEAD')) throw error;
    }
  }
}

function send(asked: Asked, attempt: Attempt, dialler: Dialler): ClientRequest {
  const { url, method, body } = asked;
  const proxy = url.protocol === 'http:' ? dialler.proxyOf(attempt.target, url) : undefined;
  const options = {
    agent: dialler,
    attempt,
    to: url,
    method,
    // A proxy for plain HTTP is asked for the whole address (RFC 9112, section 3.2.2).
    path: proxy ? url.href.replace(/#.*$/, '') : `${url.pathname}${url.search}`,
    headers: { ...requestHeaders(asked), ...(proxy && proxyAuthorization(proxy)) },
    setHost: false,
  };
  return httpRequest(options).end(body);
}

function requestHeaders({ url, headers, body }: Asked): Record<string, string> {
  const own = {
    host: url.host,
    'user-agent': 'slipway-verify-health',
    accept: '*/*',
    'accept-encoding': 'identity',
    'cache-control': 'no-cache',
    ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
  };
  const given = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return { ...own, ...given };
}

/** The head of the answer, within the time for its first byte. */
function answered(request: ClientRequest, attempt: Attempt): Promise<IncomingMessage> {
  const { signal, target, timings } = attempt;
  // Of a redirect's second step.
  delete timings.firstByte;
  attempt.connected = false;
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    let sentAt = performance.now();
    const done = (settle: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    const onAbort = () => done(() => reject(signal.reason));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    // The agent gives a socket when it is connected.
    request.once('socket', () => {
      attempt.connected = true;
      sentAt = performance.now();
      const ms = target.deadlines.firstByte;
      timer = setTimeout(() => done(() => reject(tooLate(ms, 'first byte of the answer'))), ms);
    });
    request.on('error', (error) => done(() => reject(error)));
    request.once('response', (response) => {
      timings.firstByte = performance.now() - sentAt;
      done(() => resolve(response));
    });
  });
}

async function read(response: IncomingMessage, signal: AbortSignal): Promise<Omit<Exchanged, 'certificate'>> {
  const chunks: Buffer[] = [];
  let size = 0;
  const onAbort = () => response.destroy(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > BODY_LIMIT) break;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  const headers = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)]));
  const body = Buffer.concat(chunks).subarray(0, BODY_LIMIT).toString('utf8');
  return { status: response.statusCode ?? 0, headers, body, ...(size > BODY_LIMIT && { truncated: true }) };
}
