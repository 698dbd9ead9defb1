import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';

export interface Login {
  host: string;
  user: string;
  password: string;
}

interface DockerConfig {
  auths?: Record<string, { auth?: string }>;
  credHelpers?: Record<string, string>;
  [key: string]: unknown;
}

const PREFIX = 'slipway-login-';
// Plugins, contexts and builders are the user's; a configuration of the job's own must not hide them.
const SHARED = ['cli-plugins', 'contexts', 'buildx'];

/**
 * A docker configuration for the steps of this job: the user's, and these logins. No process is handed a password, the user's
 * own file stays as it is, and a job that ends does not log out another one on the same machine (aws-actions/amazon-ecr-login#623).
 * @returns its folder, for DOCKER_CONFIG
 */
export async function jobDockerConfig(
  logins: readonly Login[],
  env: NodeJS.ProcessEnv,
  tempDir: string,
): Promise<string> {
  const theirs = env.DOCKER_CONFIG || join(env.HOME || homedir(), '.docker');
  const ours = await mkdtemp(join(tempDir, PREFIX));
  const config = logins.reduce(addLogin, await readConfig(join(theirs, 'config.json')));
  await writeFile(join(ours, 'config.json'), JSON.stringify(config), { mode: 0o600 });
  for (const name of SHARED) await share(join(theirs, name), join(ours, name));
  return ours;
}

/** Forgets the logins. Only a folder that jobDockerConfig() made is ever removed. */
export async function removeJobDockerConfig(folder: string, tempDir: string): Promise<void> {
  if (dirname(folder) !== tempDir || !basename(folder).startsWith(PREFIX)) return;
  await rm(folder, { recursive: true, force: true });
}

/** An empty credHelpers entry makes docker read `auths` for this host even where a credential store is set. */
function addLogin(config: DockerConfig, { host, user, password }: Login): DockerConfig {
  const auth = Buffer.from(`${user}:${password}`).toString('base64');
  return {
    ...config,
    auths: { ...config.auths, [host]: { auth } },
    ...((config.credsStore || config.credHelpers) && { credHelpers: { ...config.credHelpers, [host]: '' } }),
  };
}

async function readConfig(path: string): Promise<DockerConfig> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as DockerConfig;
  } catch {
    return {};
  }
}

/** A link to nothing would keep a plugin from making its folder. */
async function share(from: string, to: string): Promise<void> {
  if ((await stat(from).catch(() => undefined)) !== undefined) await symlink(from, to);
}
