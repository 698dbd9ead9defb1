import { Problem } from '../../../lib/errors.ts';

/** A webhook: where it is, its secret, and the thread that its address names. */
export interface Webhook {
  /** .../api/v10/webhooks/ID/TOKEN, without a query. */
  url: URL;
  token: string;
  threadId: string;
}

/** The last part of the path is the secret token. Discord's own forms for Slack and GitHub are the same webhook. */
const WEBHOOK = /^\/(?:api\/(?:v\d+\/)?)?webhooks\/(\d+)\/([\w-]+)(?:\/(?:slack|github))?\/?$/;
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
const SNOWFLAKE = /^\d{1,20}$/;

/**
 * The address with the API's version in it: without one, as people copy it, Discord answers as version 6, whose 429 counts
 * in milliseconds and whose errors have another shape (Discord developer documentation, "API Versioning").
 * @throws Problem for an address that is no Discord webhook; the address itself is a secret and not repeated.
 */
export function webhookOf(address: string): Webhook {
  if (!URL.canParse(address)) throw notOne('it is not the address of a Discord webhook');
  const given = new URL(address);
  const [, id, token] = WEBHOOK.exec(given.pathname) ?? [];
  if (!/^https?:$/.test(given.protocol) || id === undefined || token === undefined)
    throw notOne('it is not the address of a Discord webhook');
  if (given.protocol === 'http:' && !LOOPBACK.test(given.hostname))
    throw notOne('it begins with http:, and the token in it would travel for everybody to read');
  const threadId = given.searchParams.get('thread_id') ?? '';
  if (threadId !== '' && !SNOWFLAKE.test(threadId)) throw notOne('its thread_id is not an id of Discord');
  return { url: new URL(`/api/v10/webhooks/${id}/${token}`, given.origin), token, threadId };
}

function notOne(cause: string): Problem {
  return new Problem({
    what: "input 'webhook'",
    cause: `${cause} (https://discord.com/api/webhooks/ID/TOKEN)`,
    fix: 'Copy it again from the channel’s settings (Integrations, Webhooks) into the secret',
  });
}

/** Where a message is: its id, and the thread it is in where it is in one. Written THREAD/ID or ID. */
export interface Place {
  id: string;
  threadId: string;
}

/** Reads what placeText() wrote; '' is a message that does not exist yet. @throws Problem for anything else */
export function placeOf(text: string): Place {
  const [, threadId = '', id = ''] = /^(?:(\d{1,20})\/)?(\d{1,20})$/.exec(text) ?? [];
  if (text === '' || id !== '') return { id, threadId };
  throw new Problem({
    what: "input 'message-id'",
    seen: text,
    cause: 'it is not the id of a message',
    fix: 'Pass the output `message-id` of an earlier discord-notify step as it is',
  });
}

export function placeText({ id, threadId }: Place): string {
  return id !== '' && threadId !== '' ? `${threadId}/${id}` : id;
}

const DISCORD_EPOCH = 1_420_070_400_000;

/** When a message was posted, in milliseconds since the epoch: its id tells (reference, "Snowflakes"). */
export function postedAt(id: string): number | undefined {
  return SNOWFLAKE.test(id) ? Number(BigInt(id) >> 22n) + DISCORD_EPOCH : undefined;
}
