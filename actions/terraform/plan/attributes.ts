import { HIDDEN, type Secrets, UNKNOWN } from './secrets.ts';

/** One attribute that changes, down to the leaf. Values are ready to be shown; undefined stands for "not there". */
export interface AttributeChange {
  /** Like `tags.Name` or `ingress[0].port`. */
  path: string;
  before?: string;
  after?: string;
}

export interface ChangeValues {
  before?: unknown;
  after?: unknown;
  before_sensitive?: unknown;
  after_sensitive?: unknown;
  after_unknown?: unknown;
}

/** Longer values are cut: policies and user data would push everything else out. */
const LONGEST_VALUE = 200;
/** Attributes kept of one resource; the rest is counted. */
export const MOST_ATTRIBUTES = 60;

type Json = Record<string, unknown>;

/**
 * The attributes that differ between before and after, without those that stay, in the order of their names. A sensitive
 * value is hidden, and so is every text of `secrets` inside of others.
 */
export function changedAttributes(change: ChangeValues, secrets: Secrets): AttributeChange[] {
  const found: AttributeChange[] = [];
  const { before, after, before_sensitive, after_sensitive, after_unknown } = change;
  compare(
    { before, after, wasHidden: before_sensitive, isHidden: after_sensitive, unknown: after_unknown },
    '',
    (path, one) => found.push({ path, ...shown(one, secrets) }),
  );
  return found;
}

interface Sides {
  before: unknown;
  after: unknown;
  wasHidden: unknown;
  isHidden: unknown;
  unknown: unknown;
}

function compare(sides: Sides, path: string, report: (path: string, sides: Sides) => void): void {
  const { before, after, wasHidden, isHidden, unknown } = sides;
  if (wasHidden === true || isHidden === true || unknown === true) {
    if (unknown === true || !same(before, after)) report(path, sides);
    return;
  }
  const [oldDocument, newDocument] = [documentOf(before), documentOf(after)];
  if (oldDocument !== undefined && newDocument !== undefined && !same(oldDocument, newDocument)) {
    // A policy is one text of JSON to Terraform; what differs in it is what the reader wants to know.
    compare({ ...sides, before: oldDocument, after: newDocument }, path, report);
    return;
  }
  const keys = keysBelow(before, after, unknown);
  if (keys === undefined) {
    if (!same(before, after)) report(path, sides);
    return;
  }
  for (const key of keys) {
    const inner = {
      before: at(before, key),
      after: at(after, key),
      wasHidden: at(wasHidden, key),
      isHidden: at(isHidden, key),
      unknown: at(unknown, key),
    };
    compare(inner, typeof key === 'number' ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`, report);
  }
}

/** The value of a text that is a JSON object or list. */
function documentOf(value: unknown): object | undefined {
  if (typeof value !== 'string' || !/^\s*[{[]/.test(value)) return undefined;
  try {
    return JSON.parse(value) as object;
  } catch {
    return undefined;
  }
}

/** The keys to look below, where both sides are of the same shape; undefined for leaves and for what changed its shape. */
function keysBelow(before: unknown, after: unknown, unknown: unknown): (string | number)[] | undefined {
  const [a, b] = [before ?? undefined, after ?? undefined];
  if (Array.isArray(a ?? b) && Array.isArray(b ?? a)) {
    const length = Math.max(Array.isArray(a) ? a.length : 0, Array.isArray(b) ? b.length : 0);
    return length === 0 ? undefined : [...Array(length).keys()];
  }
  if (!isRecord(a ?? b ?? unknown) || !isRecord(b ?? a ?? unknown)) return undefined;
  const names = new Set([a, b, unknown].flatMap((one) => (isRecord(one) ? Object.keys(one) : [])));
  return names.size === 0 ? undefined : [...names].sort();
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function at(value: unknown, key: string | number): unknown {
  return typeof value === 'object' && value !== null ? (value as Json)[key] : undefined;
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}

function shown(
  { before, after, wasHidden, isHidden, unknown }: Sides,
  secrets: Secrets,
): Omit<AttributeChange, 'path'> {
  const old = before === undefined || before === null ? undefined : text(before, wasHidden, secrets);
  const young =
    unknown === true ? UNKNOWN : after === undefined || after === null ? undefined : text(after, isHidden, secrets);
  return { ...(old !== undefined && { before: old }), ...(young !== undefined && { after: young }) };
}

function text(value: unknown, mask: unknown, secrets: Secrets): string {
  if (mask === true) return HIDDEN;
  const hidden = hide(value, mask, secrets);
  const json = hidden === HIDDEN ? HIDDEN : (JSON.stringify(hidden) ?? 'null');
  return json.length > LONGEST_VALUE ? `${json.slice(0, LONGEST_VALUE)}… (${json.length} characters)` : json;
}

function hide(value: unknown, mask: unknown, secrets: Secrets): unknown {
  if (mask === true) return HIDDEN;
  if (typeof value === 'string') return secrets.hide(value);
  if (typeof value === 'number') return secrets.hide(String(value)) === HIDDEN ? HIDDEN : value;
  if (Array.isArray(value)) return value.map((inner, i) => hide(inner, at(mask, i), secrets));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, hide(inner, at(mask, key), secrets)]));
}
