import picomatch from 'picomatch';
import { type Change, STATUS_WORDS } from '../../lib/git/plumbing.ts';
import { spansOf } from './candidates.ts';

/** A pattern of names, or one that counts for some kinds of change alone. */
export type Pattern = string | { pattern: string; statuses: ReadonlySet<Change['status']> };

/**
 * What an ordered list of patterns says of a change: the last pattern that matches it, if any does.
 * @param status without it a pattern counts whatever kinds of change it asks for.
 */
export interface Matcher {
  (name: string, status?: Change['status']): { included: boolean; pattern: string } | undefined;
  /** Each name that is included begins with one of these. */
  readonly prefixes: readonly string[];
}

interface Rule {
  pattern: string;
  included: boolean;
  /** Text that every match starts with; compared first, since it is far cheaper than the expression. */
  prefix: string;
  expression: RegExp;
  statuses?: ReadonlySet<Change['status']>;
}

/**
 * Compiles a list as GitHub reads `paths`: in order, the last match wins, `!` excludes. `*` stays inside a folder, `**` does not;
 * both match names that start with a dot, and any character, line ends included. Besides GitHub's own signs picomatch's work too.
 * @param parentheses whether bare ones are part of the name, or group as in a regular expression.
 */
export function matcher(patterns: readonly Pattern[], parentheses: 'literal' | 'group' = 'literal'): Matcher {
  const rules = patterns.map((pattern) => compile(pattern, parentheses)).reverse();
  const prefixes = [...new Set(rules.filter((rule) => rule.included).map((rule) => rule.prefix))];
  // Called for each changed file: it allocates nothing.
  const match = (name: string, status?: Change['status']) => {
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i];
      if (rule === undefined || !name.startsWith(rule.prefix)) continue;
      if (status !== undefined && rule.statuses !== undefined && !rule.statuses.has(status)) continue;
      if (rule.expression.test(name)) return rule;
    }
    return undefined;
  };
  return Object.assign(match, { prefixes });
}

function compile(given: Pattern, parentheses: 'literal' | 'group'): Rule {
  const pattern = typeof given === 'string' ? given : given.pattern;
  const included = !pattern.startsWith('!');
  const written = widen(included ? pattern : pattern.slice(1));
  const glob = parentheses === 'literal' ? literalParentheses(written) : written;
  // `web/**` matches `web` itself too: a folder that became a link or a submodule.
  const prefix = glob.startsWith('!') ? '' : picomatch.scan(glob).base.replace(/\\(.)/gs, '$1');
  const expression = picomatch.makeRe(glob, {
    dot: true,
    flags: 's',
    nonegate: true,
    windows: false,
    keepQuotes: true,
  });
  const rule = { pattern, included, prefix, expression };
  if (typeof given === 'string') return rule;
  const words = Object.entries(STATUS_WORDS).flatMap(([word, status]) => (given.statuses.has(status) ? [word] : []));
  return { ...rule, pattern: `${pattern} (${words.join('|')})`, statuses: given.statuses };
}

/**
 * Brackets of a regular expression have no meaning in GitHub's patterns, and are usual in names: `app/(shop)/**`. Only `@(a|b)` and its like group.
 */
function literalParentheses(glob: string): string {
  const closing: string[] = [];
  let literal = '';
  for (let i = 0; i < glob.length; i++) {
    const sign = glob.charAt(i);
    if (sign === '\\') literal += sign + glob.charAt(++i);
    else if (sign === '(') {
      const group = /[@!+*?]/.test(glob.charAt(i - 1)) && glob.charAt(i - 2) !== '\\';
      closing.push(group ? ')' : '\\)');
      literal += group ? '(' : '\\(';
    } else literal += sign === ')' ? (closing.pop() ?? '\\)') : sign;
  }
  return literal;
}

/** GitHub lets ** stand beside other characters (`**.js`, `docs**`, `a**b`) and cross folders there; picomatch wants it between slashes. */
function widen(glob: string): string {
  return glob
    .replace(/(^|\/)\*\*(?=[^/*,|})])/g, '$1**/*')
    .replace(/([^/*\\{(,|!])\*\*(?=[^/*,|})])/g, '$1*{,/**/*}')
    .replace(/([^/*\\{(,|!])\*\*(?=$|[/,|})])/g, '$1*{,/**}');
}

/** The files of a comparison that belong to a list of patterns. */
export interface Match {
  /** The first of them, in git's order. */
  file: string;
  pattern: string;
  /** How many there are. */
  files: number;
}

/** @param changes in git's order. @returns undefined when no changed file is included. */
export function firstMatch(match: Matcher, changes: readonly Change[]): Match | undefined {
  let first: Match | undefined;
  eachMatch(match, changes, ({ name }, pattern) => {
    if (first) first.files++;
    else first = { file: name, pattern, files: 1 };
  });
  return first;
}

/** Names of all changed files that are included. @param changes in git's order, which is the answer's too. */
export function matchingNames(match: Matcher, changes: readonly Change[]): string[] {
  const names: string[] = [];
  eachMatch(match, changes, ({ name }) => names.push(name));
  return names;
}

function eachMatch(match: Matcher, changes: readonly Change[], found: (change: Change, pattern: string) => void): void {
  for (const [from, to] of spansOf(match.prefixes, changes)) {
    for (let i = from; i < to; i++) {
      const change = changes[i];
      if (change === undefined) continue;
      const hit = match(change.name, change.status);
      if (hit?.included) found(change, hit.pattern);
    }
  }
}
