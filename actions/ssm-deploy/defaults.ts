import type { Configured, Defaults } from '../../lib/config/action.ts';
import type { SsmDeploy } from '../../lib/config/schema.ts';

/** The inputs as the component's `deploy` in the config file gives them. */
export function defaults({ component, environment, name }: Configured): Defaults {
  const deploy = component && 'deploy' in component && component.deploy.to === 'ssm' ? component.deploy : undefined;
  const region = environment?.region;
  if (!deploy) return { region };
  return {
    region,
    targets: targetLines(deploy.targets),
    name: deploy.name ?? name,
    port: deploy.port,
    'environment-variables': keyValueLines(deploy.env),
    secrets: keyValueLines(deploy.secrets),
    timeout: deploy.timeout,
  };
}

function targetLines(targets: SsmDeploy['targets']): string {
  const lines = Object.entries(targets).flatMap(([key, values]) =>
    [values].flat().map((value) => (key === 'instance-ids' ? value : `${key}=${value}`)),
  );
  return lines.join('\n');
}

function keyValueLines(values: Record<string, unknown> | undefined): string {
  return Object.entries(values ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join('\n');
}
