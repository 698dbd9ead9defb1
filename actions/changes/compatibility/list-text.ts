/** Forms in which a list of names becomes one text. */
export type TextFormat = 'csv' | 'json' | 'shell' | 'escape';

const SAFE = /^[\w./@%+=:,-]+$/;
/** A comma parts the fields of a line. */
const PLAIN = /^[\w./@%+:-]+$/;

export function listText(names: readonly string[], format: TextFormat): string {
  switch (format) {
    case 'csv':
      return names.map((n) => (PLAIN.test(n) ? n : `"${n.replaceAll('"', '""')}"`)).join(',');
    case 'json':
      return JSON.stringify(names);
    case 'shell':
      return names.map((n) => (SAFE.test(n) ? n : `'${n.replaceAll("'", "'\\''")}'`)).join(' ');
    case 'escape':
      // A backslash before a line end would remove it.
      return names.map((n) => n.replace(/[^\w./@%+:,\n-]/gu, '\\$&').replaceAll('\n', "$'\\n'")).join(' ');
  }
}
