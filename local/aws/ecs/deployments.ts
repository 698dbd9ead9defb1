import type { ServiceRevision } from '@aws-sdk/client-ecs';
import { breakerThreshold } from './breaker.ts';
import type { EcsCore } from './core.ts';
import { launchView } from './launch.ts';
import { MESSAGES } from './messages.ts';
import {
  type Deployment,
  isLive,
  isPending,
  isRunning,
  type RevisionCounts,
  type Service,
  type ServiceDeployment,
  type ServiceSpec,
  type Task,
  type TaskDefinitionRecord,
} from './model.ts';
import { newDeploymentId } from './names.ts';
import { isEnded, type RolloutFact, rolloutText, step } from './rollout.ts';
import { isShifting } from './shift.ts';
import { groupsFor, newShift, trafficOf } from './shift-run.ts';

/** Begins a deployment of the service: a new revision, a new PRIMARY, the one under way superseded. */
export function beginDeployment(
  core: EcsCore,
  service: Service,
  target: { taskDefinition: TaskDefinitionRecord; spec: ServiceSpec },
): ServiceDeployment {
  const now = core.now();
  const before = ongoing(service);
  if (before) applyFact(core, service, before, { kind: 'superseded' });
  const id = newDeploymentId();
  const sources = service.deployments.filter(
    (one) => one === service.lastCompleted || tasksOf(service, one).some(isLive),
  );
  const blue = servingOne(service, before, sources);
  const groups = groupsFor(target.spec, blue);
  const revision = newRevision(core, service, { ...target, groups }, now);
  const deployment: Deployment = {
    id,
    ...target,
    groups,
    revision,
    createdAt: now,
    updatedAt: now,
    failedTasks: 0,
    ...rolloutText(id, 'in-progress'),
  };
  service.revisions.unshift(revision);
  service.deployments = [deployment, ...sources];
  service.spec = target.spec;
  service.failedStarts = 0;
  service.nextStartAt = 0;
  service.steady = false;
  const record = newRecord(core, service, deployment, sources);
  record.shift = newShift(deployment, blue, sources, core.context.clock.now());
  service.serviceDeployments.unshift(record);
  tell(core, service, record);
  return record;
}

/** What has the traffic when a deployment begins: one that was only clearing up has it already, else the last that completed. */
function servingOne(
  service: Service,
  before: ServiceDeployment | undefined,
  sources: readonly Deployment[],
): Deployment | undefined {
  const { shift } = before ?? {};
  if (shift?.state.stage === 'CLEAN_UP' && !shift.turnedBack) return shift.green;
  return sources.find((one) => one === service.lastCompleted) ?? sources[0];
}

function newRevision(
  core: EcsCore,
  service: Service,
  { taskDefinition, spec, groups }: Pick<Deployment, 'taskDefinition' | 'spec' | 'groups'>,
  now: Date,
): ServiceRevision {
  return {
    serviceRevisionArn: core.state.arns.serviceRevision(service.cluster.name, service.name),
    serviceArn: service.arn,
    clusterArn: service.cluster.arn,
    taskDefinition: taskDefinition.arn,
    ...launchView(spec, '1.4.0'),
    ...(spec.loadBalancers ? { loadBalancers: spec.loadBalancers } : {}),
    ...(spec.loadBalancers && isShifting(spec) ? { resolvedConfiguration: resolved(spec, groups) } : {}),
    ...(spec.networkConfiguration ? { networkConfiguration: spec.networkConfiguration } : {}),
    containerImages: (taskDefinition.definition.containerDefinitions ?? []).map(({ name, image }) => ({
      ...(name ? { containerName: name } : {}),
      ...(image ? { image } : {}),
    })),
    guardDutyEnabled: false,
    createdAt: now,
  };
}

function resolved(spec: ServiceSpec, groups: Deployment['groups']): ServiceRevision['resolvedConfiguration'] {
  return {
    loadBalancers: (spec.loadBalancers ?? []).map(({ advancedConfiguration }, i) => ({
      ...(groups[i] ? { targetGroupArn: groups[i] } : {}),
      ...(advancedConfiguration?.productionListenerRule
        ? { productionListenerRule: advancedConfiguration.productionListenerRule }
        : {}),
    })),
  };
}

function newRecord(
  core: EcsCore,
  service: Service,
  deployment: Deployment,
  sources: readonly Deployment[],
): ServiceDeployment {
  const { lag, clock } = core.context;
  const now = clock.now();
  const { deploymentCircuitBreaker: breaker, alarms } = deployment.spec.deploymentConfiguration ?? {};
  return {
    arn: core.state.arns.serviceDeployment(service.cluster.name, service.name),
    status: 'PENDING',
    statusReason: undefined,
    deployment,
    sourceRevisionArns: sources.map(({ revision }) => revision.serviceRevisionArn ?? ''),
    createdAt: new Date(now),
    startedAt: undefined,
    finishedAt: undefined,
    stoppedAt: undefined,
    updatedAt: new Date(now),
    rollback: undefined,
    breaker: {
      status: breaker?.enable ? 'MONITORING' : 'DISABLED',
      failureCount: 0,
      threshold: breakerThreshold(service.desiredCount, breaker?.thresholdConfiguration),
    },
    alarms: {
      status: alarms?.enable ? 'MONITORING' : 'DISABLED',
      alarmNames: alarms?.alarmNames ?? [],
      triggeredAlarmNames: [],
    },
    shift: undefined,
    spec: deployment.spec,
    frozen: undefined,
    startsAt: now + lag.of('ecs.deploymentStart', service.name),
    currentFrom: now + lag.of('ecs.currentServiceDeployment', service.name),
    listedFrom: now + lag.of('ecs.listServiceDeployments', service.name),
  };
}

/** The service deployment that has not ended. */
export function ongoing(service: Service): ServiceDeployment | undefined {
  const newest = service.serviceDeployments[0];
  return newest && !isEnded(newest.status) ? newest : undefined;
}

/** The deployment that a rollback would go back to: the last one that completed, unless it is itself rolled out again. */
export function rollbackCandidate(service: Service): Deployment | undefined {
  const { lastCompleted, deployments } = service;
  return lastCompleted && lastCompleted !== deployments[0] && lastCompleted.rolloutState === 'COMPLETED'
    ? lastCompleted
    : undefined;
}

/** Applies a fact to a service deployment, with everything that follows from it. Does nothing where the fact changes nothing. */
export function applyFact(core: EcsCore, service: Service, record: ServiceDeployment, fact: RolloutFact): void {
  const result = step(record.status, fact);
  if (!result) return;
  const now = core.now();
  record.status = result.status;
  record.statusReason = result.statusReason ?? record.statusReason;
  record.updatedAt = now;
  if (fact.kind === 'begun') record.startedAt = now;
  if (fact.kind === 'breaker') record.breaker.status = 'TRIGGERED';
  if (fact.kind === 'alarm') record.alarms.status = 'TRIGGERED';
  if (result.next === 'roll-back') rollBack(core, service, record);
  if (result.next === 'fail') fail(core, service, fact.kind === 'breaker');
  if (result.next === 'complete') complete(core, service);
  if (isEnded(record.status)) end(service, record, now);
  tell(core, service, record);
}

function rollBack(core: EcsCore, service: Service, record: ServiceDeployment): void {
  const failed = service.deployments[0];
  const candidate = rollbackCandidate(service);
  if (!failed || !candidate) return;
  if (record.shift) record.shift.turnedBack = true;
  const byBreaker = record.breaker.status === 'TRIGGERED';
  const now = core.now();
  Object.assign(failed, rolloutText(failed.id, byBreaker ? 'failed' : 'stopped'), { updatedAt: now });
  Object.assign(candidate, rolloutText(candidate.id, byBreaker ? 'rolling-back' : 'in-progress'), {
    updatedAt: now,
    failedTasks: 0,
  });
  service.deployments = [candidate, ...service.deployments.filter((one) => one !== candidate)];
  service.spec = candidate.spec;
  service.failedStarts = 0;
  service.nextStartAt = 0;
  service.steady = false;
  record.rollback = {
    reason: record.statusReason ?? '',
    startedAt: now,
    serviceRevisionArn: candidate.revision.serviceRevisionArn ?? '',
  };
  if (byBreaker) core.event(service, MESSAGES.failed(service.name, failed.id));
  core.event(service, MESSAGES.rollingBack(service.name, candidate.id));
}

function fail(core: EcsCore, service: Service, byBreaker: boolean): void {
  const primary = service.deployments[0];
  if (!primary) return;
  Object.assign(primary, rolloutText(primary.id, byBreaker ? 'failed' : 'stopped'), { updatedAt: core.now() });
  if (byBreaker) core.event(service, MESSAGES.failed(service.name, primary.id));
}

function complete(core: EcsCore, service: Service): void {
  const primary = service.deployments[0];
  if (!primary) return;
  Object.assign(primary, rolloutText(primary.id, 'completed'), { updatedAt: core.now() });
  service.lastCompleted = primary;
  service.deployments = [primary];
  service.steady = true;
  core.event(service, MESSAGES.completed(service.name, primary.id));
  core.event(service, MESSAGES.steady(service.name));
}

function end(service: Service, record: ServiceDeployment, now: Date): void {
  record.finishedAt = now;
  if (record.status === 'STOPPED') record.stoppedAt = now;
  if (record.alarms.status === 'MONITORING') record.alarms.status = 'MONITORING_COMPLETE';
  if (record.breaker.status === 'MONITORING') record.breaker.status = 'MONITORING_COMPLETE';
  record.frozen = revisionCounts(service, record);
}

/** Requested, running and pending tasks of the revisions that a service deployment is about: sources first, target last. */
export function revisionCounts(service: Service, record: ServiceDeployment): RevisionCounts[] {
  if (record.frozen) return record.frozen;
  const arns = [...record.sourceRevisionArns, record.deployment.revision.serviceRevisionArn ?? ''];
  return arns.map((arn) => {
    const deployment = service.deployments.find(({ revision }) => revision.serviceRevisionArn === arn);
    return { arn, ...counts(service, deployment), ...trafficOf(record, arn) };
  });
}

/** Task counts of one deployment. What is being replaced requests only what has not been told to stop. */
export function counts(service: Service, deployment: Deployment | undefined): Omit<RevisionCounts, 'arn'> {
  if (!deployment) return { requestedTaskCount: 0, runningTaskCount: 0, pendingTaskCount: 0 };
  const tasks = tasksOf(service, deployment);
  const primary = deployment === service.deployments[0];
  return {
    requestedTaskCount: primary ? service.desiredCount : tasks.filter(isLive).length,
    runningTaskCount: tasks.filter(isRunning).length,
    pendingTaskCount: tasks.filter(isPending).length,
  };
}

export function tasksOf(service: Service, deployment?: Deployment): Task[] {
  const all = [...service.cluster.tasks.values()].filter(
    (task) => task.service === service && task.state !== 'STOPPED',
  );
  return deployment ? all.filter(({ deploymentId }) => deploymentId === deployment.id) : all;
}

function tell(core: EcsCore, service: Service, record: ServiceDeployment): void {
  core.context.bus.emit({
    kind: 'ecs.deployment',
    text: `deployment of ${service.name} (${record.deployment.taskDefinition.family}:${record.deployment.taskDefinition.revision}) is ${record.status}${record.statusReason ? `: ${record.statusReason}` : ''}`,
    data: {
      cluster: service.cluster.name,
      service: service.name,
      serviceDeployment: record.arn,
      taskDefinition: record.deployment.taskDefinition.arn,
      status: record.status,
      ...(record.statusReason ? { statusReason: record.statusReason } : {}),
    },
  });
}
