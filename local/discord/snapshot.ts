import type { Json } from './checks.ts';
import type { Embed } from './embeds.ts';
import { FLAGS } from './limits.ts';
import type { DiscordState, Message } from './state.ts';

/** What a message shows. */
export interface Shown {
  content: string;
  embeds: Embed[];
  components: Json[];
  attachments: { filename: string; size: number; url: string; description: string | null }[];
}

export interface MessageView extends Shown {
  id: string;
  channelId: string;
  author: { name: string; bot: boolean };
  /** What it showed before each edit, oldest first. */
  earlier: Shown[];
  ephemeral: boolean;
  createdAt: string;
  editedAt: string | null;
  edits: number;
  interaction: Message['interaction'];
  pinged: Message['pinged'];
}

export interface DiscordSnapshot {
  guild: { id: string; name: string };
  channels: { id: string; name: string; kind: string; parentId: string | null }[];
  /** To show mentions by name. */
  users: { id: string; name: string }[];
  roles: { id: string; name: string }[];
  bots: { id: string; name: string; online: boolean; commands: string[] }[];
  /** Oldest first, without deleted ones. */
  messages: MessageView[];
}

const SHOWN = 50;

/** What the page shows of Discord. No tokens. */
export function snapshotOf(
  state: DiscordState,
  baseUrl: string,
  online: (applicationId: string) => boolean,
): DiscordSnapshot {
  return {
    guild: { ...state.guild },
    channels: [...state.channels.values()].map(({ id, name, kind, parentId }) => ({ id, name, kind, parentId })),
    users: [...state.users.values()].map(({ id, username }) => ({ id, name: username })),
    roles: [...state.roles.values()].map(({ id, name }) => ({ id, name })),
    bots: [...state.applications.values()].map(({ id, name, commands }) => ({
      id,
      name,
      online: online(id),
      commands: commands.map((command) => String(command.name)),
    })),
    messages: state.messages
      .filter((one) => !one.deleted)
      .slice(-SHOWN)
      .map((one) => view(one, baseUrl)),
  };
}

function view(message: Message, baseUrl: string): MessageView {
  return {
    ...shown(message, message, baseUrl),
    id: message.id,
    channelId: message.channelId,
    author: { name: message.author.name, bot: message.author.bot },
    earlier: message.earlier.map((version) => shown(version, message, baseUrl)),
    ephemeral: (message.flags & FLAGS.ephemeral) !== 0,
    createdAt: message.createdAt,
    editedAt: message.editedAt,
    edits: message.edits,
    interaction: message.interaction,
    pinged: message.pinged,
  };
}

function shown(version: Message['earlier'][number], { flags, channelId }: Message, baseUrl: string): Shown {
  const hidden = (flags & FLAGS.suppressEmbeds) !== 0;
  return {
    content: version.content,
    embeds: hidden ? [] : version.embeds,
    components: version.components,
    attachments: version.attachments.map(({ id, filename, size, description }) => ({
      filename,
      size,
      description,
      url: `${baseUrl}/attachments/${channelId}/${id}/${encodeURIComponent(filename)}`,
    })),
  };
}
