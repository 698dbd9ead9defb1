/** A message as Discord's API takes it. */
export interface EmbedField {
  name: string;
  value: string;
  inline?: boolean;
}

export interface Embed {
  title?: string;
  url?: string;
  description?: string;
  color?: number;
  fields?: EmbedField[];
  footer?: { text: string };
  image?: { url: string };
  timestamp?: string;
}

export interface AllowedMentions {
  parse: [];
  users?: string[];
  roles?: string[];
}

export type Component =
  | { type: 1; components: Component[] }
  | { type: 2; style: 5; label: string; url: string }
  | { type: 10; content: string }
  | { type: 12; items: { media: { url: string } }[] }
  | { type: 13; file: { url: string } }
  | { type: 14; divider: boolean; spacing: 1 | 2 }
  | { type: 17; id?: number; accent_color: number; components: Component[] };

/** A container's id is this and the milliseconds of the time that its text shows, which has none. */
export const FIRST_ID = 1000;

export interface Payload {
  /** Empty in a message of components, which may have neither this nor embeds. */
  content: string;
  embeds: Embed[];
  components?: Component[];
  flags?: number;
  /** Sent with every request: an edit without it would parse mentions by Discord's defaults. */
  allowed_mentions: AllowedMentions;
  username?: string;
  avatar_url?: string;
}

/** A file that goes with a message. */
export interface Attachment {
  name: string;
  description: string;
  text: string;
}

/** What is to be said, in full. */
export interface Message {
  payload: Payload;
  attachments: Attachment[];
  /** When the story was told, in milliseconds: an older one never overwrites a newer. */
  toldAt: number;
  /** Whether the run goes on, so that a newer story will follow. */
  passing: boolean;
}

export const COMPONENTS_V2 = 32_768;

/** The characters that count towards the total of 6,000. */
export function totalOf(embeds: readonly Embed[]): number {
  const one = (e: Embed) =>
    (e.title?.length ?? 0) +
    (e.description?.length ?? 0) +
    (e.footer?.text.length ?? 0) +
    (e.fields ?? []).reduce((n, f) => n + f.name.length + f.value.length, 0);
  return embeds.reduce((n, e) => n + one(e), 0);
}
