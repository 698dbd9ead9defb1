import { setTimeout as delay } from 'node:timers/promises';
import { type ReadBody, readBody } from './body.ts';
import { asked, type DiscordCall, type DiscordRoutes } from './call.ts';
import type { Json } from './checks.ts';
import { FormErrors, fault } from './errors.ts';
import { FLAGS } from './limits.ts';
import { composeMessage, editMessage, readDraft } from './messages.ts';
import { messageJson } from './render.ts';
import { type Interaction, makeInteraction, type SlashCommand } from './slash.ts';
import type { DiscordState, Message } from './state.ts';

/** Source: receiving-and-responding.mdx: a first response within 3 s; the token holds for 15 minutes. */
export const RESPONSE_WINDOW_MS = 3_000;
const TOKEN_LIFE_MS = 15 * 60_000;
const POLL_MS = 20;
const MESSAGE = 4;
const DEFERRED = 5;
const SENDER = {
  flags: FLAGS.suppressEmbeds | FLAGS.ephemeral | FLAGS.suppressNotifications | FLAGS.componentsV2,
  withComponents: true,
  interactive: true,
};

/** Slash commands and what a bot answers to them. */
export class Interactions {
  /** The callback of the first response. */
  readonly routes: DiscordRoutes = {
    'POST /interactions/:interaction_id/:interaction_token/callback': { handle: (call) => this.#callback(call) },
  };
  /** The webhook paths of an interaction: follow-ups and edits, with the application's id and the interaction's token. */
  readonly followUps: DiscordRoutes = {
    'POST /webhooks/:webhook_id/:webhook_token': {
      handle: async (call) => answer(call, this.#post(call, this.#byToken(call), await readBody(call.request))),
    },
    'GET /webhooks/:webhook_id/:webhook_token/messages/:message_id': {
      handle: (call) => answer(call, messageOf(call, this.#byToken(call))),
    },
    'PATCH /webhooks/:webhook_id/:webhook_token/messages/:message_id': { handle: (call) => this.#edit(call) },
    'DELETE /webhooks/:webhook_id/:webhook_token/messages/:message_id': { handle: (call) => this.#remove(call) },
  };
  readonly #all = new Map<string, Interaction>();
  readonly #state: DiscordState;

  constructor(state: DiscordState) {
    this.#state = state;
  }

  create(slash: SlashCommand): { interaction: Interaction; payload: Json } {
    const made = makeInteraction(this.#state, slash);
    this.#all.set(made.interaction.id, made.interaction);
    return made;
  }

  /** Resolves when the interaction was answered or its time is over, or after waitMs. */
  async settled(id: string, waitMs: number): Promise<void> {
    const end = Date.now() + waitMs;
    const interaction = this.#all.get(id);
    while (interaction && Date.now() < end) {
      this.#expire(interaction);
      if (interaction.state === 'answered' || interaction.state === 'expired') return;
      await delay(POLL_MS);
    }
  }

  #byToken(call: DiscordCall): Interaction {
    const found = [...this.#all.values()].find((one) => one.token === call.params.webhook_token);
    const own = found?.application.id === call.params.webhook_id;
    if (!found || !own || this.#state.clock.now() > found.sentAt + TOKEN_LIFE_MS) throw fault('invalidToken');
    return found;
  }

  #expire(interaction: Interaction): void {
    const late = this.#state.clock.now() > interaction.sentAt + RESPONSE_WINDOW_MS;
    if (interaction.state === 'waiting' && late) interaction.state = 'expired';
  }

  async #callback(call: DiscordCall) {
    const interaction = this.#all.get(call.params.interaction_id ?? '');
    if (!interaction || interaction.token !== call.params.interaction_token) throw fault('unknownInteraction');
    this.#expire(interaction);
    if (interaction.state === 'expired') throw fault('unknownInteraction');
    if (interaction.state !== 'waiting') throw fault('acknowledged');
    const body = await readBody(call.request);
    const type = Number(body.json.type);
    const data = (body.json.data ?? {}) as Json;
    if (type === MESSAGE) this.#post(call, interaction, { json: data, files: body.files });
    else if (type !== DEFERRED) throw unservedType(type);
    interaction.ephemeral = (Number(data.flags ?? 0) & FLAGS.ephemeral) !== 0;
    interaction.state = type === DEFERRED ? 'deferred' : 'answered';
    if (!asked(call, 'with_response')) return { status: 204 };
    const [message] = interaction.messages;
    const resource = { type, ...(message ? { message: messageJson(call.state, message, call.baseUrl) } : {}) };
    return { status: 200, body: { interaction: { id: interaction.id, type: 2 }, resource } };
  }

  #post(call: DiscordCall, interaction: Interaction, body: ReadBody): Message {
    const { application, userId, command, channelId } = interaction;
    const author = { id: application.id, name: application.name, avatarUrl: null, bot: true };
    const user = call.state.users.get(userId)?.username ?? userId;
    const about = { channelId, webhookId: application.id, applicationId: application.id, author };
    const message = composeMessage(call.state, readDraft(body, SENDER), { ...about, interaction: { user, command } });
    interaction.messages.push(message);
    call.changed('posted', message);
    return message;
  }

  async #edit(call: DiscordCall) {
    const interaction = this.#byToken(call);
    const body = await readBody(call.request);
    if (interaction.state === 'deferred' && call.params.message_id === '@original') {
      const message = this.#post(call, interaction, body);
      if (interaction.ephemeral) message.flags |= FLAGS.ephemeral;
      interaction.state = 'answered';
      return answer(call, message);
    }
    const message = messageOf(call, interaction);
    editMessage(call.state, message, readDraft(body, { ...SENDER, v2: (message.flags & FLAGS.componentsV2) !== 0 }));
    call.changed('edited', message);
    return answer(call, message);
  }

  #remove(call: DiscordCall) {
    const message = messageOf(call, this.#byToken(call));
    message.deleted = true;
    call.changed('deleted', message);
    return { status: 204 };
  }
}

function messageOf(call: DiscordCall, interaction: Interaction): Message {
  const id = call.params.message_id;
  const message = id === '@original' ? interaction.messages[0] : interaction.messages.find((one) => one.id === id);
  if (!message || message.deleted) throw fault('unknownMessage');
  return message;
}

function answer(call: DiscordCall, message: Message) {
  return { status: 200, body: messageJson(call.state, message, call.baseUrl) };
}

function unservedType(type: number): Error {
  const errors = new FormErrors();
  errors.add(
    ['type'],
    'BASE_TYPE_CHOICES',
    `Value must be one of {${MESSAGE}, ${DEFERRED}}; ${type} is not served for a slash command.`,
  );
  return errors.fault();
}
