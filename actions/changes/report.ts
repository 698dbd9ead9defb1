import { order } from '../../lib/config/graph.ts';
import type { Config } from '../../lib/config/load.ts';
import type { Annotation, Report } from '../../lib/report.ts';
import { code, details, escapeCell, heading, table } from '../../lib/summary.ts';
import { short } from './bases.ts';
import type { Decision, Status } from './decide.ts';
import type { EventPlan } from './events.ts';
import type { ChangesInputs } from './inputs.ts';
import { type Files, OUTPUT_LIMIT, presentLists } from './lists.ts';

export interface Findings {
  inputs: ChangesInputs;
  config?: Config;
  plan: EventPlan;
  decisions: readonly Decision[];
  warnings: readonly string[];
  /** Changed files by component, where they were asked for. */
  lists: Readonly<Record<string, readonly string[]>>;
  fingerprints: Readonly<Record<string, string>>;
}

/** A decision as one line of the job log. A line end in it could start a workflow command, so it holds none. */
export function logLine({ name, status, ships, reason }: Decision): string {
  const label = ships ? `ships (${status})` : status;
  return `${name}: ${label}: ${reason}`.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ');
}

/**
 * Outputs, summary and annotations of what was decided.
 * @param write takes what does not go into an output and tells the folder that it is in.
 */
export async function reportOf(findings: Findings, write: (files: Files) => Promise<string>): Promise<Report> {
  const { decisions } = findings;
  const shipping = decisions.filter((d) => d.ships);
  return {
    outcome:
      shipping.length > 0
        ? { status: 'succeeded', cause: '' }
        : { status: 'unchanged', cause: nothingShips(decisions) },
    outputs: await outputsOf(findings, write),
    summary: summaryOf(findings),
    annotations: annotationsOf(findings),
  };
}

function nothingShips(decisions: readonly Decision[]): string {
  const stopped = decisions.filter((d) => d.status === 'held' || d.status === 'superseded');
  if (stopped.length === 0) return 'nothing differs from its base';
  return `nothing ships: ${stopped.map((d) => `${d.name} is ${d.status}`).join(', ')}; the rest is unchanged`;
}

async function outputsOf(
  { decisions, config, plan, inputs, lists, fingerprints }: Findings,
  write: (files: Files) => Promise<string>,
): Promise<Record<string, string>> {
  const names = decisions.filter((d) => d.ships).map((d) => d.name);
  const bases = new Set(decisions.map((d) => d.base));
  const [base] = bases;
  const { output: files, files: toWrite } = presentLists(lists, inputs['list-files']);
  return {
    ...Object.fromEntries(decisions.map((d) => [d.name, String(d.ships)])),
    any: String(names.length > 0),
    components: JSON.stringify(names),
    ...matrices(names, config),
    reasons: reasonsOf(decisions, toWrite),
    base: bases.size === 1 && base !== undefined ? base : '',
    head: plan.head,
    bases: JSON.stringify(Object.fromEntries(decisions.map((d) => [d.name, { base: d.base ?? '', head: plan.head }]))),
    fingerprints: JSON.stringify(fingerprints),
    files,
    path: toWrite.size > 0 ? await write(toWrite) : '',
  };
}

/** JSON that fits an output: with hundreds of components, or file names of kilobytes, only what was decided; the rest is in a file. */
function reasonsOf(decisions: readonly Decision[], toWrite: Files): string {
  const whole = JSON.stringify(Object.fromEntries(decisions.map(({ name, ...decision }) => [name, decision])));
  if (whole.length <= OUTPUT_LIMIT) return whole;
  toWrite.set('reasons.json', whole);
  return JSON.stringify(Object.fromEntries(decisions.map(({ name, ships, status }) => [name, { ships, status }])));
}

/** One matrix for each stage and wave. Filters have no kinds: all of them stand in the first wave. */
function matrices(names: readonly string[], config: Config | undefined): Record<string, string> {
  const shipping = (list: readonly string[]) => JSON.stringify(list.filter((name) => names.includes(name)));
  const { ami, terraform, app, bot } = config
    ? order(config)
    : { ami: [], terraform: [[], [], []] as const, app: [names, [], []] as const, bot: [[], [], []] as const };
  const waves = (stage: string, list: readonly (readonly string[])[]) =>
    list.map((wave, i) => [`matrix-${stage}-${i + 1}`, shipping(wave)] as const);
  return {
    'matrix-ami': shipping(ami),
    'matrix-terraform': shipping(terraform.flat()),
    ...Object.fromEntries([
      ...waves('terraform', closeUp(terraform, names)),
      ...waves('app', app),
      ...waves('bot', bot),
    ]),
  };
}

/** Waves without a gap: infra.yml is called when its first one holds something. The order stays. */
function closeUp(waves: readonly (readonly string[])[], names: readonly string[]): (readonly string[])[] {
  const filled = waves.filter((wave) => wave.some((name) => names.includes(name)));
  return waves.map((_, i) => filled[i] ?? []);
}

const LABELS: Readonly<Record<Status, string>> = {
  changed: '🚢 ships',
  dependency: '🚢 ships',
  forced: '🚢 ships (forced)',
  everything: '🚢 ships',
  unknown: '⚠️ ships (unknown base)',
  unchanged: '➖ unchanged',
  held: '✋ held',
  superseded: '⏭️ superseded',
};

const ROWS_SHOWN = 200;

function summaryOf({ decisions, plan, inputs, warnings }: Findings): string {
  const count = decisions.filter((d) => d.ships).length;
  const where = inputs.environment === '' ? '' : ` to ${inputs.environment}`;
  const title =
    count === 0
      ? 'Nothing ships'
      : `${count} of ${decisions.length} ${decisions.length === 1 ? 'component ships' : 'components ship'}`;
  const rows = decisions.toSorted((a, b) => Number(b.ships) - Number(a.ships)).map(row);
  const parts = [
    heading(3, `Changes: ${title}${escapeCell(where)}`),
    ...warnings.map((w) => `> [!WARNING]\n> ${escapeCell(w)}\n\n`),
    table(['Component', 'Decision', 'Why', 'Compared with'], rows.slice(0, ROWS_SHOWN)),
  ];
  if (rows.length > ROWS_SHOWN)
    parts.push(
      `${rows.length - ROWS_SHOWN} more are in the output \`reasons\`, or in reasons.json below the output \`path\`.\n\n`,
    );
  const advice = adviceOf(decisions);
  if (advice !== '') parts.push(advice);
  parts.push(details('How this was compared', `Head is ${code(plan.head)}. ${MEANING}`));
  return parts.join('');
}

const MEANING =
  'A component ships when the state of its files at head differs from the state at its base: the commit of the last successful deployment ' +
  'to this environment, or what the event says where there is none. A commit that failed to deploy is never a base, so it is not lost.';

function row(d: Decision): string[] {
  const base = d.base === undefined ? escapeCell(d.baseWhy) : `${code(short(d.base))}, ${escapeCell(d.baseWhy)}`;
  return [code(d.name), LABELS[d.status], escapeCell(d.reason), base];
}

function adviceOf(decisions: readonly Decision[]): string {
  const held = decisions.filter((d) => d.status === 'held').map((d) => d.name);
  if (held.length === 0) return '';
  return `**Next:** ${held.map(code).join(', ')} stays as it is until its content changes; run the workflow by hand with ${code(`force: ${held.join(',')}`)} to ship it all the same.\n\n`;
}

function annotationsOf({ decisions, warnings }: Findings): Annotation[] {
  const told = decisions.filter((d) => d.status === 'held' || d.status === 'superseded' || d.status === 'unknown');
  return [
    ...warnings.map((message) => ({ level: 'warning' as const, message })),
    ...told.map((d) => ({
      level: d.status === 'superseded' ? ('notice' as const) : ('warning' as const),
      title: `${d.name}: ${d.status}`,
      message: d.reason,
    })),
  ].slice(0, ANNOTATIONS_SHOWN);
}

/** The runner shows ten of a level a step; the summary has them all. */
const ANNOTATIONS_SHOWN = 10;
