import picomatch from 'picomatch';
import type { Change } from '../../lib/git/plumbing.ts';

/** A pattern of names, or one that counts for some kinds of change alone. */
export type Pattern = string | { pattern: string; statuses: ReadonlySet<Change['status']> };

/**
 * What an ordered list of patterns says of a change: the last pattern that matches it, if any does.
 * @param status without it a pattern counts whatever kinds of change it asks for.
 */
export type Matcher = (name: string, status?: Change['status']) => { included: boolean; pattern: string } | undefined;

interface Rule {
  pattern: string;
  included: boolean;
  /** Text that every match starts with; compared first, since it is far cheaper than the expression. */
  prefix: string;
  expression: RegExp;
  statuses?: ReadonlySet<Change['status']>;
}

/** Words for kinds of change, as filters have them. */
export const STATUS_WORDS: Readonly<Record<string, Change['status']>> = {
  added: 'A',
  modified: 'M',
  deleted: 'D',
  'type-changed': 'T',
};

/**
 * Compiles a list as GitHub reads `paths`: in order, the last match wins, `!` excludes. `*` stays inside a folder, `**` does not;
 * both match names that start with a dot, and any character, line ends included. Besides GitHub's own signs picomatch's work too.
 */
export function matcher(patterns: readonly Pattern[]): Matcher {
  const rules = patterns.map(compile).reverse();
  // Called for each changed file and component: it allocates nothing.
  return (name, status) => {
    for (const rule of rules) {
      if (!name.startsWith(rule.prefix)) continue;
      if (status !== undefined && rule.statuses !== undefined && !rule.statuses.has(status)) continue;
      if (rule.expression.test(name)) return rule;
    }
    return undefined;
  };
}

function compile(given: Pattern): Rule {
  const pattern = typeof given === 'string' ? given : given.pattern;
  const included = !pattern.startsWith('!');
  const glob = widen(included ? pattern : pattern.slice(1));
  const { base, isGlob } = picomatch.scan(glob);
  // `web/**` matches `web` itself too: a folder that became a link or a submodule.
  const prefix = isGlob && !base.includes('\\') ? base : '';
  const expression = picomatch.makeRe(glob, { dot: true, flags: 's', nonegate: true, windows: false });
  const rule = { pattern, included, prefix, expression };
  if (typeof given === 'string') return rule;
  const words = Object.entries(STATUS_WORDS).flatMap(([word, status]) => (given.statuses.has(status) ? [word] : []));
  return { ...rule, pattern: `${pattern} (${words.join('|')})`, statuses: given.statuses };
}

/** GitHub lets ** stand beside other characters (`**.js`, `docs**`) and cross folders there; picomatch wants it between slashes. */
function widen(glob: string): string {
  return glob.replace(/(^|\/)\*\*(?=[^/*,|})])/g, '$1**/*').replace(/([^/*])\*\*(?=$)/g, '$1*/**');
}

/** The files of a comparison that belong to a list of patterns. */
export interface Match {
  /** The first of them, in git's order. */
  file: string;
  pattern: string;
  /** How many there are. */
  files: number;
}

/** @returns undefined when no changed file is included. */
export function firstMatch(match: Matcher, changes: readonly Change[]): Match | undefined {
  let first: Match | undefined;
  for (const { name, status } of changes) {
    const hit = match(name, status);
    if (!hit?.included) continue;
    if (first) first.files++;
    else first = { file: name, pattern: hit.pattern, files: 1 };
  }
  return first;
}

/** Names of all changed files that are included, in git's order. */
export function matchingNames(match: Matcher, changes: readonly Change[]): string[] {
  return changes.flatMap(({ name, status }) => (match(name, status)?.included ? [name] : []));
}
