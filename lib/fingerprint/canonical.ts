import { createHash } from 'node:crypto';

/**
 * JSON with one form for one value: keys sorted by UTF-16 code units, no spaces, members that are undefined left out.
 * For plain data this is RFC 8785 (JSON Canonicalization Scheme).
 * @throws TypeError for what JSON cannot hold (functions, symbols, bigint, NaN, infinities), which JSON.stringify would drop or turn into null.
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      if (Number.isFinite(value)) return JSON.stringify(value);
      break;
    case 'object':
      if (value === null) return 'null';
      if (value instanceof Date) return JSON.stringify(value);
      if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
      return `{${members(value).join(',')}}`;
  }
  throw new TypeError(`${typeof value} ${String(value)} cannot be part of a fingerprint`);
}

function members(value: object): string[] {
  return Object.entries(value)
    .filter(([, v]) => v !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`);
}

/** SHA-256 over parts, each preceded by its length, so that no two lists of parts give the same bytes. 64 hexadecimal digits. */
export function sha256(parts: Iterable<string | Buffer>): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part, 'utf8') : part;
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest('hex');
}
