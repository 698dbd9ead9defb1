/** One step of a path: a key, an index (from the end where negative), or every item. */
export type Step = { key: string } | { index: number } | { every: true };

const TOKEN = /\.?([^.[\]"']+)|\[(-?\d+)\]|\[\*\]|\[(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\]/gy;

/**
 * Reads a path into JSON: `checks.db.status`, `items[0].id`, `items[-1]`, `nodes[*].version`, `["a.b"]`, with or without a `$.` before
 * it. The part of RFC 9535 that names places; no filters. @returns undefined where the text is no such path.
 */
export function parseJsonPath(text: string): Step[] | undefined {
  const path = text.replace(/^\$(?=\.|\[|$)/, '');
  const steps: Step[] = [];
  let end = 0;
  // A token that does not stand where the last one ended is no token: y keeps them together.
  for (const match of path.matchAll(TOKEN)) {
    end = match.index + match[0].length;
    const [whole, key, index, double, single] = match;
    if (whole === '[*]') steps.push({ every: true });
    else if (index !== undefined) steps.push({ index: Number(index) });
    else steps.push({ key: key ?? (double ?? single ?? '').replace(/\\(.)/g, '$1') });
  }
  return end === path.length ? steps : undefined;
}

/**
 * The values at the place; none where there is nothing, several only with [*].
 * @param missing stands for each item of [*] that has nothing at the rest of the path; without it such items are left out
 */
export function valuesAt(root: unknown, steps: readonly Step[], missing?: symbol): unknown[] {
  let values = [root];
  let several = false;
  for (const step of steps) {
    values = values.flatMap((value) => {
      if (missing !== undefined && value === missing) return [missing];
      const found = next(value, step);
      return found.length === 0 && several && missing !== undefined ? [missing] : found;
    });
    several ||= 'every' in step;
  }
  return values;
}

function next(value: unknown, step: Step): unknown[] {
  if ('every' in step) {
    if (Array.isArray(value)) return value;
    return isRecord(value) ? Object.values(value) : [];
  }
  if ('index' in step) {
    const item = Array.isArray(value) ? value.at(step.index) : undefined;
    return item === undefined ? [] : [item];
  }
  return isRecord(value) && Object.hasOwn(value, step.key) ? [value[step.key]] : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
