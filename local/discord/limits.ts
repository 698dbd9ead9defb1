/** A figure and where it comes from. */
export interface Figure {
  value: number;
  source: string;
}

const WEBHOOK = 'discord-api-docs developers/resources/webhook.mdx, Execute Webhook';
const MESSAGE = 'discord-api-docs developers/resources/message.mdx, Embed Limits';
const UPLOAD = 'discord-api-docs developers/reference.mdx, Uploading Files';
const COMPONENTS = 'discord-api-docs developers/components/reference.mdx';

/**
 * Discord's limits as data. Text is counted in Unicode code points (discord-api-docs#1315), after leading and trailing white
 * space was trimmed in embeds; all limits are inclusive.
 */
export const LIMITS = {
  content: { value: 2000, source: WEBHOOK },
  embeds: { value: 10, source: WEBHOOK },
  embedTitle: { value: 256, source: MESSAGE },
  embedDescription: { value: 4096, source: MESSAGE },
  embedFields: { value: 25, source: MESSAGE },
  fieldName: { value: 256, source: MESSAGE },
  fieldValue: { value: 1024, source: MESSAGE },
  footerText: { value: 2048, source: MESSAGE },
  authorName: { value: 256, source: MESSAGE },
  embedTotal: { value: 6000, source: `${MESSAGE}: over all embeds of the message` },
  requestBytes: { value: 26_214_400, source: 'discord-api-docs developers/resources/message.mdx, Create Message' },
  fileBytes: { value: 10_485_760, source: UPLOAD },
  files: { value: 10, source: 'discord-api-docs developers/resources/message.mdx, attachments' },
  attachmentDescription: {
    value: 1024,
    source: 'discord-api-docs developers/resources/message.mdx, Attachment Object',
  },
  username: { value: 80, source: 'discord-api-docs developers/resources/webhook.mdx, Create Webhook' },
  threadName: { value: 100, source: 'discord-api-docs developers/resources/channel.mdx' },
  mentionedUsers: { value: 100, source: 'discord-api-docs developers/resources/message.mdx, Allowed Mentions Object' },
  mentionedRoles: { value: 100, source: 'discord-api-docs developers/resources/message.mdx, Allowed Mentions Object' },
  components: { value: 40, source: 'discord-api-docs change log 2025-04-29' },
  actionRows: { value: 5, source: 'discord-api-docs change log 2025-04-29 (legacy messages)' },
  displayableText: { value: 4000, source: 'discord-api-docs#8562' },
  textDisplayBytes: { value: 10_170, source: 'discord-api-docs#8554: UTF-8 bytes + 12 a display; above it a 500' },
  buttonsPerRow: { value: 5, source: `${COMPONENTS}, Action Row` },
  buttonLabel: { value: 80, source: `${COMPONENTS}, Button` },
  buttonUrl: { value: 512, source: `${COMPONENTS}, Button` },
  sectionTexts: { value: 3, source: `${COMPONENTS}, Section` },
  galleryItems: { value: 10, source: `${COMPONENTS}, Media Gallery` },
} as const satisfies Record<string, Figure>;

export type LimitName = keyof typeof LIMITS;

/** Message flags a webhook may set. Source: webhook.mdx, Execute Webhook. */
export const FLAGS = { suppressEmbeds: 4, ephemeral: 64, suppressNotifications: 4096, componentsV2: 32_768 } as const;

/** Observed, not documented: 5 requests in 2 s per webhook; 50 a second in all (rate-limits.mdx). */
export const RATE = { bucket: { limit: 5, windowMs: 2_000 }, global: { limit: 50, windowMs: 1_000 } } as const;

/** Source: rate-limits.mdx, "Invalid Request Limit aka Cloudflare bans". */
export const INVALID_REQUESTS = { limit: 10_000, windowMs: 600_000 } as const;

/** Length as the API counts it: code points. */
export function lengthOf(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
