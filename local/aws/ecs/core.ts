import { randomUUID } from 'node:crypto';
import type { Tag, TaskOverride } from '@aws-sdk/client-ecs';
import type { ListenerRule } from '../../balancer/rule.ts';
import type { TargetGroup } from '../../balancer/target-group.ts';
import type { LocalContext } from '../../context.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Launch } from './launch.ts';
import { MESSAGES } from './messages.ts';
import type { Cluster, Deployment, Service, Task, TaskDefinitionRecord } from './model.ts';
import { newTaskId } from './names.ts';
import { EcsState } from './state.ts';
import { healthStatus } from './task-health.ts';
import { checksHealth, logOf } from './task-plan.ts';
import { type ImageSource, TaskRunner } from './task-runner.ts';

export interface EcsDeps {
  context: LocalContext;
  engine: Engine;
  /** Every balancer's target groups. */
  targetGroups: readonly TargetGroup[];
  /** Every balancer's listener rules, whose weights a deployment that shifts traffic sets. */
  rules?: readonly ListenerRule[];
  /** Lambda functions that may be hooks of a deployment: name → URL that plays the function. */
  functions?: Readonly<Record<string, string>>;
  /** Milliseconds that a minute of a bake time or hook time-out lasts; 60 000 unless a test is in a hurry. */
  deploymentMinuteMs?: number;
  /** The registry whose images are always pulled; others are used when the engine has them. */
  registry?: ImageSource;
  /** The value of an SSM parameter or secret that a container definition's `secrets` names. */
  secret?: (valueFrom: string) => string | Promise<string>;
  /** Factor on the interval and start period of container health checks, so that a demo need not wait; 1 is as written. */
  healthTimeScale?: number;
}

export interface NewTask {
  cluster: Cluster;
  taskDefinition: TaskDefinitionRecord;
  service?: Service;
  deployment?: Deployment;
  group: string;
  startedBy?: string | undefined;
  overrides?: TaskOverride;
  launch?: Launch;
  tags?: Tag[];
  enableExecuteCommand?: boolean;
}

const EVENTS_KEPT = 100;
const HOUR_MS = 3_600_000;

/** The parts that operations, reconciliation and tasks share. */
export class EcsCore {
  readonly context: LocalContext;
  readonly state: EcsState;
  readonly runner: TaskRunner;
  readonly functions: Readonly<Record<string, string>>;
  readonly minuteMs: number;
  readonly #groups: ReadonlyMap<string, TargetGroup>;
  readonly #rules: readonly ListenerRule[];
  /** Called when something changed that the service's next step may depend on. */
  onChange: (service: Service) => void = () => undefined;

  constructor(deps: EcsDeps) {
    const { context } = deps;
    this.context = context;
    this.state = new EcsState(context);
    this.functions = deps.functions ?? {};
    this.minuteMs = deps.deploymentMinuteMs ?? 60_000;
    this.#rules = deps.rules ?? [];
    this.#groups = new Map(deps.targetGroups.map((group) => [group.arn, group]));
    this.runner = new TaskRunner({
      engine: deps.engine,
      clock: context.clock,
      lag: context.lag,
      logs: context.logs,
      region: context.region,
      registry: deps.registry,
      secret: deps.secret ?? (() => Promise.reject(new Error('no parameter store is connected'))),
      fault: (name, { cluster, service, taskDefinition }, image) =>
        context.faults.named(name, {
          cluster: cluster.name,
          service: service?.name ?? '',
          family: taskDefinition.family,
          taskDefinition: `${taskDefinition.family}:${taskDefinition.revision}`,
          image,
        }),
      healthTimeScale: deps.healthTimeScale ?? 1,
      changed: (task) => this.#changed(task),
      activate: (task) => this.#activate(task),
      deactivate: (task, alive) => this.#deactivate(task, alive),
    });
  }

  now(): Date {
    return new Date(this.context.clock.now());
  }

  targetGroup(arn: string | undefined): TargetGroup | undefined {
    return arn === undefined ? undefined : this.#groups.get(arn);
  }

  targetGroupArn(nameOrArn: string): string | undefined {
    return [...this.#groups.values()].find(({ name, arn }) => name === nameOrArn || arn === nameOrArn)?.arn;
  }

  rule(nameOrArn: string | undefined): ListenerRule | undefined {
    return this.#rules.find(({ name, arn }) => name === nameOrArn || arn === nameOrArn);
  }

  startTask(wanted: NewTask): Task {
    const { cluster, taskDefinition } = wanted;
    const id = newTaskId();
    const { arns } = this.state;
    const task: Task = {
      id,
      arn: arns.task(cluster.name, id),
      cluster,
      taskDefinition,
      service: wanted.service,
      deploymentId: wanted.deployment?.id,
      group: wanted.group,
      startedBy: wanted.startedBy,
      overrides: wanted.overrides ?? {},
      launch: wanted.launch ?? {},
      tags: wanted.tags ?? [],
      enableExecuteCommand: wanted.enableExecuteCommand ?? false,
      state: 'PROVISIONING',
      desired: 'RUNNING',
      containers: (taskDefinition.definition.containerDefinitions ?? []).map((container) => ({
        name: container.name ?? '',
        arn: arns.container(cluster.name, id),
        image: container.image ?? '',
        imageDigest: undefined,
        essential: container.essential ?? true,
        engineId: undefined,
        state: 'PENDING',
        exitCode: undefined,
        reason: undefined,
        health: 'UNKNOWN',
        checksHealth: checksHealth(container),
        bindings: [],
        log: logOf(container, id),
      })),
      cause: undefined,
      createdAt: this.now(),
      pullStartedAt: undefined,
      pullStoppedAt: undefined,
      startedAt: undefined,
      stoppingAt: undefined,
      executionStoppedAt: undefined,
      stoppedAt: undefined,
      version: 1,
      ip: '',
      targets: this.#targetsOf(wanted.deployment),
      wasHealthy: false,
      counted: false,
      engineIds: [],
      lastLines: [],
      past: [],
    };
    this.#forgetOld(cluster);
    cluster.tasks.set(id, task);
    this.#changed(task);
    this.runner.launch(task);
    return task;
  }

  event(service: Service, message: string): void {
    service.events.unshift({ id: randomUUID(), createdAt: this.now(), message });
    service.events.splice(EVENTS_KEPT);
    this.context.bus.emit({
      kind: 'ecs.event',
      text: message,
      data: { cluster: service.cluster.name, service: service.name },
    });
  }

  #targetsOf(deployment: Deployment | undefined): Task['targets'] {
    return (deployment?.spec.loadBalancers ?? []).flatMap(({ containerPort }, i) => {
      const group = deployment?.groups[i];
      return group && containerPort ? [{ group, target: undefined, id: '', port: containerPort }] : [];
    });
  }

  #changed(task: Task): void {
    const { lag, bus, clock } = this.context;
    const last = task.past.at(-1);
    if (last?.state !== task.state || last.desired !== task.desired) {
      const behind = lag.of('ecs.describeTasks', task.id, [0, 600]);
      const visibleFrom = Math.max(last?.visibleFrom ?? 0, task.past.length === 0 ? 0 : clock.now() + behind);
      task.past.push({ visibleFrom, state: task.state, desired: task.desired });
      bus.emit({
        kind: 'ecs.task',
        text: `${task.service?.name ?? task.taskDefinition.family} task ${task.id.slice(0, 8)} (${task.taskDefinition.family}:${task.taskDefinition.revision}) is ${task.state}${task.state === 'STOPPED' && task.cause ? `: ${task.cause.reason}` : ''}`,
        data: {
          cluster: task.cluster.name,
          service: task.service?.name,
          task: task.arn,
          status: task.state,
          health: healthStatus(task),
          ...(task.cause ? { stopCode: task.cause.code, stoppedReason: task.cause.reason } : {}),
        },
      });
    }
    if (task.service) this.onChange(task.service);
  }

  #activate(task: Task): void {
    for (const wanted of task.targets) {
      const group = this.targetGroup(wanted.group);
      const hostPort = task.containers
        .flatMap(({ bindings }) => bindings)
        .find((one) => one.containerPort === wanted.port)?.hostPort;
      if (!group || hostPort === undefined || !task.service) continue;
      wanted.id = task.ip;
      group.register({ id: task.ip, port: wanted.port, connect: { host: '127.0.0.1', port: hostPort } });
      wanted.target = group.target(task.ip, wanted.port);
      this.event(task.service, MESSAGES.registered(task.service.name, group.arn));
    }
  }

  async #deactivate(task: Task, alive: boolean): Promise<void> {
    const { service } = task;
    const registered = task.targets.filter(({ target }) => target !== undefined);
    if (!service || registered.length === 0) return;
    if (alive) this.event(service, MESSAGES.draining(service.name));
    const gone = registered.map(async ({ group: arn, id, port }) => {
      this.event(service, MESSAGES.deregistered(service.name, arn));
      await this.targetGroup(arn)?.deregister(id, port);
    });
    if (alive) await Promise.all(gone);
  }

  /** Stopped tasks can be described for about an hour. */
  #forgetOld(cluster: Cluster): void {
    const before = this.context.clock.now() - HOUR_MS;
    for (const [id, { stoppedAt }] of cluster.tasks) {
      if (stoppedAt && stoppedAt.getTime() < before) cluster.tasks.delete(id);
    }
  }
}
