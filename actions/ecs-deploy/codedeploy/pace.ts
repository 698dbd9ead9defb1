import type { CodeDeployApi, DeploymentGroupInfo, Routing } from './api.ts';

const MINUTE_MS = 60_000;

/** What the names of CodeDeploy's own configurations say. Source: CodeDeploy user guide, "Predefined deployment configurations". */
export function predefinedRouting(config: string): Routing | undefined {
  const [, kind, percent, minutes] =
    /^CodeDeployDefault\.ECS(Linear|Canary)(\d+)Percent(?:Every)?(\d+)Minutes?$/.exec(config) ?? [];
  return kind === undefined
    ? undefined
    : { percent: Number(percent), minutes: Number(minutes), linear: kind === 'Linear' };
}

/**
 * Milliseconds that a deployment takes by plan on top of starting its tasks: its steps, the wait for an answer where it has
 * to have one, and the time until the old tasks end.
 */
export async function plannedMs(
  group: DeploymentGroupInfo,
  config: string,
  codeDeploy: Pick<CodeDeployApi, 'routing'>,
): Promise<number> {
  const name = config || group.deploymentConfigName || '';
  const own = name !== '' && !name.startsWith('CodeDeployDefault.');
  const routing = own ? await codeDeploy.routing(name) : predefinedRouting(name);
  const { deploymentReadyOption: ready, terminateBlueInstancesOnDeploymentSuccess: termination } =
    group.blueGreenDeploymentConfiguration ?? {};
  const steps = routing?.linear ? Math.ceil(100 / routing.percent) - 1 : 1;
  const minutes =
    (routing ? steps * routing.minutes : 0) +
    (ready?.waitTimeInMinutes ?? 0) +
    (termination?.action === 'KEEP_ALIVE' ? 0 : (termination?.terminationWaitTimeInMinutes ?? 0));
  return minutes * MINUTE_MS;
}
