/** A space without width, which keeps Discord from seeing a mention or an address. */
const BREAK = '\u200b';

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** Cuts text to a number of UTF-16 units, between what a person sees as characters, and shows that it was cut. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  if (limit <= 0) return '';
  const room = limit - 1;
  let end = 0;
  // Only the head is segmented: the rest of a huge text does not matter.
  for (const { index, segment } of graphemes.segment(text.slice(0, limit + 64))) {
    if (index + segment.length > room) break;
    end = index + segment.length;
  }
  // An escape that lost the character it escapes would show as a backslash.
  const head = text.slice(0, end).replace(/(?<!\\)(?:\\\\)*\\$/, (tail) => tail.slice(0, -1));
  return `${head}…`;
}

/** Keeps the end of a text instead of its beginning: the last lines of a log tell why. */
export function cutStart(text: string, limit: number): string {
  if (text.length <= limit) return text;
  if (limit <= 1) return '';
  const from = text.length - (limit - 1);
  for (const { index } of graphemes.segment(text.slice(from))) {
    if (index > 0 || startsClean(text, from)) return `…${text.slice(from + index)}`;
  }
  return '…';
}

function startsClean(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code < 0xdc00 || code > 0xdfff;
}

/** Data shown in a message: it cannot format, link, mention or ping. */
export function plain(text: string): string {
  return text
    .replace(/[^\P{C}\n\u200d]/gu, '')
    .replace(/[\\*_~`|>#[\]()<]/g, '\\$&')
    .replace(/@/g, `@${BREAK}`)
    .replace(/(https?|ftp|mailto|discord):/gi, `$1${BREAK}:`)
    .replace(/^(\s*)([-+]|\d+\.)(?=\s)/gm, '$1\\$2');
}

/** A code block around text that cannot end it. */
export function block(text: string, limit: number): string {
  const fence = '```';
  const safe = text.replaceAll('`', "'").replace(/@/g, `@${BREAK}`);
  return `${fence}\n${cutStart(safe, limit - 2 * fence.length - 2)}\n${fence}`;
}

/** A Markdown link whose text cannot break it; the address comes from the runner. */
export function link(label: string, url: string): string {
  return url === ''
    ? plain(label)
    : `[${plain(label)}](${encodeURI(decodeURI(url)).replace(/[()]/g, encodeURIComponent)})`;
}
