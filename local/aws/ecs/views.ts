import type {
  Cluster as ClusterShape,
  Container as ContainerShape,
  Deployment as DeploymentShape,
  ServiceDeploymentBrief,
  ServiceDeployment as ServiceDeploymentShape,
  Service as ServiceShape,
  Task as TaskShape,
} from '@aws-sdk/client-ecs';
import { counts, revisionCounts, tasksOf } from './deployments.ts';
import { launchView, onFargate } from './launch.ts';
import {
  type Cluster,
  type Deployment,
  isLive,
  isPending,
  isRunning,
  type Service,
  type ServiceDeployment,
  type Task,
  type TaskContainer,
} from './model.ts';
import { isShifting } from './shift.ts';
import { shiftView } from './shift-run.ts';
import { healthStatus } from './task-health.ts';

/** State, as the API shows it. */

export function clusterView(cluster: Cluster, tags: boolean): ClusterShape {
  const tasks = [...cluster.tasks.values()];
  return {
    clusterArn: cluster.arn,
    clusterName: cluster.name,
    status: 'ACTIVE',
    registeredContainerInstancesCount: 0,
    runningTasksCount: tasks.filter(isRunning).length,
    pendingTasksCount: tasks.filter(isPending).length,
    activeServicesCount: [...cluster.services.values()].filter(({ status }) => status === 'ACTIVE').length,
    statistics: [],
    settings: [],
    capacityProviders: ['FARGATE', 'FARGATE_SPOT'],
    defaultCapacityProviderStrategy: [],
    ...(tags ? { tags: cluster.tags } : {}),
  };
}

/** @param now milliseconds since the epoch: reads may lag behind */
export function serviceView(service: Service, tags: boolean, now: number): ServiceShape {
  const tasks = tasksOf(service);
  const primary = service.deployments[0];
  const current = currentServiceDeployment(service, now);
  const { spec } = service;
  return {
    serviceArn: service.arn,
    serviceName: service.name,
    clusterArn: service.cluster.arn,
    status: service.status,
    desiredCount: service.desiredCount,
    runningCount: tasks.filter(isRunning).length,
    pendingCount: tasks.filter(isPending).length,
    ...(primary ? { taskDefinition: primary.taskDefinition.arn } : {}),
    loadBalancers: spec.loadBalancers ?? [],
    serviceRegistries: spec.serviceRegistries ?? [],
    ...launchView(spec, 'LATEST'),
    deploymentConfiguration: {
      maximumPercent: 200,
      minimumHealthyPercent: 100,
      strategy: 'ROLLING',
      bakeTimeInMinutes: 0,
      ...spec.deploymentConfiguration,
    },
    deploymentController: spec.deploymentController ?? { type: 'ECS' },
    deployments: service.deployments.map((deployment) => deploymentView(service, deployment)),
    ...(current ? { currentServiceDeployment: current.arn } : {}),
    currentServiceRevisions: service.deployments.flatMap((deployment) => {
      const { requestedTaskCount, runningTaskCount, pendingTaskCount } = counts(service, deployment);
      const arn = deployment.revision.serviceRevisionArn;
      return arn && requestedTaskCount + runningTaskCount + pendingTaskCount > 0
        ? [{ arn, requestedTaskCount, runningTaskCount, pendingTaskCount }]
        : [];
    }),
    events: service.events,
    createdAt: service.createdAt,
    createdBy: service.createdBy,
    placementConstraints: spec.placementConstraints ?? [],
    placementStrategy: spec.placementStrategy ?? [],
    ...(spec.networkConfiguration ? { networkConfiguration: spec.networkConfiguration } : {}),
    healthCheckGracePeriodSeconds: spec.healthCheckGracePeriodSeconds ?? 0,
    schedulingStrategy: 'REPLICA',
    enableECSManagedTags: spec.enableECSManagedTags ?? false,
    propagateTags: spec.propagateTags ?? 'NONE',
    enableExecuteCommand: spec.enableExecuteCommand ?? false,
    availabilityZoneRebalancing: spec.availabilityZoneRebalancing ?? 'DISABLED',
    ...(tags ? { tags: service.tags } : {}),
  };
}

function deploymentView(service: Service, deployment: Deployment): DeploymentShape {
  const { requestedTaskCount, runningTaskCount, pendingTaskCount } = counts(service, deployment);
  const { spec } = deployment;
  return {
    id: deployment.id,
    status:
      deployment === service.deployments[0]
        ? 'PRIMARY'
        : tasksOf(service, deployment).some(isLive)
          ? 'ACTIVE'
          : 'DRAINING',
    taskDefinition: deployment.taskDefinition.arn,
    desiredCount: requestedTaskCount,
    pendingCount: pendingTaskCount,
    runningCount: runningTaskCount,
    failedTasks: deployment.failedTasks,
    createdAt: deployment.createdAt,
    updatedAt: deployment.updatedAt,
    ...launchView(spec, '1.4.0'),
    ...(spec.networkConfiguration ? { networkConfiguration: spec.networkConfiguration } : {}),
    // "Only returned for services that use the rolling update" (API).
    ...(isShifting(spec)
      ? {}
      : { rolloutState: deployment.rolloutState, rolloutStateReason: deployment.rolloutStateReason }),
  };
}

/** The newest service deployment that reads already show. */
export function currentServiceDeployment(service: Service, now: number): ServiceDeployment | undefined {
  return service.serviceDeployments.find(({ currentFrom }) => currentFrom <= now) ?? service.serviceDeployments.at(-1);
}

export function serviceDeploymentView(service: Service, record: ServiceDeployment): ServiceDeploymentShape {
  const summaries = revisionCounts(service, record);
  const sources = summaries.slice(0, -1);
  const target = summaries.at(-1);
  return {
    serviceDeploymentArn: record.arn,
    serviceArn: service.arn,
    clusterArn: service.cluster.arn,
    createdAt: record.createdAt,
    ...(record.startedAt ? { startedAt: record.startedAt } : {}),
    ...(record.finishedAt ? { finishedAt: record.finishedAt } : {}),
    ...(record.stoppedAt ? { stoppedAt: record.stoppedAt } : {}),
    updatedAt: record.updatedAt,
    sourceServiceRevisions: sources,
    ...(target ? { targetServiceRevision: target } : {}),
    status: record.status,
    ...(record.statusReason ? { statusReason: record.statusReason } : {}),
    deploymentConfiguration: {
      maximumPercent: 200,
      minimumHealthyPercent: 100,
      strategy: 'ROLLING',
      ...record.spec.deploymentConfiguration,
    },
    ...(record.rollback ? { rollback: record.rollback } : {}),
    deploymentCircuitBreaker: record.breaker,
    alarms: record.alarms,
    ...(record.shift ? shiftView(record.shift) : {}),
  };
}

export function serviceDeploymentBrief(service: Service, record: ServiceDeployment): ServiceDeploymentBrief {
  const target = record.deployment.revision.serviceRevisionArn;
  return {
    serviceDeploymentArn: record.arn,
    serviceArn: service.arn,
    clusterArn: service.cluster.arn,
    createdAt: record.createdAt,
    ...(record.startedAt ? { startedAt: record.startedAt } : {}),
    ...(record.finishedAt ? { finishedAt: record.finishedAt } : {}),
    ...(target ? { targetServiceRevisionArn: target } : {}),
    status: record.status,
    ...(record.statusReason ? { statusReason: record.statusReason } : {}),
  };
}

/** @param now milliseconds since the epoch: the state shown may lag behind */
export function taskView(task: Task, tags: boolean, now: number): TaskShape {
  const shown = task.past.findLast(({ visibleFrom }) => visibleFrom <= now) ?? task.past[0] ?? task;
  const stopped = shown.state === 'STOPPED';
  const { definition } = task.taskDefinition;
  return {
    taskArn: task.arn,
    clusterArn: task.cluster.arn,
    taskDefinitionArn: task.taskDefinition.arn,
    group: task.group,
    ...(task.startedBy ? { startedBy: task.startedBy } : {}),
    ...taskLaunch(task),
    availabilityZone: `${task.cluster.arn.split(':')[3]}a`,
    lastStatus: shown.state,
    desiredStatus: shown.desired,
    healthStatus: healthStatus(task),
    connectivity: 'CONNECTED',
    createdAt: task.createdAt,
    connectivityAt: task.createdAt,
    ...dates(task, stopped),
    ...(stopped && task.cause ? { stopCode: task.cause.code, stoppedReason: task.cause.reason } : {}),
    containers: task.containers.map((container) => containerView(task, container)),
    overrides: { containerOverrides: [], inferenceAcceleratorOverrides: [], ...task.overrides },
    ...(definition.cpu ? { cpu: definition.cpu } : {}),
    ...(definition.memory ? { memory: definition.memory } : {}),
    enableExecuteCommand: task.enableExecuteCommand,
    attachments: task.ip === '' ? [] : [attachment(task)],
    attributes: [],
    inferenceAccelerators: [],
    version: task.version,
    tags: tags ? task.tags : [],
  };
}

/** A task of a strategy shows the provider that it came to run on: the first, as capacity never lacks here. */
function taskLaunch({ launch }: Task): Partial<TaskShape> {
  const { platformVersion = '1.4.0', launchType = 'EC2', capacityProviderStrategy: [first] = [] } = launch;
  return {
    ...(onFargate(launch) ? { launchType: 'FARGATE', platformVersion, platformFamily: 'Linux' } : { launchType }),
    ...(first?.capacityProvider ? { capacityProviderName: first.capacityProvider } : {}),
  };
}

function dates(task: Task, stopped: boolean): Partial<TaskShape> {
  return {
    ...(task.pullStartedAt ? { pullStartedAt: task.pullStartedAt } : {}),
    ...(task.pullStoppedAt ? { pullStoppedAt: task.pullStoppedAt } : {}),
    ...(task.startedAt ? { startedAt: task.startedAt } : {}),
    ...(task.stoppingAt ? { stoppingAt: task.stoppingAt } : {}),
    ...(task.executionStoppedAt ? { executionStoppedAt: task.executionStoppedAt } : {}),
    ...(stopped && task.stoppedAt ? { stoppedAt: task.stoppedAt } : {}),
  };
}

function attachment(task: Task): NonNullable<TaskShape['attachments']>[number] {
  return {
    id: task.id,
    type: 'ElasticNetworkInterface',
    status: task.state === 'STOPPED' ? 'DELETED' : 'ATTACHED',
    details: [{ name: 'privateIPv4Address', value: task.ip }],
  };
}

function containerView(task: Task, container: TaskContainer): ContainerShape {
  return {
    containerArn: container.arn,
    taskArn: task.arn,
    name: container.name,
    image: container.image,
    ...(container.imageDigest ? { imageDigest: container.imageDigest } : {}),
    ...(container.engineId ? { runtimeId: container.engineId } : {}),
    lastStatus: container.state,
    ...(container.exitCode === undefined ? {} : { exitCode: container.exitCode }),
    ...(container.reason ? { reason: container.reason } : {}),
    healthStatus: container.health,
    networkBindings: container.bindings,
    networkInterfaces: task.ip === '' ? [] : [{ attachmentId: task.id, privateIpv4Address: task.ip }],
  };
}
