import type { DeploymentConfiguration, Service } from '../../../lib/ecs/api.ts';
import type { JsonObject } from '../../../lib/ecs/json.ts';
import { type ServiceRef, serviceName } from '../../../lib/ecs/names.ts';
import { Problem } from '../../../lib/errors.ts';
import { canonicalJson } from '../../../lib/fingerprint/canonical.ts';
import type { Inputs } from '../../../lib/inputs.ts';
import { type Difference, diffDefinitions } from '../definition/diff.ts';
import type { Strategy, strategyFields } from './inputs.ts';

export type StrategyInputs = Inputs<typeof strategyFields>;
type EcsStrategy = NonNullable<DeploymentConfiguration['strategy']>;

const ECS_NAMES: Readonly<Record<Strategy, EcsStrategy>> = {
  rolling: 'ROLLING',
  'blue-green': 'BLUE_GREEN',
  linear: 'LINEAR',
  canary: 'CANARY',
};

export interface ConfigurationChange {
  /** The whole configuration to send: what the service has, with what was asked for. */
  configuration: DeploymentConfiguration;
  differences: Difference[];
}

/**
 * What the inputs change of a service's deployment configuration; undefined when it is as asked already. The whole of it is
 * sent, so that nothing depends on what ECS makes of members that are left out.
 * @throws Problem for settings that do not go together, and for a service that cannot be deployed in that way.
 */
export function configurationChange(
  ref: ServiceRef,
  inputs: StrategyInputs,
  service: Service,
): ConfigurationChange | undefined {
  const current = service.deploymentConfiguration ?? {};
  const wanted = configurationFor(current, inputs);
  checkSettings(inputs, wanted.strategy ?? 'ROLLING');
  if (canonicalJson(comparable(current)) === canonicalJson(comparable(wanted))) return undefined;
  checkService(ref, service, wanted.strategy ?? 'ROLLING');
  return { configuration: wanted, differences: differencesOf(current, wanted) };
}

function differencesOf(before: DeploymentConfiguration, after: DeploymentConfiguration): Difference[] {
  const inPlace = (configuration: DeploymentConfiguration) => ({ deploymentConfiguration: comparable(configuration) });
  return diffDefinitions(inPlace(before), inPlace(after));
}

/** The configuration with the inputs put in; what belongs to another strategy than the one wanted is left out. */
export function configurationFor(current: DeploymentConfiguration, inputs: StrategyInputs): DeploymentConfiguration {
  const strategy = inputs.strategy ? ECS_NAMES[inputs.strategy] : (current.strategy ?? 'ROLLING');
  const { linearConfiguration, canaryConfiguration, bakeTimeInMinutes, earlySuccessCriteria, ...common } = current;
  const bake = inputs['bake-time'] ?? bakeTimeInMinutes;
  const alarmNames = inputs['rollback-alarms'];
  const hooks = inputs['lifecycle-hooks'] as DeploymentConfiguration['lifecycleHooks'] | undefined;
  const linear = {
    ...linearConfiguration,
    ...given('stepPercent', inputs['linear-step-percent']),
    ...given('stepBakeTimeInMinutes', inputs['linear-step-bake-time']),
  };
  const canary = {
    ...canaryConfiguration,
    ...given('canaryPercent', inputs['canary-percent']),
    ...given('canaryBakeTimeInMinutes', inputs['canary-bake-time']),
  };
  return {
    ...common,
    // A service that never had another strategy need not be told that it is a rolling one.
    ...(inputs.strategy !== undefined || current.strategy !== undefined ? { strategy } : {}),
    ...(strategy === 'ROLLING' && earlySuccessCriteria ? { earlySuccessCriteria } : {}),
    ...(strategy !== 'ROLLING' && bake !== undefined ? { bakeTimeInMinutes: bake } : {}),
    ...(strategy === 'LINEAR' ? filled('linearConfiguration', linear) : {}),
    ...(strategy === 'CANARY' ? filled('canaryConfiguration', canary) : {}),
    ...(hooks ? { lifecycleHooks: hooks } : {}),
    ...(alarmNames.length > 0 ? { alarms: { alarmNames, enable: true, rollback: true } } : {}),
  };
}

function given<K extends string>(key: K, value: number | undefined): { [P in K]?: number } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: number });
}

/** Left out where nothing is in it: ECS has its own defaults. */
function filled<K extends string, V extends object>(key: K, value: V): { [P in K]?: V } {
  return Object.keys(value).length === 0 ? {} : ({ [key]: value } as { [P in K]?: V });
}

/** Without what says the same in two ways: ECS shows a rolling service with or without a strategy, and a bake time of 0. */
function comparable(configuration: DeploymentConfiguration): JsonObject {
  const { strategy = 'ROLLING', bakeTimeInMinutes, lifecycleHooks, ...rest } = configuration;
  const plain = {
    ...rest,
    strategy,
    ...(strategy !== 'ROLLING' ? { bakeTimeInMinutes: bakeTimeInMinutes ?? 0 } : {}),
    ...(lifecycleHooks && lifecycleHooks.length > 0 ? { lifecycleHooks } : {}),
  };
  return JSON.parse(JSON.stringify(plain)) as JsonObject;
}

const BELONGS: readonly [input: keyof StrategyInputs, strategies: readonly EcsStrategy[], what: string][] = [
  ['canary-percent', ['CANARY'], 'a canary deployment'],
  ['canary-bake-time', ['CANARY'], 'a canary deployment'],
  ['linear-step-percent', ['LINEAR'], 'a linear deployment'],
  ['linear-step-bake-time', ['LINEAR'], 'a linear deployment'],
  ['bake-time', ['BLUE_GREEN', 'LINEAR', 'CANARY'], 'a blue/green, linear or canary deployment'],
];

function checkSettings(inputs: StrategyInputs, strategy: EcsStrategy): void {
  for (const [name, strategies, what] of BELONGS) {
    if (inputs[name] === undefined || strategies.includes(strategy)) continue;
    throw new Problem({
      what: `input '${name}'`,
      cause: `it belongs to ${what}, and this one is ${strategy}${inputs.strategy ? '' : ' (what the service has)'}`,
      fix: `Leave it out, or set \`strategy\` to what it belongs to`,
    });
  }
}

/** @throws Problem for a service without what ECS needs to shift its traffic. */
function checkService(ref: ServiceRef, service: Service, strategy: EcsStrategy): void {
  if (strategy === 'ROLLING') return;
  const balancers = service.loadBalancers ?? [];
  const connected = service.deployments?.some((d) => d.serviceConnectConfiguration?.enabled === true) ?? false;
  const lacking = balancers.filter((b) => !b.advancedConfiguration?.alternateTargetGroupArn);
  if (lacking.length > 0) {
    throw new Problem({
      what: serviceName(ref),
      seen: strategy,
      cause: 'a load balancer of it has no alternate target group, and ECS shifts traffic between two',
      fix: 'Give it `advancedConfiguration` (alternate target group, production listener rule, role) where the service is defined, with your infrastructure',
      kind: 'config',
    });
  }
  if (balancers.length === 0 && !connected && strategy !== 'BLUE_GREEN') {
    throw new Problem({
      what: serviceName(ref),
      seen: strategy,
      cause: 'it has neither a load balancer nor Service Connect, so there is no traffic to shift in steps',
      fix: 'Use the strategy `rolling` or `blue-green` for it',
      kind: 'config',
    });
  }
}
