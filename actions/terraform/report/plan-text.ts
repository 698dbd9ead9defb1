import { code, codeBlock, details, escapeText, table } from '../../../lib/summary.ts';
import type { AttributeChange } from '../plan/attributes.ts';
import { type Action, type Change, countChanges, type PlanSummary, sayCounts } from '../plan/plan.ts';

const LABELS: Readonly<Record<Action, string>> = {
  replace: '❗ replace',
  destroy: '❗ destroy',
  forget: 'forget',
  update: 'update',
  create: 'create',
  import: 'import',
  move: 'move',
};

export interface PlanTextOptions {
  /** Characters that the text may have. */
  room: number;
  /** Whether values are shown, or only the names of what changes. */
  values: boolean;
  /** Where a reader finds what did not fit, as Markdown. */
  rest: string;
}

/** Share of the room for the list of resources; what changes in them comes after it. */
const LIST_SHARE = 0.4;
/** A table of more rows is not read, and GitHub takes seconds to draw it. */
const MOST_ROWS = 300;

/** What a plan would do: the counts, a warning when something is lost, each resource with the worst first, then what changes in them. */
export function planText(plan: PlanSummary, options: PlanTextOptions): string {
  const head = headOf(plan);
  const tail = tailOf(plan, options);
  const room = options.room - head.length - tail.length;
  const list = listOf(plan.changes, Math.max(0, room * LIST_SHARE), options.rest);
  const shown = options.values ? valuesOf(plan, room - list.length, options.rest) : '';
  return head + list + shown + tail;
}

function headOf(plan: PlanSummary): string {
  const counts = countChanges(plan);
  const lost = counts.replace + counts.destroy;
  const warning =
    lost > 0 ? `> [!WARNING]\n> ${lost} resource${lost === 1 ? ' is' : 's are'} destroyed or replaced.\n\n` : '';
  return `**${sayCounts(counts)}**\n\n${warning}`;
}

/** Lists that are only names, cut at a length of their own so that they cannot push the resources out. */
const NAMES_ROOM = 3_000;

function tailOf({ outputs, drifted }: PlanSummary, { values }: PlanTextOptions): string {
  return [
    outputs.length > 0 && !values ? `Outputs that change: ${names(outputs)}\n\n` : '',
    drifted.length > 0 ? details(`Changed outside of Terraform (${drifted.length})`, names(drifted)) : '',
  ].join('');
}

function names(all: readonly string[]): string {
  const shown: string[] = [];
  let length = 0;
  for (const name of all) {
    const text = code(name);
    length += text.length + 2;
    if (length > NAMES_ROOM) break;
    shown.push(text);
  }
  const more = all.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function listOf(changes: readonly Change[], room: number, rest: string): string {
  const rows: string[][] = [];
  let length = 0;
  for (const change of changes.slice(0, MOST_ROWS)) {
    const row = [LABELS[change.action], code(change.address), why(change)];
    length += row.join(' | ').length + 5;
    if (length > room) break;
    rows.push(row);
  }
  const more = changes.length - rows.length;
  return [
    rows.length > 0 ? table(['Action', 'Resource', 'What changes'], rows) : '',
    more > 0 ? `… and ${more} more resource${more === 1 ? '' : 's'}: ${rest}\n\n` : '',
  ].join('');
}

const MOST_NAMES = 12;

function why({ attributes, forcedBy }: Change): string {
  const forced = forcedBy.length > 0 ? `forced by ${forcedBy.map(code).join(', ')}` : '';
  const others = attributes.filter((name) => !forcedBy.includes(name));
  const more = others.length > MOST_NAMES ? ` and ${others.length - MOST_NAMES} more` : '';
  return [forced, others.slice(0, MOST_NAMES).map(code).join(', ') + more].filter(Boolean).join('; ');
}

/** What changes in the resources, a folded block for each action; what is lost comes unfolded. */
function valuesOf({ changes, outputValues }: PlanSummary, room: number, rest: string): string {
  let left = room - 200;
  let full = false;
  let cut = 0;
  const take = (text: string): boolean => {
    full ||= text.length + 1 > left;
    if (full) cut++;
    else left -= text.length + 1;
    return !full;
  };
  const sections: string[] = [];
  for (const [action, group] of groups(changes)) {
    left -= SECTION_ROOM;
    const blocks = group.map(blockOf).filter(take);
    if (blocks.length > 0) sections.push(section(`${LABELS[action]} (${group.length})`, blocks, OPEN.has(action)));
  }
  const outputs = outputValues.map((one) => attributeLine(one)).filter(take);
  if (outputs.length > 0) sections.push(section(`Outputs (${outputValues.length})`, outputs, false));
  const note = cut > 0 ? `… and what changes in ${cut} more: ${rest}\n\n` : '';
  return sections.join('') + note;
}

/** What the frame of a section takes. */
const SECTION_ROOM = 120;
const OPEN: ReadonlySet<Action> = new Set(['replace', 'destroy']);

function groups(changes: readonly Change[]): Map<Action, Change[]> {
  const found = new Map<Action, Change[]>();
  for (const change of changes) {
    if (change.values.length === 0 && change.action !== 'destroy' && change.action !== 'replace') continue;
    const group = found.get(change.action);
    if (group) group.push(change);
    else found.set(change.action, [change]);
  }
  return found;
}

function section(title: string, blocks: readonly string[], open: boolean): string {
  const body = codeBlock(blocks.join('\n'), 'diff');
  return open
    ? `<details open><summary>${escapeText(title)}</summary>\n\n${body}\n</details>\n\n`
    : details(title, body);
}

const SIGNS: Readonly<Record<Action, string>> = {
  replace: '!',
  destroy: '-',
  forget: '-',
  update: '!',
  create: '+',
  import: '+',
  move: '!',
};

function blockOf({ action, address, values, moreValues, forcedBy }: Change): string {
  const forced = forcedBy.length > 0 ? ` (forced by ${forcedBy.join(', ')})` : '';
  const more = moreValues > 0 ? [`#   … and ${moreValues} more attributes`] : [];
  return [`${SIGNS[action]} ${oneLine(address)}${oneLine(forced)}`, ...values.map(attributeLine), ...more].join('\n');
}

function attributeLine({ path, before, after }: AttributeChange): string {
  const name = oneLine(path);
  if (before === undefined) return `+   ${name}: ${after ?? 'null'}`;
  if (after === undefined) return `-   ${name}: ${before}`;
  return `!   ${name}: ${before} → ${after}`;
}

const oneLine = (text: string) => text.replace(/\r\n?|\n/g, ' ');
