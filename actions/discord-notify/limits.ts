/**
 * Discord's limits, in characters unless said otherwise; inclusive, and the total is over all embeds of a message.
 * Source: Discord developer documentation, "Webhook Resource" and "Embed Limits" (2026-08).
 */
export const LIMITS = {
  content: 2000,
  embeds: 10,
  total: 6000,
  title: 256,
  description: 4096,
  fields: 25,
  fieldName: 256,
  fieldValue: 1024,
  footer: 2048,
  author: 256,
} as const;

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
  timestamp?: string;
}

export interface AllowedMentions {
  parse: [];
  users?: string[];
  roles?: string[];
}

export interface Message {
  content: string;
  embeds: Embed[];
  /** Sent with every request: an edit without it would parse mentions by Discord's defaults. */
  allowed_mentions: AllowedMentions;
}

/** The characters that count towards the total of 6,000. */
export function totalOf(embeds: readonly Embed[]): number {
  const one = (e: Embed) =>
    (e.title?.length ?? 0) +
    (e.description?.length ?? 0) +
    (e.footer?.text.length ?? 0) +
    (e.fields ?? []).reduce((n, f) => n + f.name.length + f.value.length, 0);
  return embeds.reduce((n, e) => n + one(e), 0);
}
