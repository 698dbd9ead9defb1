import { codeBlock, details, escapeCell, heading, table } from '../../lib/summary.ts';
import type { Component, Message } from './payload.ts';

/** The message as it would look, and as it would be sent. Discord's Markdown is near enough to GitHub's. */
export function previewOf({ payload, attachments }: Message): string {
  const { content, embeds, components = [] } = payload;
  const parts = [
    content,
    ...embeds.flatMap(({ title, url, description, fields = [], footer }) => [
      url ? `**[${title}](${url})**` : `**${title}**`,
      description ?? '',
      ...fields.map(({ name, value }) => `**${name}**\n${value}`),
      footer ? `<sub>${escapeCell(footer.text)}</sub>` : '',
    ]),
    ...components.flatMap(textsOf),
    ...attachments.map(({ name, text }) => `📎 ${name} (${Buffer.byteLength(text)} bytes)`),
  ];
  return `${quote(parts.filter(Boolean).join('\n\n'))}\n\n${details('What would be sent', codeBlock(JSON.stringify(payload, null, 2), 'json'))}`;
}

function textsOf(component: Component): string[] {
  switch (component.type) {
    case 10:
      return [component.content];
    case 1:
    case 17:
      return component.components.flatMap(textsOf);
    case 2:
      return [`[${component.label}](${component.url})`];
    default:
      return [];
  }
}

/** A quote keeps each line end: two spaces before it. */
function quote(markdown: string): string {
  return markdown
    .split('\n')
    .map((text) => `> ${text}  `)
    .join('\n');
}

export interface Checkpoint {
  name: string;
  what: string;
}

export function preflightOf(rows: readonly Checkpoint[]): string {
  const cells = rows.map(({ name, what }) => [escapeCell(name), escapeCell(what)]);
  return heading(3, 'Discord webhooks') + table(['Webhook', 'What Discord says'], cells);
}
