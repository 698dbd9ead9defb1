import type { Configured, Defaults } from '../../lib/config/action.ts';

/** Role and region as the environment in the config file gives them; the registry is the one that images are promoted through. */
export function defaults({ config, environment }: Configured): Defaults {
  return { role: environment?.role, region: environment?.region, registries: config.registry?.account };
}
