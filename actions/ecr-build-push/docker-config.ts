import { rm } from 'node:fs/promises';
import type { RegistryPassword } from '../../lib/aws/registry-password.ts';
import { makeDockerConfig } from '../../lib/docker-config.ts';

/**
 * Runs f with a docker configuration of our own that has these logins; nothing is left of it afterwards.
 * @param env names the user's configuration; f gets it with ours in its place
 */
export async function withDockerConfig<T>(
  logins: readonly RegistryPassword[],
  env: NodeJS.ProcessEnv,
  tempDir: string,
  f: (env: NodeJS.ProcessEnv) => Promise<T>,
): Promise<T> {
  const folder = await makeDockerConfig(logins, env, { parent: tempDir, prefix: 'slipway-docker-' });
  try {
    return await f({ ...env, DOCKER_CONFIG: folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
