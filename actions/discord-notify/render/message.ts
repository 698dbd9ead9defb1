import { LIMITS } from '../limits.ts';
import { type Attachment, COMPONENTS_V2, type Message, type Payload } from '../payload.ts';
import type { Story } from '../story.ts';
import { code, link } from '../text/escape.ts';
import { cut } from '../text/graphemes.ts';
import { cutMarkdown } from '../text/markdown.ts';
import { componentsOf } from './components.ts';
import { embedOf } from './embed.ts';
import { allowOnly, type Mention, mentionsText } from './mentions.ts';
import { type Style, type View, viewOf } from './view.ts';

export interface Extras {
  /** Who is woken up when it failed. */
  mentions: readonly Mention[];
  attachments: readonly Attachment[];
}

/** Renders a story as a message that fits every limit of Discord, whatever its texts hold. Pure. */
export function render(story: Story, style: Style, { mentions, attachments }: Extras): Message {
  const view = viewOf(story, style);
  const pinged = story.state === 'failed' ? mentions : [];
  const look = { ping: mentionsText(pinged), image: style.image, at: style.hideTime ? undefined : story.now };
  const files = attachments.map(({ name }) => name);
  const payload: Payload = {
    ...(style.format === 'components'
      ? { content: '', embeds: [], components: componentsOf(view, { ...look, files }), flags: COMPONENTS_V2 }
      : { content: contentOf(look.ping, view), embeds: [embedOf(view, look)] }),
    allowed_mentions: allowOnly(pinged),
    ...(style.username !== '' && { username: style.username }),
    ...(style.avatarUrl !== '' && { avatar_url: style.avatarUrl }),
  };
  return { payload, attachments: [...attachments], toldAt: story.now, passing: isPassing(story) };
}

function isPassing({ state }: Story): boolean {
  return state === 'started' || state === 'running';
}

/** A short message beside the living one: an edit notifies nobody (discord-api-docs#1419), so whoever asked to be woken needs a new one. */
export function renderAlert(story: Story, style: Style, mentions: readonly Mention[]): Message {
  const { title, titleUrl } = viewOf(story, style);
  const said = link(cutMarkdown(title, 400), titleUrl, true);
  const payload: Payload = {
    content: `${mentionsText(mentions)} ${said}`,
    embeds: [],
    allowed_mentions: allowOnly(mentions),
    ...(style.username !== '' && { username: style.username }),
    ...(style.avatarUrl !== '' && { avatar_url: style.avatarUrl }),
  };
  return { payload, attachments: [], toldAt: story.now, passing: false };
}

function contentOf(ping: string, { content }: View): string {
  const room = LIMITS.content - (ping === '' ? 0 : ping.length + 1);
  return [ping, cutMarkdown(content, room)].filter(Boolean).join('\n');
}

/** The title of a thread in a forum: plain text, which may not be empty. */
export function threadName(text: string): string {
  return cut(text, LIMITS.threadName) || 'deployment';
}

/** Logs as a message of their own, for a thread that has room for them. */
export function renderLogs(story: Story, attachments: readonly Attachment[]): Message {
  const names = attachments.map(({ name }) => code(name)).join(', ');
  const content = cutMarkdown(`📄 What the log says: ${names}`, LIMITS.content);
  const payload: Payload = { content, embeds: [], allowed_mentions: allowOnly([]) };
  return { payload, attachments: [...attachments], toldAt: story.now, passing: false };
}
