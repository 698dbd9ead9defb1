import type {
  AdvancedConfiguration,
  CreateServiceRequest,
  CreateServiceResponse,
  DeleteServiceRequest,
  DeleteServiceResponse,
  DescribeServicesRequest,
  DescribeServicesResponse,
  ListServicesRequest,
  ListServicesResponse,
  UpdateServiceRequest,
  UpdateServiceResponse,
} from '@aws-sdk/client-ecs';
import { pageOf } from '../page.ts';
import type { EcsCore } from './core.ts';
import { applyFact, beginDeployment, ongoing } from './deployments.ts';
import { invalidParameter, notPlayedHere, serviceNotActive } from './faults.ts';
import { checkLaunch } from './launch.ts';
import type { Service, ServiceSpec, TaskDefinitionRecord } from './model.ts';
import { shortName } from './names.ts';
import { missing } from './state.ts';
import { checkStrategy } from './strategy-checks.ts';
import { serviceView } from './views.ts';

const MOST_DESCRIBED = 10;

export function createService(core: EcsCore, input: CreateServiceRequest, by: string): CreateServiceResponse {
  const {
    cluster: clusterName,
    serviceName,
    tags,
    clientToken: _,
    desiredCount,
    taskDefinition: reference,
    ...spec
  } = input;
  const cluster = core.state.cluster(clusterName);
  const name = serviceName ?? '';
  if (!/^[A-Za-z0-9_-]{1,255}$/.test(name)) throw invalidParameter('Identifier contains invalid characters');
  const existing = cluster.services.get(name);
  if (existing && existing.status !== 'INACTIVE') throw invalidParameter('Creation of service was not idempotent.');
  if (reference === undefined) throw invalidParameter('TaskDefinition cannot be blank.');
  const taskDefinition = core.state.runnableTaskDefinition(reference);
  checkSpec(core, spec, taskDefinition);
  checkCount(desiredCount);
  const service: Service = {
    arn: core.state.arns.service(cluster.name, name),
    name,
    cluster,
    status: 'ACTIVE',
    desiredCount: desiredCount ?? 1,
    spec: withTargetGroups(core, spec),
    tags: tags ?? [],
    createdAt: core.now(),
    createdBy: by,
    deployments: [],
    lastCompleted: undefined,
    serviceDeployments: [],
    revisions: [],
    events: [],
    failedStarts: 0,
    nextStartAt: 0,
    steady: false,
  };
  cluster.services.set(name, service);
  beginDeployment(core, service, { taskDefinition, spec: service.spec });
  core.onChange(service);
  return { service: serviceView(service, true, core.context.clock.now()) };
}

/** Source: seen; the developer guide says the same in "Updating an Amazon ECS service to use a capacity provider". */
const STRATEGY_NEEDS_FORCE =
  'When switching from launch type to capacity provider strategy on an existing service, or making a change to a capacity provider strategy on a service that is already using one, you must force a new deployment.';

/** A change of these needs new tasks; of all else only the numbers change. */
const REVISED = [
  'loadBalancers',
  'networkConfiguration',
  'platformVersion',
  'capacityProviderStrategy',
  'serviceConnectConfiguration',
  'serviceRegistries',
  'volumeConfigurations',
  'vpcLatticeConfigurations',
] as const satisfies readonly (keyof UpdateServiceRequest & keyof ServiceSpec)[];

export function updateService(core: EcsCore, input: UpdateServiceRequest): UpdateServiceResponse {
  const { cluster, service: name, desiredCount, taskDefinition: reference, forceNewDeployment, ...changes } = input;
  const service = core.state.service(core.state.cluster(cluster), name ?? '');
  if (service.status !== 'ACTIVE') throw serviceNotActive();
  checkCount(desiredCount);
  const primary = service.deployments[0];
  const taskDefinition =
    reference === undefined ? primary?.taskDefinition : core.state.runnableTaskDefinition(reference);
  if (!taskDefinition) throw invalidParameter('TaskDefinition cannot be blank.');
  const newStrategy =
    changes.capacityProviderStrategy !== undefined &&
    !same(changes.capacityProviderStrategy, service.spec.capacityProviderStrategy ?? []);
  if (newStrategy && forceNewDeployment !== true) throw invalidParameter(STRATEGY_NEEDS_FORCE);
  const spec = withTargetGroups(core, {
    ...service.spec,
    // A strategy takes the place of the launch type.
    ...(newStrategy ? { launchType: undefined } : {}),
    ...changed(changes),
  });
  checkSpec(core, spec, taskDefinition);
  const revised = REVISED.some((key) => changes[key] !== undefined && !same(changes[key], service.spec[key]));
  const needsNewTasks = forceNewDeployment === true || taskDefinition !== primary?.taskDefinition || revised;
  if (desiredCount !== undefined && desiredCount !== service.desiredCount) {
    service.desiredCount = desiredCount;
    service.steady = false;
  }
  service.spec = spec;
  if (needsNewTasks) beginDeployment(core, service, { taskDefinition, spec });
  else if (primary) primary.spec = spec;
  core.onChange(service);
  return { service: serviceView(service, true, core.context.clock.now()) };
}

export function deleteService(core: EcsCore, input: DeleteServiceRequest): DeleteServiceResponse {
  const service = core.state.service(core.state.cluster(input.cluster), input.service ?? '');
  if (service.status !== 'ACTIVE') throw serviceNotActive();
  if (service.desiredCount > 0 && !input.force) {
    throw invalidParameter('The service cannot be stopped while it is scaled above 0.');
  }
  service.status = 'DRAINING';
  service.desiredCount = 0;
  const under = ongoing(service);
  if (under) {
    applyFact(core, service, under, { kind: 'superseded' });
    applyFact(core, service, under, { kind: 'replaced' });
  }
  core.onChange(service);
  return { service: serviceView(service, true, core.context.clock.now()) };
}

export function describeServices(core: EcsCore, input: DescribeServicesRequest): DescribeServicesResponse {
  const cluster = core.state.cluster(input.cluster);
  const names = input.services ?? [];
  if (names.length === 0) throw invalidParameter('Services cannot be empty.');
  if (names.length > MOST_DESCRIBED)
    throw invalidParameter(`Only ${MOST_DESCRIBED} services can be described at a time.`);
  const tags = input.include?.includes('TAGS') ?? false;
  const now = core.context.clock.now();
  const found = names.map((name) => ({ name, service: core.state.findService(cluster, name) }));
  return {
    services: found.flatMap(({ service }) => (service ? [serviceView(service, tags, now)] : [])),
    failures: found.flatMap(({ name, service }) =>
      service ? [] : [missing(name.startsWith('arn:') ? name : core.state.arns.service(cluster.name, shortName(name)))],
    ),
  };
}

export function listServices(core: EcsCore, input: ListServicesRequest): ListServicesResponse {
  const arns = [...core.state.cluster(input.cluster).services.values()]
    .filter(({ status }) => status !== 'INACTIVE')
    .map(({ arn }) => arn);
  const { items, ...rest } = pageOf(arns, { ...input, maxResults: input.maxResults ?? 10, most: 100 });
  return { serviceArns: items, ...rest };
}

function checkCount(desired: number | undefined): void {
  if (desired !== undefined && desired < 0) throw invalidParameter('Desired count cannot be negative.');
}

/** Refuses what AWS refuses, and by name what this local ECS does not play. */
function checkSpec(core: EcsCore, spec: Partial<ServiceSpec>, taskDefinition: TaskDefinitionRecord): void {
  const { definition } = taskDefinition;
  checkLaunch(spec, taskDefinition);
  const controller = spec.deploymentController?.type ?? 'ECS';
  if (controller !== 'ECS') throw notPlayedHere(`The deployment controller ${controller}`);
  checkStrategy(core, spec);
  if (spec.schedulingStrategy === 'DAEMON') throw notPlayedHere('The scheduling strategy DAEMON');
  for (const { targetGroupArn, containerName, containerPort } of spec.loadBalancers ?? []) {
    if (!targetGroupArn) throw notPlayedHere('A Classic Load Balancer');
    if (!core.targetGroupArn(targetGroupArn)) {
      throw invalidParameter(`The target group ${targetGroupArn} does not exist.`);
    }
    const container = definition.containerDefinitions?.find(({ name }) => name === containerName);
    if (!container) throw invalidParameter(`The container ${containerName} does not exist in the task definition.`);
    if (!container.portMappings?.some((mapping) => mapping.containerPort === containerPort)) {
      throw invalidParameter(`The container ${containerName} did not have a container port ${containerPort} defined.`);
    }
  }
}

/** Target groups may be named in the world; from here on they are ARNs. */
function withTargetGroups<T extends Partial<ServiceSpec>>(core: EcsCore, spec: T): T {
  if (!spec.loadBalancers) return spec;
  const loadBalancers = spec.loadBalancers.map((one) => {
    const arn = one.targetGroupArn === undefined ? undefined : core.targetGroupArn(one.targetGroupArn);
    const advanced = one.advancedConfiguration && withRules(core, one.advancedConfiguration);
    return {
      ...one,
      ...(arn ? { targetGroupArn: arn } : {}),
      ...(advanced ? { advancedConfiguration: advanced } : {}),
    };
  });
  return { ...spec, loadBalancers };
}

function withRules(core: EcsCore, advanced: AdvancedConfiguration): AdvancedConfiguration {
  const { alternateTargetGroupArn, productionListenerRule, testListenerRule } = advanced;
  const named = {
    alternateTargetGroupArn:
      alternateTargetGroupArn && (core.targetGroupArn(alternateTargetGroupArn) ?? alternateTargetGroupArn),
    productionListenerRule: core.rule(productionListenerRule)?.arn ?? productionListenerRule,
    testListenerRule: core.rule(testListenerRule)?.arn ?? testListenerRule,
  };
  return { ...advanced, ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)) };
}

function changed(changes: object): Partial<ServiceSpec> {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
