import { isUtf8 } from 'node:buffer';

// git's file names are bytes. Here they are strings in which a byte that is not UTF-8 is kept as a lone surrogate,
// U+DC80..U+DCFF (the way of Python's "surrogateescape"): nothing is lost, and valid names read as they are.
const ESCAPE = 0xdc00;

/** Bytes of a name as a string; encodeName() gives the same bytes back. */
export function decodeName(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let name = '';
  for (let i = 0; i < bytes.length; ) {
    const length = [1, 2, 3, 4].find((n) => i + n <= bytes.length && isUtf8(bytes.subarray(i, i + n)));
    name +=
      length === undefined
        ? String.fromCharCode(ESCAPE + (bytes[i] ?? 0))
        : bytes.subarray(i, i + length).toString('utf8');
    i += length ?? 1;
  }
  return name;
}

/** The bytes of a name that decodeName() made. */
export function encodeName(name: string): Buffer {
  if (name.isWellFormed()) return Buffer.from(name, 'utf8');
  const parts: Buffer[] = [];
  let end = 0;
  // With the u flag only a lone surrogate matches, never half of a pair.
  for (const match of name.matchAll(/[\u{dc80}-\u{dcff}]/gu)) {
    parts.push(Buffer.from(name.slice(end, match.index), 'utf8'), Buffer.from([match[0].charCodeAt(0) - ESCAPE]));
    end = match.index + 1;
  }
  parts.push(Buffer.from(name.slice(end), 'utf8'));
  return Buffer.concat(parts);
}

/** A name for people: as it is when harmless, else in quotes with what cannot be seen, or would deceive, escaped. */
export function showName(name: string): string {
  if (/^[^\p{C}\p{Zl}\p{Zp}"\\]+$/u.test(name) && name.trim() === name) return name;
  const shown = name.replace(/[\p{C}\p{Zl}\p{Zp}"\\]/gu, (c) => {
    const short = SHORT[c];
    if (short !== undefined) return short;
    const point = c.codePointAt(0) ?? 0;
    if (point >= 0xdc80 && point <= 0xdcff) return `\\x${(point - ESCAPE).toString(16)}`;
    return point < 0x80 ? `\\x${point.toString(16).padStart(2, '0')}` : `\\u{${point.toString(16)}}`;
  });
  return `"${shown}"`;
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '"': '\\"', '\\': '\\\\' };

/** Splits NUL-terminated fields into names; the common case, all valid UTF-8, decodes the buffer once. */
export function splitNul(output: Buffer): string[] {
  if (output.length === 0) return [];
  const whole = output.at(-1) === 0 ? output.subarray(0, -1) : output;
  if (isUtf8(whole)) return whole.toString('utf8').split('\0');
  return whole
    .toString('latin1')
    .split('\0')
    .map((field) => decodeName(Buffer.from(field, 'latin1')));
}
