import { systemClock } from '../../lib/clock.ts';
import type { LocalContext } from '../context.ts';
import { type HttpReply, listen } from '../http/server.ts';
import { type Admin, admin, type Bot } from './admin.ts';
import { createApi } from './api.ts';
import { createBuckets, type RateOptions } from './buckets.ts';
import { controlRoute } from './control.ts';
import { DiscordFault } from './errors.ts';
import { Gateway } from './gateway.ts';
import { Interactions } from './interactions.ts';
import { LIMITS } from './limits.ts';
import type { Interaction, SlashCommand } from './slash.ts';
import { type DiscordSnapshot, snapshotOf } from './snapshot.ts';
import { discordState, type GuildOptions, type Message } from './state.ts';

export interface DiscordDeps extends Partial<Pick<LocalContext, 'bus' | 'faults' | 'clock'>> {
  guild?: GuildOptions;
  /** A bot's token is what its process gets. */
  bots?: readonly Bot[];
  rates?: RateOptions;
  /** Of the hello, in milliseconds; 41,250 as Discord's unless told. */
  heartbeatMs?: number;
  /** Told of each request that no route serves. */
  onUnknown?(request: string): void;
  port?: number;
}

export interface Discord extends Admin {
  url: string;
  /** The API's base for a bot library: url + /api. */
  apiUrl: string;
  guildId: string;
  /**
   * Types a slash command and waits until the bot has answered, its 3 seconds are over, or a deferred answer took `waitMs`.
   * @throws Error when nobody registered the command, or the option, user or channel is unknown
   */
  command(slash: SlashCommand, waitMs?: number): Promise<Interaction>;
  /** All messages ever posted, oldest first. */
  messages(): readonly Message[];
  gateway: Pick<Gateway, 'reconnect' | 'invalidate' | 'online'>;
  snapshot(): DiscordSnapshot;
  close(): Promise<void>;
}

const COMMAND_WAIT_MS = 15_000;

/** Discord as far as webhooks and a bot with slash commands need it, with its limits, rate limits and error bodies. */
export async function createDiscord(deps: DiscordDeps = {}): Promise<Discord> {
  const state = discordState(deps.clock ?? systemClock, deps.guild);
  const buckets = createBuckets(state.clock, deps.rates);
  const interactions = new Interactions(state);
  const changed = (action: string, message: Message): void => {
    const channel = state.channels.get(message.channelId)?.name ?? '';
    const text = `message ${action} in #${channel}`;
    deps.bus?.emit({ kind: 'discord.message', text, data: { action, id: message.id, channel } });
  };
  const serve = createApi({ deps, state, buckets, interactions, changed, baseUrl: () => listening.url });
  const control = controlRoute((slash, waitMs) => command(slash, waitMs));
  const listening = await listen({
    port: deps.port ?? 0,
    handle: (request) => control(request) ?? serve(request),
    maxBody: LIMITS.requestBytes.value,
    tooLarge: (): HttpReply => new DiscordFault(413, 40_005, 'Request entity too large').reply(10),
  });
  const gateway = new Gateway(listening.server, state, {
    ...(deps.heartbeatMs === undefined ? {} : { heartbeatMs: deps.heartbeatMs }),
    url: () => listening.url.replace(/^http/, 'ws'),
    onChange: () => deps.bus?.emit({ kind: 'discord.gateway', text: 'a bot connected or left' }),
  });
  async function command(slash: SlashCommand, waitMs = COMMAND_WAIT_MS): Promise<Interaction> {
    const { interaction, payload } = interactions.create(slash);
    gateway.dispatch(interaction.application.id, 'INTERACTION_CREATE', payload);
    await interactions.settled(interaction.id, waitMs);
    return interaction;
  }
  const owner = admin(state, listening.url);
  for (const bot of deps.bots ?? []) owner.addBot(bot);
  return {
    ...owner,
    url: listening.url,
    apiUrl: `${listening.url}/api`,
    guildId: state.guild.id,
    command,
    messages: () => state.messages,
    gateway,
    snapshot: () => snapshotOf(state, listening.url, (id) => gateway.online(id)),
    async close() {
      gateway.close();
      await listening.close();
    },
  };
}
