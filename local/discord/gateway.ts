import { randomBytes } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { botUser } from './applications.ts';
import type { Json } from './checks.ts';
import { guildJson } from './render.ts';
import type { Application, DiscordState } from './state.ts';

/** Source: developers/topics/opcodes-and-status-codes.mdx. */
const OP = {
  dispatch: 0,
  heartbeat: 1,
  identify: 2,
  presence: 3,
  resume: 6,
  reconnect: 7,
  invalidSession: 9,
  hello: 10,
  ack: 11,
};
const CLOSE = {
  unknownOpcode: 4001,
  decode: 4002,
  notAuthenticated: 4003,
  badToken: 4004,
  already: 4005,
  badSequence: 4007,
  badVersion: 4012,
  badIntents: 4013,
};
const IGNORED: readonly number[] = [OP.presence, 4, 8, 31, 43];
const HEARTBEAT_MS = 41_250;
const INTENT_GUILDS = 1;
const INTENTS_ALL = (1 << 26) - 1;

interface Session {
  id: string;
  application: Application;
  sequence: number;
  /** Events that a resume replays. */
  events: { s: number; t: string; d: unknown }[];
  socket: WebSocket | undefined;
}

export interface GatewayOptions {
  /** Milliseconds between heartbeats. */
  heartbeatMs?: number;
  url(): string;
  onChange?(): void;
}

/** The gateway as far as a bot with slash commands needs it: hello, heartbeat, identify, ready, guild, resume. JSON only. */
export class Gateway {
  readonly #sessions = new Map<string, Session>();
  readonly #sockets = new WebSocketServer({ noServer: true });
  readonly #state: DiscordState;
  readonly #options: GatewayOptions;

  constructor(server: Server, state: DiscordState, options: GatewayOptions) {
    this.#state = state;
    this.#options = options;
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#sockets.handleUpgrade(request, socket, head, (client) => this.#connected(client, request));
    });
  }

  /** Sends an event to the bot's sessions; one that is away gets it when it resumes. @returns how many are connected */
  dispatch(applicationId: string, event: string, data: Json): number {
    const own = [...this.#sessions.values()].filter((one) => one.application.id === applicationId);
    for (const session of own) emit(session, event, data);
    return own.filter(isLive).length;
  }

  /** Asks every connected client to reconnect and resume, as Discord does now and then. */
  reconnect(): void {
    for (const { socket } of this.#live()) if (socket) send(socket, OP.reconnect, null);
  }

  /** Ends all sessions; the next resume is refused. */
  invalidate(): void {
    for (const { socket } of this.#live()) if (socket) send(socket, OP.invalidSession, false);
    this.#sessions.clear();
  }

  online(applicationId: string): boolean {
    return this.#live().some((one) => one.application.id === applicationId);
  }

  close(): void {
    for (const client of this.#sockets.clients) client.terminate();
    this.#sockets.close();
  }

  #live(): Session[] {
    return [...this.#sessions.values()].filter(isLive);
  }

  #connected(client: WebSocket, request: IncomingMessage): undefined {
    const query = new URL(request.url ?? '/', 'http://gateway').searchParams;
    if (!['9', '10'].includes(query.get('v') ?? '10')) return deny(client, CLOSE.badVersion, 'Invalid API version');
    if ((query.get('encoding') ?? 'json') !== 'json' || query.get('compress')) {
      return deny(client, CLOSE.decode, 'Only JSON without compression is served locally');
    }
    let session: Session | undefined;
    send(client, OP.hello, { heartbeat_interval: this.#options.heartbeatMs ?? HEARTBEAT_MS, _trace: [] });
    client.on('message', (raw) => {
      session = this.#received(client, session, raw);
    });
    client.on('close', () => {
      if (session?.socket === client) session.socket = undefined;
      this.#options.onChange?.();
    });
  }

  /** @returns the session that the connection has from now on */
  #received(client: WebSocket, session: Session | undefined, raw: RawData): Session | undefined {
    const payload = decode(raw);
    if (!payload) return deny(client, CLOSE.decode, 'Error while decoding payload.');
    const { op, d } = payload;
    if (op === OP.heartbeat) send(client, OP.ack, null);
    else if (op === OP.identify) {
      return session ? deny(client, CLOSE.already, 'Already authenticated.') : this.#identify(client, d);
    } else if (op === OP.resume) return this.#resume(client, d);
    else if (!session) return deny(client, CLOSE.notAuthenticated, 'Not authenticated.');
    else if (!IGNORED.includes(op)) return deny(client, CLOSE.unknownOpcode, 'Unknown opcode.');
    return session;
  }

  #identify(client: WebSocket, d: Json): Session | undefined {
    const application = [...this.#state.applications.values()].find((one) => one.token === d.token);
    if (!application) return deny(client, CLOSE.badToken, 'Authentication failed.');
    const intents = Number(d.intents);
    const known = Number.isInteger(intents) && intents >= 0 && intents <= INTENTS_ALL;
    if (!known) return deny(client, CLOSE.badIntents, 'Invalid intent(s).');
    const id = randomBytes(16).toString('hex');
    const session: Session = { id, application, sequence: 0, events: [], socket: client };
    this.#sessions.set(id, session);
    emit(session, 'READY', {
      v: 10,
      user: botUser(application),
      // Without the intent a client learns of no guild (discordjs/discord.js#5450).
      guilds: intents & INTENT_GUILDS ? [{ id: this.#state.guild.id, unavailable: true }] : [],
      session_id: id,
      session_type: 'normal',
      resume_gateway_url: this.#options.url(),
      shard: d.shard ?? [0, 1],
      application: { id: application.id, flags: 0 },
      private_channels: [],
      relationships: [],
      geo_ordered_rtc_regions: [],
    });
    if (intents & INTENT_GUILDS) emit(session, 'GUILD_CREATE', guildJson(this.#state, application));
    this.#options.onChange?.();
    return session;
  }

  #resume(client: WebSocket, d: Json): Session | undefined {
    const session = this.#sessions.get(String(d.session_id));
    if (!session || session.application.token !== d.token) {
      send(client, OP.invalidSession, false);
      return undefined;
    }
    const since = Number(d.seq);
    if (!Number.isInteger(since) || since > session.sequence) return deny(client, CLOSE.badSequence, 'Invalid seq.');
    session.socket = client;
    for (const event of session.events.filter(({ s }) => s > since))
      client.send(JSON.stringify({ op: OP.dispatch, ...event }));
    emit(session, 'RESUMED', {});
    this.#options.onChange?.();
    return session;
  }
}

const isLive = (session: Session): boolean => session.socket?.readyState === WebSocket.OPEN;

function deny(client: WebSocket, code: number, reason: string): undefined {
  client.close(code, reason);
  return undefined;
}

function emit(session: Session, t: string, d: Json): void {
  session.sequence += 1;
  const event = { s: session.sequence, t, d };
  session.events.push(event);
  if (session.socket?.readyState === WebSocket.OPEN) session.socket.send(JSON.stringify({ op: OP.dispatch, ...event }));
}

function send(client: WebSocket, op: number, d: unknown): void {
  client.send(JSON.stringify({ op, d: d ?? null, s: null, t: null }));
}

function decode(raw: RawData): { op: number; d: Json } | undefined {
  try {
    const value = JSON.parse(String(raw)) as { op: number; d?: Json };
    return typeof value.op === 'number' ? { op: value.op, d: value.d ?? {} } : undefined;
  } catch {
    return undefined;
  }
}
