import { rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { RegistryPassword } from '../../lib/aws/registry-password.ts';
import { makeDockerConfig } from '../../lib/docker-config.ts';

const PREFIX = 'slipway-login-';

/** A docker configuration for the steps of this job. A job that ends does not log out another one on the same machine. @returns its folder, for DOCKER_CONFIG */
export function jobDockerConfig(
  logins: readonly RegistryPassword[],
  env: NodeJS.ProcessEnv,
  tempDir: string,
): Promise<string> {
  return makeDockerConfig(logins, env, { parent: tempDir, prefix: PREFIX });
}

/** Forgets the logins. Only a folder that jobDockerConfig() made is ever removed. */
export async function removeJobDockerConfig(folder: string, tempDir: string): Promise<void> {
  if (dirname(folder) !== tempDir || !basename(folder).startsWith(PREFIX)) return;
  await rm(folder, { recursive: true, force: true });
}
