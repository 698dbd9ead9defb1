import type { Configured, Defaults } from '../../lib/config/action.ts';
import type { EcsDeploy } from '../../lib/config/schema.ts';

/** The inputs as the component's `deploy` in the config file gives them. */
export function defaults({ component, environment }: Configured): Defaults {
  // A scheduled task has no service; what it lacks is simply not given.
  const deploy: Partial<EcsDeploy> | undefined =
    component && 'deploy' in component && component.deploy.to === 'ecs' ? component.deploy : undefined;
  const region = environment?.region;
  if (!deploy) return { region };
  return {
    region,
    cluster: deploy.cluster,
    service: deploy.service,
    'task-definition': deploy['task-definition'],
    container: deploy.container,
    'environment-variables': keyValueLines(deploy['environment-variables']),
    'desired-count': deploy['desired-count']?.toString(),
    'force-new-deployment': deploy['force-new-deployment']?.toString(),
    timeout: deploy.timeout,
    'fail-fast': deploy['fail-fast']?.toString(),
    'stable-for': deploy['stable-for'],
    'rollback-on-failure': deploy['rollback-on-failure']?.toString(),
    'on-cancel': deploy['on-cancel'],
  };
}

function keyValueLines(values: Record<string, unknown> | undefined): string {
  return Object.entries(values ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join('\n');
}
