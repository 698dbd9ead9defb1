import type {
  ContainerDefinition,
  DeregisterTaskDefinitionRequest,
  DeregisterTaskDefinitionResponse,
  DescribeTaskDefinitionRequest,
  DescribeTaskDefinitionResponse,
  ListTaskDefinitionsRequest,
  ListTaskDefinitionsResponse,
  RegisterTaskDefinitionRequest,
  RegisterTaskDefinitionResponse,
  TaskDefinition,
} from '@aws-sdk/client-ecs';
import { pageOf } from '../page.ts';
import { clientFault } from './faults.ts';
import type { TaskDefinitionRecord } from './model.ts';
import type { EcsState } from './state.ts';

/** RegisterTaskDefinition: what was sent is kept field by field, with the defaults that ECS writes into it. */
export function registerTaskDefinition(
  state: EcsState,
  input: RegisterTaskDefinitionRequest,
  by: string,
  now: Date,
): RegisterTaskDefinitionResponse {
  check(input);
  const { tags, ...written } = input;
  const family = input.family as string;
  const revision = state.nextRevision(family);
  const arn = state.arns.taskDefinition(family, revision);
  const definition: TaskDefinition = {
    ...written,
    containerDefinitions: (input.containerDefinitions ?? []).map((container) =>
      withDefaults(container, input.networkMode),
    ),
    taskDefinitionArn: arn,
    revision,
    status: 'ACTIVE',
    volumes: input.volumes ?? [],
    placementConstraints: input.placementConstraints ?? [],
    compatibilities: compatibilities(input),
    registeredAt: now,
    registeredBy: by,
  };
  const record: TaskDefinitionRecord = { arn, family, revision, definition, tags: tags ?? [] };
  state.taskDefinitions.set(`${family}:${revision}`, record);
  return { taskDefinition: definition, tags: record.tags };
}

export function describeTaskDefinition(
  state: EcsState,
  input: DescribeTaskDefinitionRequest,
): DescribeTaskDefinitionResponse {
  const record = state.findTaskDefinition(input.taskDefinition ?? '');
  if (!record) throw clientFault('Unable to describe task definition.');
  return { taskDefinition: record.definition, ...(input.include?.includes('TAGS') ? { tags: record.tags } : {}) };
}

export function deregisterTaskDefinition(
  state: EcsState,
  input: DeregisterTaskDefinitionRequest,
  now: Date,
): DeregisterTaskDefinitionResponse {
  const reference = input.taskDefinition ?? '';
  const record = reference.includes(':') ? state.findTaskDefinition(reference) : undefined;
  if (!record) throw clientFault('Unable to describe task definition.');
  record.definition = { ...record.definition, status: 'INACTIVE', deregisteredAt: now };
  return { taskDefinition: record.definition };
}

export function listTaskDefinitions(state: EcsState, input: ListTaskDefinitionsRequest): ListTaskDefinitionsResponse {
  const found = [...state.taskDefinitions.values()]
    .filter(({ family }) => input.familyPrefix === undefined || family === input.familyPrefix)
    .filter(({ definition }) => definition.status === (input.status ?? 'ACTIVE'))
    .sort((a, b) => a.family.localeCompare(b.family) || a.revision - b.revision)
    .map(({ arn }) => arn);
  if (input.sort === 'DESC') found.reverse();
  const { items, ...rest } = pageOf(found, { ...input, most: 100 });
  return { taskDefinitionArns: items, ...rest };
}

function check(input: RegisterTaskDefinitionRequest): void {
  const containers = input.containerDefinitions ?? [];
  if (!/^[A-Za-z0-9_-]{1,255}$/.test(input.family ?? '')) {
    throw clientFault('Family contains invalid characters.');
  }
  if (containers.length === 0) throw clientFault('Container list cannot be empty.');
  const names = new Set<string>();
  for (const container of containers) {
    const { name, image } = container;
    if (!name) throw clientFault('Container.name should not be null or empty.');
    if (!image) throw clientFault('Container.image should not be null or empty.');
    if (names.has(name)) throw clientFault(`Container.name '${name}' is used more than once.`);
    names.add(name);
    if (!input.memory && !container.memory && !container.memoryReservation) {
      throw clientFault(
        `Invalid setting for container '${name}'. At least one of 'memory' or 'memoryReservation' must be specified.`,
      );
    }
    for (const { containerName } of container.dependsOn ?? []) {
      if (!containers.some((other) => other.name === containerName)) {
        throw clientFault(`Container '${name}' depends on container '${containerName}', which is not defined.`);
      }
    }
  }
  if (containers.every(({ essential }) => essential === false)) {
    throw clientFault('A task definition must have at least one essential container.');
  }
  if (input.requiresCompatibilities?.includes('FARGATE')) checkFargate(input);
}

function checkFargate(input: RegisterTaskDefinitionRequest): void {
  if (input.networkMode !== 'awsvpc') {
    throw clientFault("When networkMode is not 'awsvpc', the task definition cannot require FARGATE compatibility.");
  }
  if (!input.cpu || !input.memory) {
    throw clientFault('Fargate requires that cpu and memory be defined at the task level.');
  }
}

/** What ECS fills in, so that a description differs from what was registered in the same way as at AWS. */
function withDefaults(container: ContainerDefinition, networkMode: string | undefined): ContainerDefinition {
  const shared = networkMode === 'awsvpc' || networkMode === 'host';
  return {
    ...container,
    cpu: container.cpu ?? 0,
    essential: container.essential ?? true,
    environment: container.environment ?? [],
    mountPoints: container.mountPoints ?? [],
    volumesFrom: container.volumesFrom ?? [],
    systemControls: container.systemControls ?? [],
    portMappings: (container.portMappings ?? []).map((mapping) => ({
      ...mapping,
      ...(shared && mapping.hostPort === undefined ? { hostPort: mapping.containerPort } : {}),
      protocol: mapping.protocol ?? 'tcp',
    })),
  };
}

function compatibilities(input: RegisterTaskDefinitionRequest): NonNullable<TaskDefinition['compatibilities']> {
  return input.networkMode === 'awsvpc' && input.cpu && input.memory ? ['EC2', 'FARGATE'] : ['EC2'];
}
