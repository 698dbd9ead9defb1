import { disarmed, visible } from './escape.ts';
import { cutStart, ELLIPSIS, graphemes } from './graphemes.ts';

/**
 * A piece of Discord's Markdown. An atom is shown whole or not at all (an escape, a link, a mention, a grapheme); a pair has
 * signs at both ends and may be cut inside, because the closing sign is put after the cut.
 */
type Piece = { atom: string } | { open: string; close: string; inside: Iterable<Piece> };

/** Longest first: `**` would otherwise be read as two `*`. */
const PAIRS = ['**', '__', '~~', '||', '*', '_'] as const;

const ATOMS: readonly RegExp[] = [
  /\\[^A-Za-z\d\s]/y,
  // A link in one piece: half an address leads elsewhere.
  /\[(?:\\.|[^\]\\\n]){1,600}\]\(<?https?:\/\/[^\s<>)]+>?\)/y,
  /<(?:@[!&]?|#|a?:\w+:|t:|\/[^>\n]+:|id:|https?:\/\/)[^\s<>]*>/y,
  /https?:\/\/[^\s<>()]+/y,
];

/** More than this of a text is never looked at: no part of a message is longer, escapes included. */
const LOOKED_AT = 16_000;

/**
 * Cuts Markdown to a number of UTF-16 units: between graphemes, never inside a link, mention or escape, and with what is open at the
 * cut (bold, a code block) closed after it. The result is never longer than the limit.
 */
export function cutMarkdown(text: string, limit: number): string {
  if (text.length <= limit) return text;
  if (limit < ELLIPSIS.length) return '';
  const { out } = take(piecesOf(text.slice(0, LOOKED_AT)), limit - ELLIPSIS.length);
  return `${out}${ELLIPSIS}`;
}

const DOUBLE = ['**', '__', '~~', '||'] as const;

/**
 * An author's Markdown that ends where it ends: what it opens and does not close would take in what is shown after it. A sign
 * without a partner is shown as it is.
 */
export function contained(text: string): string {
  const missing = new Set<string>();
  let out = '';
  let at = 0;
  const keep = (length: number, escaped = false): void => {
    const kept = text.slice(at, at + length);
    out += escaped ? kept.replace(/./g, '\\$&') : kept;
    at += length;
  };
  while (at < text.length) {
    const special = nextSpecial(text, at);
    if (special > at) {
      keep(special - at);
      continue;
    }
    const whole = codeAt(text, at) ?? atomAt(text, at);
    if (whole) {
      keep(whole.length);
      continue;
    }
    const pair = pairAt(text, at, missing);
    if (pair && 'open' in pair.piece) {
      const { open } = pair.piece;
      out += open + contained(text.slice(at + open.length, at + pair.length - open.length)) + open;
      at += pair.length;
      continue;
    }
    const double = DOUBLE.find((sign) => text.startsWith(sign, at));
    keep(double?.length ?? 1, double !== undefined || text[at] === '`');
  }
  return out;
}

/** Less than this of a log tells nothing. */
const LEAST_SHOWN = 20;

/** A code block whose text cannot end it; of too long a text the end is kept. '' where not even a line has room. */
export function block(text: string, limit: number): string {
  const shown = disarmed(visible(text)).trimEnd();
  const room = limit - '```\n\n```'.length;
  if (shown.trim() === '' || room < LEAST_SHOWN) return '';
  return `\`\`\`\n${lastLines(shown, room)}\n\`\`\``;
}

/** The end of a text from the beginning of a line, unless that line alone is too long. */
function lastLines(text: string, room: number): string {
  const end = cutStart(text, room);
  const whole = end === text ? -1 : end.indexOf('\n');
  return whole < 0 ? end : `${ELLIPSIS}${end.slice(whole)}`;
}

function take(pieces: Iterable<Piece>, room: number): { out: string; whole: boolean } {
  let out = '';
  for (const piece of pieces) {
    const left = room - out.length;
    if ('atom' in piece) {
      if (piece.atom.length > left) return { out, whole: false };
      out += piece.atom;
      continue;
    }
    const { open, close, inside } = piece;
    const inner = take(inside, left - open.length - close.length);
    // A pair around nothing would be shown as its signs.
    if (inner.out.trim() === '') return { out, whole: false };
    out += open + inner.out + close;
    if (!inner.whole) return { out, whole: false };
  }
  return { out, whole: true };
}

/** What may begin more than a character; `h` is for addresses. */
const SPECIAL = /[\\[<h`*_~|]/g;

/** The pieces one by one, so that what comes after the cut costs nothing. */
function* piecesOf(text: string): Generator<Piece> {
  // A sign that has no partner from here on has none later either.
  const missing = new Set<string>();
  let plainFrom = 0;
  for (let at = nextSpecial(text, 0); at < text.length; at = nextSpecial(text, at)) {
    const found = codeAt(text, at) ?? atomAt(text, at) ?? pairAt(text, at, missing);
    if (!found) {
      at += 1;
      continue;
    }
    yield* atomsOf(text.slice(plainFrom, at));
    yield found.piece;
    at += found.length;
    plainFrom = at;
  }
  yield* atomsOf(text.slice(plainFrom));
}

function* atomsOf(text: string): Generator<Piece> {
  for (const atom of graphemes(text)) yield { atom };
}

function nextSpecial(text: string, from: number): number {
  SPECIAL.lastIndex = from;
  return SPECIAL.exec(text)?.index ?? text.length;
}

interface Found {
  piece: Piece;
  length: number;
}

const FENCE = '```';

function codeAt(text: string, at: number): Found | undefined {
  if (text[at] !== '`') return undefined;
  if (text.startsWith(FENCE, at)) {
    const end = text.indexOf(FENCE, at + FENCE.length);
    if (end < 0) return undefined;
    const body = text.slice(at + FENCE.length, end);
    // A block around nothing is none to Discord: it goes on to the next fence.
    if (body.trim() === '') return undefined;
    const [first = ''] = /^[\w+-]*\n/.exec(body) ?? [];
    return {
      piece: {
        open: FENCE + first,
        close: body.endsWith('\n') ? `\n${FENCE}` : FENCE,
        inside: atomsOf(body.slice(first.length).replace(/\n$/, '')),
      },
      length: end + FENCE.length - at,
    };
  }
  const [ticks = ''] = /^`+/.exec(text.slice(at, at + 8)) ?? [];
  const end = text.indexOf(ticks, at + ticks.length);
  if (end <= at + ticks.length) return undefined;
  const inside = atomsOf(text.slice(at + ticks.length, end));
  return { piece: { open: ticks, close: ticks, inside }, length: end + ticks.length - at };
}

function atomAt(text: string, at: number): Found | undefined {
  for (const pattern of ATOMS) {
    pattern.lastIndex = at;
    const match = pattern.exec(text)?.[0];
    if (match !== undefined) return { piece: { atom: match }, length: match.length };
  }
  return undefined;
}

function pairAt(text: string, at: number, missing: Set<string>): Found | undefined {
  const sign = PAIRS.find((one) => text.startsWith(one, at));
  if (sign === undefined || missing.has(sign)) return undefined;
  // An underscore inside a word is one.
  if (sign === '_' && /\w/.test(text[at - 1] ?? '')) return undefined;
  const end = closing(text, at + sign.length, sign);
  if (end < 0) {
    missing.add(sign);
    return undefined;
  }
  if (end === at + sign.length) return undefined;
  const inside = piecesOf(text.slice(at + sign.length, end));
  return { piece: { open: sign, close: sign, inside }, length: end + sign.length - at };
}

/** Where the partner of a sign stands: not escaped. */
function closing(text: string, from: number, sign: string): number {
  for (let at = text.indexOf(sign, from); at >= 0; at = text.indexOf(sign, at + 1)) {
    const [slashes = ''] = /\\*$/.exec(text.slice(Math.max(0, at - 16), at)) ?? [];
    if (slashes.length % 2 === 0) return at;
  }
  return -1;
}
