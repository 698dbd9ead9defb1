import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';

export interface Call {
  method: string;
  path: string;
  authorization: string | undefined;
  body: Record<string, unknown>;
}

/** A small Discord: enough REST and gateway for discord.js to connect, register commands and answer interactions. */
export class FakeDiscord {
  readonly calls: Call[] = [];
  // Not "bot-…": discord.js takes a leading "Bot" for a prefix and cuts it off.
  readonly token = 'test-token-of-the-bot';
  #server = createServer(async (request, response) => {
    const [status, body] = await this.#answer(request);
    if (body) response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    else response.writeHead(status).end();
  });
  #gateway = new WebSocketServer({ server: this.#server });
  #sockets = new Set<WebSocket>();
  #sequence = 0;
  #ids = 0;

  async start(): Promise<string> {
    this.#gateway.on('connection', (socket) => this.#serve(socket));
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `${this.#address('http')}/api`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.terminate();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #address(protocol: 'http' | 'ws'): string {
    return `${protocol}://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  async #answer(request: IncomingMessage): Promise<[number, unknown?]> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const path = (request.url ?? '').replace(/\?.*$/, '').replace(/^\/api\/v10/, '');
    const { method = '' } = request;
    const { authorization } = request.headers;
    this.calls.push({ method, path, authorization, body: text ? JSON.parse(text) : {} });
    if (path === '/gateway/bot') {
      if (authorization !== `Bot ${this.token}`) return [401, { message: '401: Unauthorized', code: 0 }];
      const session_start_limit = { total: 10, remaining: 10, reset_after: 0, max_concurrency: 1 };
      return [200, { url: this.#address('ws'), shards: 1, session_start_limit }];
    }
    if (method === 'PUT' && path.endsWith('/commands')) return [200, []];
    if (path.endsWith('/callback')) return [204];
    if (path.startsWith('/webhooks/')) return [200, { id: '1', channel_id: '2', content: '', author: { id: '9' } }];
    return [404, { message: 'Unknown', code: 0 }];
  }

  #serve(socket: WebSocket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('message', (data) => {
      const { op } = JSON.parse(String(data));
      if (op === 1) socket.send(JSON.stringify({ op: 11 }));
      if (op === 2) this.#dispatch(socket, 'READY', this.#ready());
    });
    socket.send(JSON.stringify({ op: 10, d: { heartbeat_interval: 1_000 } }));
  }

  #ready() {
    return {
      v: 10,
      user: { id: '900000000000000001', username: 'sample', discriminator: '0', avatar: null, bot: true },
      guilds: [],
      session_id: 'session',
      resume_gateway_url: this.#address('ws'),
      application: { id: '900000000000000002', flags: 0 },
    };
  }

  #dispatch(socket: WebSocket, type: string, data: unknown): void {
    socket.send(JSON.stringify({ op: 0, s: ++this.#sequence, t: type, d: data }));
  }

  /** A member with these roles sends a slash command. @returns the interaction's id. */
  command(name: string, options: Record<string, string> = {}, roles: string[] = []): string {
    const id = String(910_000_000_000_000_000n + BigInt(++this.#ids));
    const user = { id: '900000000000000003', username: 'ada', discriminator: '0', avatar: null };
    const interaction = {
      id,
      application_id: '900000000000000002',
      type: 2,
      token: `interaction-${id}`,
      version: 1,
      guild_id: '900000000000000004',
      channel_id: '900000000000000005',
      channel: { id: '900000000000000005', type: 0 },
      member: {
        user,
        roles,
        permissions: '0',
        joined_at: new Date().toISOString(),
        deaf: false,
        mute: false,
        flags: 0,
      },
      entitlements: [],
      authorizing_integration_owners: {},
      locale: 'en-GB',
      data: {
        id: '900000000000000006',
        name,
        type: 1,
        options: Object.entries(options).map(([key, value]) => ({ name: key, type: 3, value })),
      },
    };
    for (const socket of this.#sockets) this.#dispatch(socket, 'INTERACTION_CREATE', interaction);
    return id;
  }

  /** Waits for a call that fits. @throws Error with the calls seen when none comes within `ms`. */
  async waitFor(fits: (call: Call) => boolean, ms = 5_000): Promise<Call> {
    const end = Date.now() + ms;
    while (Date.now() < end) {
      const found = this.calls.find(fits);
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`no such call among ${JSON.stringify(this.calls.map(({ method, path }) => `${method} ${path}`))}`);
  }
}
