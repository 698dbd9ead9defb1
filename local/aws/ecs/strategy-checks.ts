import type { DeploymentConfiguration } from '@aws-sdk/client-ecs';
import type { EcsCore } from './core.ts';
import { invalidParameter, notPlayedHere } from './faults.ts';
import type { ServiceSpec } from './model.ts';
import { functionName } from './shift-run.ts';

const MOST_MINUTES = 1440;

/**
 * Refuses a deployment configuration that ECS refuses, and by name what is not played here. Source of the ranges: ECS API
 * reference, DeploymentConfiguration and what it is made of; the wording is ours.
 */
export function checkStrategy(core: EcsCore, spec: Partial<ServiceSpec>): void {
  const configuration = spec.deploymentConfiguration ?? {};
  const { strategy = 'ROLLING' } = configuration;
  checkRanges(configuration);
  checkHooks(core, configuration);
  if (strategy === 'ROLLING') return;
  if (spec.serviceConnectConfiguration?.enabled) throw notPlayedHere(`Service Connect with the strategy ${strategy}`);
  const balancers = spec.loadBalancers ?? [];
  if (balancers.length === 0 && strategy !== 'BLUE_GREEN')
    throw invalidParameter(`The ${strategy} deployment strategy requires a load balancer or Service Connect.`);
  for (const { advancedConfiguration } of balancers) {
    const { alternateTargetGroupArn, productionListenerRule, testListenerRule, roleArn } = advancedConfiguration ?? {};
    if (!alternateTargetGroupArn || !productionListenerRule || !roleArn)
      throw invalidParameter(
        `The ${strategy} deployment strategy requires alternateTargetGroupArn, productionListenerRule and roleArn in advancedConfiguration.`,
      );
    if (!core.targetGroupArn(alternateTargetGroupArn))
      throw invalidParameter(`The target group ${alternateTargetGroupArn} does not exist.`);
    for (const rule of [productionListenerRule, testListenerRule])
      if (rule !== undefined && !core.rule(rule)) throw invalidParameter(`The listener rule ${rule} does not exist.`);
  }
}

function checkRanges(configuration: DeploymentConfiguration): void {
  const { linearConfiguration: linear, canaryConfiguration: canary, strategy = 'ROLLING' } = configuration;
  if (linear && strategy !== 'LINEAR')
    throw invalidParameter('linearConfiguration is only valid when the deployment strategy is LINEAR.');
  if (canary && strategy !== 'CANARY')
    throw invalidParameter('canaryConfiguration is only valid when the deployment strategy is CANARY.');
  inRange('bakeTimeInMinutes', configuration.bakeTimeInMinutes, 0, MOST_MINUTES);
  inRange('stepPercent', linear?.stepPercent, 3, 100);
  inRange('stepBakeTimeInMinutes', linear?.stepBakeTimeInMinutes, 0, MOST_MINUTES);
  inRange('canaryPercent', canary?.canaryPercent, 0.1, 100);
  inRange('canaryBakeTimeInMinutes', canary?.canaryBakeTimeInMinutes, 0, MOST_MINUTES);
}

function inRange(name: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (value >= least && value <= most)) return;
  throw invalidParameter(`${name} must be between ${least} and ${most}.`);
}

function checkHooks(core: EcsCore, { lifecycleHooks = [], strategy = 'ROLLING' }: DeploymentConfiguration): void {
  for (const { targetType = 'AWS_LAMBDA', hookTargetArn, lifecycleStages = [] } of lifecycleHooks) {
    if (strategy === 'ROLLING') throw notPlayedHere('A lifecycle hook of a rolling deployment');
    if (lifecycleStages.length === 0) throw invalidParameter('lifecycleStages cannot be empty.');
    if (targetType === 'PAUSE') {
      const shifts = lifecycleStages.filter((s) => s === 'TEST_TRAFFIC_SHIFT' || s === 'PRODUCTION_TRAFFIC_SHIFT');
      if (shifts.length > 0) throw invalidParameter(`PAUSE hooks cannot be configured at ${shifts.join(', ')}.`);
    } else if (!hookTargetArn) throw invalidParameter('hookTargetArn is required for AWS_LAMBDA hooks.');
    else if (core.functions[functionName(hookTargetArn)] === undefined)
      throw notPlayedHere(
        `The Lambda function ${functionName(hookTargetArn) || hookTargetArn} (the world names none of its \`functions\` so)`,
      );
  }
}
