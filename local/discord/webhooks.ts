import { readBody } from './body.ts';
import { asked, type DiscordCall, type DiscordRoutes } from './call.ts';
import { FormErrors, fault } from './errors.ts';
import { FLAGS } from './limits.ts';
import { composeMessage, type Draft, editMessage, readDraft, type Sender } from './messages.ts';
import { messageJson, webhookJson } from './render.ts';
import type { Channel, Message, Webhook } from './state.ts';

const bucket = (params: Record<string, string>): string => `${params.webhook_id}/${params.webhook_token}`;

/** Source: discord-api-docs developers/resources/webhook.mdx. Interaction tokens use the same paths; see interactions.ts. */
export const webhookRoutes: DiscordRoutes = {
  'GET /webhooks/:webhook_id/:webhook_token': {
    bucket,
    handle: (call) => ({ status: 200, body: webhookJson(call.state, webhookOf(call), call.baseUrl) }),
  },
  'POST /webhooks/:webhook_id/:webhook_token': { bucket, handle: execute },
  'GET /webhooks/:webhook_id/:webhook_token/messages/:message_id': {
    bucket,
    handle: (call) => answer(call, messageOf(call, webhookOf(call))),
  },
  'PATCH /webhooks/:webhook_id/:webhook_token/messages/:message_id': { bucket, handle: edit },
  'DELETE /webhooks/:webhook_id/:webhook_token/messages/:message_id': { bucket, handle: remove },
};

function webhookOf(call: DiscordCall): Webhook {
  const { webhook_id: id = '', webhook_token: token = '' } = call.params;
  if (!/^\d{1,20}$/.test(id)) {
    const errors = new FormErrors();
    errors.add(['webhook_id'], 'NUMBER_TYPE_COERCE', `Value "${id}" is not snowflake.`);
    errors.check();
  }
  const webhook = call.state.webhooks.get(id);
  if (!webhook) throw fault('unknownWebhook');
  if (webhook.token !== token) throw fault('invalidToken');
  return webhook;
}

function sender(call: DiscordCall, webhook: Webhook, more: Partial<Sender> = {}): Sender {
  const owned = webhook.applicationId !== null;
  return {
    flags: FLAGS.suppressEmbeds | FLAGS.suppressNotifications | FLAGS.componentsV2,
    withComponents: owned || asked(call, 'with_components'),
    interactive: owned,
    ...more,
  };
}

async function execute(call: DiscordCall) {
  const { state } = call;
  const webhook = webhookOf(call);
  const draft = readDraft(await readBody(call.request), sender(call, webhook));
  const target = destination(call, webhook, draft);
  const author = {
    id: webhook.id,
    name: draft.username ?? webhook.name,
    avatarUrl: draft.avatarUrl ?? null,
    bot: true,
  };
  const about = { webhookId: webhook.id, applicationId: webhook.applicationId, author, interaction: null };
  const message = composeMessage(state, draft, { ...about, channelId: target.id });
  if (!state.channels.has(target.id)) state.channels.set(target.id, target);
  target.archived = false;
  call.changed('posted', message);
  return asked(call, 'wait') ? answer(call, message) : { status: 204 };
}

/** Where a message goes: the channel, one of its threads, or a new thread of a forum. */
function destination(call: DiscordCall, webhook: Webhook, draft: Draft): Channel {
  const { state } = call;
  const channel = state.channels.get(webhook.channelId);
  if (!channel) throw fault('unknownChannel');
  const threadId = call.request.query.get('thread_id');
  if (channel.kind === 'forum') {
    if (threadId !== null && draft.threadName !== undefined) throw fault('forumBothGiven');
    if (threadId === null && draft.threadName === undefined) throw fault('forumNeedsThread');
  } else if (draft.threadName !== undefined) throw fault('threadNameNotForum');
  if (draft.threadName !== undefined) {
    const parent = { parentId: channel.id, archived: false, locked: false };
    return { id: state.snowflake(), name: draft.threadName, kind: 'thread', ...parent };
  }
  if (threadId === null) return channel;
  const thread = state.channels.get(threadId);
  if (thread?.kind !== 'thread' || thread.parentId !== channel.id) throw fault('unknownChannel');
  if (thread.locked) throw fault('lockedThread');
  return thread;
}

/** A message of this webhook; one in a thread is found only with its thread_id. */
function messageOf(call: DiscordCall, webhook: Webhook): Message {
  const home = call.request.query.get('thread_id') ?? webhook.channelId;
  const message = call.state.messages.find((one) => one.id === call.params.message_id && !one.deleted);
  if (message?.webhookId !== webhook.id || message.channelId !== home) throw fault('unknownMessage');
  return message;
}

async function edit(call: DiscordCall) {
  const webhook = webhookOf(call);
  const message = messageOf(call, webhook);
  const channel = call.state.channels.get(message.channelId);
  if (channel?.archived) throw fault('archivedThread');
  const flags = FLAGS.suppressEmbeds | FLAGS.componentsV2;
  const v2 = (message.flags & FLAGS.componentsV2) !== 0;
  const draft = readDraft(await readBody(call.request), sender(call, webhook, { flags, v2 }));
  // Since v10 a list of attachments names the new files too; one that it leaves out is not added.
  const listed = call.version >= 10 && draft.attachments?.map(({ id }) => String(id));
  if (listed) draft.files = draft.files.filter(({ index }) => listed.includes(index));
  editMessage(call.state, message, draft);
  call.changed('edited', message);
  return answer(call, message);
}

function remove(call: DiscordCall) {
  const message = messageOf(call, webhookOf(call));
  message.deleted = true;
  call.changed('deleted', message);
  return { status: 204 };
}

function answer(call: DiscordCall, message: Message) {
  return { status: 200, body: messageJson(call.state, message, call.baseUrl) };
}
