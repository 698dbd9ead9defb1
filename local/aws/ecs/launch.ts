import type { CapacityProviderStrategyItem, LaunchType } from '@aws-sdk/client-ecs';
import { invalidParameter } from './faults.ts';
import type { TaskDefinitionRecord } from './model.ts';

/** On what tasks run, as CreateService, UpdateService and RunTask say it. */
export interface Launch {
  launchType?: LaunchType | undefined;
  capacityProviderStrategy?: CapacityProviderStrategyItem[] | undefined;
  platformVersion?: string | undefined;
}

export function onFargate({ launchType, capacityProviderStrategy }: Launch): boolean {
  const providers = (capacityProviderStrategy ?? []).map((item) => item.capacityProvider ?? '');
  return launchType === 'FARGATE' || providers.some((name) => name === 'FARGATE' || name === 'FARGATE_SPOT');
}

/**
 * What the API shows of it: a strategy instead of a launch type, EC2 where neither is given, a platform on Fargate alone.
 * Source: ECS API reference, CreateService and Service.
 */
export function launchView(launch: Launch, version: string) {
  const strategy = launch.capacityProviderStrategy ?? [];
  return {
    ...(strategy.length > 0
      ? { capacityProviderStrategy: strategy.map((item) => ({ weight: 0, base: 0, ...item })) }
      : { launchType: launch.launchType ?? ('EC2' as const) }),
    ...(onFargate(launch) ? { platformVersion: launch.platformVersion ?? version, platformFamily: 'Linux' } : {}),
  };
}

/** @throws InvalidParameterException as ECS does for a definition that cannot run there */
export function checkLaunch(launch: Launch, { definition }: TaskDefinitionRecord): void {
  if (launch.launchType !== undefined && launch.capacityProviderStrategy?.length)
    throw invalidParameter(
      'Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.',
    );
  if (onFargate(launch) && !definition.compatibilities?.includes('FARGATE'))
    throw invalidParameter('Task definition does not support launch_type FARGATE.');
}
