import type { Clock } from '../../lib/clock.ts';
import type { Json } from './checks.ts';
import type { Embed } from './embeds.ts';
import type { Pings } from './mentions.ts';

export interface User {
  id: string;
  username: string;
  bot: boolean;
  /** Role ids, for members. */
  roles: string[];
}

export interface Role {
  id: string;
  name: string;
}

export type ChannelKind = 'text' | 'forum' | 'thread';

export interface Channel {
  id: string;
  name: string;
  kind: ChannelKind;
  parentId: string | null;
  archived: boolean;
  locked: boolean;
}

export interface Webhook {
  id: string;
  token: string;
  name: string;
  channelId: string;
  applicationId: string | null;
}

export interface Attachment {
  id: string;
  filename: string;
  description: string | null;
  contentType: string;
  size: number;
  content: Buffer;
}

export interface Message {
  id: string;
  channelId: string;
  webhookId: string | null;
  applicationId: string | null;
  author: { id: string; name: string; avatarUrl: string | null; bot: boolean };
  content: string;
  embeds: Embed[];
  components: Json[];
  attachments: Attachment[];
  flags: number;
  tts: boolean;
  createdAt: string;
  editedAt: string | null;
  edits: number;
  deleted: boolean;
  /** What Discord resolved as mentions of the current content. */
  mentions: Pings;
  /** What it showed before each edit, oldest first; Discord keeps none of it, the page shows how a message grew. */
  earlier: Pick<Message, 'content' | 'embeds' | 'components' | 'attachments'>[];
  /** Whom the post notified, and whom an edit only marked: edits notify nobody (discord-api-docs#1419). In order. */
  pinged: { by: 'post' | 'edit'; pings: Pings; silent: boolean }[];
  /** The slash command this answers: "ada used /status". */
  interaction: { user: string; command: string } | null;
}

export interface Application {
  id: string;
  name: string;
  token: string;
  commands: Json[];
}

export interface GuildOptions {
  name?: string;
  channels?: { name: string; kind?: 'text' | 'forum'; id?: string }[];
  roles?: { name: string; id?: string }[];
  members?: { username: string; id?: string; roles?: string[] }[];
}

export interface DiscordState {
  guild: { id: string; name: string };
  channels: Map<string, Channel>;
  roles: Map<string, Role>;
  users: Map<string, User>;
  webhooks: Map<string, Webhook>;
  applications: Map<string, Application>;
  /** Oldest first, deleted ones included. */
  messages: Message[];
  clock: Pick<Clock, 'now'>;
  snowflake(): string;
  stamp(): string;
}

const EPOCH = 1_420_070_400_000;

/** Source: discord-api-docs developers/reference.mdx, Snowflakes: 42 bits of milliseconds since 2015, then worker, process, increment. */
export function discordState(clock: Pick<Clock, 'now'>, options: GuildOptions = {}): DiscordState {
  let increment = 0;
  const snowflake = (): string => {
    increment = (increment + 1) % 4096;
    return String((BigInt(Math.floor(clock.now()) - EPOCH) << 22n) + BigInt(increment));
  };
  const state: DiscordState = {
    guild: { id: snowflake(), name: options.name ?? 'Sample' },
    channels: new Map(),
    roles: new Map(),
    users: new Map(),
    webhooks: new Map(),
    applications: new Map(),
    messages: [],
    clock,
    snowflake,
    stamp: () => new Date(clock.now()).toISOString().replace('Z', '000+00:00'),
  };
  for (const { name, kind = 'text', id = snowflake() } of options.channels ?? [{ name: 'deployments' }]) {
    state.channels.set(id, { id, name, kind, parentId: null, archived: false, locked: false });
  }
  for (const { name, id = snowflake() } of options.roles ?? []) state.roles.set(id, { id, name });
  for (const { username, id = snowflake(), roles = [] } of options.members ?? []) {
    const ids = roles.map((role) => [...state.roles.values()].find((one) => one.name === role)?.id ?? role);
    state.users.set(id, { id, username, bot: false, roles: ids });
  }
  return state;
}

/** The channel by id or name. */
export function channelOf(state: DiscordState, idOrName: string): Channel | undefined {
  return state.channels.get(idOrName) ?? [...state.channels.values()].find((one) => one.name === idOrName);
}
