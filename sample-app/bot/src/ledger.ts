import type { Deployment, GitHub } from './github.ts';

/** What a component serves in an environment, and what was tried after that without success. */
export interface Standing {
  component: string;
  running?: { commit: string; at: string; runUrl: string };
  /** The newest attempt, when it is not what runs. */
  attempt?: { state: string; commit: string; cause: string };
}

const TASK = 'slipway/';

interface Entry {
  commit: string;
  state: string;
  at: string;
  runUrl: string;
  cause: string;
}

/**
 * What runs where, from the deployment ledger: GitHub Deployments with task `slipway/COMPONENT` whose payload is the entry.
 * Any success in a deployment's history counts: GitHub turns older ones inactive when newer ones come.
 */
export async function standings(github: GitHub, environment: string): Promise<Standing[]> {
  const byComponent = new Map<string, Deployment[]>();
  for (const deployment of await github.deployments(environment)) {
    if (!deployment.task.startsWith(TASK)) continue;
    const component = deployment.task.slice(TASK.length);
    byComponent.set(component, [...(byComponent.get(component) ?? []), deployment]);
  }
  const names = [...byComponent.keys()].sort();
  return Promise.all(names.map((name) => standing(github, name, byComponent.get(name) ?? [])));
}

async function standing(github: GitHub, component: string, deployments: readonly Deployment[]): Promise<Standing> {
  const found: Standing = { component };
  for (const deployment of deployments) {
    const entry = entryOf(deployment);
    if (!entry) continue;
    if (entry.state !== 'deployed') {
      found.attempt ??= { state: entry.state, commit: entry.commit, cause: entry.cause };
      continue;
    }
    if ((await github.states(deployment.id)).includes('success')) {
      return { ...found, running: { commit: deployment.sha, at: entry.at, runUrl: entry.runUrl } };
    }
  }
  return found;
}

/** The ledger's entry in a deployment's payload; undefined for a deployment that somebody else made. */
export function entryOf(deployment: Pick<Deployment, 'payload' | 'sha'>): Entry | undefined {
  const payload = typeof deployment.payload === 'string' ? parse(deployment.payload) : deployment.payload;
  if (typeof payload !== 'object' || payload === null) return undefined;
  const fields = payload as Record<string, unknown>;
  if (fields.slipway !== 1) return undefined;
  const text = (name: string) => (typeof fields[name] === 'string' ? fields[name] : '');
  return {
    commit: text('commit') || deployment.sha,
    state: text('state'),
    at: text('at'),
    runUrl: text('runUrl'),
    cause: text('cause'),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
