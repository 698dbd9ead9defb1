/**
 * Replaces `inputs.NAME` in every `${{ }}` of the text by what the caller passes for it. A value that is one whole expression
 * takes its place in brackets, so that precedence stays; anything else becomes a string literal.
 */
export function substituteInputs(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(/\$\{\{([\s\S]*?)\}\}/g, (_whole, expression: string) => {
    const replaced = expression.replace(/(?<![\w.-])inputs\.([A-Za-z_][\w-]*)/g, (reference, name: string) => {
      const value = values.get(name);
      if (value === undefined) throw new Error(`the called workflow has no input "${name}" (${reference})`);
      return asOperand(value);
    });
    return `\${{${replaced}}}`;
  });
}

function asOperand(value: string): string {
  const whole = /^\$\{\{([\s\S]*)\}\}$/.exec(value.trim());
  if (whole?.[1] !== undefined && !whole[1].includes('}}')) return `(${whole[1].trim()})`;
  if (value.includes('${{')) throw new Error(`"${value}" mixes text and expressions`);
  return `'${value.replaceAll("'", "''")}'`;
}

/** Applies a function to every string below a value, keys excepted. */
export function mapStrings(value: unknown, f: (text: string) => string): unknown {
  if (typeof value === 'string') return f(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, f));
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapStrings(item, f)]));
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
