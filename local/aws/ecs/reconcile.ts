import { breakerThreshold, failureCount, type TaskFate } from './breaker.ts';
import type { EcsCore } from './core.ts';
import { applyFact, ongoing, rollbackCandidate, tasksOf } from './deployments.ts';
import { MESSAGES } from './messages.ts';
import { type Deployment, isLive, isPending, type Service, type ServiceDeployment, type Task } from './model.ts';
import { backOff, isSteady, type Schedule, type ScheduledTask, schedule } from './scheduler.ts';
import { advance, begin, turnBack } from './shift-run.ts';
import { FAILED_CONTAINER_CHECK, failedBalancerCheck, scaledIn } from './stop-reasons.ts';
import { type TaskHealth, taskHealth } from './task-health.ts';

/** One look at a service: learn what became of its tasks, judge its deployment, start and stop what is next. Never waits. */
export function reconcile(core: EcsCore, service: Service): void {
  if (service.status === 'INACTIVE') return;
  beginWhatIsDue(core, service);
  const healths = new Map(tasksOf(service).map((task) => [task, healthOf(core, service, task)]));
  for (const [task, health] of healths) learnHealth(service, task, health);
  for (const task of service.cluster.tasks.values()) if (task.service === service) learnEnd(core, service, task);
  judgeByBreaker(core, service);
  judgeByAlarms(core, service);
  moveOn(core, service, healths);
  if (ongoing(service)?.status !== 'PENDING') act(core, service, healths);
  settle(core, service, healths);
}

function beginWhatIsDue(core: EcsCore, service: Service): void {
  const record = ongoing(service);
  if (!record || record.startsAt > core.context.clock.now()) return;
  if (record.status === 'ROLLBACK_REQUESTED') applyFact(core, service, record, { kind: 'rollback-begun' });
  if (record.status !== 'PENDING') return;
  for (const older of service.serviceDeployments) applyFact(core, service, older, { kind: 'replaced' });
  applyFact(core, service, record, { kind: 'begun' });
  begin(core, service, record);
}

function healthOf(core: EcsCore, service: Service, task: Task): TaskHealth {
  return taskHealth(task, (service.spec.healthCheckGracePeriodSeconds ?? 0) * 1000, core.context.clock.now());
}

function learnHealth(service: Service, task: Task, health: TaskHealth): void {
  if (health.kind !== 'healthy' || task.wasHealthy) return;
  task.wasHealthy = true;
  service.failedStarts = 0;
  noteFate(service, task, 'healthy', false);
  recordImages(service, task);
}

/** The digests that a revision runs are known once its first task runs. */
function recordImages(service: Service, task: Task): void {
  const deployment = service.deployments.find(({ id }) => id === task.deploymentId);
  if (!deployment) return;
  deployment.revision.containerImages = task.containers.map(({ name, image, imageDigest }) => ({
    containerName: name,
    image,
    ...(imageDigest ? { imageDigest } : {}),
  }));
}

function learnEnd(core: EcsCore, service: Service, task: Task): void {
  if (task.counted || task.desired === 'RUNNING' || !task.cause) return;
  task.counted = true;
  const { code, reason } = task.cause;
  const died = code === 'EssentialContainerExited' || code === 'TaskFailedToStart';
  const fate: TaskFate = died ? 'died' : isHealthFailure(reason) ? 'unhealthy' : 'stopped';
  noteFate(service, task, fate, task.wasHealthy);
  service.steady = false;
  if (!died) return;
  if (code === 'TaskFailedToStart') core.event(service, MESSAGES.unplaced(service.name, reason));
  if (task.wasHealthy) return;
  service.failedStarts++;
  service.nextStartAt = core.context.clock.now() + backOff(service.failedStarts);
  if (service.failedStarts === 3) core.event(service, MESSAGES.inconsistent(service.name));
}

function isHealthFailure(reason: string): boolean {
  return reason.startsWith('Task failed ');
}

/** Counts for the deployment under way only: a replaced revision's tasks may die as they like. */
function noteFate(service: Service, task: Task, fate: TaskFate, wasHealthy: boolean): void {
  const primary = service.deployments[0];
  const record = ongoing(service);
  if (!primary || !record || task.deploymentId !== primary.id) return;
  const breaker = primary.spec.deploymentConfiguration?.deploymentCircuitBreaker;
  primary.failedTasks = failureCount(primary.failedTasks, fate, wasHealthy, breaker);
  record.breaker.failureCount = primary === record.deployment ? primary.failedTasks : record.breaker.failureCount;
}

function judgeByBreaker(core: EcsCore, service: Service): void {
  const primary = service.deployments[0];
  const record = ongoing(service);
  const breaker = primary?.spec.deploymentConfiguration?.deploymentCircuitBreaker;
  if (!primary || !record || !breaker?.enable) return;
  const threshold = breakerThreshold(service.desiredCount, breaker.thresholdConfiguration);
  record.breaker.threshold = threshold;
  if (primary.failedTasks < threshold) return;
  const candidate = rollbackCandidate(service) !== undefined;
  applyFact(core, service, record, { kind: 'breaker', rollback: breaker.rollback ?? false, candidate });
}

function judgeByAlarms(core: EcsCore, service: Service): void {
  const record = ongoing(service);
  const alarms = service.deployments[0]?.spec.deploymentConfiguration?.alarms;
  if (record?.status !== 'IN_PROGRESS' || !alarms?.enable) return;
  const about = { cluster: service.cluster.name, service: service.name };
  const triggered = (alarms.alarmNames ?? []).filter((alarm) =>
    core.context.faults.named('alarm', { ...about, alarm }),
  );
  if (triggered.length === 0) return;
  record.alarms.triggeredAlarmNames = triggered;
  const candidate = rollbackCandidate(service) !== undefined;
  applyFact(core, service, record, { kind: 'alarm', rollback: alarms.rollback ?? false, candidate });
}

/** Brings a deployment that shifts traffic to its next stage, or has it turn back when a hook says so. */
function moveOn(core: EcsCore, service: Service, healths: ReadonlyMap<Task, TaskHealth>): void {
  const record = ongoing(service);
  if (!record?.shift) return;
  const { green, blue } = record.shift;
  const own = [green.id, blue?.id];
  const news = advance(core, service, record, {
    greenReady: isReady(service, green, healths),
    othersGone: tasksOf(service).every(({ deploymentId }) => own.includes(deploymentId)),
  });
  if (news.kind === 'stage') core.onChange(service);
  if (news.kind !== 'failed') return;
  const candidate = rollbackCandidate(service) !== undefined;
  applyFact(core, service, record, { kind: 'hook', reason: news.reason, candidate });
}

/** Whether a revision has all its tasks, every one of them healthy. */
function isReady(service: Service, deployment: Deployment, healths: ReadonlyMap<Task, TaskHealth>): boolean {
  const live = tasksOf(service, deployment).filter(isLive);
  return live.length >= service.desiredCount && live.every((task) => healths.get(task)?.kind === 'healthy');
}

function act(core: EcsCore, service: Service, healths: ReadonlyMap<Task, TaskHealth>): void {
  const primary = service.deployments[0];
  if (!primary) return;
  const record = shiftInCharge(service);
  if (record?.shift) actBesideEachOther(core, service, record, record.shift, healths);
  else carryOut(core, service, primary, rollingPlan(core, service, primary, healths), healths);
}

/** A deployment that shifts traffic decides what runs until it has ended well: after a failure without a rollback both stay. */
function shiftInCharge(service: Service): ServiceDeployment | undefined {
  const newest = service.serviceDeployments[0];
  return newest?.shift && newest.status !== 'SUCCESSFUL' && newest.status !== 'ROLLBACK_SUCCESSFUL'
    ? newest
    : undefined;
}

type Shift = NonNullable<ServiceDeployment['shift']>;

/** Both revisions have all their tasks, each in its own target group; the one that has no traffic any more goes at the end. */
function actBesideEachOther(
  core: EcsCore,
  service: Service,
  record: ServiceDeployment,
  shift: Shift,
  healths: ReadonlyMap<Task, TaskHealth>,
): void {
  const { green, blue, state } = shift;
  const wentBack = shift.turnedBack && turnBack(core, shift, blue !== undefined && isReady(service, blue, healths));
  const stopped = record.status === 'STOPPED' || record.status === 'ROLLBACK_FAILED';
  const scaled = state.stage !== 'RECONCILE_SERVICE' && state.stage !== 'PRE_SCALE_UP';
  const keepsGreen = !shift.turnedBack || !wentBack;
  const keepsBlue = shift.turnedBack || stopped || state.stage !== 'CLEAN_UP';
  const startsGreen = scaled && !shift.turnedBack && !stopped && green.rolloutState !== 'FAILED';
  for (const deployment of partsOf(service, shift)) {
    const [keeps, starts] =
      deployment === green ? [keepsGreen, startsGreen] : deployment === blue ? [keepsBlue, keepsBlue] : [false, false];
    const tasks = scheduled(service, deployment, healths).filter(({ primary }) => primary);
    const plan = schedule({
      desired: keeps ? service.desiredCount : 0,
      minimumHealthyPercent: 100,
      maximumPercent: 200,
      mayStart: starts && service.nextStartAt <= core.context.clock.now(),
      tasks,
    });
    carryOut(core, service, deployment, plan, healths);
  }
}

/** The revisions that have tasks, or shall have: an old one that was scaled to nothing before is started only to go back to. */
function partsOf(service: Service, { green, blue }: Shift): Deployment[] {
  const others = service.deployments.filter((one) => one !== green && one !== blue);
  return [green, ...(blue ? [blue] : []), ...others];
}

function rollingPlan(
  core: EcsCore,
  service: Service,
  primary: Deployment,
  healths: ReadonlyMap<Task, TaskHealth>,
): Schedule {
  const configuration = service.spec.deploymentConfiguration;
  return schedule({
    desired: service.desiredCount,
    minimumHealthyPercent: configuration?.minimumHealthyPercent ?? 100,
    maximumPercent: configuration?.maximumPercent ?? 200,
    mayStart: primary.rolloutState !== 'FAILED' && service.nextStartAt <= core.context.clock.now(),
    tasks: scheduled(service, primary, healths),
  });
}

function carryOut(
  core: EcsCore,
  service: Service,
  primary: Deployment,
  plan: Schedule,
  healths: ReadonlyMap<Task, TaskHealth>,
): void {
  const started = Array.from({ length: plan.start }, () => startTask(core, service, primary));
  if (started.length > 0) {
    service.steady = false;
    core.event(
      service,
      MESSAGES.started(
        service.name,
        started.map(({ id }) => id),
        plan.replacements,
      ),
    );
  }
  const byId = new Map([...healths.keys()].map((task) => [task.id, task]));
  const stopping = plan.stop.flatMap(({ id, why }) => {
    const task = byId.get(id);
    return task ? [{ task, why }] : [];
  });
  if (stopping.length > 0) stopTasks(core, service, primary, stopping, healths);
}

function scheduled(service: Service, primary: Deployment, healths: ReadonlyMap<Task, TaskHealth>): ScheduledTask[] {
  return tasksOf(service).map((task) => {
    const kind = healths.get(task)?.kind;
    return {
      id: task.id,
      primary: task.deploymentId === primary.id,
      phase: !isLive(task) ? 'stopping' : isPending(task) ? 'pending' : 'running',
      healthy: kind === 'healthy',
      unhealthy: kind === 'failed-container-check' || kind === 'failed-balancer-check',
    };
  });
}

function startTask(core: EcsCore, service: Service, deployment: Deployment): Task {
  const { spec, taskDefinition } = deployment;
  const propagated =
    spec.propagateTags === 'SERVICE'
      ? service.tags
      : spec.propagateTags === 'TASK_DEFINITION'
        ? taskDefinition.tags
        : [];
  return core.startTask({
    cluster: service.cluster,
    taskDefinition,
    service,
    deployment,
    group: `service:${service.name}`,
    startedBy: deployment.id,
    launch: spec,
    tags: [...propagated],
    enableExecuteCommand: spec.enableExecuteCommand ?? false,
  });
}

function stopTasks(
  core: EcsCore,
  service: Service,
  primary: Deployment,
  stopping: readonly { task: Task; why: 'unhealthy' | 'replaced' }[],
  healths: ReadonlyMap<Task, TaskHealth>,
): void {
  service.steady = false;
  const pending = stopping.filter(({ task }) => isPending(task));
  const running = stopping.filter(({ task }) => !isPending(task));
  for (const { task, why } of stopping) {
    const health = healths.get(task);
    if (why === 'unhealthy' && health) tellUnhealthy(core, service, task, health);
  }
  if (pending.length > 0) core.event(service, MESSAGES.stoppedPending(service.name, pending.length));
  if (running.length > 0)
    core.event(
      service,
      MESSAGES.stoppedRunning(
        service.name,
        running.map(({ task }) => task.id),
      ),
    );
  for (const { task, why } of stopping) {
    const health = healths.get(task);
    void core.runner.stop(task, why === 'unhealthy' && health ? causeOf(health) : scaledIn(primary.id));
  }
}

function tellUnhealthy(core: EcsCore, service: Service, task: Task, health: TaskHealth): void {
  if (health.kind === 'failed-container-check')
    core.event(service, MESSAGES.failedContainerCheck(service.name, task.id));
  if (health.kind !== 'failed-balancer-check') return;
  core.event(
    service,
    MESSAGES.failedBalancerCheck(service.name, task.id, health.port, health.targetGroupArn, health.reason),
  );
}

function causeOf(health: TaskHealth) {
  return health.kind === 'failed-balancer-check' ? failedBalancerCheck(health.targetGroupArn) : FAILED_CONTAINER_CHECK;
}

function settle(core: EcsCore, service: Service, healths: ReadonlyMap<Task, TaskHealth>): void {
  const [primary] = service.deployments;
  if (!primary) return;
  const left = tasksOf(service);
  if (service.status === 'DRAINING') {
    if (left.length === 0) service.status = 'INACTIVE';
    return;
  }
  service.deployments = service.deployments.filter(
    (one) =>
      one === primary || one.rolloutState === 'FAILED' || left.some(({ deploymentId }) => deploymentId === one.id),
  );
  if (!isSteady({ desired: service.desiredCount, tasks: scheduled(service, primary, healths) })) return;
  const record = ongoing(service);
  if (record?.shift && record.status === 'IN_PROGRESS' && record.shift.state.stage !== 'CLEAN_UP') return;
  if (record) applyFact(core, service, record, { kind: 'steady' });
  else if (!service.steady && primary.rolloutState === 'COMPLETED') {
    service.steady = true;
    core.event(service, MESSAGES.steady(service.name));
  }
}
