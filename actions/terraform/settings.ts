import { existsSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { type Config, component, environmentConfig } from '../../lib/config/load.ts';
import { type ReferencePorts, resolveAll } from '../../lib/config/references.ts';
import type { TerraformComponent } from '../../lib/config/schema.ts';
import { Problem } from '../../lib/errors.ts';
import type { TerraformInputs } from './inputs.ts';
import type { Settings } from './run.ts';

export interface Target {
  settings: Settings;
  /** The root's folder, absolute. */
  folder: string;
  /** Input variables, handed over as TF_VAR_NAME. */
  vars: Record<string, string>;
}

export interface SettingsPorts extends ReferencePorts {
  workspace: string;
  /** The config file; only asked for when a component is named. */
  config(): Promise<Config>;
}

/**
 * What to run, from the inputs and the component's section of the config file; an input wins over the section.
 * @throws Problem when neither names a root, the folder is none, the component is of another kind, or a reference is unknown.
 */
export async function readSettings(inputs: TerraformInputs, ports: SettingsPorts): Promise<Target> {
  const described = inputs.component === '' ? undefined : await describedComponent(inputs, ports);
  const root = inputs.root || described?.root || '';
  if (root === '') {
    throw new Problem({
      what: "input 'root'",
      cause: 'neither it nor a component was given, so it is not known which Terraform root to use',
      fix: "Set 'root' to the folder of the root module, or 'component' to a component of kind terraform",
    });
  }
  const folder = resolve(ports.workspace, root);
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new Problem({
      what: "input 'root'",
      seen: root,
      cause: `there is no such folder in ${ports.workspace}`,
      fix: 'Check out the repository before this step, or correct the folder',
    });
  }
  const files = [...(described?.['var-files'] ?? []), ...inputs['var-files']];
  const varFiles = files.map((file) => existing("input 'var-files'", file, ports.workspace));
  if (inputs.plan !== '') existing("input 'plan'", inputs.plan, ports.workspace);
  return {
    folder,
    vars: { ...texts(described?.vars), ...inputs.vars },
    settings: {
      operation: inputs.operation,
      root: isAbsolute(root) ? relative(ports.workspace, root) || '.' : root,
      environment: inputs.environment,
      varFiles,
      backendConfig: [
        ...Object.entries(texts(described?.['backend-config'])).map(([name, value]) => `${name}=${value}`),
        ...inputs['backend-config'].map((line) =>
          line.includes('=') ? line : existing("input 'backend-config'", line, ports.workspace),
        ),
      ],
      plan: inputs.plan === '' ? '' : resolve(ports.workspace, inputs.plan),
      confirm: inputs.confirm,
      lockTimeoutMs: inputs['lock-timeout'],
      failOnDrift: inputs['fail-on-drift'],
    },
  };
}

async function describedComponent(inputs: TerraformInputs, ports: SettingsPorts): Promise<TerraformComponent> {
  const config = await ports.config();
  const view = inputs.environment === '' ? config : environmentConfig(config, inputs.environment);
  const found = component(view, inputs.component);
  if (found.kind !== 'terraform') {
    throw new Problem({
      what: "input 'component'",
      seen: inputs.component,
      cause: `it is of kind ${found.kind}, and this action runs components of kind terraform`,
      fix: found.kind === 'ami' ? 'Use the packer action for it' : 'Use the ship action for it',
      kind: 'config',
      file: config.file,
    });
  }
  return resolveAll(found, ports, ['components', inputs.component]);
}

function texts(words: Readonly<Record<string, string | number | boolean>> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(words ?? {}).map(([name, value]) => [name, String(value)]));
}

function existing(what: string, file: string, workspace: string): string {
  const path = resolve(workspace, file);
  if (existsSync(path)) return path;
  throw new Problem({
    what,
    seen: file,
    cause: `there is no such file below ${join(workspace, '.')}`,
    fix: 'Write it relative to the root of the repository',
  });
}
