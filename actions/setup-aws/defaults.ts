import type { Configured, Defaults } from '../../lib/config/action.ts';
import type { EnvironmentConfig } from '../../lib/config/schema.ts';
import type { Purpose } from './inputs.ts';

/** Role and region as the environment in the config file gives them, and its registry, which may be in another region. */
export function defaults({ config, environment }: Configured, purpose: Purpose = 'deploy'): Defaults {
  const { registry } = config;
  return {
    role: environment && roleFor(environment, purpose),
    region: environment?.region,
    registries: registry && `${registry.account}/${registry.region}`,
  };
}

/** The role for a purpose, or the next wider one where an environment does not tell them apart. */
function roleFor(environment: EnvironmentConfig, purpose: Purpose): string | undefined {
  const { role, 'infra-role': infra = role, 'plan-role': plan = infra } = environment;
  return { deploy: role, infra, plan }[purpose];
}
