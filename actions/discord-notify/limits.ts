/**
 * Discord's limits, inclusive, in characters unless said otherwise. Characters are counted here as UTF-16 units, of which a text
 * never has fewer than Discord counts. Source: Discord developer documentation, "Webhook Resource", "Embed Limits",
 * "Allowed Mentions" and "Component Reference" (2026-08).
 */
export const LIMITS = {
  content: 2000,
  embeds: 10,
  /** Over all embeds of a message: titles, descriptions, field names and values, footers, authors. */
  total: 6000,
  title: 256,
  description: 4096,
  fields: 25,
  fieldName: 256,
  fieldValue: 1024,
  footer: 2048,
  username: 80,
  threadName: 100,
  /** Source: "Channel Resource", `applied_tags`. */
  threadTags: 5,
  mentions: 100,
  attachments: 10,
  /** 10 MiB; servers with boosts allow more, which nobody can know from here. */
  fileBytes: 10_485_760,
  attachmentDescription: 1024,
} as const;

/** Of messages that are made of components (Components V2). */
export const COMPONENT_LIMITS = {
  components: 40,
  /** Over all text displays. Source: discord-api-docs#8554. */
  text: 4000,
  /** UTF-8 bytes of all text displays and 12 for each; above it Discord answers 500. Source: discord-api-docs#8554. */
  textBytes: 10_170,
  bytesPerText: 12,
  buttonsPerRow: 5,
  buttonLabel: 80,
} as const;
