import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { messageOf } from '../../lib/errors.ts';

/** What a handler is given: the request, read whole. */
export interface HttpRequest {
  method: string;
  url: URL;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: Buffer;
  remoteAddress: string;
}

/** What a handler answers. A Buffer or string is sent as it is, anything else as JSON; `cut` closes the connection without an answer. */
export interface HttpReply {
  status: number;
  headers?: Record<string, string | string[]>;
  body?: unknown;
  cut?: boolean;
}

export interface Listening {
  /** http://127.0.0.1:PORT, without a trailing slash. */
  url: string;
  port: number;
  server: Server;
  close(): Promise<void>;
}

export interface ListenOptions {
  handle(request: HttpRequest): Promise<HttpReply>;
  /** Answers a request by itself (event streams); true when it did. */
  stream?(request: IncomingMessage, response: ServerResponse): boolean;
  /** 0 (the default) takes a free port. */
  port?: number;
  /** Bytes a body may have; above it `tooLarge` answers. */
  maxBody?: number;
  tooLarge?(): HttpReply;
}

/** Serves HTTP on loopback. Closing ends open connections too, so that a test or the demo leaves nothing behind. */
export async function listen(options: ListenOptions): Promise<Listening> {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    if (options.stream?.(request, response)) return;
    answer(options, request).then(
      (reply) => write(response, reply, request.method === 'HEAD'),
      (error: unknown) => write(response, { status: 500, body: { message: `stand-in failed: ${messageOf(error)}` } }),
    );
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.keepAliveTimeout = 5_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

async function answer(options: ListenOptions, raw: IncomingMessage): Promise<HttpReply> {
  const body = await readBody(raw, options.maxBody ?? 32 * 1024 * 1024);
  if (body === undefined) return options.tooLarge?.() ?? { status: 413, body: { message: 'Payload Too Large' } };
  const url = new URL(raw.url ?? '/', 'http://127.0.0.1');
  return options.handle({
    method: raw.method ?? 'GET',
    url,
    path: url.pathname,
    query: url.searchParams,
    headers: raw.headers,
    body,
    remoteAddress: raw.socket.remoteAddress ?? '',
  });
}

async function readBody(raw: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of raw) {
    size += (chunk as Buffer).length;
    if (size <= limit) chunks.push(chunk as Buffer);
  }
  return size > limit ? undefined : Buffer.concat(chunks);
}

function write(response: ServerResponse, reply: HttpReply, headOnly = false): void {
  if (response.destroyed) return;
  if (reply.cut) {
    response.socket?.destroy();
    return;
  }
  const headers: Record<string, string | string[]> = { ...reply.headers };
  let body: Buffer | undefined;
  if (Buffer.isBuffer(reply.body)) body = reply.body;
  else if (typeof reply.body === 'string') body = Buffer.from(reply.body);
  else if (reply.body !== undefined) {
    body = Buffer.from(JSON.stringify(reply.body));
    headers['content-type'] ??= 'application/json; charset=utf-8';
  }
  if (body) headers['content-length'] = String(body.length);
  else if (reply.status !== 204) headers['content-length'] = '0';
  response.writeHead(reply.status, headers);
  response.end(headOnly ? undefined : body);
}
