import type { EcsCore } from './core.ts';
import { counts } from './deployments.ts';
import type { Service, Task } from './model.ts';
import { healthStatus } from './task-health.ts';

/** Everything that the page shows of ECS, as plain JSON; times in milliseconds since the epoch. */
export interface EcsSnapshot {
  clusters: { name: string; services: ServiceSnapshot[]; tasks: TaskSnapshot[] }[];
}

export interface ServiceSnapshot {
  name: string;
  status: string;
  desired: number;
  running: number;
  pending: number;
  steady: boolean;
  taskDefinition: string;
  deployments: {
    id: string;
    primary: boolean;
    taskDefinition: string;
    rolloutState: string;
    reason: string;
    desired: number;
    running: number;
    pending: number;
    failed: number;
  }[];
  history: {
    arn: string;
    status: string;
    reason?: string;
    taskDefinition: string;
    /** Lifecycle stage, of a deployment that shifts traffic. */
    stage?: string;
    createdAt: number;
    finishedAt?: number;
  }[];
  events: { at: number; message: string }[];
}

export interface TaskSnapshot {
  id: string;
  service?: string;
  taskDefinition: string;
  status: string;
  health: string;
  createdAt: number;
  stoppedAt?: number;
  stopCode?: string;
  stoppedReason?: string;
  containers: {
    name: string;
    image: string;
    digest?: string;
    status: string;
    exitCode?: number;
    reason?: string;
    ports: number[];
  }[];
  targets: { targetGroupArn: string; id: string; port: number; state: string; description?: string }[];
  lines: string[];
}

const STOPPED_SHOWN = 20;
const EVENTS_SHOWN = 30;

export function snapshot(core: EcsCore): EcsSnapshot {
  return {
    clusters: [...core.state.clusters.values()].map((cluster) => {
      const tasks = [...cluster.tasks.values()];
      const stopped = tasks.filter(({ state }) => state === 'STOPPED').slice(-STOPPED_SHOWN);
      return {
        name: cluster.name,
        services: [...cluster.services.values()].map(serviceSnapshot),
        tasks: [...tasks.filter(({ state }) => state !== 'STOPPED'), ...stopped.reverse()].map(taskSnapshot),
      };
    }),
  };
}

function serviceSnapshot(service: Service): ServiceSnapshot {
  const all = service.deployments.map((deployment) => ({ deployment, ...counts(service, deployment) }));
  const [primary] = service.deployments;
  return {
    name: service.name,
    status: service.status,
    desired: service.desiredCount,
    running: all.reduce((sum, { runningTaskCount }) => sum + runningTaskCount, 0),
    pending: all.reduce((sum, { pendingTaskCount }) => sum + pendingTaskCount, 0),
    steady: service.steady,
    taskDefinition: primary ? short(primary) : '',
    deployments: all.map(({ deployment, requestedTaskCount, runningTaskCount, pendingTaskCount }) => ({
      id: deployment.id,
      primary: deployment === primary,
      taskDefinition: short(deployment),
      rolloutState: deployment.rolloutState,
      reason: deployment.rolloutStateReason,
      desired: requestedTaskCount,
      running: runningTaskCount,
      pending: pendingTaskCount,
      failed: deployment.failedTasks,
    })),
    history: service.serviceDeployments.map((record) => ({
      arn: record.arn,
      status: record.status,
      ...(record.statusReason ? { reason: record.statusReason } : {}),
      taskDefinition: short(record.deployment),
      ...(record.shift ? { stage: record.shift.state.stage } : {}),
      createdAt: record.createdAt.getTime(),
      ...(record.finishedAt ? { finishedAt: record.finishedAt.getTime() } : {}),
    })),
    events: service.events
      .slice(0, EVENTS_SHOWN)
      .map(({ createdAt, message }) => ({ at: createdAt?.getTime() ?? 0, message: message ?? '' })),
  };
}

function taskSnapshot(task: Task): TaskSnapshot {
  return {
    id: task.id,
    ...(task.service ? { service: task.service.name } : {}),
    taskDefinition: short(task),
    status: task.state,
    health: healthStatus(task),
    createdAt: task.createdAt.getTime(),
    ...(task.stoppedAt ? { stoppedAt: task.stoppedAt.getTime() } : {}),
    ...(task.cause ? { stopCode: task.cause.code, stoppedReason: task.cause.reason } : {}),
    containers: task.containers.map(({ name, image, imageDigest, state, exitCode, reason, bindings }) => ({
      name,
      image,
      ...(imageDigest ? { digest: imageDigest } : {}),
      status: state,
      ...(exitCode === undefined ? {} : { exitCode }),
      ...(reason ? { reason } : {}),
      ports: bindings.flatMap(({ hostPort }) => (hostPort === undefined ? [] : [hostPort])),
    })),
    targets: task.targets.flatMap(({ group, id, port, target }) =>
      target
        ? [
            {
              targetGroupArn: group,
              id,
              port,
              state: target.health.state,
              ...(target.health.description ? { description: target.health.description } : {}),
            },
          ]
        : [],
    ),
    lines: task.lastLines.slice(-10),
  };
}

function short({ taskDefinition }: { taskDefinition: { family: string; revision: number } }): string {
  return `${taskDefinition.family}:${taskDefinition.revision}`;
}
