import * as v from 'valibot';
import { parse } from 'yaml';
import { messageOf, Problem } from '../../../lib/errors.ts';
import type { Change } from '../../../lib/git/plumbing.ts';
import type { Report } from '../../../lib/report.ts';
import { code, escapeCell, heading, table } from '../../../lib/summary.ts';
import type { ChangesInputs } from '../inputs.ts';
import { matcher } from '../patterns.ts';
import type { ChangesPorts } from '../ports.ts';
import { baseText, compareEvent } from './compare-event.ts';

type Status = Change['status'];

/** Lists by the kinds of change that they hold, in their order. A rename is a deletion and an addition, and git tells of no copies. */
const LISTS: Readonly<Record<string, readonly Status[]>> = {
  added_files: ['A'],
  copied_files: [],
  deleted_files: ['D'],
  modified_files: ['M'],
  renamed_files: [],
  type_changed_files: ['T'],
  unmerged_files: [],
  unknown_files: [],
  all_changed_and_modified_files: ['A', 'D', 'M', 'T'],
  all_changed_files: ['A', 'M'],
  all_modified_files: ['A', 'M', 'D'],
};
const FLAGS = { changed: 'all_changed_files', modified: 'all_modified_files', deleted: 'deleted_files' } as const;

/** Inputs of that action which would change the answer and which this mode does not have, with the values that ask for nothing. */
const FOREIGN: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  [
    ...[
      'dir_names',
      'include_all_old_new_renamed_files',
      'use_fork_point',
      'write_output_files',
      'recover_deleted_files',
    ],
    ...['files_from_source_file', 'files_ignore_from_source_file', 'files_yaml_from_source_file', 'files_ignore_yaml'],
    ...[
      'files_ignore_yaml_from_source_file',
      'since',
      'until',
      'exclude_submodules',
      'exclude_symlinks',
      'negation_patterns_first',
    ],
    ...['recover_files', 'path'],
  ].map((name) => [name, ['', 'false', '.']]),
);

/** The inputs `files`, `files_yaml` and `files_ignore` with the meaning that tj-actions/changed-files documents, and its lists as outputs. */
export async function changedFiles(inputs: ChangesInputs, ports: ChangesPorts): Promise<Report> {
  refuseForeign(ports);
  const groups = groupsOf(inputs);
  const base = inputs.base_sha;
  const found = await compareEvent(ports, inputs['on-unknown'], {
    head: inputs.sha,
    base: base === '' ? undefined : { type: 'commit', commit: base, why: 'given by the input `base_sha`' },
  });
  const text = textOf(inputs, ports);
  const outputs: Record<string, string> = {};
  const keys: Record<'changed' | 'modified', string[]> = { changed: [], modified: [] };
  const rows: string[][] = [];
  for (const { key, patterns } of groups) {
    const own = outputsOf(found.changes, patterns, text);
    for (const [name, value] of Object.entries(own)) outputs[key === '' ? name : `${key}_${name}`] = value;
    if (key !== '' && own.any_changed === 'true') keys.changed.push(key);
    if (key !== '' && own.any_modified === 'true') keys.modified.push(key);
    rows.push([key === '' ? 'files' : code(key), own.all_changed_files_count ?? '', own.deleted_files_count ?? '']);
  }
  if (inputs.files_yaml !== '') {
    outputs.changed_keys = text(keys.changed);
    outputs.modified_keys = text(keys.modified);
  }
  const any = Object.entries(outputs).some(
    ([n, value]) => n.endsWith('all_changed_and_modified_files_count') && value !== '0',
  );
  ports.log.info(`${found.changes.length} files differ from ${baseText(found.base)}`);
  return {
    outcome: any
      ? { status: 'succeeded', cause: '' }
      : { status: 'unchanged', cause: 'no file that was asked for differs' },
    outputs,
    summary: `${heading(3, 'Changed files')}${table(['', 'Changed', 'Deleted'], rows)}${escapeCell(`Compared with ${baseText(found.base)}.`)}\n\n`,
    annotations: [...surprises(found.changes, inputs), ...found.warnings].map((message) => ({
      level: 'warning',
      message,
    })),
  };
}

interface Group {
  /** '' for the input `files`. */
  key: string;
  /** Empty where nothing was asked for: then all files are listed, and none of them are the only ones. */
  patterns: readonly string[];
}

function groupsOf({ files, files_yaml: yaml, files_ignore: ignore }: ChangesInputs): Group[] {
  const ignored = lines(ignore).map((p) => `!${p}`);
  const groups: Group[] = [];
  if (files !== '' || (ignored.length > 0 && yaml === ''))
    groups.push({ key: '', patterns: settle([...lines(files), ...ignored]) });
  if (yaml !== '') {
    for (const [key, value] of Object.entries(readYaml(yaml)))
      groups.push({ key, patterns: settle([...value, ...ignored]) });
  }
  return groups.length > 0 ? groups : [{ key: '', patterns: [] }];
}

/** A folder with a slash means what is in it; a list that only takes away takes away from everything. */
function settle(patterns: readonly string[]): string[] {
  const whole = patterns.map((p) => (p.endsWith('/') ? `${p}**` : p));
  return whole.length > 0 && whole.every((p) => p.startsWith('!')) ? ['**', ...whole] : whole;
}

const lines = (text: string) => text.split('\n').map((l) => l.trim()).filter((l) => l !== '' && !l.startsWith('#')); // biome-ignore format: one thought

function readYaml(text: string): Record<string, string[]> {
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 1000 });
  } catch (error) {
    throw wrongYaml(`it is not YAML: ${messageOf(error).split('\n')[0]}`);
  }
  const map = v.safeParse(v.record(v.string(), v.unknown()), value);
  if (!map.success || Array.isArray(value)) throw wrongYaml('it is not a map of keys to patterns');
  return Object.fromEntries(
    Object.entries(map.output).map(([key, list]) => {
      const flat = [list].flat(Number.POSITIVE_INFINITY) as unknown[];
      if (!flat.every((p) => typeof p === 'string')) throw wrongYaml(`key '${key}' has a pattern that is no text`);
      return [key, flat.flatMap((p) => lines(p as string))];
    }),
  );
}

function outputsOf(
  changes: readonly Change[],
  patterns: readonly string[],
  text: (names: readonly string[]) => string,
) {
  const match = matcher(patterns, 'group');
  const mine = patterns.length === 0 ? changes : changes.filter((c) => match(c.name)?.included);
  const of = (list: readonly Change[], statuses: readonly Status[]) =>
    statuses.flatMap((status) => list.filter((c) => c.status === status).map((c) => c.name));
  const outputs: Record<string, string> = {};
  const put = (name: string, names: readonly string[]) => {
    outputs[name] = text(names);
    outputs[`${name}_count`] = String(names.length);
  };
  for (const [name, statuses] of Object.entries(LISTS)) put(name, of(mine, statuses));
  outputs.any_added = String(of(mine, ['A']).length > 0);
  for (const [word, list] of Object.entries(FLAGS)) {
    const statuses = LISTS[list] ?? [];
    const names = new Set(of(mine, statuses));
    const others = of(changes, statuses).filter((n) => !names.has(n));
    outputs[`any_${word}`] = String(names.size > 0);
    outputs[`only_${word}`] = String(names.size > 0 && patterns.length > 0 && others.length === 0);
    put(`other_${word}_files`, others);
  }
  return outputs;
}

const SPECIAL = /[:*?"<>|;`$()&!\\' \n]/;

/** Names joined by the separator, those characters that a shell would act on behind a backslash; or JSON. */
function textOf(inputs: ChangesInputs, { rawInput }: ChangesPorts): (names: readonly string[]) => string {
  const matrix = rawInput('matrix') === 'true';
  if (inputs.json || matrix) {
    const escaped = !matrix && rawInput('escape_json') !== 'false';
    return (names) => (escaped ? JSON.stringify(names).replaceAll('"', '\\"') : JSON.stringify(names));
  }
  const separator = rawInput('separator') || ' ';
  const safe = rawInput('safe_output') !== 'false';
  return (names) => names.map((n) => (safe ? n.replace(/[:*?"<>|;`$()&!]/g, '\\$&') : n)).join(separator);
}

function surprises(changes: readonly Change[], { json }: ChangesInputs): string[] {
  const warnings: string[] = [];
  if (!json && changes.some((c) => SPECIAL.test(c.name))) {
    warnings.push(
      'A changed file has a name that a separator or backslash cannot tell from others: use json: true with escape_json: false',
    );
  }
  return warnings;
}

function refuseForeign({ rawInput }: ChangesPorts): void {
  const used = Object.entries(FOREIGN)
    .filter(([name, idle]) => !idle.includes(rawInput(name)))
    .map(([name]) => name);
  const [first] = used;
  if (first === undefined) return;
  throw new Problem({
    what: `input '${first}'`,
    seen: rawInput(first),
    cause: `compatibility: changed-files does not have ${used.join(', ')}, and without it the answer would be another`,
    fix: 'Remove it, and use files, files_yaml, files_ignore, base_sha, sha, separator, json or escape_json',
  });
}

function wrongYaml(cause: string): Problem {
  return new Problem({ what: "input 'files_yaml'", cause, fix: "Write for instance `web: ['web/**', '!**/*.md']`" });
}
