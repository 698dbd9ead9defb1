import type { Configured, Defaults } from '../../lib/config/action.ts';

/** Role and region as the environment in the config file gives them, and its registry, which may be in another region. */
export function defaults({ config, environment }: Configured): Defaults {
  const { registry } = config;
  return {
    role: environment?.role,
    region: environment?.region,
    registries: registry && `${registry.account}/${registry.region}`,
  };
}
