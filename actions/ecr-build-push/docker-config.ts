import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface DockerConfig {
  auths?: Record<string, { auth?: string }>;
  credHelpers?: Record<string, string>;
  [key: string]: unknown;
}

export interface Login {
  host: string;
  user: string;
  password: string;
}

// Plugins, contexts and builders are the user's; a private configuration must not hide them.
const SHARED = ['cli-plugins', 'contexts', 'buildx'];

/**
 * A docker configuration of our own for the time of a build: the user's, plus the login. The password reaches no command
 * line, the user's file is not changed, two jobs on one machine do not trip over each other, and nothing is left afterwards.
 * @param more logins beside the first, for registries that are only read
 */
export async function withDockerConfig<T>(
  login: Login,
  env: NodeJS.ProcessEnv,
  tempDir: string,
  f: (env: NodeJS.ProcessEnv) => Promise<T>,
  more: readonly Login[] = [],
): Promise<T> {
  const theirs = folderOf(env);
  const ours = await mkdtemp(join(tempDir, 'slipway-docker-'));
  try {
    await writeLogin(ours, more.reduce(addLogin, await readDockerConfig(env)), login);
    await Promise.all(SHARED.map((name) => share(join(theirs, name), join(ours, name))));
    return await f({ ...env, DOCKER_CONFIG: ours });
  } finally {
    await rm(ours, { recursive: true, force: true });
  }
}

/** A link to nothing would keep the plugin from making its folder. */
async function share(from: string, to: string): Promise<void> {
  if ((await stat(from).catch(() => undefined)) === undefined) return;
  await symlink(from, to);
}

/** The configuration with the login in it. An empty credHelpers entry makes docker read `auths` for this host even where a credsStore is set. */
export function addLogin(config: DockerConfig, { host, user, password }: Login): DockerConfig {
  const auth = Buffer.from(`${user}:${password}`).toString('base64');
  return {
    ...config,
    auths: { ...config.auths, [host]: { auth } },
    ...((config.credsStore || config.credHelpers) && { credHelpers: { ...config.credHelpers, [host]: '' } }),
  };
}

/** Puts another login into a configuration of ours, for a password that expired during a build. */
export async function renewLogin(env: NodeJS.ProcessEnv, login: Login): Promise<void> {
  await writeLogin(folderOf(env), await readDockerConfig(env), login);
}

async function writeLogin(folder: string, config: DockerConfig, login: Login): Promise<void> {
  await writeFile(join(folder, 'config.json'), JSON.stringify(addLogin(config, login)), { mode: 0o600 });
}

function folderOf(env: NodeJS.ProcessEnv): string {
  return env.DOCKER_CONFIG || join(env.HOME || homedir(), '.docker');
}

/** The docker configuration that an environment names; empty where there is none. */
export async function readDockerConfig(env: NodeJS.ProcessEnv): Promise<DockerConfig> {
  try {
    return JSON.parse(await readFile(join(folderOf(env), 'config.json'), 'utf8')) as DockerConfig;
  } catch {
    return {};
  }
}
