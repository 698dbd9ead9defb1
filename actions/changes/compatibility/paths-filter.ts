import picomatch from 'picomatch';
import * as v from 'valibot';
import { parse } from 'yaml';
import { messageOf, Problem } from '../../../lib/errors.ts';
import { type Change, STATUS_WORDS } from '../../../lib/git/plumbing.ts';
import type { Report } from '../../../lib/report.ts';
import { code, escapeCell, heading, table } from '../../../lib/summary.ts';
import { type EventPlan, eventPlan } from '../events.ts';
import type { ChangesInputs } from '../inputs.ts';
import type { ChangesPorts } from '../ports.ts';
import { baseText, compareEvent } from './compare-event.ts';
import { listText } from './list-text.ts';

interface Rule {
  matches(name: string): boolean;
  statuses?: ReadonlySet<Change['status'] | undefined>;
}

const FORMATS = ['csv', 'json', 'shell', 'escape'] as const;
const TAKEN: ReadonlySet<string> = new Set(['changes', 'outcome', 'cause']);
const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * The inputs `filters`, `base`, `ref`, `list-files` and `predicate-quantifier` with the meaning that dorny/paths-filter documents, and its outputs:
 * a boolean, NAME_count and NAME_files for each filter, and `changes`.
 */
export async function pathsFilter(inputs: ChangesInputs, ports: ChangesPorts): Promise<Report> {
  const filters = await readFilters(inputs.filters, ports);
  const warnings = surprises(filters, inputs);
  const given = { head: await headOf(inputs.ref, ports), base: baseOf(inputs.base, ports) };
  const found = await compareEvent(ports, inputs['on-unknown'], given);
  const outputs: Record<string, string> = {};
  const matching: string[] = [];
  const rows: string[][] = [];
  const [format] = FORMATS.filter((f) => f === inputs['list-files']);
  for (const { name, rules } of filters) {
    const quantify = inputs['predicate-quantifier'] === 'every' ? 'every' : 'some';
    const hits = found.changes.filter((c) => rules[quantify]((r) => matchesRule(r, c))).map((c) => c.name);
    if (hits.length > 0) matching.push(name);
    outputs[name] = String(hits.length > 0);
    outputs[`${name}_count`] = String(hits.length);
    if (format) outputs[`${name}_files`] = listText(hits, format);
    rows.push([code(name), String(hits.length)]);
    ports.log.info(`${name}: ${hits.length} ${hits.length === 1 ? 'file' : 'files'}`);
  }
  outputs.changes = JSON.stringify(matching);
  const against = `Compared with ${baseText(found.base)}.`;
  return {
    outcome:
      matching.length > 0 ? { status: 'succeeded', cause: '' } : { status: 'unchanged', cause: 'no filter matches' },
    outputs,
    summary: `${heading(3, 'Changed paths')}${table(['Filter', 'Files'], rows)}${escapeCell(against)}\n\n`,
    annotations: [...warnings, ...found.warnings].map((message) => ({ level: 'warning', message })),
  };
}

function matchesRule({ matches, statuses }: Rule, { name, status }: Change): boolean {
  return (statuses === undefined || statuses.has(status)) && matches(name);
}

interface Filter {
  name: string;
  rules: Rule[];
  negated: boolean;
}

/** Filters as text, or as the path of a file that has them. */
async function readFilters(given: string, { readFile }: ChangesPorts): Promise<Filter[]> {
  const oneLine = !given.includes('\n') && !given.includes(':');
  const text = oneLine ? await readFile(given) : given;
  if (text === undefined)
    throw wrong('it names a file that there is not', 'Correct the path, or check out first', given);
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 1000 });
  } catch (error) {
    throw wrong(`it is not YAML: ${messageOf(error).split('\n')[0]}`, 'Correct the syntax');
  }
  const map = v.safeParse(v.record(v.string(), v.unknown()), value);
  if (!map.success || Array.isArray(value)) throw wrong('it is not a map of names to rules', "Write `web: ['web/**']`");
  return Object.entries(map.output).map(([name, items]) => {
    if (TAKEN.has(name)) throw wrong('a filter has the name of an output', 'Rename it', name);
    // Anchors make lists of lists.
    const flat = [items].flat(Number.POSITIVE_INFINITY) as unknown[];
    const negated = flat.some((item) => typeof item === 'string' && item.startsWith('!'));
    return { name, rules: flat.flatMap((item) => rulesOf(item, name)), negated };
  });
}

function rulesOf(item: unknown, filter: string): Rule[] {
  if (typeof item === 'string') return [{ matches: compile([item]) }];
  if (typeof item !== 'object' || item === null)
    throw wrong(`filter '${filter}' has a rule that is none`, 'Write a pattern');
  return Object.entries(item).map(([words, patterns]) => {
    const statuses = new Set(words.split('|').map((w) => STATUS_WORDS[w.trim().toLowerCase()]));
    const list = [patterns].flat(Number.POSITIVE_INFINITY) as unknown[];
    if (statuses.has(undefined) || !list.every((p) => typeof p === 'string')) {
      throw wrong(`filter '${filter}' has a rule that is none`, 'Write `added|modified|deleted: pattern`', words);
    }
    return { matches: compile(list as string[]), statuses };
  });
}

/** Here ! in front means "every name but these", as picomatch itself has it. The s flag lets a line end in a name match. */
function compile(patterns: string[]): (name: string) => boolean {
  return picomatch(patterns, { dot: true, flags: 's', windows: false });
}

function surprises(filters: readonly Filter[], inputs: ChangesInputs): string[] {
  const warnings: string[] = [];
  const negated = filters.filter((f) => f.negated).map((f) => f.name);
  if (negated.length > 0 && inputs['predicate-quantifier'] !== 'every') {
    warnings.push(
      `${negated.join(', ')}: with compatibility: paths-filter, a pattern that starts with ! matches every other file of the repository. Without it, ! takes away from the patterns before`,
    );
  }
  if (inputs['list-files'] === 'shell' || inputs['list-files'] === 'escape') {
    warnings.push(
      'File names are chosen by whoever opens a pull request: rather than shell text, read list-files: json, or nul without compatibility',
    );
  }
  return warnings;
}

/** @returns undefined where the event decides. */
function baseOf(given: string, { context }: ChangesPorts): EventPlan['base'] | undefined {
  const plan = eventPlan(context);
  const { eventName } = context;
  if (eventName.startsWith('pull_request') || eventName === 'merge_group' || plan.base.type === 'nothing')
    return undefined;
  if (COMMIT.test(given)) return { type: 'commit', commit: given, why: 'given by the input `base`' };
  if (given === 'HEAD') {
    throw new Problem({
      what: "input 'base'",
      seen: given,
      cause: 'changes that are not committed are not looked at',
      fix: 'Use `git status` for files that a step has changed',
    });
  }
  const repository = context.event.repository as { default_branch?: unknown } | undefined;
  const main = typeof repository?.default_branch === 'string' ? repository.default_branch : '';
  const name = (given === 'ledger' || given === 'event' ? main : given).replace(/^refs\/(heads|tags)\//, '');
  if (name === '' || name === context.refName) return undefined;
  const why = `where this branch left ${name}`;
  return { type: 'merge-base', with: { branch: name }, head: plan.head, why };
}

async function headOf(ref: string, { git, context }: ChangesPorts): Promise<string | undefined> {
  if (ref === '' || ref === context.ref || context.eventName.startsWith('pull_request')) return undefined;
  if (COMMIT.test(ref)) return ref;
  const name = ref.replace(/^refs\/heads\//, '');
  const found = (await git.resolve(`refs/remotes/origin/${name}`)) ?? (await git.resolve(ref));
  if (found) return found;
  const fix = 'Give a full commit id, or check that branch out with fetch-depth: 0';
  throw new Problem({ what: "input 'ref'", seen: ref, cause: 'the clone has no such branch', fix });
}

function wrong(cause: string, fix: string, seen?: string): Problem {
  return new Problem({ what: "input 'filters'", seen, cause, fix });
}
