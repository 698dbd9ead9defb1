import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { BuildInputs } from './inputs.ts';

export type SecretInputs = Pick<BuildInputs, 'secrets' | 'secret-envs' | 'secret-files'>;

export interface SecretPorts {
  /** The step's environment, with the variables that `secret-envs` names. */
  env: NodeJS.ProcessEnv;
  workspace: string;
  tempDir: string;
  log: Pick<Log, 'mask'>;
}

/**
 * Runs f with the build secrets as files that only this user can read, and removes them afterwards. A file is what the builder
 * takes without their being seen: arguments and environments of processes can be read by others of the same user.
 * @throws Problem for a variable or file that is not there: the build would get an empty secret.
 */
export async function withSecretFiles<T>(
  inputs: SecretInputs,
  ports: SecretPorts,
  f: (files: Record<string, string>) => Promise<T>,
): Promise<T> {
  const values = secretValues(inputs, ports.env);
  const given = Object.entries(inputs['secret-files']).map(
    ([id, path]) => [id, resolve(ports.workspace, path)] as const,
  );
  for (const value of Object.values(values)) if (value !== '') ports.log.mask(value);
  for (const [id, path] of given) ports.log.mask(await readSecret(id, path));
  const folder = Object.keys(values).length > 0 ? await mkdtemp(join(ports.tempDir, 'slipway-secrets-')) : undefined;
  try {
    const files: Record<string, string> = Object.fromEntries(given);
    for (const [n, [id, value]] of Object.entries(values).entries()) {
      files[id] = join(folder ?? '', String(n));
      await writeFile(files[id], value, { mode: 0o600 });
    }
    return await f(files);
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

function secretValues(inputs: SecretInputs, env: NodeJS.ProcessEnv): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [id, variable] of Object.entries(inputs['secret-envs'])) {
    const value = env[variable];
    if (value === undefined) throw noVariable(id, variable);
    values[id] = value;
  }
  for (const [id, value] of Object.entries(inputs.secrets)) {
    if (/^[A-Z_][A-Z0-9_]*$/.test(value) && env[value] !== undefined) throw meansVariable(id, value);
    values[id] = value;
  }
  return values;
}

/** The environment for child processes: without the inputs of the step and without the variables that hold build secrets. */
export function withoutSecrets(
  env: NodeJS.ProcessEnv,
  secretEnvs: Readonly<Record<string, string>>,
): NodeJS.ProcessEnv {
  const hidden = new Set(Object.values(secretEnvs));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('INPUT_') && !hidden.has(name)));
}

const MASKED_AT_MOST = 64 * 1024;

/** The text to mask; what is no text, or large, would never be printed as it is. */
async function readSecret(id: string, path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    return bytes.length > MASKED_AT_MOST || bytes.includes(0) ? '' : bytes.toString('utf8');
  } catch (error) {
    throw new Problem({
      what: "input 'secret-files'",
      seen: `${id}=${path}`,
      cause: `the file cannot be read (${(error as NodeJS.ErrnoException).code ?? (error as Error).message})`,
      fix: 'Write it in a step before this one, and give its path from the root of the checkout, or a whole one',
    });
  }
}

function noVariable(id: string, variable: string): Problem {
  return new Problem({
    what: "input 'secret-envs'",
    seen: `${id}=${variable}`,
    cause: 'there is no such environment variable',
    fix: 'Set it in the `env:` of this step: NAME: ${{ secrets.NAME }}',
  });
}

function meansVariable(id: string, variable: string): Problem {
  return new Problem({
    what: "input 'secrets'",
    seen: `${id}=${variable}`,
    cause:
      '`secrets` takes values, as docker/build-push-action does, and this one is the name of an environment variable',
    fix: `Write it as \`secret-envs: ${id}=${variable}\``,
  });
}
