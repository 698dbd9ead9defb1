/** The runner drops a step's summary whole when it is over 1 MiB (actions/runner, FileCommandManager.cs); this stays below it. */
export const SUMMARY_LIMIT_BYTES = 1_000_000;

const CUT_NOTE =
  '\n\n> [!NOTE]\n> This summary was cut because the runner drops one over 1 MiB; the job log has the rest.\n';

/** Text safe inside one table cell: no line breaks, no cell ends, no HTML, no Markdown of the data's own. */
export function escapeCell(text: string): string {
  return escapeText(text)
    .replaceAll('|', '\\|')
    .replace(/\r\n?|\n/g, ' ');
}

/** Text shown as it is: Markdown and HTML in it have no effect. */
export function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[\\`*_{}[\]#~@!]/g, (c) => (c === '@' ? '&#64;' : `\\${c}`));
}

/** Inline code for data that may contain backticks. */
export function code(text: string): string {
  const flat = text.replace(/\r\n?|\n/g, ' ').replaceAll('|', '\\|');
  const longest = Math.max(0, ...[...flat.matchAll(/`+/g)].map((m) => m[0].length));
  if (longest === 0) return flat === '' ? '' : `\`${flat}\``;
  const fence = '`'.repeat(longest + 1);
  return `${fence} ${flat} ${fence}`;
}

/** A fenced block; the fence is longer than any in the text. */
export function codeBlock(text: string, language = ''): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((m) => m[0].length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text.replace(/\n$/, '')}\n${fence}\n`;
}

export function heading(level: 2 | 3 | 4, text: string): string {
  return `${'#'.repeat(level)} ${text}\n\n`;
}

/** A table of ready-made Markdown cells: escape data with escapeCell() or code() before. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return `${[line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')}\n\n`;
}

export function details(title: string, body: string): string {
  return `<details><summary>${escapeText(title)}</summary>\n\n${body}\n\n</details>\n\n`;
}

export function mermaid(source: string): string {
  return codeBlock(source, 'mermaid');
}

/** Cuts a summary to a number of bytes at a line boundary, closes an open fence, and says that it was cut. */
export function boundSummary(markdown: string, maxBytes = SUMMARY_LIMIT_BYTES): string {
  if (Buffer.byteLength(markdown) <= maxBytes) return markdown;
  const room = maxBytes - Buffer.byteLength(CUT_NOTE) - 16;
  const cut = Buffer.from(markdown).subarray(0, Math.max(0, room)).toString('utf8').replace(/�+$/, '');
  const atLine = cut.slice(0, Math.max(0, cut.lastIndexOf('\n')));
  const fences = atLine.match(/^(`{3,})/gm) ?? [];
  const open = fences.length % 2 === 1 ? `\n${fences[fences.length - 1] ?? '```'}` : '';
  return `${atLine}${open}${CUT_NOTE}`;
}
