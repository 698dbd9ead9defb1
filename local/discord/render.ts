import type { Json } from './checks.ts';
import type { Application, Channel, DiscordState, Message, Webhook } from './state.ts';

const CHANNEL_TYPES = { text: 0, thread: 11, forum: 15 } as const;

/** A message as the API returns it. Source: message.mdx, Message Object. */
export function messageJson(state: DiscordState, message: Message, baseUrl: string): Json {
  const { mentions } = message;
  return {
    id: message.id,
    type: message.interaction ? 20 : 0,
    channel_id: message.channelId,
    content: message.content,
    author: {
      id: message.author.id,
      username: message.author.name,
      avatar: null,
      discriminator: '0000',
      public_flags: 0,
      flags: 0,
      bot: message.author.bot,
      global_name: null,
    },
    attachments: message.attachments.map((one) => ({
      id: one.id,
      filename: one.filename,
      ...(one.description === null ? {} : { description: one.description }),
      content_type: one.contentType,
      size: one.size,
      url: `${baseUrl}/attachments/${message.channelId}/${one.id}/${encodeURIComponent(one.filename)}`,
      proxy_url: `${baseUrl}/attachments/${message.channelId}/${one.id}/${encodeURIComponent(one.filename)}`,
    })),
    embeds: message.embeds,
    mentions: mentions.users.map((id) => userJson(state, id)),
    mention_roles: mentions.roles,
    mention_everyone: mentions.everyone,
    pinned: false,
    tts: message.tts,
    timestamp: message.createdAt,
    edited_timestamp: message.editedAt,
    flags: message.flags,
    components: message.components,
    ...(message.webhookId ? { webhook_id: message.webhookId } : {}),
    ...(message.applicationId ? { application_id: message.applicationId } : {}),
  };
}

export function userJson(state: DiscordState, id: string): Json {
  const user = state.users.get(id);
  const bot = state.applications.get(id);
  const username = user?.username ?? bot?.name ?? `user-${id.slice(-4)}`;
  return {
    id,
    username,
    global_name: null,
    discriminator: '0',
    avatar: null,
    bot: bot !== undefined,
    public_flags: 0,
  };
}

/** Source: webhook.mdx, Get Webhook with Token: no user object. */
export function webhookJson(state: DiscordState, webhook: Webhook, baseUrl: string): Json {
  return {
    id: webhook.id,
    type: 1,
    name: webhook.name,
    avatar: null,
    channel_id: webhook.channelId,
    guild_id: state.guild.id,
    application_id: webhook.applicationId,
    token: webhook.token,
    url: `${baseUrl}/api/webhooks/${webhook.id}/${webhook.token}`,
  };
}

export function channelJson(state: DiscordState, channel: Channel): Json {
  return {
    id: channel.id,
    type: CHANNEL_TYPES[channel.kind],
    guild_id: state.guild.id,
    name: channel.name,
    position: 0,
    parent_id: channel.parentId,
    permission_overwrites: [],
    nsfw: false,
    topic: null,
    last_message_id: null,
    rate_limit_per_user: 0,
    ...(channel.kind === 'thread'
      ? {
          owner_id: state.guild.id,
          message_count: 0,
          member_count: 0,
          thread_metadata: {
            archived: channel.archived,
            locked: channel.locked,
            auto_archive_duration: 1440,
            archive_timestamp: state.stamp(),
          },
        }
      : {}),
  };
}

/** The guild of GUILD_CREATE, as far as clients need it to become ready. */
export function guildJson(state: DiscordState, application: Application): Json {
  const { id, name } = state.guild;
  const channels = [...state.channels.values()];
  const member = (userId: string, roles: string[]): Json => ({
    user: userJson(state, userId),
    roles,
    joined_at: state.stamp(),
    deaf: false,
    mute: false,
    flags: 0,
  });
  const people = [...state.users.values()];
  return {
    id,
    name,
    icon: null,
    owner_id: people[0]?.id ?? id,
    unavailable: false,
    large: false,
    member_count: people.length + 1,
    joined_at: state.stamp(),
    roles: [
      {
        id,
        name: '@everyone',
        color: 0,
        hoist: false,
        position: 0,
        permissions: '0',
        managed: false,
        mentionable: false,
        flags: 0,
      },
      ...[...state.roles.values()].map((role, index) => ({
        ...role,
        color: 0,
        hoist: false,
        position: index + 1,
        permissions: '0',
        managed: false,
        mentionable: true,
        flags: 0,
      })),
    ],
    emojis: [],
    stickers: [],
    features: [],
    channels: channels.filter((one) => one.kind !== 'thread').map((one) => channelJson(state, one)),
    threads: channels.filter((one) => one.kind === 'thread').map((one) => channelJson(state, one)),
    members: [member(application.id, []), ...people.map((user) => member(user.id, user.roles))],
    presences: [],
    voice_states: [],
    stage_instances: [],
    guild_scheduled_events: [],
    soundboard_sounds: [],
    afk_timeout: 300,
    premium_tier: 0,
    preferred_locale: 'en-US',
    system_channel_flags: 0,
    verification_level: 0,
    default_message_notifications: 0,
    explicit_content_filter: 0,
    mfa_level: 0,
    nsfw_level: 0,
  };
}
