import type { Configured, Defaults } from '../../lib/config/action.ts';
import type { EcsDeploy } from '../../lib/config/schema.ts';

/** The inputs as the component's `deploy` in the config file gives them. */
export function defaults({ component, environment }: Configured): Defaults {
  // A scheduled task has no service; what it lacks is simply not given.
  const deploy: Partial<EcsDeploy> | undefined =
    component && 'deploy' in component && component.deploy.to === 'ecs' ? component.deploy : undefined;
  const region = environment?.region;
  if (!deploy) return { region };
  const before = component && 'before' in component ? component.before : undefined;
  const { network } = deploy;
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
    cpu: deploy.cpu?.toString(),
    memory: deploy.memory?.toString(),
    before: json(before),
    after: json(deploy.after),
    preflight: deploy.preflight?.toString(),
    'keep-revisions': deploy['keep-revisions']?.toString(),
    'service-definition': deploy['service-definition'],
    'propagate-tags': deploy['propagate-tags'],
    'enable-execute-command': deploy['enable-execute-command']?.toString(),
    'capacity-provider-strategy': json(deploy['capacity-provider-strategy']),
    'availability-zone-rebalancing': deploy['availability-zone-rebalancing'],
    'run-task-subnets': network?.subnets.join(','),
    'run-task-security-groups': network?.['security-groups']?.join(','),
    'run-task-assign-public-IP': network?.['assign-public-ip'] === true ? 'ENABLED' : undefined,
    ...strategyDefaults(deploy),
  };
}

function strategyDefaults(deploy: Partial<EcsDeploy>): Defaults {
  return {
    strategy: deploy.strategy,
    'bake-time': deploy['bake-time'],
    'canary-percent': deploy['canary-percent']?.toString(),
    'canary-bake-time': deploy['canary-bake-time'],
    'linear-step-percent': deploy['linear-step-percent']?.toString(),
    'linear-step-bake-time': deploy['linear-step-bake-time'],
    'lifecycle-hooks': deploy['lifecycle-hooks'] && JSON.stringify(deploy['lifecycle-hooks']),
    'rollback-alarms': deploy['rollback-alarms']?.join('\n'),
    'codedeploy-application': deploy['codedeploy-application'],
    'codedeploy-deployment-group': deploy['codedeploy-deployment-group'],
    'codedeploy-appspec': deploy['codedeploy-appspec'],
    'codedeploy-deployment-config': deploy['codedeploy-deployment-config'],
  };
}

function keyValueLines(values: Record<string, unknown> | undefined): string {
  return Object.entries(values ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join('\n');
}

/** A list as the input would be written. */
function json(value: object | undefined): string | undefined {
  return value && JSON.stringify(value);
}
