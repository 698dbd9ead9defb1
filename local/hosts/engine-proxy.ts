import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../../lib/errors.ts';
import { type HostScope, scopeContainer, scopedName, scopeFilters, unscope } from './scope.ts';

export interface EngineProxyDeps {
  scope: HostScope;
  /** The socket of the machine's engine. */
  engineSocket: string;
  /** Where the host's own socket is made. */
  listenOn: string;
  /** Called after a request that may have changed a container. */
  changed(): void;
  /** Whether the host's disk is full: then nothing can be pulled. */
  diskFull(): boolean;
}

/** As Docker reports it in the stream of a pull, whose status was sent before. */
const NO_SPACE = 'failed to register layer: write /usr/share/layer: no space left on device';

/** How a request is passed on: where to, and what is changed of its body and of the answer's. */
interface Route {
  path: string;
  body?(json: Record<string, unknown>): Record<string, unknown>;
  reply?(json: unknown): unknown;
}

/** The engine's API as one host sees it. Source: Docker Engine API v1.41. */
export async function createEngineProxy(deps: EngineProxyDeps): Promise<{ close(): Promise<void> }> {
  const open = new Set<Duplex>();
  const server = createServer((incoming, outgoing) => {
    if (incoming.method !== 'GET' && incoming.method !== 'HEAD') outgoing.on('finish', () => deps.changed());
    serve(deps, incoming, outgoing).catch((error: unknown) => {
      if (outgoing.headersSent) outgoing.destroy();
      else refuse(outgoing, 500, messageOf(error));
    });
  });
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  // Attaching and exec turn the connection into a raw stream.
  server.on('upgrade', (incoming, socket, head) => upgrade(deps, incoming, socket, head));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(deps.listenOn, resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

async function serve(deps: EngineProxyDeps, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const url = new URL(incoming.url ?? '/', 'http://engine');
  const refused = refusalOf(incoming.method ?? 'GET', url);
  if (refused !== undefined) return refuse(outgoing, 403, refused);
  if (deps.diskFull() && incoming.method === 'POST' && /\/images\/create$/.test(url.pathname)) {
    incoming.resume();
    outgoing.writeHead(200, { 'content-type': 'application/json' });
    outgoing.end(`${JSON.stringify({ errorDetail: { message: NO_SPACE }, error: NO_SPACE })}\n`);
    return;
  }
  const route = routeOf(deps, incoming.method ?? 'GET', url);
  const headers = { ...incoming.headers };
  let body: Buffer | undefined;
  if (route.body) {
    body = Buffer.from(JSON.stringify(route.body(JSON.parse((await whole(incoming)).toString('utf8') || '{}'))));
    delete headers['transfer-encoding'];
    headers['content-length'] = String(body.length);
  }
  const reply = await new Promise<IncomingMessage>((resolve, reject) => {
    const onward = request(
      { socketPath: deps.engineSocket, method: incoming.method, path: route.path, headers },
      resolve,
    );
    onward.on('error', reject);
    // The client going away ends what it asked for: following logs, waiting.
    outgoing.on('close', () => onward.destroy());
    if (body === undefined) pipeline(incoming, onward).catch(reject);
    else onward.end(body);
  });
  if ((reply.statusCode ?? 0) >= 400) {
    // The engine's complaint names the container as it knows it.
    const words = Buffer.from((await whole(reply)).toString('utf8').replaceAll(deps.scope.prefix, ''));
    const { 'transfer-encoding': _chunked, ...rest } = reply.headers;
    outgoing.writeHead(reply.statusCode ?? 502, { ...rest, 'content-length': String(words.length) });
    outgoing.end(words);
    return;
  }
  if (!route.reply || reply.statusCode !== 200) {
    outgoing.writeHead(reply.statusCode ?? 502, reply.headers);
    outgoing.flushHeaders();
    await pipeline(reply, outgoing).catch(() => outgoing.destroy());
    return;
  }
  const changed = Buffer.from(JSON.stringify(route.reply(JSON.parse((await whole(reply)).toString('utf8')))));
  const { 'transfer-encoding': _chunked, ...rest } = reply.headers;
  outgoing.writeHead(200, { ...rest, 'content-length': String(changed.length) });
  outgoing.end(changed);
}

/** What would reach beyond this host. */
function refusalOf(method: string, url: URL): string | undefined {
  if (method !== 'POST' || !/\/(images|volumes|build)\/prune$/.test(url.pathname)) return undefined;
  return 'pruning images and volumes is refused on a local host: its engine is shared with this machine';
}

function routeOf(deps: EngineProxyDeps, method: string, url: URL): Route {
  const { scope } = deps;
  const [, version = '', kind = '', name = '', rest = ''] =
    /^(\/v[\d.]+)?\/([^/]+)(?:\/([^/]+))?(\/.*)?$/.exec(url.pathname) ?? [];
  const query = new URLSearchParams(url.search);
  const path = (pathname = url.pathname) => (query.size > 0 ? `${pathname}?${query}` : pathname);
  const own = () => query.set('filters', scopeFilters(scope, query.get('filters')));
  const one = (value: unknown) => unscope(scope, value as Record<string, unknown>);
  const all = (value: unknown) => (value as Record<string, unknown>[]).map((v) => unscope(scope, v));
  if (kind === 'events') {
    own();
    return { path: path() };
  }
  if (kind !== 'containers' && kind !== 'networks' && kind !== 'volumes') return { path: path() };
  if (name === 'prune' || (name === 'json' && kind === 'containers') || (name === '' && method === 'GET')) {
    own();
    const isList = name !== 'prune' && kind !== 'volumes';
    return { path: path(), ...(isList ? { reply: all } : {}) };
  }
  if (name === 'create') {
    if (kind === 'containers') {
      query.set('name', scopedName(scope, query.get('name') || `unnamed-${randomBytes(4).toString('hex')}`));
      return { path: path(), body: (json) => scopeContainer(scope, json) };
    }
    return { path: path(), body: (json) => scopeNamed(scope, json) };
  }
  if (query.has('name')) query.set('name', scopedName(scope, query.get('name') ?? ''));
  const builtIn = kind === 'networks' && ['bridge', 'host', 'none'].includes(name);
  const target = builtIn ? name : scopedName(scope, decodeURIComponent(name));
  const inspects = method === 'GET' && (rest === '/json' || (rest === '' && kind === 'networks'));
  const connects = kind === 'networks' && (rest === '/connect' || rest === '/disconnect');
  return {
    path: path(`${version}/${kind}/${encodeURIComponent(target)}${rest}`),
    ...(inspects ? { reply: one } : {}),
    ...(connects ? { body: (json) => ({ ...json, Container: scopedName(scope, String(json.Container)) }) } : {}),
  };
}

/** A network or volume to be made. */
function scopeNamed(scope: HostScope, json: Record<string, unknown>): Record<string, unknown> {
  const name = typeof json.Name === 'string' && json.Name !== '' ? { Name: scopedName(scope, json.Name) } : {};
  return { ...json, ...name, Labels: { ...(json.Labels as object | undefined), ...scope.labels } };
}

function upgrade(deps: EngineProxyDeps, incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { path } = routeOf(deps, incoming.method ?? 'POST', new URL(incoming.url ?? '/', 'http://engine'));
  const onward = request({ socketPath: deps.engineSocket, method: incoming.method, path, headers: incoming.headers });
  const fail = () => socket.destroy();
  socket.on('error', () => onward.destroy());
  onward.on('error', fail);
  onward.on('upgrade', (reply, engine, first) => {
    socket.write(`${statusLine(reply)}\r\n\r\n`);
    if (first.length > 0) socket.write(first);
    if (head.length > 0) engine.write(head);
    engine.on('error', fail);
    engine.pipe(socket);
    socket.pipe(engine);
  });
  onward.on('response', (reply) => {
    socket.write(`${statusLine(reply)}\r\n\r\n`);
    reply.pipe(socket);
  });
  // The body of an upgrading request (exec start has one) comes before the raw stream.
  const length = Number(incoming.headers['content-length'] ?? 0);
  collect(socket, head, length).then(
    ({ body, rest }) => {
      head = rest;
      onward.end(body);
    },
    () => onward.destroy(),
  );
}

async function collect(socket: Duplex, head: Buffer, length: number): Promise<{ body: Buffer; rest: Buffer }> {
  let seen = head;
  while (seen.length < length) {
    const chunk = (socket.read() as Buffer | null) ?? (await readable(socket));
    if (chunk) seen = Buffer.concat([seen, chunk]);
  }
  return { body: seen.subarray(0, length), rest: seen.subarray(length) };
}

function readable(socket: Duplex): Promise<null> {
  return new Promise((resolve, reject) => {
    socket.once('readable', () => resolve(null));
    socket.once('close', () => reject(new Error('the client went away')));
  });
}

function statusLine(reply: IncomingMessage): string {
  const headers = reply.rawHeaders.reduce<string[]>((lines, text, i) => {
    if (i % 2 === 0) lines.push(text);
    else lines[lines.length - 1] += `: ${text}`;
    return lines;
  }, []);
  return [`HTTP/1.1 ${reply.statusCode} ${reply.statusMessage}`, ...headers].join('\r\n');
}

async function whole(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function refuse(outgoing: ServerResponse, status: number, message: string): void {
  outgoing.writeHead(status, { 'content-type': 'application/json' });
  outgoing.end(JSON.stringify({ message }));
}
