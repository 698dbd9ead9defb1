import type { Operators } from '../../../lib/config/verify.ts';
import { matches, TooLong } from './expression.ts';

/** Nothing is there: neither null nor empty text. */
export const MISSING = Symbol('missing');

type Value = unknown;

/**
 * What is wrong with a value by the operators, as the rest of a sentence that begins with its name; undefined where nothing is.
 * Types are never converted: the text "5" is not at least 3, it is no number.
 */
export function wrongBy(value: Value, wanted: Operators | string | number | boolean | null): string | undefined {
  const operators: Operators = typeof wanted === 'object' && wanted !== null ? wanted : { equals: wanted };
  if (operators.exists === false) return value === MISSING ? undefined : `is ${show(value)}, expected none`;
  if (value === MISSING) return `is missing, expected ${wantedText(operators)}`;
  for (const [operator, operand] of Object.entries(operators)) {
    try {
      if (CHECKS[operator as keyof Operators](value, operand as never)) continue;
    } catch (error) {
      if (!(error instanceof TooLong)) throw error;
      return `is ${show(value)}, and the expression takes too long on it: /${operand}/`;
    }
    return `is ${show(value)}${note(value, operator, operand)}, expected ${phrase(operator, operand)}`;
  }
  return undefined;
}

type Check = (value: Value, operand: never) => boolean;

const number = (compare: (value: number, limit: number) => boolean): Check =>
  ((value: Value, limit: number) => typeof value === 'number' && compare(value, limit)) as Check;

const CHECKS: Readonly<Record<keyof Operators, Check>> = {
  equals: (value, operand) => value === operand,
  not: (value, operand) => value !== operand,
  'one-of': ((value: Value, list: Value[]) => list.includes(value)) as Check,
  matches: ((value: Value, source: string) => typeof value === 'string' && matches(source, value)) as Check,
  contains: ((value: Value, part: Value) =>
    Array.isArray(value) ? value.includes(part) : typeof value === 'string' && value.includes(String(part))) as Check,
  'at-least': number((value, limit) => value >= limit),
  'at-most': number((value, limit) => value <= limit),
  above: number((value, limit) => value > limit),
  below: number((value, limit) => value < limit),
  'min-length': ((value: Value, least: number) =>
    (typeof value === 'string' || Array.isArray(value)) && value.length >= least) as Check,
  type: ((value: Value, type: string) => typeOf(value) === type) as Check,
  exists: () => true,
  // Judged over several answers, by the streak.
  stable: () => true,
};

/** The name that JSON has for the type. */
export function typeOf(value: Value): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function wantedText(operators: Operators): string {
  return Object.entries(operators)
    .map(([operator, operand]) => phrase(operator, operand))
    .join(' and ');
}

function phrase(operator: string, operand: Value): string {
  switch (operator) {
    case 'equals':
      return show(operand);
    case 'not':
      return `anything but ${show(operand)}`;
    case 'one-of':
      return `one of ${(operand as Value[]).map(show).join(', ')}`;
    case 'matches':
      return `a match of /${operand}/`;
    case 'contains':
      return `something with ${show(operand)} in it`;
    case 'type':
      return `a value of type ${operand}`;
    case 'exists':
    case 'stable':
      return 'a value';
    default:
      return `${operator.replace('-', ' ')} ${show(operand)}`;
  }
}

const ORDERED: ReadonlySet<string> = new Set(['at-least', 'at-most', 'above', 'below']);

/** Text that looks like a number is the usual surprise, and a commit's id that is cut short. */
function note(value: Value, operator: string, operand: Value): string {
  const begins =
    typeof value === 'string' && value.length >= 7 && typeof operand === 'string' && operand.startsWith(value);
  if (operator === 'equals' && begins) return ' (only its beginning)';
  return ORDERED.has(operator) && typeof value !== 'number' ? ` (${typeOf(value)}, not a number)` : '';
}

/** A value for people, cut where it is long. */
export function show(value: Value): string {
  if (value === MISSING || value === undefined) return 'missing';
  return excerpt(JSON.stringify(value) ?? String(value));
}

export function excerpt(text: string): string {
  const flat = text.replace(/\s+/g, ' ').trim();
  return flat.length > 160 ? `${flat.slice(0, 160)}…` : flat;
}
