import { parseJsonPath } from '../json-path.ts';
import type { Expectation } from './verify.ts';

export interface Broken {
  path: string[];
  seen: string;
  cause: string;
  fix: string;
}

/** What of an expectation cannot be read, or can never be fulfilled: better known before a deployment than after it. */
export function brokenExpressions(expect: Expectation): Broken[] {
  const found: Broken[] = [];
  const expression = (source: unknown, path: string[]) => {
    const error = typeof source === 'string' ? complaint(source) : undefined;
    if (error === undefined) return;
    const fix = 'Correct it; a sign that is meant as it is gets a \\ before it';
    found.push({ path, seen: String(source), cause: `it is not a regular expression (${error})`, fix });
  };
  const operators = (value: unknown, path: string[]) => {
    if (
      typeof value === 'object' &&
      value !== null &&
      'exists' in value &&
      value.exists === false &&
      Object.keys(value).length > 1
    )
      found.push({
        path: [...path, 'exists'],
        seen: 'false',
        cause: 'what is not there cannot fit the other operators',
        fix: 'Leave out either',
      });
    if (typeof value === 'object' && value !== null && 'matches' in value)
      expression(value.matches, [...path, 'matches']);
  };
  for (const [key, value] of Object.entries(expect.json ?? {})) {
    operators(value, ['json', key]);
    if (parseJsonPath(key)) continue;
    const fix = 'Write for instance checks.db.status, items[0].id or nodes[*].version';
    found.push({ path: ['json', key], seen: key, cause: 'it is not a path into JSON', fix });
  }
  for (const [key, value] of Object.entries(expect.headers ?? {})) operators(value, ['headers', key]);
  for (const one of [expect.status ?? []].flat()) {
    const [low = 0, high = low] = String(one).split('-').map(Number);
    if (high >= low || Number.isNaN(low)) continue;
    const cause = 'the range ends before it begins, so that no status is in it';
    found.push({ path: ['status'], seen: String(one), cause, fix: `Write ${high}-${low}` });
  }
  operators(expect.url, ['url']);
  operators(expect.tls?.issuer, ['tls', 'issuer']);
  if (typeof expect.body === 'string') expression(expect.body, ['body']);
  else operators(expect.body, ['body']);
  return found;
}

/** Placeholders are text by then. */
function complaint(source: string): string | undefined {
  try {
    new RegExp(source.replace(/\{[a-z]+\}/g, 'x'), 'u');
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(/^Invalid regular expression: /, '');
  }
}
