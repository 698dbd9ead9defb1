import type { Mistake } from './mistakes.ts';
import type { Component, ConfigData, Kind } from './schema.ts';
import { suggestion } from './suggest.ts';

// GitHub's job graph is written before a run starts, so the stages are fixed by kind: AMI, then infra, then app and bot side
// by side; all but the AMIs in at most three waves.
export const STAGES = ['ami', 'terraform', 'app', 'bot'] as const;
export type Stage = (typeof STAGES)[number];
export const WAVES = 3;

type Components = ConfigData['components'];
type Waves = [string[], string[], string[]];

/** Components by the stage, and the wave in it, that ships them; in the order of the file. */
export interface Order {
  ami: string[];
  terraform: Waves;
  app: Waves;
  bot: Waves;
}

export function stageOf(kind: Kind): Stage {
  if (kind === 'ami' || kind === 'terraform' || kind === 'bot') return kind;
  return 'app';
}

const LEVEL: Readonly<Record<Stage, number>> = { ami: 0, terraform: 1, app: 2, bot: 2 };

/** What a component names directly: content first, then order; each name once. */
export function directNeeds(component: Component): string[] {
  return [...new Set([...(component['depends-on'] ?? []), ...(component.after ?? [])])];
}

/** Everything that has to end well before this component ships, however far; the answer to "what blocks it?". */
export function needs(config: Pick<ConfigData, 'components'>, name: string): string[] {
  const found = new Set<string>();
  const visit = (current: string) => {
    const component = config.components[current];
    for (const next of component ? directNeeds(component) : []) {
      if (next === name || found.has(next)) continue;
      found.add(next);
      visit(next);
    }
  };
  visit(name);
  return [...found];
}

/** The needs of a component that took part in this run and did not end well; it is blocked when there is one. */
export function blockedBy(
  config: Pick<ConfigData, 'components'>,
  name: string,
  endedWell: ReadonlyMap<string, boolean>,
): string[] {
  return needs(config, name).filter((need) => endedWell.get(need) === false);
}

/** Components that took part in this run, need this one and did not end well: what they stand on must not be taken away. */
export function stillNeededBy(
  config: Pick<ConfigData, 'components'>,
  name: string,
  endedWell: ReadonlyMap<string, boolean>,
): string[] {
  return Object.keys(config.components).filter(
    (other) => endedWell.get(other) === false && needs(config, other).includes(name),
  );
}

/**
 * Components that a change of content reaches, each with the path it came by, the changed one first:
 * `dependentsOf(config, ['ami'])` is `{ infra: ['ami', 'infra'] }`. `after` carries nothing. Shortest paths.
 */
export function dependentsOf(
  config: Pick<ConfigData, 'components'>,
  changed: readonly string[],
): Map<string, string[]> {
  const reached = new Map<string, string[]>(changed.map((name) => [name, [name]]));
  const queue = [...changed];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const path = reached.get(name) ?? [name];
    for (const [other, component] of Object.entries(config.components)) {
      if (reached.has(other) || !component['depends-on']?.includes(name)) continue;
      reached.set(other, [...path, other]);
      queue.push(other);
    }
  }
  for (const name of changed) reached.delete(name);
  return reached;
}

/** Stages and waves of a config that loadConfig() accepted. */
export function order(config: Pick<ConfigData, 'components'>): Order {
  const result: Order = { ami: [], terraform: [[], [], []], app: [[], [], []], bot: [[], [], []] };
  for (const [name, component] of Object.entries(config.components)) {
    const stage = stageOf(component.kind);
    if (stage === 'ami') result.ami.push(name);
    else result[stage][chain(config.components, name).length - 1]?.push(name);
  }
  return result;
}

/** The longest chain inside a stage that ends in this component. The graph must be free of cycles. */
function chain(components: Components, name: string, known: Map<string, string[]> = new Map()): string[] {
  const cached = known.get(name);
  if (cached) return cached;
  const component = components[name];
  const before = (component ? directNeeds(component) : []).filter((need) => {
    const other = components[need];
    return component && other && stageOf(other.kind) === stageOf(component.kind);
  });
  const longest = before
    .map((need) => chain(components, need, known))
    .reduce<string[]>((a, b) => (b.length > a.length ? b : a), []);
  const result = [...longest, name];
  known.set(name, result);
  return result;
}

/** What is wrong with the graph: unknown names, cycles, orders that the fixed stages cannot keep. */
export function graphMistakes(components: Components): Mistake[] {
  const unknown = unknownNames(components);
  if (unknown.length > 0) return unknown;
  const cycle = findCycle(components);
  if (cycle) return [cycleMistake(components, cycle)];
  return [...stageMistakes(components), ...waveMistakes(components)];
}

function* edges(components: Components) {
  for (const [name, component] of Object.entries(components))
    for (const key of ['depends-on', 'after'] as const)
      for (const [i, need] of (component[key] ?? []).entries())
        yield { name, component, key, need, path: ['components', name, key, i] };
}

function unknownNames(components: Components): Mistake[] {
  const mistakes: Mistake[] = [];
  for (const { name, need, path } of edges(components)) {
    if (Object.hasOwn(components, need)) continue;
    const others = Object.keys(components).filter((n) => n !== name);
    const fix = suggestion(need, others, 'other component');
    mistakes.push({ path, seen: need, cause: 'no component has this name', fix });
  }
  return mistakes;
}

/** The first cycle in the order of the file, closed: ['web', 'infra', 'web']. */
export function findCycle(components: Components): string[] | undefined {
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (name: string): string[] | undefined => {
    const start = trail.indexOf(name);
    if (start >= 0) return [...trail.slice(start), name];
    if (done.has(name)) return undefined;
    trail.push(name);
    const component = components[name];
    for (const need of component ? directNeeds(component) : []) {
      const cycle = visit(need);
      if (cycle) return cycle;
    }
    trail.pop();
    done.add(name);
    return undefined;
  };
  for (const name of Object.keys(components)) {
    const cycle = visit(name);
    if (cycle) return cycle;
  }
  return undefined;
}

function cycleMistake(components: Components, cycle: readonly string[]): Mistake {
  const [first = '', second = ''] = cycle;
  const key = components[first]?.['depends-on']?.includes(second) ? 'depends-on' : 'after';
  return {
    path: ['components', first, key],
    seen: cycle.join(' → '),
    cause: 'depends-on and after form a cycle, so none of these could ever come first',
    fix: `Remove one of the arrows; each reads "needs"${first === second ? ', and a component cannot need itself' : ''}`,
  };
}

function stageMistakes(components: Components): Mistake[] {
  const mistakes: Mistake[] = [];
  for (const { name, component, need, path } of edges(components)) {
    const other = components[need];
    if (!other) continue;
    const [own, its] = [stageOf(component.kind), stageOf(other.kind)];
    if (LEVEL[its] < LEVEL[own] || (own === its && own !== 'ami')) continue;
    mistakes.push({ path, seen: need, ...stageReason(name, own, need, its) });
  }
  return mistakes;
}

function stageReason(name: string, own: Stage, need: string, its: Stage): Pick<Mistake, 'cause' | 'fix'> {
  const stages =
    'the stages are fixed, since GitHub knows its job graph before a run starts: ami, terraform, then app and bot side by side';
  if (own === its) {
    return {
      cause: `${name} and ${need} are both of the stage ${own}, whose components ship side by side in one job matrix (${stages})`,
      fix: 'Drop the arrow',
    };
  }
  if (LEVEL[own] === LEVEL[its]) {
    return {
      cause: `${name} ships in stage ${own} and ${need} in stage ${its}, and these run side by side (${stages})`,
      fix: `Drop the arrow and list the files that both need in the paths of both, or make ${need} the same kind as ${name}`,
    };
  }
  return {
    cause: `${need} ships in stage ${its}, which comes after stage ${own} of ${name} (${stages})`,
    fix: 'Turn the arrow round, or drop it',
  };
}

function waveMistakes(components: Components): Mistake[] {
  const mistakes: Mistake[] = [];
  for (const [name, component] of Object.entries(components)) {
    const stage = stageOf(component.kind);
    if (stage === 'ami') continue;
    const links = chain(components, name);
    // One message for the first link too many; what hangs on it is too long for the same reason.
    if (links.length !== WAVES + 1) continue;
    mistakes.push({
      path: ['components', name, component.after?.includes(links.at(-2) ?? '') ? 'after' : 'depends-on'],
      seen: [...links].reverse().join(' → '),
      cause: `this chain has ${links.length} links, and ${stage === 'terraform' ? 'Terraform roots' : 'services'} ship in at most ${WAVES} waves, because GitHub knows its job graph before a run starts`,
      fix:
        stage === 'terraform'
          ? 'Shorten the chain: drop an arrow that only orders, or make two of the roots one with two modules'
          : 'Shorten the chain: drop an arrow that only orders, or let services start in any order',
    });
  }
  return mistakes;
}
