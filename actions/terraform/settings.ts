import { existsSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { Problem } from '../../lib/errors.ts';
import { type DescribedPorts, describedComponent, texts } from '../../lib/leg/described.ts';
import type { TerraformInputs } from './inputs.ts';
import type { Settings } from './operations/settings.ts';
import { DESTROY_LIMIT } from './plan/limits.ts';
import { sha256 } from './saved/saved-plan.ts';

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
  const left = notNeeded(inputs);
  const described = inputs.component === '' ? undefined : await describedComponent('terraform', inputs, ports, left);
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
  if (inputs.plan !== '') approvedPlan(inputs, ports.workspace);
  const policy = inputs.policy || described?.policy || '';
  const vars = { ...texts(described?.vars), ...inputs.vars };
  const { operation } = inputs;
  return {
    folder,
    vars,
    settings: {
      operation,
      component: inputs.component,
      folder,
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
      planDigest: inputs['plan-digest'],
      planKey: inputs['plan-key'] || described?.['plan-key'] || '',
      savePlan: inputs['save-plan'] === '' ? '' : resolve(ports.workspace, inputs['save-plan']),
      planInputs: planInputs(vars, varFiles, ports.workspace),
      values: inputs.values,
      comment: inputs.comment,
      issue: inputs.issue,
      lint: inputs.lint,
      policy: policy === '' ? '' : existing("input 'policy'", policy, ports.workspace),
      limits: {
        protected: [...(described?.protected ?? []), ...inputs.protected],
        maxDestroy:
          inputs['max-destroy'] ?? described?.['max-destroy'] ?? (operation === 'destroy' ? DESTROY_LIMIT : undefined),
      },
      confirm: inputs.confirm,
      lockId: inputs['lock-id'],
      lockTimeoutMs: inputs['lock-timeout'],
      failOnDrift: inputs['fail-on-drift'],
    },
  };
}

/**
 * Keys whose references are not looked up. A validation has no credentials, and a pull request's role may not read the key that plans
 * of deployments are saved with.
 */
function notNeeded(inputs: TerraformInputs): ('vars' | 'backend-config' | 'plan-key')[] {
  if (inputs.operation === 'validate') return ['vars', 'backend-config', 'plan-key'];
  const readsIt = inputs.operation === 'apply' || inputs.operation === 'destroy' || inputs['save-plan'] !== '';
  return readsIt ? [] : ['plan-key'];
}

/** What a plan depends on that is in no commit: variables, and files that a step before may have written. */
function planInputs(vars: Readonly<Record<string, string>>, files: readonly string[], workspace: string) {
  const named = Object.entries(vars).map(([name, value]) => [`variable ${name}`, value]);
  const read = files.map((file) => [`file ${relative(workspace, file)}`, sha256(readFileSync(file))]);
  return Object.fromEntries([...named, ...read]) as Record<string, string>;
}

/** What an approval says of a root that is not in it. A file may lie there all the same: any job of the run can upload one. */
const NONE = 'none';

function approvedPlan(
  { plan, 'plan-digest': digest, component, environment }: TerraformInputs,
  workspace: string,
): void {
  const missing = !existsSync(resolve(workspace, plan));
  if (!missing && digest === '') return;
  if (!missing && digest !== NONE) {
    if (/^[0-9a-f]{64}$/.test(digest)) return;
    throw new Problem({
      what: "input 'plan-digest'",
      seen: digest,
      cause: 'it is no SHA-256, which has 64 hexadecimal digits',
      fix: "Hand on the output 'plan-digest' of the step that saved the plan",
      kind: 'denied',
    });
  }
  throw new Problem({
    what: "input 'plan'",
    seen: plan,
    cause: `${missing ? 'there is no such file, so' : 'whatever this file is,'} no plan of ${component || 'this root'} was approved${environment === '' ? '' : ` for ${environment}`} in this run`,
    fix: 'Nothing was changed. Start a new run: it plans this root too, and that plan can be approved',
    kind: 'denied',
  });
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
