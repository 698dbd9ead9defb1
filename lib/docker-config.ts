import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { RegistryPassword } from './aws/registry-password.ts';

export interface DockerConfig {
  auths?: Record<string, { auth?: string }>;
  credHelpers?: Record<string, string>;
  [key: string]: unknown;
}

// Plugins, contexts and builders are the user's; a configuration of our own must not hide them.
const SHARED = ['cli-plugins', 'contexts', 'buildx'];

/**
 * Makes a docker configuration of our own: the user's, and these logins. No process is handed a password, the user's file stays
 * as it is, and two jobs on one machine do not trip over each other (aws-actions/amazon-ecr-login#623).
 * @param parent folder in which it is made, under a name that begins with the prefix
 * @returns its folder, for DOCKER_CONFIG; whoever asked for it removes it
 */
export async function makeDockerConfig(
  logins: readonly RegistryPassword[],
  env: NodeJS.ProcessEnv,
  { parent, prefix }: { parent: string; prefix: string },
): Promise<string> {
  const theirs = folderOf(env);
  const ours = await mkdtemp(join(parent, prefix));
  try {
    await write(ours, logins.reduce(addLogin, await readDockerConfig(env)));
    await Promise.all(SHARED.map((name) => share(join(theirs, name), join(ours, name))));
  } catch (error) {
    await rm(ours, { recursive: true, force: true });
    throw error;
  }
  return ours;
}

/** Puts another login into a configuration of ours, for a password that expired meanwhile. */
export async function renewLogin(env: NodeJS.ProcessEnv, login: RegistryPassword): Promise<void> {
  await write(folderOf(env), addLogin(await readDockerConfig(env), login));
}

/** The docker configuration that an environment names; empty where there is none. */
export async function readDockerConfig(env: NodeJS.ProcessEnv): Promise<DockerConfig> {
  try {
    return JSON.parse(await readFile(join(folderOf(env), 'config.json'), 'utf8')) as DockerConfig;
  } catch {
    return {};
  }
}

/** The configuration with the login in it. An empty credHelpers entry makes docker read `auths` for this host even where a credsStore is set. */
export function addLogin(config: DockerConfig, { host, user, password }: RegistryPassword): DockerConfig {
  const auth = Buffer.from(`${user}:${password}`).toString('base64');
  return {
    ...config,
    auths: { ...config.auths, [host]: { auth } },
    ...((config.credsStore || config.credHelpers) && { credHelpers: { ...config.credHelpers, [host]: '' } }),
  };
}

async function write(folder: string, config: DockerConfig): Promise<void> {
  await writeFile(join(folder, 'config.json'), JSON.stringify(config), { mode: 0o600 });
}

/** A link to nothing would keep a plugin from making its folder. */
async function share(from: string, to: string): Promise<void> {
  if ((await stat(from).catch(() => undefined)) !== undefined) await symlink(from, to);
}

function folderOf(env: NodeJS.ProcessEnv): string {
  return env.DOCKER_CONFIG || join(env.HOME || homedir(), '.docker');
}
