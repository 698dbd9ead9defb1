import { isObject, type Json, type JsonObject, textOf } from '../../../lib/ecs/json.ts';
import { shown } from '../../../lib/redact.ts';
import { canonical } from './canonical.ts';

export interface Difference {
  kind: 'added' | 'removed' | 'changed';
  /** containers.web.environment.PORT */
  path: string;
  /** As it may be shown: secrets are hidden. */
  before?: string;
  after?: string;
}

interface Leaf {
  /** The name that says whether the value is a secret. */
  name: string;
  value: Json;
  /** A reference to a secret, no secret itself: whoever may read the definition may read it. */
  reference?: true;
}

/** What differs in meaning between two definitions, by path, fit to be printed. */
export function diffDefinitions(before: JsonObject | undefined, after: JsonObject): Difference[] {
  const old = leaves(before ? canonical(before) : {});
  const now = leaves(canonical(after));
  const paths = [...new Set([...old.keys(), ...now.keys()])].sort();
  return paths.flatMap((path): Difference[] => {
    const [a, b] = [old.get(path), now.get(path)];
    if (a && b) {
      if (JSON.stringify(a.value) === JSON.stringify(b.value)) return [];
      return [{ kind: 'changed', path, before: show(a), after: show(b) }];
    }
    if (b) return [{ kind: 'added', path, after: show(b) }];
    return a ? [{ kind: 'removed', path, before: show(a) }] : [];
  });
}

/** One line for each difference: `~ containers.web.image: "old" → "new"`. */
export function diffLines(differences: readonly Difference[]): string[] {
  return differences.map(({ kind, path, before, after }) => {
    if (kind === 'changed') return `~ ${path}: ${before} → ${after}`;
    return kind === 'added' ? `+ ${path}: ${after}` : `- ${path}: ${before}`;
  });
}

function show({ name, value, reference }: Leaf): string {
  if (reference) return JSON.stringify(value);
  return typeof value === 'string' ? JSON.stringify(shown(name, value)) : shown(name, JSON.stringify(value));
}

function leaves(root: JsonObject): Map<string, Leaf> {
  const out = new Map<string, Leaf>();
  const walk = (value: Json, path: string, name: string): void => {
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) walkItem(item, path, name, index);
    } else if (isObject(value)) {
      for (const [key, member] of Object.entries(value))
        walk(member, path === '' ? label(key) : `${path}.${label(key)}`, key);
    } else {
      out.set(path, { name, value });
    }
  };
  /** An item with a name goes by it; {name, value} and {name, valueFrom} read as one setting. */
  const walkItem = (item: Json, path: string, name: string, index: number): void => {
    const key = isObject(item) ? textOf(item.name) : '';
    if (!isObject(item) || key === '') {
      walk(item, `${path}[${index}]`, name);
      return;
    }
    const { name: _, ...rest } = item;
    const [only, ...more] = Object.keys(rest);
    const value = only === undefined ? null : (rest[only] ?? null);
    if (more.length === 0 && only === 'value') out.set(`${path}.${key}`, { name: key, value });
    else if (more.length === 0 && only === 'valueFrom')
      out.set(`${path}.${key}`, { name: key, value, reference: true });
    else walk(rest, `${path}.${key}`, key);
  };
  walk(root, '', '');
  return out;
}

function label(key: string): string {
  return key === 'containerDefinitions' ? 'containers' : key;
}
