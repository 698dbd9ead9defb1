import picomatch from 'picomatch';
import type { Change } from '../../lib/git/plumbing.ts';

/** What an ordered list of patterns says of a name: the last pattern that matches it, if any does. */
export type Matcher = (name: string) => { included: boolean; pattern: string } | undefined;

interface Rule {
  pattern: string;
  included: boolean;
  /** Text that every match starts with; compared first, since it is far cheaper than the expression. */
  prefix: string;
  expression: RegExp;
}

/**
 * Compiles a list as GitHub reads `paths`: in order, the last match wins, `!` excludes. `*` stays inside a folder, `**` does not;
 * both match names that start with a dot, and any character, line ends included. Besides GitHub's own signs picomatch's work too.
 */
export function matcher(patterns: readonly string[]): Matcher {
  const rules = patterns.map(compile).reverse();
  return (name) => {
    const rule = rules.find((r) => name.startsWith(r.prefix) && r.expression.test(name));
    return rule && { included: rule.included, pattern: rule.pattern };
  };
}

function compile(pattern: string): Rule {
  const included = !pattern.startsWith('!');
  const glob = widen(included ? pattern : pattern.slice(1));
  const { base, isGlob } = picomatch.scan(glob);
  // `web/**` matches `web` itself too: a folder that became a link or a submodule.
  const prefix = isGlob && !base.includes('\\') ? base : '';
  const expression = picomatch.makeRe(glob, { dot: true, flags: 's', nonegate: true, windows: false });
  return { pattern, included, prefix, expression };
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
  for (const { name } of changes) {
    const hit = match(name);
    if (!hit?.included) continue;
    if (first) first.files++;
    else first = { file: name, pattern: hit.pattern, files: 1 };
  }
  return first;
}
