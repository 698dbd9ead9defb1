import type { Checks, Json } from './checks.ts';
import type { FormErrors } from './errors.ts';
import { LIMITS, lengthOf } from './limits.ts';

export interface Embed {
  type: 'rich';
  title?: string;
  description?: string;
  url?: string;
  color?: number;
  timestamp?: string;
  footer?: { text: string; icon_url?: string };
  author?: { name: string; url?: string; icon_url?: string };
  image?: { url: string };
  thumbnail?: { url: string };
  fields?: { name: string; value: string; inline: boolean }[];
}

const IMAGE_SCHEMES = ['http', 'https', 'attachment'] as const;

/** The embeds of a message, checked field by field and then as a whole; undefined when none were given. */
export function readEmbeds(value: unknown, check: Checks, errors: FormErrors): Embed[] | undefined {
  const given = check.list(value, ['embeds'], { max: LIMITS.embeds.value });
  if (!given) return undefined;
  const embeds = given
    .map((one, index) => ({ json: check.object(one, ['embeds', index]), index }))
    .filter((one): one is { json: Json; index: number } => one.json !== undefined)
    .map(({ json, index }) => readEmbed(json, index, check, errors));
  const total = embeds.reduce((sum, embed) => sum + embedLength(embed), 0);
  const { value: most } = LIMITS.embedTotal;
  if (total > most && !errors.any) {
    errors.add(['embeds'], 'MAX_EMBED_SIZE_EXCEEDED', `Embed size exceeds maximum size of ${most}`);
  }
  return embeds;
}

/** What counts towards the limit over all embeds: title, description, field names and values, footer, author. */
export function embedLength(embed: Embed): number {
  const fields = (embed.fields ?? []).flatMap(({ name, value }) => [name, value]);
  return [embed.title, embed.description, embed.footer?.text, embed.author?.name, ...fields]
    .map((text) => lengthOf(text ?? ''))
    .reduce((sum, length) => sum + length, 0);
}

/** An embed that would show nothing. */
export function isBlank(embed: Embed): boolean {
  return embedLength(embed) === 0 && !embed.image && !embed.thumbnail;
}

function readEmbed(json: Json, index: number, check: Checks, errors: FormErrors): Embed {
  const at = (...rest: (string | number)[]) => ['embeds', index, ...rest];
  const embed: Embed = { type: 'rich' };
  const title = check.text(json.title, at('title'), { max: LIMITS.embedTitle.value, trim: true });
  if (title) embed.title = title;
  const description = check.text(json.description, at('description'), {
    max: LIMITS.embedDescription.value,
    trim: true,
  });
  if (description) embed.description = description;
  const url = check.url(json.url, at('url'));
  if (url) embed.url = url;
  const color = check.integer(json.color, at('color'), { min: 0, max: 0xffffff });
  if (color !== undefined) embed.color = color;
  const timestamp = readTime(json.timestamp, at('timestamp'), errors);
  if (timestamp) embed.timestamp = timestamp;
  readParts(embed, json, at, check);
  const fields = readFields(json.fields, at, check);
  if (fields) embed.fields = fields;
  return embed;
}

type At = (...rest: (string | number)[]) => (string | number)[];

function readParts(embed: Embed, json: Json, at: At, check: Checks): void {
  const footer = check.object(json.footer, at('footer'));
  if (footer) {
    const text = check.text(footer.text, at('footer', 'text'), {
      max: LIMITS.footerText.value,
      required: true,
      trim: true,
    });
    const icon = check.url(footer.icon_url, at('footer', 'icon_url'), IMAGE_SCHEMES);
    embed.footer = { text: text ?? '', ...(icon ? { icon_url: icon } : {}) };
  }
  const author = check.object(json.author, at('author'));
  if (author) {
    const name = check.text(author.name, at('author', 'name'), {
      max: LIMITS.authorName.value,
      required: true,
      trim: true,
    });
    const url = check.url(author.url, at('author', 'url'));
    const icon = check.url(author.icon_url, at('author', 'icon_url'), IMAGE_SCHEMES);
    embed.author = { name: name ?? '', ...(url ? { url } : {}), ...(icon ? { icon_url: icon } : {}) };
  }
  for (const part of ['image', 'thumbnail'] as const) {
    const given = check.object(json[part], at(part));
    const url = given && check.url(given.url, at(part, 'url'), IMAGE_SCHEMES);
    if (url) embed[part] = { url };
  }
}

function readFields(value: unknown, at: At, check: Checks): Embed['fields'] {
  return check.list(value, at('fields'), { max: LIMITS.embedFields.value })?.map((one, index) => {
    const field = check.object(one, at('fields', index)) ?? {};
    const name = check.text(field.name, at('fields', index, 'name'), {
      max: LIMITS.fieldName.value,
      required: true,
      trim: true,
    });
    const text = check.text(field.value, at('fields', index, 'value'), {
      max: LIMITS.fieldValue.value,
      required: true,
      trim: true,
    });
    const inline = check.flag(field.inline, at('fields', index, 'inline')) ?? false;
    return { name: name ?? '', value: text ?? '', inline };
  });
}

function readTime(value: unknown, path: (string | number)[], errors: FormErrors): string | undefined {
  if (value === undefined || value === null) return undefined;
  const time = typeof value === 'string' && /^\d{4}-\d{2}-\d{2}/.test(value) ? Date.parse(value) : Number.NaN;
  if (!Number.isNaN(time)) return new Date(time).toISOString();
  errors.add(path, 'DATE_TIME_TYPE_PARSE', `Could not parse ${String(value)}. Should be ISO8601.`);
  return undefined;
}
