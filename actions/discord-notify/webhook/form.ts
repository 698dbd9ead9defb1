import { LIMITS } from '../limits.ts';
import { type Attachment, COMPONENTS_V2, type Component, type Payload } from '../payload.ts';
import { oneLine } from '../text/escape.ts';
import { cut } from '../text/graphemes.ts';

export interface Body {
  headers: Record<string, string>;
  body: string | Uint8Array<ArrayBuffer>;
}

/**
 * The body of a post or an edit: JSON, or a multipart form where files go with it. Files of an edited message that are not named are
 * removed, so that a message never shows the log of an earlier attempt.
 * Source: Discord developer documentation, "Uploading Files" and "Editing Message Attachments".
 */
export async function bodyOf(payload: object, attachments: readonly Attachment[]): Promise<Body> {
  const files = attachments.slice(0, LIMITS.attachments);
  const described = files.map(({ name, description }, id) => ({
    id,
    filename: name,
    description: cut(oneLine(description), LIMITS.attachmentDescription),
  }));
  const json = JSON.stringify({ ...payload, attachments: described });
  if (files.length === 0) return { headers: { 'content-type': 'application/json' }, body: json };
  const form = new FormData();
  form.set('payload_json', json);
  for (const [id, { name, text }] of files.entries())
    form.set(`files[${id}]`, new Blob([lastBytes(text)], { type: 'text/plain; charset=utf-8' }), name);
  // The runtime writes the form; undici's fetch would not know the runtime's FormData.
  const response = new Response(form);
  return {
    headers: { 'content-type': response.headers.get('content-type') ?? '' },
    body: new Uint8Array(await response.arrayBuffer()),
  };
}

/** What a post says. A message of components may not even name text and embeds. */
export function forPost({ content, embeds, ...rest }: Payload): object {
  return isComponents(rest) ? rest : { content, embeds, ...rest };
}

/** What an edit says: without what cannot be changed, and with what the message has to lose when it becomes one of components. */
export function forEdit({ username: _, avatar_url: __, ...rest }: Payload): object {
  return isComponents(rest) ? { ...rest, content: null, embeds: null } : rest;
}

/** The same message without the components that show its files: one that shows a file which is not there is refused. */
export function withoutFiles(payload: Payload): Payload {
  const rest = (all: readonly Component[]): Component[] =>
    all
      .filter(({ type }) => type !== 13)
      .map((one) => (one.type === 17 ? { ...one, components: rest(one.components) } : one));
  return payload.components ? { ...payload, components: rest(payload.components) } : payload;
}

export function isComponents({ flags = 0 }: Pick<Payload, 'flags'>): boolean {
  return (flags & COMPONENTS_V2) !== 0;
}

const ALL_FILES = 20_000_000;

/** The end of a text, from a line's beginning, where all of it would be too large. */
function lastBytes(text: string): string {
  const bytes = Buffer.from(text);
  const most = Math.min(LIMITS.fileBytes, ALL_FILES / LIMITS.attachments);
  if (bytes.length <= most) return text;
  const tail = bytes.subarray(bytes.length - most).toString('utf8');
  return `[…]\n${tail.slice(tail.indexOf('\n') + 1)}`;
}
