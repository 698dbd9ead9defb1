import * as v from 'valibot';
import { parse } from 'yaml';
import { RESERVED_NAMES } from '../../lib/config/check.ts';
import { pathsOf } from '../../lib/config/defaults.ts';
import { NAME_PATTERN } from '../../lib/config/fields.ts';
import type { Config } from '../../lib/config/load.ts';
import type { Kind, PathRule } from '../../lib/config/schema.ts';
import { messageOf, Problem } from '../../lib/errors.ts';
import { STATUS_WORDS } from '../../lib/git/plumbing.ts';
import { type Matcher, matcher, type Pattern } from './patterns.ts';

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
    match: matcher(pathsOf(component).flatMap((rule) => patternsOf(rule))),
    dependsOn: component['depends-on'] ?? [],
  }));
}

const names = v.union([v.string(), v.array(v.string())]);
// Lists come first in a union: to a record a list is one too.
const item = v.union([v.string(), v.record(v.string(), names)]);
const filtersSchema = v.record(v.string(), v.union([v.array(item), item]));

/** Filters given inline: a YAML map of names to patterns. @throws Problem that names the input. */
export function unitsOfFilters(text: string): Unit[] {
  const filters = readFilters(text);
  return Object.entries(filters).map(([name, rules]) => {
    checkName(name);
    const patterns = [rules].flat().flatMap((rule) => {
      checkKinds(rule, name);
      return patternsOf(rule);
    });
    checkPatterns(patterns, name);
    return { name, match: matcher(patterns), dependsOn: [] };
  });
}

function readFilters(text: string): v.InferOutput<typeof filtersSchema> {
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 100 });
  } catch (error) {
    throw wrong(`it is not YAML: ${messageOf(error).split('\n')[0]}`, 'Correct the syntax');
  }
  const result = v.safeParse(filtersSchema, value);
  if (result.success && !Array.isArray(value) && Object.keys(result.output).length > 0) return result.output;
  throw wrong('it is not a map of names to lists of patterns', "Write for instance `web: ['web/**', '!**/*.md']`");
}

function checkName(name: string): void {
  if (!NAME_PATTERN.test(name)) {
    throw wrong('a filter has a name that cannot be an output', 'Use a-z, 0-9 and dashes, a letter first', name);
  }
  if (RESERVED_NAMES.has(name)) throw wrong('a filter has the name of an output', 'Rename it', name);
}

function checkKinds(rule: PathRule, filter: string): void {
  if (typeof rule === 'string') return;
  const bad = Object.keys(rule).find((words) => kindsOf(words).includes(undefined));
  if (bad === undefined) return;
  const fix = `Use ${Object.keys(STATUS_WORDS).join(', ')}, joined by |`;
  throw wrong(`filter '${filter}' asks for a kind of change that there is not`, fix, bad);
}

/** What could never match a name is a mistake: taken as it is, it would be a change that nobody sees. */
function checkPatterns(patterns: readonly Pattern[], filter: string): void {
  const texts = patterns.map((one) => (typeof one === 'string' ? one : one.pattern));
  if (texts.length === 0 || texts.some((p) => p === '' || p === '!') || texts[0]?.startsWith('!')) {
    const fix = "Put at least one pattern that includes first, for instance '**'";
    throw wrong(`filter '${filter}' includes nothing that could be excluded from`, fix);
  }
  const folder = texts.find((p) => p.endsWith('/'));
  if (folder !== undefined)
    throw wrong(`filter '${filter}' names a folder, and git knows only files`, `Write ${folder}**`, folder);
  const odd = texts.find((p) => /(?:^!?|\/)\.\.(?:\/|$)|\/\.?\/|\/\.$/.test(p));
  if (odd !== undefined) {
    const fix = 'Write it without empty parts, . and ..: git names files from the root of the repository';
    throw wrong(`filter '${filter}' has a pattern with a part that no name has`, fix, odd);
  }
  const rooted = texts.find((p) => /^!?\//.test(p));
  if (rooted === undefined) return;
  const fix = `Write ${rooted.replace('/', '')}: names are relative to the root of the repository`;
  throw wrong(`filter '${filter}' has a pattern that begins with /, as no name does`, fix, rooted);
}

/** One rule as patterns: a pattern as it is, or `added|modified: patterns`. */
function patternsOf(rule: PathRule): Pattern[] {
  if (typeof rule === 'string') return [rule];
  return Object.entries(rule).flatMap(([words, patterns]) => {
    const statuses = new Set(kindsOf(words).filter((kind) => kind !== undefined));
    return [patterns].flat().map((pattern) => ({ pattern, statuses }));
  });
}

function kindsOf(words: string) {
  return words.split('|').map((word) => STATUS_WORDS[word.trim()]);
}

function wrong(cause: string, fix: string, seen?: string): Problem {
  return new Problem({ what: "input 'filters'", seen, cause, fix });
}
