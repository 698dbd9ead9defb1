import type * as v from 'valibot';
import { halvesOf } from './fields.ts';
import type { ConfigPath, Mistake } from './mistakes.ts';
import { configSchema } from './schema.ts';
import { nearest } from './suggest.ts';

type Issue = v.BaseIssue<unknown>;

interface AnySchema {
  type: string;
  entries?: Record<string, AnySchema>;
  value?: AnySchema;
  item?: AnySchema;
  wrapped?: AnySchema;
  key?: string;
  options?: AnySchema[];
}

/**
 * A validator's issue as a mistake that a person can act on.
 * @param root the value that was checked, from which the shape at the place is found.
 * @param at where `root` stands in the file; @param inside path that stands before the issue's own path in `root`.
 */
export function translate(issue: Issue, root: unknown, at: ConfigPath = [], inside: ConfigPath = []): Mistake {
  const own = (issue.path ?? []).map((item) => (typeof item.key === 'number' ? item.key : String(item.key)));
  const path = [...inside, ...own];
  const last = issue.path?.at(-1);
  const key = String(last?.key ?? '');
  const place = { path: [...at, ...path] };
  if (issue.type === 'strict_object' && last && 'origin' in last && last.origin === 'key') {
    const parent = path.slice(0, -1);
    if (issue.expected === 'never') return { ...place, ...unknownKey(key, knownKeys(root, parent), parent) };
    return { path: [...at, ...parent], cause: `the key '${key}' is missing`, fix: `Add \`${key}:\`` };
  }
  const [cause, fix] = halvesOf(issue.message);
  const keyAtFault = last !== undefined && 'origin' in last && last.origin === 'key';
  const secret = path.includes('secrets') && !keyAtFault;
  if (secret && fix === '') {
    return { ...place, cause: 'a reference to a secret belongs here', fix: "Write '${ssm:/path/of/the/parameter}'" };
  }
  const seen = secret ? undefined : show(keyAtFault ? key : issue.input);
  if (issue.type === 'variant' && issue.received === 'undefined') {
    const parent = path.slice(0, -1);
    return { path: [...at, ...parent], cause: `the key '${key}' is missing`, fix: `Add \`${key}:\`. ${fix}` };
  }
  if (issue.type === 'variant' && issue.expected === 'Object') return { ...place, seen, ...wrongType(issue, key) };
  if (issue.type === 'variant' || issue.type === 'picklist') return { ...place, seen, ...notOneOf(issue, fix) };
  if (fix !== '') return { ...place, seen, cause, fix };
  return { ...place, seen, ...wrongType(issue, key) };
}

function unknownKey(key: string, known: readonly string[], parent: ConfigPath): Pick<Mistake, 'cause' | 'fix'> {
  const cause = `there is no key '${key}' here`;
  if (parent[0] === 'environments' && parent[2] === 'components' && parent.length === 4 && GRAPH_KEYS.has(key)) {
    return { cause: `${key} is the same in every environment`, fix: 'Set it in the component itself' };
  }
  const near = nearest(key, known);
  const rest = known.length > 0 ? `Keys here: ${known.join(', ')}` : 'Remove it';
  return { cause, fix: near === undefined ? rest : `Did you mean '${near}'? ${rest}` };
}

const GRAPH_KEYS = new Set(['kind', 'paths', 'depends-on', 'after']);

function notOneOf(issue: Issue, fix: string): Pick<Mistake, 'cause' | 'fix'> {
  const choices = [...(issue.expected ?? '').matchAll(/"([^"]+)"/g)].map((m) => m[1] ?? '');
  const near = typeof issue.input === 'string' ? nearest(issue.input, choices) : undefined;
  const write = fix === '' ? `Write one of ${choices.join(', ')}` : fix;
  return {
    cause: `it is none of ${choices.join(', ')}`,
    fix: near === undefined ? write : `Did you mean '${near}'? ${write}`,
  };
}

const NOUNS: readonly [RegExp, string][] = [
  [/^\(?string \| Array/, 'text or a list'],
  [/^\(?string \| Object/, 'a pattern, or patterns by kinds of change,'],
  [/^\(?number \| Array/, 'a number or a list of numbers'],
  [/^Object/, 'a map (`key: value`)'],
  [/^Array/, 'a list'],
  [/^string/, 'text'],
  [/^number/, 'a number'],
  [/^boolean/, 'true or false'],
];

function wrongType(issue: Issue, key: string): Pick<Mistake, 'cause' | 'fix'> {
  const noun = NOUNS.find(([pattern]) => pattern.test(issue.expected ?? ''))?.[1] ?? issue.expected ?? 'something else';
  const is = KINDS_OF_VALUE[issue.received] ?? (typeof issue.input === 'number' ? 'a number' : typeof issue.input);
  if (issue.input === null)
    return { cause: `it is empty, where ${noun} belongs`, fix: 'Write a value, or leave the key out' };
  const cause = `it is ${is}, where ${noun} belongs`;
  if (noun === 'text' && typeof issue.input !== 'object')
    return { cause, fix: `Put it in quotes: '${String(issue.input)}'` };
  if (noun === 'a list' && typeof issue.input === 'string')
    return { cause, fix: `Put it in brackets: [${issue.input}]` };
  return { cause, fix: `Write ${noun}${key === '' ? '' : ` under \`${key}\``}` };
}

const KINDS_OF_VALUE: Readonly<Record<string, string>> = {
  Object: 'a map',
  Array: 'a list',
  null: 'empty',
  true: 'a boolean',
  false: 'a boolean',
};

function show(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'object') return Array.isArray(value) ? `a list of ${value.length}` : 'a map';
  return String(value);
}

/** The keys that the schema knows at a path, found by walking schema and value together. */
function knownKeys(root: unknown, path: ConfigPath): string[] {
  let schema: AnySchema | undefined = settle(configSchema as unknown as AnySchema, root);
  let value = root;
  for (const step of path) {
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[String(step)] : undefined;
    schema = settle(schema?.entries?.[String(step)] ?? schema?.value ?? schema?.item, value);
  }
  return Object.keys(schema?.entries ?? {});
}

function settle(schema: AnySchema | undefined, value: unknown): AnySchema | undefined {
  if (schema?.wrapped) return settle(schema.wrapped, value);
  if (schema?.type !== 'variant' || !schema.key) return schema;
  const wanted = (value as Record<string, unknown> | null | undefined)?.[schema.key];
  return schema.options?.find(
    (o) => (o.entries?.[schema.key ?? ''] as { literal?: unknown } | undefined)?.literal === wanted,
  );
}
