import type { DeploymentConfiguration } from '../../../lib/ecs/api.ts';

const MINUTE_MS = 60_000;

// Defaults of the ECS API: LinearConfiguration and CanaryConfiguration.
const STEP_PERCENT = 10;
const STEP_MINUTES = 6;
const CANARY_MINUTES = 10;

/**
 * Milliseconds that a deployment by this configuration takes by plan, on top of starting its tasks: the pauses between its
 * steps and the bake time at the end. ECS does not wait after the last step. What hooks take is not in it: nobody knows.
 */
export function plannedMs(configuration: DeploymentConfiguration | undefined): number {
  const {
    strategy,
    bakeTimeInMinutes = 0,
    linearConfiguration: linear,
    canaryConfiguration: canary,
  } = configuration ?? {};
  switch (strategy) {
    case 'LINEAR': {
      const steps = Math.ceil(100 / (linear?.stepPercent ?? STEP_PERCENT));
      return ((steps - 1) * (linear?.stepBakeTimeInMinutes ?? STEP_MINUTES) + bakeTimeInMinutes) * MINUTE_MS;
    }
    case 'CANARY':
      return ((canary?.canaryBakeTimeInMinutes ?? CANARY_MINUTES) + bakeTimeInMinutes) * MINUTE_MS;
    case 'BLUE_GREEN':
      return bakeTimeInMinutes * MINUTE_MS;
    default:
      return 0;
  }
}
