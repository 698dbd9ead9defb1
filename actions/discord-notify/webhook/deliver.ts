import { FIRST_ID, type Message } from '../payload.ts';
import type { Place } from './address.ts';
import { type Answer, call, type Line } from './call.ts';
import { bodyOf, forEdit, forPost, isComponents, withoutFiles } from './form.ts';
import { CODE, isOutOfReach, refused } from './refusal.ts';

export interface Sent {
  place: Place;
  /** `superseded`: a newer story was there already, and stays. */
  how: 'posted' | 'edited' | 'anew' | 'superseded';
}

export interface Target {
  /** The message to edit; without an id a new one is posted. */
  place: Place;
  /** What a new thread is called where the channel is a forum. */
  threadName: string;
  /** Ids of the tags that it has. */
  threadTags: readonly string[];
  /** Whether a new thread was asked for; in a forum without a thread one is made in any case. */
  newThread: boolean;
}

/**
 * Posts the message, or edits the one that is there. One that is gone, too old to be edited or cannot be turned into this is posted anew.
 * @throws Problem that never contains the webhook's token
 */
export async function deliver(line: Line, message: Message, target: Target): Promise<Sent> {
  const { id, threadId } = target.place;
  if (id !== '') {
    const edited = await edit(line, message, { id, threadId: threadId || line.webhook.threadId });
    if (edited !== 'lost') return edited;
  }
  return { place: await post(line, message, target), how: id === '' ? 'posted' : 'anew' };
}

/** As long after an edit, whoever looked at the message before it has sent what it had to send. */
const SETTLED_MS = 1_000;

async function edit(line: Line, message: Message, place: Place): Promise<Sent | 'lost'> {
  const path = `/messages/${place.id}`;
  const { passing } = message;
  const query = queryOf(message, place.threadId);
  let waited = false;
  const shown = () => shownAt(line, path, query, passing);
  const stale = async () => {
    waited = true;
    const at = await shown();
    return at !== undefined && compared(at, message.toldAt) > 0;
  };
  const send = async (attached: boolean): Promise<Answer> => {
    const { payload, attachments } = attached ? message : unattached(message);
    const body = await bodyOf(forEdit(payload), attachments);
    return call(line, { method: 'PATCH', path, query, passing, ...body }, stale);
  };
  let answer = await send(true);
  if (isTooLarge(answer, message)) answer = await send(false);
  if (answer === 'stale') return { place, how: 'superseded' };
  if ('body' in answer) {
    const contested = waited || (!passing && answer.crowded);
    if (contested && (await isOverwritten(line, message, shown))) await send(true);
    return { place, how: 'edited' };
  }
  if (isOutOfReach(answer.refusal)) return 'lost';
  throw refused(answer.refusal);
}

/**
 * Whether an older story stands there after all. Discord has no edit on a condition: who looked just before this edit and wrote
 * just after it has undone it. Not knowing is no failure, since the edit was made.
 */
async function isOverwritten(
  { ports, deadline }: Line,
  { toldAt }: Message,
  shown: () => Promise<number | undefined>,
): Promise<boolean> {
  if (ports.clock.now() + SETTLED_MS >= deadline) return false;
  try {
    await ports.clock.sleep(SETTLED_MS, ports.signal);
    const at = await shown();
    return at !== undefined && compared(at, toldAt) < 0;
  } catch {
    return false;
  }
}

async function post(
  line: Line,
  message: Message,
  { place, threadName, threadTags, newThread }: Target,
): Promise<Place> {
  const asked = line.webhook.threadId;
  let threadId = place.threadId || asked;
  let attached = true;
  let named = newThread && threadId === '';
  for (;;) {
    const { payload, attachments } = attached ? message : unattached(message);
    const tags = threadTags.length === 0 ? {} : { applied_tags: threadTags };
    const thread = named ? { thread_name: threadName, ...tags } : {};
    const body = await bodyOf({ ...forPost(payload), ...thread }, attachments);
    // Without wait=true Discord answers 204 also when it did not keep the message.
    const query = { wait: 'true', ...queryOf(message, threadId) };
    const answer = await call(line, { method: 'POST', path: '', query, ...body });
    if (answer === 'stale') throw new Error('a post has nothing that could be newer');
    if ('body' in answer) {
      const { id, channel_id: channel } = answer.body;
      return { id: String(id ?? ''), threadId: named ? String(channel ?? '') : threadId };
    }
    const { code } = answer.refusal;
    // Each of these mends itself once: what was tried is not tried again.
    if (attached && isTooLarge(answer, message)) attached = false;
    else if (named && code === CODE.noForum) named = false;
    else if (!named && threadId === '' && code === CODE.forumNeedsThread) named = true;
    else if (threadId !== asked && code === CODE.unknownChannel) threadId = asked;
    else throw refused(answer.refusal);
  }
}

function queryOf({ payload }: Message, threadId: string): Record<string, string> {
  return {
    ...(threadId !== '' && { thread_id: threadId }),
    // Without it a webhook that no application owns has its components ignored in silence.
    ...(isComponents(payload) && { with_components: 'true' }),
  };
}

/** A message without its files. */
export function unattached(message: Message): Message {
  return { ...message, payload: withoutFiles(message.payload), attachments: [] };
}

function isTooLarge(answer: Answer, { attachments }: Message): boolean {
  if (answer === 'stale' || !('refusal' in answer) || attachments.length === 0) return false;
  return answer.refusal.code === CODE.tooLarge || answer.refusal.status === 413;
}

/** When the story was told that the message shows by now; undefined when it does not say. */
async function shownAt(
  line: Line,
  path: string,
  query: Record<string, string>,
  passing: boolean,
): Promise<number | undefined> {
  const answer = await call(line, { method: 'GET', path, query, headers: {}, passing });
  return answer === 'stale' || !('body' in answer) ? undefined : toldAtOf(answer.body);
}

/** When the story of a message was told: the time that its embed shows, or the one in the small print of its components. */
function toldAtOf({ embeds, components }: Record<string, unknown>): number | undefined {
  const [embed] = Array.isArray(embeds) ? embeds : [];
  const shown = Date.parse(String((embed as { timestamp?: unknown } | undefined)?.timestamp ?? ''));
  if (!Number.isNaN(shown)) return shown;
  const text = JSON.stringify(components ?? '');
  const [, seconds] = /-# [^"]*<t:(\d+):R>"/.exec(text) ?? [];
  const [, id] = /"id":(1\d{3})\b/.exec(text) ?? [];
  return seconds === undefined ? undefined : Number(seconds) * 1000 + (id === undefined ? 0 : Number(id) - FIRST_ID);
}

/** -1 for an older story than this one, 1 for a newer one. A message that shows whole seconds tells no more than those. */
function compared(shown: number, toldAt: number): number {
  return Math.sign(shown - (shown % 1000 === 0 ? Math.floor(toldAt / 1000) * 1000 : toldAt));
}
