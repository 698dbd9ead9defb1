import { existsSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { Problem } from '../../lib/errors.ts';
import { type DescribedPorts, describedComponent, texts } from '../../lib/leg/described.ts';
import type { TerraformInputs } from './inputs.ts';
import type { Settings } from './run.ts';

export interface Target {
  settings: Settings;
  /** The root's folder, absolute. */
  folder: string;
  /** Input variables, handed over as TF_VAR_NAME. */
  vars: Record<string, string>;
}

export interface SettingsPorts extends DescribedPorts {
  workspace: string;
}

/**
 * What to run, from the inputs and the component's section of the config file; an input wins over the section.
 * @throws Problem when neither names a root, the folder is none, the component is of another kind, or a reference is unknown.
 */
export async function readSettings(inputs: TerraformInputs, ports: SettingsPorts): Promise<Target> {
  const described = inputs.component === '' ? undefined : await describedComponent('terraform', inputs, ports);
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
