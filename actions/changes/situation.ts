import { isAbsolute, posix, relative, sep } from 'node:path';
import { type Config, environmentConfig, loadConfigFile } from '../../lib/config/load.ts';
import { suggestion } from '../../lib/config/suggest.ts';
import { Problem } from '../../lib/errors.ts';
import type { RecentEntries } from '../../lib/ledger/ledger.ts';
import type { Base } from './bases.ts';
import { makePresent } from './compare.ts';
import { deployedIn, recentEntries } from './entries.ts';
import { type EventPlan, eventPlan } from './events.ts';
import type { ChangesInputs } from './inputs.ts';
import type { ChangesPorts } from './ports.ts';
import { resolveEventBase } from './resolve-base.ts';
import { type Unit, unitsOfConfig, unitsOfFilters } from './units.ts';

/** Everything that was settled before the first comparison. */
export interface Situation {
  inputs: ChangesInputs;
  units: Unit[];
  config?: Config;
  plan: EventPlan;
  /** The event's base, found out when it is first asked for. */
  eventBase(): Promise<Base>;
  forced: Set<string>;
  /** What the ledger told before the components were known. */
  recent?: RecentEntries | undefined;
}

/**
 * Settles what is judged and for whom; reads the config file, from the commit where there is no checkout.
 * @throws Problem for bad inputs or config.
 */
export async function assess(given: ChangesInputs, ports: ChangesPorts): Promise<Situation> {
  const inputs = { ...given, config: gitName(given.config, ports.context.workspace) };
  const plan = eventPlan(ports.context);
  if (plan.head === '') {
    const head = await ports.git.resolve('HEAD');
    if (head === undefined) throw noHead();
    plan.head = head;
  }
  let asked: Promise<Base> | undefined;
  const eventBase = () => {
    asked ??= resolveEventBase(plan.base, ports.git, ports.compare);
    return asked;
  };
  const { config, recent } = inputs.filters === '' ? await readConfig(inputs, plan, eventBase, ports) : {};
  const units = config ? unitsOfConfig(config) : unitsOfFilters(inputs.filters);
  return {
    inputs,
    units,
    plan,
    eventBase,
    forced: forcedNames(inputs.force, units),
    recent,
    ...(config && { config }),
  };
}

/** A path as git names it: ./slipway.yml, or ${{ github.workspace }}/slipway.yml, would be no file of any comparison. */
function gitName(path: string, workspace: string): string {
  const inside = isAbsolute(path) ? relative(workspace, path).replaceAll(sep, '/') : path;
  return isAbsolute(inside) || inside.startsWith('../') ? path : posix.normalize(inside);
}

async function readConfig(
  inputs: ChangesInputs,
  plan: EventPlan,
  eventBase: () => Promise<Base>,
  ports: ChangesPorts,
): Promise<Required<Pick<Situation, 'config'>> & Pick<Situation, 'recent'>> {
  const { git, readFile, context } = ports;
  let text = await readFile(inputs.config);
  let recent: RecentEntries | undefined;
  const checkedOut = text === undefined ? await git.resolve('HEAD') : undefined;
  // A sparse checkout has what was asked for, and rarely .github.
  if (checkedOut !== undefined) text = (await git.file(checkedOut, inputs.config))?.toString('utf8');
  // Without a checkout the file is read from the commit that actions/checkout would have taken: with pull_request_target and
  // workflow_run that is not head, which anybody may have written.
  else if (text === undefined) {
    const commit = context.sha || plan.head;
    // All that will be compared comes in the same request, so the ledger is asked first, though no component is known yet.
    recent = await recentEntries(inputs, plan, ports);
    const wanted = new Set([commit, plan.head, ...(await likelyBases(inputs, plan, recent, eventBase))]);
    // The parent that a merge is compared with is known only once the merge is here.
    const absent = await makePresent(git, [...wanted], plan.base.type === 'merged' ? 2 : 1);
    const reason = absent.get(commit);
    if (reason !== undefined) throw notRead(inputs.config, reason);
    text = (await git.file(commit, inputs.config))?.toString('utf8');
  }
  const whole = await loadConfigFile(inputs.config, async () => text, context.workspace);
  return { config: inputs.environment === '' ? whole : environmentConfig(whole, inputs.environment), recent };
}

/** Commits that will be compared with, as far as that can be known before the components are. */
async function likelyBases(
  inputs: ChangesInputs,
  plan: EventPlan,
  recent: RecentEntries | undefined,
  eventBase: () => Promise<Base>,
): Promise<string[]> {
  if (inputs.base !== 'ledger' && inputs.base !== 'event') return [inputs.base];
  if (recent && recent.entries.size > 0) return deployedIn(recent.entries);
  if (plan.base.type === 'merged') return [];
  const base = await eventBase();
  return base.type === 'commit' ? [base.commit] : [];
}

function forcedNames(force: readonly string[], units: readonly Unit[]): Set<string> {
  const names = units.map((u) => u.name);
  if (force.includes('all')) return new Set(names);
  const unknown = force.find((name) => !names.includes(name));
  if (unknown === undefined) return new Set(force);
  throw new Problem({
    what: "input 'force'",
    seen: unknown,
    cause: 'no component has this name',
    fix: `${suggestion(unknown, names, 'component')}, or all`,
  });
}

function notRead(path: string, reason: string): Problem {
  return new Problem({
    what: 'config file',
    seen: path,
    cause: `there is no checkout, and it could not be read from the commit: ${reason}`,
    fix: 'Check out the repository before this step, or pass a `token` of this repository with `permissions: contents: read`',
    kind: 'environment',
  });
}

function noHead(): Problem {
  return new Problem({
    what: 'GITHUB_SHA',
    cause: 'it is not set, and the working directory is no git checkout',
    fix: 'Run this in a workflow, or in a checkout',
    kind: 'environment',
  });
}
