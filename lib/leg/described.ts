import { type Config, component, environmentConfig } from '../config/load.ts';
import { type ReferencePorts, resolveAll } from '../config/references.ts';
import type { Component, Kind } from '../config/schema.ts';
import { Problem } from '../errors.ts';

export interface DescribedPorts extends ReferencePorts {
  config(): Promise<Config>;
}

const ACTIONS: Readonly<Partial<Record<Kind, string>>> = { ami: 'packer', terraform: 'terraform' };

/**
 * A component's section of the config file as its environment overrides it, with its references looked up.
 * @throws Problem when there is none of that name, it is of another kind, or a reference is unknown.
 */
export async function describedComponent<K extends Kind>(
  kind: K,
  inputs: { component: string; environment: string },
  ports: DescribedPorts,
  /** Keys that are left out, references and all, because this run does not need them. */
  leftOut: readonly string[] = [],
): Promise<Extract<Component, { kind: K }>> {
  const config = await ports.config();
  const view = inputs.environment === '' ? config : environmentConfig(config, inputs.environment);
  const found = component(view, inputs.component);
  if (found.kind !== kind) {
    throw new Problem({
      what: "input 'component'",
      seen: inputs.component,
      cause: `it is of kind ${found.kind}, and this action runs components of kind ${kind}`,
      fix: `Use the ${ACTIONS[found.kind] ?? 'ship'} action for it`,
      kind: 'config',
      file: config.file,
    });
  }
  const needed = Object.fromEntries(Object.entries(found).filter(([key]) => !leftOut.includes(key)));
  return resolveAll(needed as Extract<Component, { kind: K }>, ports, ['components', inputs.component]);
}

/** Words of the config file as text. */
export function texts(words: Readonly<Record<string, string | number | boolean>> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(words ?? {}).map(([name, value]) => [name, String(value)]));
}
