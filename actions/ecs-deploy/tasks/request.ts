import type { Service } from '../../../lib/ecs/api.ts';
import { isObject, type Json, type JsonObject, objects, textOf } from '../../../lib/ecs/json.ts';
import type { TaskRequest } from '../../../lib/ecs/tasks.ts';
import { Problem } from '../../../lib/errors.ts';
import type { TaskStep } from './step.ts';

/** Where a task runs: what RunTask has to be told and a service knows. */
export type Placement = Pick<
  TaskRequest,
  | 'networkConfiguration'
  | 'launchType'
  | 'capacityProviderStrategy'
  | 'platformVersion'
  | 'placementConstraints'
  | 'placementStrategy'
>;

/**
 * The placement of a service's tasks. A service without a controller of ECS's own keeps it in its task sets.
 * Source: ECS API reference, Service and TaskSet.
 */
export function placementOf(service: Service | undefined): Placement {
  if (!service) return {};
  const set = service.taskSets?.find((t) => t.status === 'PRIMARY') ?? service.taskSets?.[0];
  const from = set ?? service;
  const networkConfiguration = from.networkConfiguration ?? service.networkConfiguration;
  const strategy = from.capacityProviderStrategy ?? [];
  const launchType = from.launchType ?? service.launchType;
  return {
    ...(networkConfiguration && { networkConfiguration }),
    // RunTask refuses both at once; a service has a launch type only where it has no strategy.
    ...(strategy.length > 0 ? { capacityProviderStrategy: strategy } : launchType ? { launchType } : {}),
    ...(isFargate(launchType, strategy) && from.platformVersion ? { platformVersion: from.platformVersion } : {}),
    ...(service.placementConstraints?.length ? { placementConstraints: service.placementConstraints } : {}),
    ...(service.placementStrategy?.length ? { placementStrategy: service.placementStrategy } : {}),
  };
}

function isFargate(launchType: string | undefined, strategy: readonly { capacityProvider?: string | undefined }[]) {
  return launchType === 'FARGATE' || strategy.some((s) => /^FARGATE(?:_SPOT)?$/.test(s.capacityProvider ?? ''));
}

export interface RequestContext {
  cluster: string;
  /** ARN of the revision. */
  taskDefinition: string;
  definition: JsonObject;
  service: Service | undefined;
}

/** Names the tasks of a deployment in the console and in CloudTrail. Source: ECS API reference: at most 128 characters. */
const STARTED_BY = 'slipway';

/**
 * The RunTask call of a step: the placement of the service, what the step says over it, its command as an override.
 * @throws Problem for a container that does not exist, and for a task of its own network whose network nobody gave.
 */
export function requestOf(step: TaskStep, context: RequestContext): TaskRequest {
  const { definition } = context;
  const known = objects(definition.containerDefinitions).map((c) => textOf(c.name));
  const overrides = overridesOf(step);
  for (const name of overrides.map((o) => textOf(o.name)))
    if (!known.includes(name)) throw noContainer(step, name, known);
  const { networkConfiguration, ...placement } = merged(placementOf(context.service), step.request);
  const own = definition.networkMode === 'awsvpc';
  if (own && !networkConfiguration?.awsvpcConfiguration?.subnets?.length) throw noNetwork(step);
  return {
    // No tags by default: with them ECS asks for the permission to tag as well.
    startedBy: STARTED_BY,
    ...placement,
    // ECS refuses a network for tasks that use the host's or the bridge's.
    ...(own && { networkConfiguration }),
    cluster: context.cluster,
    taskDefinition: context.taskDefinition,
    ...(overrides.length > 0 && { overrides: { containerOverrides: overrides as unknown as object[] } }),
  };
}

function merged(placement: Placement, own: Partial<TaskRequest>): Partial<TaskRequest> {
  const chosen = own.launchType !== undefined || own.capacityProviderStrategy !== undefined;
  const { launchType: _launch, capacityProviderStrategy: _strategy, platformVersion: _platform, ...rest } = placement;
  const theirs = placement.networkConfiguration?.awsvpcConfiguration;
  const ours = own.networkConfiguration?.awsvpcConfiguration;
  return {
    ...(chosen ? rest : placement),
    ...own,
    ...(ours && { networkConfiguration: { awsvpcConfiguration: { ...theirs, ...ours } } }),
  };
}

/** The step's own overrides, and its command and variables put into that of its container. */
function overridesOf({ command, container, environment, overrides }: TaskStep): JsonObject[] {
  const given = overrides.filter(isObject);
  const variables = Object.entries(environment).map(([name, value]): Json => ({ name, value }));
  if (command === undefined && variables.length === 0) return given;
  const other = given.filter((o) => o.name !== container);
  const same = given.find((o) => o.name === container) ?? { name: container };
  return [
    ...other,
    {
      ...same,
      ...(command !== undefined && { command: [...command] }),
      ...(variables.length > 0 && { environment: [...objects(same.environment), ...variables] }),
    },
  ];
}

function noContainer(step: TaskStep, name: string, known: readonly string[]): Problem {
  return new Problem({
    what: `container of the task ${step.name}`,
    seen: name,
    cause: `the task definition has no such container; it has ${known.join(', ') || 'none'}`,
    fix: 'Correct `container` of the step',
  });
}

function noNetwork(step: TaskStep): Problem {
  return new Problem({
    what: `network of the task ${step.name}`,
    cause:
      'the task definition has the network mode awsvpc, and neither a service nor an input says which subnets it gets',
    fix: 'Set `run-task-subnets` (and `run-task-security-groups`), or deploy to a service whose network it can take',
  });
}
