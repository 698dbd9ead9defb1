import type { ReadBody, Upload } from './body.ts';
import { checks, type Json } from './checks.ts';
import { attachmentsOf, readComponents, textsOf } from './components.ts';
import { type Embed, isBlank, readEmbeds } from './embeds.ts';
import { FormErrors, fault } from './errors.ts';
import { FLAGS, LIMITS } from './limits.ts';
import { type AllowedMentions, type Pings, pingsNobody, pingsOf, readAllowed } from './mentions.ts';
import type { Attachment, DiscordState, Message } from './state.ts';

/** Who sends, and what that sender may. */
export interface Sender {
  /** Flags that are taken over; others are ignored. */
  flags: number;
  /** Whether `components` is read at all. */
  withComponents: boolean;
  interactive: boolean;
  /** The message has Components V2 already, so an edit is read by their rules. */
  v2?: boolean;
}

/** A message's fields as the request gave them; undefined means absent, which matters to edits. */
export interface Draft {
  content: string | undefined;
  embeds: Embed[] | undefined;
  components: Json[] | undefined;
  files: Upload[];
  attachments: Json[] | undefined;
  flags: number | undefined;
  allowed: AllowedMentions;
  username: string | undefined;
  avatarUrl: string | undefined;
  threadName: string | undefined;
  tts: boolean;
}

/** @throws DiscordFault 50035 with everything that is wrong */
export function readDraft({ json, files }: ReadBody, sender: Sender): Draft {
  const errors = new FormErrors();
  const check = checks(errors);
  const flags = check.integer(json.flags, ['flags'], { min: 0, max: 2 ** 31 - 1 });
  const v2 = sender.v2 || ((flags ?? 0) & FLAGS.componentsV2) !== 0;
  const rules = { v2, interactive: sender.interactive };
  const draft: Draft = {
    content: nullable(json.content, '', check.text(json.content, ['content'], { max: LIMITS.content.value })),
    embeds: nullable(json.embeds, [], readEmbeds(json.embeds, check, errors)),
    components: sender.withComponents
      ? nullable(json.components, [], readComponents(json.components, rules, check, errors))
      : undefined,
    files,
    attachments: readAttachments(json, files, check),
    flags: flags === undefined ? undefined : flags & sender.flags,
    allowed: readAllowed(json.allowed_mentions, check, errors),
    username: readUsername(json.username, check, errors),
    avatarUrl: check.url(json.avatar_url, ['avatar_url']),
    threadName: check.text(json.thread_name, ['thread_name'], { min: 1, max: LIMITS.threadName.value }),
    tts: check.flag(json.tts, ['tts']) ?? false,
  };
  if (v2) refuseLegacyFields(json, draft, errors);
  errors.check();
  return draft;
}

/** An explicit null empties a field; a value at fault was already reported. */
function nullable<T>(given: unknown, empty: T, read: T | undefined): T | undefined {
  return given === null ? empty : read;
}

function readUsername(value: unknown, check: ReturnType<typeof checks>, errors: FormErrors): string | undefined {
  const name = check.text(value, ['username'], { min: 1, max: LIMITS.username.value, trim: true });
  for (const word of ['clyde', 'discord']) {
    if (!name?.toLowerCase().includes(word)) continue;
    errors.add(['username'], 'USERNAME_INVALID_CONTAINS', `Username cannot contain "${word}"`);
  }
  return name;
}

function readAttachments(json: Json, files: Upload[], check: ReturnType<typeof checks>): Json[] | undefined {
  if (files.length > LIMITS.files.value) check.list(files, ['files'], { max: LIMITS.files.value });
  const given = check.list(json.attachments, ['attachments'], { max: LIMITS.files.value });
  return given?.map((one, index) => {
    const attachment = check.object(one, ['attachments', index]) ?? {};
    check.text(attachment.description, ['attachments', index, 'description'], {
      max: LIMITS.attachmentDescription.value,
    });
    return attachment;
  });
}

function refuseLegacyFields(json: Json, draft: Draft, errors: FormErrors): void {
  const used = (name: string): boolean => {
    const value = json[name];
    return value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0);
  };
  for (const name of ['content', 'embeds', 'poll']) {
    if (!used(name)) continue;
    const message = `The '${name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2`;
    errors.add([name], 'MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2', message);
  }
  const shown = attachmentsOf(draft.components ?? []);
  for (const file of draft.files) {
    if (shown.has(file.filename)) continue;
    const message = `The file ${file.filename} is not referenced by a component`;
    errors.add(['files', file.index], 'MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2', message);
  }
}

/** A new message. @throws DiscordFault 50006 when there is nothing to show */
export function composeMessage(
  state: DiscordState,
  draft: Draft,
  about: Pick<Message, 'channelId' | 'webhookId' | 'applicationId' | 'author' | 'interaction'>,
): Message {
  const message: Message = {
    ...about,
    id: state.snowflake(),
    content: draft.content ?? '',
    embeds: draft.embeds ?? [],
    components: draft.components ?? [],
    attachments: draft.files.map((file) => attachmentOf(state, file, draft.attachments)),
    flags: draft.flags ?? 0,
    tts: draft.tts,
    createdAt: state.stamp(),
    editedAt: null,
    edits: 0,
    deleted: false,
    mentions: { users: [], roles: [], everyone: false },
    pinged: [],
    earlier: [],
  };
  refuseEmpty(message);
  remember(message, 'post', draft.allowed);
  state.messages.push(message);
  return message;
}

/** Versions of a message that the page can show. */
const KEPT = 20;

/**
 * Edits a message in place. Mentions are worked out anew by the edit's own `allowed_mentions`, whatever the post had.
 * Source: webhook.mdx, Edit Webhook Message.
 */
export function editMessage(state: DiscordState, message: Message, draft: Draft): void {
  const flags = draft.flags ?? message.flags;
  const v2 = (message.flags | flags) & FLAGS.componentsV2;
  const next: Message = {
    ...message,
    content: draft.content ?? message.content,
    embeds: draft.embeds ?? message.embeds,
    components: draft.components ?? message.components,
    attachments: keptAttachments(state, message, draft),
    flags: (flags & ~FLAGS.componentsV2) | v2,
  };
  if (v2 && (next.content !== '' || next.embeds.length > 0)) {
    const errors = new FormErrors();
    const field = next.content !== '' ? 'content' : 'embeds';
    const text = `The '${field}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2`;
    errors.add([field], 'MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2', text);
    errors.check();
  }
  refuseEmpty(next);
  const { content, embeds, components, attachments } = message;
  const earlier = [...message.earlier, { content, embeds, components, attachments }].slice(-KEPT);
  Object.assign(message, next, { earlier, editedAt: state.stamp(), edits: message.edits + 1 });
  if (draft.content !== undefined || (v2 && draft.components !== undefined)) remember(message, 'edit', draft.allowed);
}

/** Since v10 `attachments` lists what stays; without it files are appended. */
function keptAttachments(state: DiscordState, message: Message, draft: Draft): Attachment[] {
  const added = draft.files.map((file) => attachmentOf(state, file, draft.attachments));
  if (!draft.attachments) return [...message.attachments, ...added];
  const ids = new Set(draft.attachments.map((one) => String(one.id)));
  return [...message.attachments.filter((one) => ids.has(one.id)), ...added];
}

function attachmentOf(state: DiscordState, file: Upload, described: Json[] | undefined): Attachment {
  const about = described?.find((one) => String(one.id) === file.index);
  return {
    id: state.snowflake(),
    filename: String(about?.filename ?? file.filename).replace(/[^\w.-]+/g, '_'),
    description: about?.description === undefined ? null : String(about.description),
    contentType: file.contentType,
    size: file.content.length,
    content: file.content,
  };
}

function refuseEmpty(message: Message): void {
  const shown = message.content.trim() !== '' || message.embeds.some((embed) => !isBlank(embed));
  if (!shown && message.components.length === 0 && message.attachments.length === 0) throw fault('emptyMessage');
}

function remember(message: Message, by: 'post' | 'edit', allowed: AllowedMentions): void {
  const text = [message.content, ...textsOf(message.components)].join('\n');
  const pings: Pings = pingsOf(text, allowed);
  message.mentions = pings;
  const silent = (message.flags & FLAGS.suppressNotifications) !== 0;
  if (!pingsNobody(pings)) message.pinged.push({ by, pings, silent });
}
