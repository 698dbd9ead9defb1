import { randomBytes } from 'node:crypto';
import type { Json } from './checks.ts';
import { channelJson, userJson } from './render.ts';
import { type Application, channelOf, type DiscordState, type Message } from './state.ts';

/** A slash command as a person types it. */
export interface SlashCommand {
  command: string;
  /** Values by option name. */
  options?: Record<string, string | number | boolean>;
  subcommand?: string;
  /** Who: name or id of a member of the guild; the first one unless told. */
  user?: string;
  /** Where: name or id of a channel; the first one unless told. */
  channel?: string;
}

export type InteractionState = 'waiting' | 'deferred' | 'answered' | 'expired';

export interface Interaction {
  id: string;
  token: string;
  application: Application;
  userId: string;
  channelId: string;
  command: string;
  /** Milliseconds since the epoch. */
  sentAt: number;
  state: InteractionState;
  ephemeral: boolean;
  /** The first answer, then the follow-ups. */
  messages: Message[];
}

const OPTION_SUBCOMMAND = 1;

/**
 * An interaction and the INTERACTION_CREATE payload that tells the bot of it. Source: receiving-and-responding.mdx, Interaction Object.
 * @throws Error that names the command, option, user or channel nobody knows
 */
export function makeInteraction(state: DiscordState, slash: SlashCommand): { interaction: Interaction; payload: Json } {
  const { application, command } = findCommand(state, slash.command);
  const user = findUser(state, slash.user);
  const channel = slash.channel === undefined ? [...state.channels.values()][0] : channelOf(state, slash.channel);
  if (!channel) throw new Error(`there is no channel ${slash.channel ?? ''}`);
  const values = optionsOf(command, slash);
  const interaction: Interaction = {
    id: state.snowflake(),
    token: randomBytes(48).toString('base64url'),
    application,
    userId: user.id,
    channelId: channel.id,
    command: [slash.command, slash.subcommand].filter(Boolean).join(' '),
    sentAt: state.clock.now(),
    state: 'waiting',
    ephemeral: false,
    messages: [],
  };
  const payload: Json = {
    id: interaction.id,
    application_id: application.id,
    type: 2,
    token: interaction.token,
    version: 1,
    data: { id: command.id, name: command.name, type: 1, guild_id: state.guild.id, options: values },
    guild_id: state.guild.id,
    guild: { id: state.guild.id, locale: 'en-US', features: [] },
    guild_locale: 'en-US',
    locale: 'en-US',
    channel_id: channel.id,
    channel: { ...channelJson(state, channel), permissions: '2147483647' },
    member: {
      user: userJson(state, user.id),
      nick: null,
      avatar: null,
      roles: user.roles,
      joined_at: state.stamp(),
      premium_since: null,
      deaf: false,
      mute: false,
      pending: false,
      flags: 0,
      permissions: '2147483647',
    },
    app_permissions: '2147483647',
    entitlements: [],
    authorizing_integration_owners: { 0: state.guild.id },
    context: 0,
    attachment_size_limit: 10_485_760,
  };
  return { interaction, payload };
}

function findCommand(state: DiscordState, name: string): { application: Application; command: Json } {
  for (const application of state.applications.values()) {
    const command = application.commands.find((one) => one.name === name);
    if (command) return { application, command };
  }
  const known = [...state.applications.values()].flatMap((one) =>
    one.commands.map((command) => `/${String(command.name)}`),
  );
  throw new Error(`no bot has registered /${name}; registered are: ${known.join(', ') || 'none'}`);
}

function findUser(state: DiscordState, name: string | undefined) {
  const users = [...state.users.values()];
  const user = name === undefined ? users[0] : users.find((one) => one.id === name || one.username === name);
  if (!user) throw new Error(`the guild has no member ${name ?? ''}`);
  return user;
}

function optionsOf(command: Json, slash: SlashCommand): Json[] {
  const declared = list(command.options);
  const sub = slash.subcommand === undefined ? undefined : declared.find((one) => one.name === slash.subcommand);
  if (slash.subcommand !== undefined && !sub)
    throw new Error(`/${slash.command} has no subcommand ${slash.subcommand}`);
  const known = sub ? list(sub.options) : declared;
  for (const { name, required } of known) {
    if (required === true && slash.options?.[String(name)] === undefined)
      throw new Error(`/${slash.command} needs the option ${name}`);
  }
  const values = Object.entries(slash.options ?? {}).map(([name, value]) => {
    const option = known.find((one) => one.name === name);
    if (!option) throw new Error(`/${slash.command} has no option ${name}`);
    return { name, type: option.type, value };
  });
  return sub ? [{ name: sub.name, type: OPTION_SUBCOMMAND, options: values }] : values;
}

const list = (value: unknown): Json[] => (Array.isArray(value) ? (value as Json[]) : []);
