import { showName } from '../../lib/git/names.ts';
import type { Change } from '../../lib/git/plumbing.ts';
import type { LedgerEntry } from '../../lib/ledger/ledger.ts';
import { type Base, short, shortTime } from './bases.ts';
import { firstMatch, type Match } from './patterns.ts';
import type { Unit } from './units.ts';

export type Status =
  /** Its own files, or its definition in the config file, differ from its base. */
  | 'changed'
  /** Something that it depends on changed. */
  | 'dependency'
  | 'forced'
  /** Its base says that all of it is new. */
  | 'everything'
  /** Its base is not known and `on-unknown` is `all`. */
  | 'unknown'
  | 'unchanged'
  /** This very content was rolled back. */
  | 'held'
  /** A newer commit is deployed already. */
  | 'superseded';

const SHIPS: ReadonlySet<Status> = new Set(['changed', 'dependency', 'forced', 'everything', 'unknown']);

export interface Decision {
  name: string;
  ships: boolean;
  status: Status;
  /** One sentence. */
  reason: string;
  base?: string;
  baseWhy: string;
  file?: string;
  pattern?: string;
  /** Number of files that matched. */
  files?: number;
  /** From the component that changed to this one. */
  path?: string[];
}

/** What is known before the decision. Comparisons are by base commit and lead to head. */
export interface Facts {
  units: readonly Unit[];
  forced: ReadonlySet<string>;
  bases: ReadonlyMap<string, Base>;
  changes: ReadonlyMap<string, readonly Change[]>;
  /** By base commit: the components whose definition in the config file differs from head's, and how to say so. */
  definitions: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** By component: rolled-back states that are still held and can be compared with. */
  held: ReadonlyMap<string, readonly LedgerEntry[]>;
}

interface Finding {
  status: Status;
  reason: string;
  match?: Match;
  path?: string[];
}

/** Decides for every component whether it ships, and why. `superseded` is decided after, by supersede(). */
export function decide(facts: Facts): Decision[] {
  const own = new Map(facts.units.map((unit) => [unit.name, ownFinding(facts, unit)]));
  return facts.units.map((unit) => {
    const base = facts.bases.get(unit.name) ?? { type: 'unknown', why: 'no base was looked for' };
    let finding = own.get(unit.name) ?? { status: 'unchanged', reason: '' };
    if (finding.status === 'unchanged') finding = dependencyFinding(facts, unit, own) ?? finding;
    if (SHIPS.has(finding.status) && finding.status !== 'forced') finding = heldFinding(facts, unit) ?? finding;
    return decision(unit, base, finding);
  });
}

function decision({ name }: Unit, base: Base, { status, reason, match, path }: Finding): Decision {
  return {
    name,
    ships: SHIPS.has(status),
    status,
    reason,
    ...(base.type === 'commit' && { base: base.commit }),
    baseWhy: base.why,
    ...(match && { file: match.file, pattern: match.pattern, files: match.files }),
    ...(path && { path }),
  };
}

function ownFinding(facts: Facts, unit: Unit): Finding {
  if (facts.forced.has(unit.name)) return { status: 'forced', reason: 'forced by the input `force`' };
  const base = facts.bases.get(unit.name);
  if (base === undefined || base.type === 'unknown') {
    return {
      status: 'unknown',
      reason: `counts as changed, because its base is not known: ${base?.why ?? 'none was looked for'}`,
    };
  }
  if (base.type === 'everything') return { status: 'everything', reason: base.why };
  if (base.type === 'nothing') return { status: 'unchanged', reason: base.why };
  const since = sinceText(base);
  const match = contentMatch(facts, unit, base.commit);
  if (match) return { status: 'changed', reason: `${matchText(match)}, ${since}`, match };
  const definition = facts.definitions.get(base.commit)?.get(unit.name);
  if (definition) return { status: 'changed', reason: `${definition}, ${since}` };
  return { status: 'unchanged', reason: `unchanged ${since}` };
}

function contentMatch({ changes }: Facts, unit: Unit, base: string): Match | undefined {
  return firstMatch(unit.match, changes.get(base) ?? []);
}

/**
 * A change of content that reaches the component through `depends-on`. Judged by the component's own base, since what it depends on may have
 * shipped meanwhile without it; and by what ships in this run.
 */
function dependencyFinding(facts: Facts, unit: Unit, own: ReadonlyMap<string, Finding>): Finding | undefined {
  const base = facts.bases.get(unit.name);
  for (const { unit: other, path } of upstream(facts.units, unit)) {
    const through = `depends on it: ${path.join(' → ')}`;
    if (base?.type === 'commit') {
      const match = contentMatch(facts, other, base.commit);
      if (match)
        return { status: 'dependency', reason: `${matchText(match)}, ${sinceText(base)}; ${through}`, match, path };
      const definition = facts.definitions.get(base.commit)?.get(other.name);
      if (definition) return { status: 'dependency', reason: `${definition}, ${sinceText(base)}; ${through}`, path };
    }
    const finding = own.get(other.name);
    if (finding && SHIPS.has(finding.status) && finding.status !== 'forced') {
      const match = finding.match;
      return {
        status: 'dependency',
        reason: `${other.name}: ${finding.reason}; ${through}`,
        path,
        ...(match && { match }),
      };
    }
  }
  return undefined;
}

/** Everything that a unit depends on, nearest first, each with the path from there to the unit. */
function upstream(units: readonly Unit[], start: Unit): { unit: Unit; path: string[] }[] {
  const byName = new Map(units.map((u) => [u.name, u]));
  const found: { unit: Unit; path: string[] }[] = [];
  const seen = new Set([start.name]);
  const queue = [{ unit: start, path: [start.name] }];
  for (let step = queue.shift(); step; step = queue.shift()) {
    for (const name of step.unit.dependsOn) {
      const unit = byName.get(name);
      if (!unit || seen.has(name)) continue;
      seen.add(name);
      const next = { unit, path: [name, ...step.path] };
      found.push(next);
      queue.push(next);
    }
  }
  return found;
}

/** Held: nothing that makes up the component differs from a state that was rolled back. */
function heldFinding(facts: Facts, unit: Unit): Finding | undefined {
  const parts = [unit, ...upstream(facts.units, unit).map((u) => u.unit)];
  for (const entry of facts.held.get(unit.name) ?? []) {
    if (!facts.changes.has(entry.commit)) continue;
    const differs = parts.some(
      (p) => contentMatch(facts, p, entry.commit) || facts.definitions.get(entry.commit)?.has(p.name),
    );
    if (differs) continue;
    const cause = entry.cause ? ` (${entry.cause})` : '';
    return {
      status: 'held',
      reason: `the same content, at ${short(entry.commit)}, was rolled back from ${entry.environment} on ${shortTime(entry.at)}${cause}; change it, or name it in \`force\``,
    };
  }
  return undefined;
}

/** Turns what would ship into `superseded` where a descendant of head is deployed already. @param newer by component, the deployed commit. */
export function supersede(decisions: readonly Decision[], newer: ReadonlyMap<string, string>): Decision[] {
  return decisions.map((d) => {
    const commit = newer.get(d.name);
    if (commit === undefined || !d.ships || d.status === 'forced') return d;
    const reason = `${short(commit)} is deployed already and is newer than this run; deploying would go back. For a rollback use operate, or name it in \`force\``;
    return { ...d, ships: false, status: 'superseded', reason };
  });
}

function matchText({ file, pattern, files }: Match): string {
  const more = files === 1 ? '' : ` (and ${files - 1} more ${files === 2 ? 'file' : 'files'})`;
  return `${showName(file)} matches ${pattern}${more}`;
}

function sinceText(base: Extract<Base, { type: 'commit' }>): string {
  const when = base.deployed
    ? ` (deployed to ${base.deployed.environment} ${shortTime(base.deployed.at)})`
    : ` (${base.why})`;
  return `since ${short(base.commit)}${when}`;
}
