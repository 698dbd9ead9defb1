const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** How far beyond a limit is looked for the end of a grapheme: far more than any that a person would write. */
const LOOK_AHEAD = 64;

export const ELLIPSIS = '…';

/** What a person sees as one character, from a text's head; the rest of a huge text is never looked at. */
export function* graphemes(text: string): Generator<string> {
  for (const { segment } of segmenter.segment(text)) yield segment;
}

/** Cuts text without markup to a number of UTF-16 units, between graphemes, and shows that it was cut. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  if (limit < 1) return '';
  return `${text.slice(0, boundaryBefore(text, limit - ELLIPSIS.length))}${ELLIPSIS}`;
}

/** Keeps the end of a text instead of its beginning: the last lines of a log tell why. */
export function cutStart(text: string, limit: number): string {
  if (text.length <= limit) return text;
  if (limit < 1) return '';
  const room = limit - ELLIPSIS.length;
  // A window that begins before the cut shows whether a grapheme goes across it.
  const from = Math.max(0, text.length - room - LOOK_AHEAD);
  const window = text.slice(from);
  for (const { index } of segmenter.segment(window)) {
    if (window.length - index <= room) return `${ELLIPSIS}${window.slice(index)}`;
  }
  return ELLIPSIS;
}

/** The last place at or before `limit` that lies between two graphemes. */
export function boundaryBefore(text: string, limit: number): number {
  if (text.length <= limit) return text.length;
  let end = 0;
  for (const { index, segment } of segmenter.segment(text.slice(0, limit + LOOK_AHEAD))) {
    if (index + segment.length > limit) break;
    end = index + segment.length;
  }
  return end;
}
