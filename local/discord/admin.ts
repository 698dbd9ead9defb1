import { randomBytes } from 'node:crypto';
import { type Channel, channelOf, type DiscordState } from './state.ts';

export interface WebhookOptions {
  /** Name or id of a channel; the first one unless told. */
  channel?: string;
  name?: string;
  /** Id of the application that owns it: it may then send every component without asking. */
  application?: string;
}

export interface Bot {
  name: string;
  token: string;
  id?: string;
}

/** What a person does in Discord's own settings. */
export interface Admin {
  /** @returns the URL as Discord shows it for copying, without a version */
  createWebhook(options?: WebhookOptions): string;
  deleteWebhook(url: string): void;
  /** @returns the application's id */
  addBot(bot: Bot): string;
  channel(name: string): Channel | undefined;
  createThread(channel: string, name: string): Channel;
}

export function admin(state: DiscordState, baseUrl: string): Admin {
  const need = (name: string | undefined): Channel => {
    const found = name === undefined ? [...state.channels.values()][0] : channelOf(state, name);
    if (!found) throw new Error(`the local Discord has no channel ${name ?? ''}`);
    return found;
  };
  return {
    createWebhook({ channel, name = 'Captain Hook', application } = {}) {
      const [id, token] = [state.snowflake(), randomBytes(51).toString('base64url')];
      state.webhooks.set(id, { id, token, name, channelId: need(channel).id, applicationId: application ?? null });
      return `${baseUrl}/api/webhooks/${id}/${token}`;
    },
    deleteWebhook: (url) => void state.webhooks.delete(/\/webhooks\/(\d+)\//.exec(url)?.[1] ?? ''),
    addBot({ name, token, id = state.snowflake() }) {
      state.applications.set(id, { id, name, token, commands: [] });
      return id;
    },
    channel: (name) => channelOf(state, name),
    createThread(channel, name) {
      const parentId = need(channel).id;
      const thread: Channel = { id: state.snowflake(), name, kind: 'thread', parentId, archived: false, locked: false };
      state.channels.set(thread.id, thread);
      return thread;
    },
  };
}
