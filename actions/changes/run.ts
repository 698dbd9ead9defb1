import { type Config, loadConfig } from '../../lib/config/load.ts';
import { messageOf, Problem } from '../../lib/errors.ts';
import type { Git } from '../../lib/git/repository.ts';
import { lastDeployed } from '../../lib/ledger/ledger.ts';
import type { Report } from '../../lib/report.ts';
import { type Base, heldEntries, ledgerBase, short } from './bases.ts';
import { type Comparisons, compareAll, everyFile, rethrowCancelled, withFailures } from './compare.ts';
import { changedFiles } from './compatibility/changed-files.ts';
import { pathsFilter } from './compatibility/paths-filter.ts';
import { type Decision, decide, type Facts, supersede } from './decide.ts';
import { changedDefinitions } from './definitions.ts';
import { type Entries, readLedger } from './entries.ts';
import { fingerprintsOf } from './fingerprints.ts';
import { type ChangesInputs, checkOwnMode } from './inputs.ts';
import { matchingNames } from './patterns.ts';
import type { ChangesPorts } from './ports.ts';
import { logLine, reportOf } from './report.ts';
import { assess, type Situation } from './situation.ts';
import { newerThan } from './superseded.ts';

/**
 * Finds out which components differ from what was last deployed (or from what the event says), and why.
 * @throws Problem for bad inputs or config, and for an unknown base where `on-unknown` is `error`.
 */
export async function run(inputs: ChangesInputs, ports: ChangesPorts): Promise<Report> {
  try {
    if (inputs.compatibility === 'paths-filter') return await pathsFilter(inputs, ports);
    if (inputs.compatibility === 'changed-files') return await changedFiles(inputs, ports);
    checkOwnMode(inputs);
    const situation = await assess(inputs, ports);
    const warnings: string[] = [];
    const { entries, unreadable } = await readLedger(situation, ports);
    if (unreadable) warnings.push(`The ledger could not be read, so everything counts as changed: ${unreadable}`);
    const wanted = await basesOf(situation, entries, unreadable);
    const compared = await compareWith(situation, wanted, entries, ports.git);
    const bases = new Map([...wanted].map(([name, base]) => [name, withFailures(base, compared.failed)]));
    if (inputs['on-unknown'] === 'error') refuseUnknown(situation, bases);
    const facts: Facts = {
      units: situation.units,
      forced: situation.forced,
      bases,
      changes: compared.changes,
      definitions: await definitionsBy(situation, compared, ports.git),
      held: new Map([...entries].map(([name, list]) => [name, heldEntries(list)])),
    };
    const decisions = await withoutSuperseded(situation, decide(facts), entries, ports, warnings);
    for (const decision of decisions) ports.log.info(logLine(decision));
    const { units, config, plan } = situation;
    const lists = inputs['list-files'] === 'none' ? {} : await listsOf(facts, decisions, plan.head, ports.git);
    const fingerprints = inputs.fingerprints ? await fingerprintsOf(units, config, plan.head, ports.git) : {};
    return await reportOf({ ...situation, decisions, warnings, lists, fingerprints }, ports.writeFiles);
  } finally {
    await ports.git.dispose();
  }
}

/**
 * The component's own files that differ from its base. What ships without a commit to compare with counts as changed as a whole: then all
 * of them, since a later step that is given none would check nothing.
 */
async function listsOf(
  { units, bases, changes }: Facts,
  decisions: readonly Decision[],
  head: string,
  git: Git,
): Promise<Record<string, string[]>> {
  const whole = new Set(decisions.filter((d) => d.ships && bases.get(d.name)?.type !== 'commit').map((d) => d.name));
  const all = whole.size > 0 ? await everyFile(git, head) : [];
  return Object.fromEntries(
    units.map(({ name, match }) => {
      const base = bases.get(name);
      const list = base?.type === 'commit' ? changes.get(base.commit) : undefined;
      return [name, matchingNames(match, whole.has(name) ? all : (list ?? []))];
    }),
  );
}

async function basesOf(
  { inputs, units, forced, eventBase }: Situation,
  entries: Entries,
  unreadable: string | undefined,
): Promise<Map<string, Base>> {
  const bases = new Map<string, Base>();
  for (const { name } of units) {
    if (forced.has(name)) bases.set(name, { type: 'nothing', why: 'not looked for, since it is forced' });
    else if (inputs.base !== 'ledger' && inputs.base !== 'event') {
      bases.set(name, { type: 'commit', commit: inputs.base, why: 'given by the input `base`' });
    } else if (unreadable !== undefined) {
      bases.set(name, { type: 'unknown', why: `the ledger could not be read (${unreadable})` });
    } else {
      bases.set(name, ledgerBase(entries.get(name), inputs.environment) ?? (await eventBase()));
    }
  }
  return bases;
}

function compareWith(
  { plan }: Situation,
  bases: ReadonlyMap<string, Base>,
  entries: Entries,
  git: Git,
): Promise<Comparisons> {
  const commits = [...bases.values()].flatMap((base) => (base.type === 'commit' ? [base.commit] : []));
  const held = [...entries.values()].flatMap((list) => heldEntries(list).map((entry) => entry.commit));
  return compareAll(git, plan.head, [...commits, ...held]);
}

/** Changed definitions for those bases between which and head the config file changed. */
async function definitionsBy(
  { inputs, config, plan }: Situation,
  { changes }: Comparisons,
  git: Git,
): Promise<Map<string, Map<string, string>>> {
  const definitions = new Map<string, Map<string, string>>();
  if (!config) return definitions;
  let committed: boolean | undefined;
  for (const [commit, list] of changes) {
    if (commit === plan.head) continue;
    if (list.some((change) => change.name === inputs.config)) {
      definitions.set(commit, await definitionsSince(commit, config, { inputs, head: plan.head, git }));
      continue;
    }
    committed ??= await git.has(plan.head, inputs.config);
    if (!committed) {
      // Of a file that is made by an earlier step, or lies in a checkout below the workspace, git shows no change.
      const why = `${config.file} is in no commit under this name, so whether its definition changed is not known`;
      definitions.set(commit, allComponents(config, why));
    }
  }
  return definitions;
}

async function definitionsSince(
  commit: string,
  config: Config,
  { inputs, head, git }: { inputs: ChangesInputs; head: string; git: Git },
): Promise<Map<string, string>> {
  const text = async (at: string) => (await git.file(at, inputs.config))?.toString('utf8');
  try {
    const now = await text(head);
    const current = now === undefined ? config : loadConfig(now, config.file);
    return changedDefinitions(current, await text(commit), inputs.environment);
  } catch (error) {
    rethrowCancelled(error);
    return allComponents(
      config,
      `${config.file} changed, and its two versions could not be compared (${messageOf(error)})`,
    );
  }
}

function allComponents({ components }: Config, why: string): Map<string, string> {
  return new Map(Object.keys(components).map((name) => [name, why]));
}

async function withoutSuperseded(
  { plan, inputs }: Situation,
  decisions: Decision[],
  entries: Entries,
  { git, compare }: ChangesPorts,
  warnings: string[],
): Promise<Decision[]> {
  const deployed = decisions.flatMap((d) => {
    const entry = d.ships && d.status !== 'forced' ? lastDeployed(entries.get(d.name)) : undefined;
    return entry ? [[d.name, entry.commit] as const] : [];
  });
  if (deployed.length === 0 || inputs.base !== 'ledger') return decisions;
  const commits = await git.present(deployed.map(([, commit]) => commit));
  const { newer, untold } = await newerThan(plan.head, [...commits], git, compare);
  for (const commit of untold) {
    warnings.push(
      `Whether ${short(commit)}, which is deployed, is newer than this run could not be told: the clone's history is cut and GitHub did not say. ` +
        'Pass `token`, or check out with `fetch-depth: 0`',
    );
  }
  return supersede(decisions, new Map(deployed.filter(([, commit]) => newer.has(commit))));
}

function refuseUnknown({ forced }: Situation, bases: ReadonlyMap<string, Base>): void {
  const unknown = [...bases].filter(([name, base]) => base.type === 'unknown' && !forced.has(name));
  const [first] = unknown;
  if (!first) return;
  throw new Problem({
    what: 'base of the comparison',
    cause: `it is not known for ${unknown.map(([name]) => name).join(', ')}: ${first[1].why}`,
    fix: 'Give a commit as `base`, name components in `force`, or set `on-unknown: all` to count them as changed',
    kind: 'environment',
  });
}
