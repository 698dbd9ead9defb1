import * as v from 'valibot';
import { parse } from 'yaml';
import { RESERVED_NAMES } from '../../lib/config/check.ts';
import { pathsOf } from '../../lib/config/defaults.ts';
import { NAME_PATTERN } from '../../lib/config/fields.ts';
import type { Config } from '../../lib/config/load.ts';
import type { Kind } from '../../lib/config/schema.ts';
import { messageOf, Problem } from '../../lib/errors.ts';
import { type Matcher, matcher, type Pattern, STATUS_WORDS } from './patterns.ts';

/** What a decision is made for: a component of the config file, or a filter given inline. */
export interface Unit {
  name: string;
  kind?: Kind;
  match: Matcher;
  dependsOn: readonly string[];
}

export function unitsOfConfig(config: Config): Unit[] {
  return Object.entries(config.components).map(([name, component]) => ({
    name,
    kind: component.kind,
    match: matcher(pathsOf(component)),
    dependsOn: component['depends-on'] ?? [],
  }));
}

const names = v.union([v.string(), v.array(v.string())]);
// Lists come first in a union: to a record a list is one too.
const item = v.union([v.string(), v.record(v.string(), names)]);
const filtersSchema = v.record(v.string(), v.union([v.array(item), item]));

/** Filters given inline: a YAML map of names to patterns. @throws Problem that names the input. */
export function unitsOfFilters(text: string): Unit[] {
  const wrong = (cause: string, fix: string, seen?: string) =>
    new Problem({ what: "input 'filters'", seen, cause, fix });
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 100 });
  } catch (error) {
    throw wrong(`it is not YAML: ${messageOf(error).split('\n')[0]}`, 'Correct the syntax');
  }
  const result = v.safeParse(filtersSchema, value);
  if (!result.success || Array.isArray(value) || Object.keys(result.output).length === 0) {
    throw wrong('it is not a map of names to lists of patterns', "Write for instance `web: ['web/**', '!**/*.md']`");
  }
  return Object.entries(result.output).map(([name, patterns]) => {
    if (!NAME_PATTERN.test(name)) {
      throw wrong('a filter has a name that cannot be an output', 'Use a-z, 0-9 and dashes, a letter first', name);
    }
    if (RESERVED_NAMES.has(name)) throw wrong('a filter has the name of an output', 'Rename it', name);
    const ordered = [patterns].flat().flatMap((one) => patternsOf(one, name, wrong));
    const texts = ordered.map((one) => (typeof one === 'string' ? one : one.pattern));
    if (texts.length === 0 || texts.some((p) => p === '' || p === '!') || texts[0]?.startsWith('!')) {
      const fix = "Put at least one pattern that includes first, for instance '**'";
      throw wrong(`filter '${name}' includes nothing that could be excluded from`, fix);
    }
    return { name, match: matcher(ordered), dependsOn: [] };
  });
}

/** One item of a filter: a pattern, or `added|modified: pattern`. */
function patternsOf(
  one: v.InferOutput<typeof item>,
  filter: string,
  wrong: (cause: string, fix: string, seen?: string) => Problem,
): Pattern[] {
  if (typeof one === 'string') return [one];
  return Object.entries(one).flatMap(([words, patterns]) => {
    const statuses = words.split('|').map((word) => STATUS_WORDS[word.trim()]);
    if (statuses.includes(undefined)) {
      const fix = `Use ${Object.keys(STATUS_WORDS).join(', ')}, joined by |`;
      throw wrong(`filter '${filter}' asks for a kind of change that there is not`, fix, words);
    }
    const set = new Set(statuses.filter((s) => s !== undefined));
    return [patterns].flat().map((pattern) => ({ pattern, statuses: set }));
  });
}
