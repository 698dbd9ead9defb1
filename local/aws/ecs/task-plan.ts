import type {
  ContainerDefinition,
  ContainerDependency,
  ContainerOverride,
  TaskDefinition,
  TaskOverride,
} from '@aws-sdk/client-ecs';
import type { ContainerSpec, HealthCheckSpec } from '../../engine/engine.ts';

const MIB = 1024 * 1024;
/** Seconds between SIGTERM and SIGKILL without `stopTimeout`. Source: ECS API reference, ContainerDefinition. */
const STOP_SECONDS = 30;

/** One container of a task, as it is to be started. */
export interface PlannedContainer {
  name: string;
  image: string;
  essential: boolean;
  dependsOn: readonly ContainerDependency[];
  stopSeconds: number;
  /** name → SSM parameter or secret that the value is read from. */
  secrets: readonly { name: string; valueFrom: string }[];
  spec: Omit<ContainerSpec, 'name' | 'image' | 'network'>;
}

export interface PlanContext {
  region: string;
  /** Engine's prefix for the task's volumes. */
  volumePrefix: string;
  /** Factor on container health check times: 1 is as written. */
  healthTimeScale: number;
}

/** What the containers of a task look like, with the overrides of RunTask applied. Pure. */
export function planTask(
  definition: TaskDefinition,
  overrides: TaskOverride,
  context: PlanContext,
): PlannedContainer[] {
  return (definition.containerDefinitions ?? []).map((container) => {
    const override = overrides.containerOverrides?.find(({ name }) => name === container.name);
    return planContainer(definition, container, override, context);
  });
}

function planContainer(
  task: TaskDefinition,
  container: ContainerDefinition,
  override: ContainerOverride | undefined,
  context: PlanContext,
): PlannedContainer {
  const command = override?.command ?? container.command;
  const memory = override?.memory ?? container.memory ?? Number(task.memory ?? 0);
  const { healthCheck } = container;
  return {
    name: container.name ?? '',
    image: container.image ?? '',
    essential: container.essential ?? true,
    dependsOn: container.dependsOn ?? [],
    stopSeconds: container.stopTimeout ?? STOP_SECONDS,
    secrets: (container.secrets ?? []).map(({ name, valueFrom }) => ({ name: name ?? '', valueFrom: valueFrom ?? '' })),
    spec: {
      env: environment(container, override, context.region),
      ...(command && command.length > 0 ? { command } : {}),
      ...(container.entryPoint && container.entryPoint.length > 0 ? { entryPoint: container.entryPoint } : {}),
      ...(container.user ? { user: container.user } : {}),
      ...(container.workingDirectory ? { workingDirectory: container.workingDirectory } : {}),
      ...(memory > 0 ? { memoryBytes: memory * MIB } : {}),
      ...(container.cpu ? { cpuShares: Math.max(2, container.cpu) } : {}),
      ports: (container.portMappings ?? []).flatMap(({ containerPort, protocol }) =>
        containerPort === undefined ? [] : [{ containerPort, protocol: protocol ?? 'tcp' }],
      ),
      ...(healthCheck ? { healthCheck: engineHealthCheck(healthCheck, context.healthTimeScale) } : {}),
      binds: (container.mountPoints ?? []).flatMap(({ sourceVolume, containerPath, readOnly }) =>
        containerPath ? [`${context.volumePrefix}${sourceVolume}:${containerPath}${readOnly ? ':ro' : ''}`] : [],
      ),
      ...(container.readonlyRootFilesystem ? { readonlyRoot: true } : {}),
      ...(container.linuxParameters?.initProcessEnabled ? { init: true } : {}),
    },
  };
}

/** Whether the container has a health check of its own. */
export function checksHealth({ healthCheck }: ContainerDefinition): boolean {
  return healthCheck !== undefined && healthCheck.command?.[0] !== 'NONE';
}

function environment(
  container: ContainerDefinition,
  override: ContainerOverride | undefined,
  region: string,
): Record<string, string> {
  const env: Record<string, string> = {
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE',
  };
  for (const { name, value } of [...(container.environment ?? []), ...(override?.environment ?? [])]) {
    if (name) env[name] = value ?? '';
  }
  return env;
}

/** The stream's name is prefix/container/task. Source: ECS Developer Guide, "Using the awslogs log driver". */
export function logOf(container: ContainerDefinition, taskId: string): { group: string; stream: string } | undefined {
  const { logDriver, options } = container.logConfiguration ?? {};
  const group = options?.['awslogs-group'];
  if (logDriver !== 'awslogs' || !group) return undefined;
  const prefix = options?.['awslogs-stream-prefix'];
  return { group, stream: prefix ? `${prefix}/${container.name}/${taskId}` : taskId };
}

function engineHealthCheck(check: NonNullable<ContainerDefinition['healthCheck']>, scale: number): HealthCheckSpec {
  const ms = (seconds: number): number => Math.max(50, seconds * 1000 * scale);
  return {
    test: check.command ?? [],
    intervalMs: ms(check.interval ?? 30),
    timeoutMs: Math.max(1000, (check.timeout ?? 5) * 1000),
    retries: check.retries ?? 3,
    ...(check.startPeriod ? { startPeriodMs: ms(check.startPeriod) } : {}),
  };
}

/** How far a container has come, as far as another's `dependsOn` asks. */
export interface Progress {
  started: boolean;
  exitCode: number | undefined;
  health: 'HEALTHY' | 'UNHEALTHY' | 'UNKNOWN';
}

/** Whether a container may start now; 'never' when what it waits for can no longer happen. */
export function mayStart(
  dependsOn: readonly ContainerDependency[],
  progress: ReadonlyMap<string, Progress>,
): 'now' | 'later' | 'never' {
  const answers = dependsOn.map(({ containerName, condition }) => {
    const other = progress.get(containerName ?? '');
    if (!other) return 'later';
    const ended = other.exitCode !== undefined;
    switch (condition) {
      case 'COMPLETE':
        return ended ? 'now' : 'later';
      case 'SUCCESS':
        return ended ? (other.exitCode === 0 ? 'now' : 'never') : 'later';
      case 'HEALTHY':
        if (ended || other.health === 'UNHEALTHY') return 'never';
        return other.health === 'HEALTHY' ? 'now' : 'later';
      default:
        return other.started ? 'now' : 'later';
    }
  });
  if (answers.includes('never')) return 'never';
  return answers.every((answer) => answer === 'now') ? 'now' : 'later';
}
