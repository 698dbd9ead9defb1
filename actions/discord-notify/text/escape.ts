/** A space without width, which keeps Discord from seeing a mention, an address or a fence. */
const BREAK = '\u200b';

/** Colours and cursor movements that programs write into logs (ECMA-48). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with a control character
const TERMINAL = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
/** Kept of the invisible ones: line ends, joiners that scripts and emoji need, marks of direction, and tags of flags. */
const INVISIBLE = /[\p{Cc}\p{Cf}](?<![\n\u200c-\u200f\u{e0020}-\u{e007f}])/gu;

/** Text without what cannot be seen: control characters, overrides of direction, halves of characters. For places without Markdown. */
export function visible(text: string): string {
  return text
    .toWellFormed()
    .replace(TERMINAL, '')
    .replace(/\t/g, ' ')
    .replace(/\r\n?|[\u2028\u2029\u0085]/g, '\n')
    .replace(INVISIBLE, '');
}

/** Visible text on one line. */
export function oneLine(text: string): string {
  return visible(text).replace(/\s+/g, ' ').trim();
}

/**
 * Data shown in Markdown as it is: it cannot format, link, mention or ping. Discord takes a backslash before any sign that is no
 * letter or digit; what it makes of words (addresses, @everyone) is broken up by a space without width.
 */
export function plain(text: string): string {
  return visible(text)
    .replace(/[\\*_~`|>#[\]()<]/g, '\\$&')
    .replace(/@/g, `@${BREAK}`)
    .replace(/(?<=[a-z\d+.-]):(?=\/\/)/gi, `${BREAK}:`)
    .replace(/\b(discord(?:app)?\.(?:gg|com))(?=\/)/gi, `$1${BREAK}`)
    .replace(/\b(mailto|tel|sms|steam|discord):/gi, `$1${BREAK}:`)
    .replace(/:(?=[\w+-]+:)/g, '\\:')
    .replace(/^([^\S\n]*)([-+])(?=\s|\\#)/gm, '$1\\$2')
    .replace(/^([^\S\n]*\d+)\.(?=\s)/gm, '$1\\.');
}

/** Data on one line of Markdown. */
export function plainLine(text: string): string {
  return plain(oneLine(text));
}

/** Inline code; data that holds backticks is shown without them. */
export function code(text: string): string {
  const shown = disarmed(oneLine(text).replaceAll('`', "'"));
  return shown === '' ? '' : `\`${shown}\``;
}

/**
 * What may stand in code: it cannot end it, and is no mention even where a client looks for one there. Discord looks for links before
 * code, so `](` after a link would make everything between part of it.
 */
export function disarmed(text: string): string {
  return text
    .replace(/`(?=`)/g, `\`${BREAK}`)
    .replace(/@(?=everyone|here|[!&]?\d)/g, `@${BREAK}`)
    .replace(/\](?=\()/g, `]${BREAK}`);
}

/** Longest address that Discord takes in a button; longer ones are no links anywhere here. */
const URL_LIMIT = 512;

/** The address as it may stand in a link or button; '' for what is none. */
export function safeUrl(url: string): string {
  if (!URL.canParse(url)) return '';
  const { protocol, href } = new URL(url);
  if (protocol !== 'https:' && protocol !== 'http:') return '';
  // Brackets and asterisks are legal in addresses and would end or format the link.
  const safe = href.replace(/[()*_~|`\\<>[\]]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return safe.length > URL_LIMIT ? '' : safe;
}

/**
 * A Markdown link around ready-made Markdown; the label alone where there is no usable address.
 * @param quiet without the preview that Discord shows of a page below a message
 */
export function link(label: string, url: string, quiet = false): string {
  const address = safeUrl(url);
  // Brackets in a label end it even when they are escaped: Discord looks for the link first.
  const shown = label.replace(/\\?\[/g, '\\(').replace(/\\?\]/g, '\\)');
  return address === '' || label === '' ? label : `[${shown}](${quiet ? `<${address}>` : address})`;
}
