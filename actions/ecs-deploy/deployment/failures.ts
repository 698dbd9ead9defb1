import type { Task } from '../../../lib/ecs/api.ts';
import { shortName } from '../../../lib/ecs/names.ts';
import { redactText } from '../../../lib/redact.ts';

export interface ContainerEnd {
  name: string;
  exitCode?: number | undefined;
  reason?: string | undefined;
  /** The container's id on its host, which names its log stream where there is no prefix. */
  runtimeId?: string | undefined;
}

/** A task of the new revision that could not do its work. */
export interface FailedTask {
  id: string;
  arn: string;
  taskDefinition: string;
  /** Milliseconds since the epoch, by the service's clock. */
  stoppedAt: number;
  /** From its start to its end in milliseconds; undefined for a task that never ran. */
  livedMs?: number | undefined;
  /** The next task of the revision would most likely end in the same way. */
  lasting: boolean;
  stopCode: string;
  stoppedReason: string;
  containers: ContainerEnd[];
  /** One sentence without the task's name: two tasks that died of the same have the same. */
  sentence: string;
  hint: string;
}

export interface FailureFilter {
  taskDefinition: string;
  since: number;
  /**
   * Id of the deployment in DescribeServices (ecs-svc/…), which ECS writes into `startedBy`: a forced deployment replaces tasks
   * of the very same revision, and their ends say nothing of the new ones.
   */
  startedBy?: string | undefined;
}

/**
 * The stopped tasks that speak against a revision, oldest first: not those that ECS stopped to scale in, that a person stopped,
 * or that lost their Spot host.
 */
export function failuresOf(tasks: readonly Task[], filter: FailureFilter): FailedTask[] {
  const { taskDefinition, since, startedBy } = filter;
  return tasks
    .filter((task) => task.taskDefinitionArn === taskDefinition)
    .filter((task) => !startedBy || !task.startedBy?.startsWith('ecs-svc/') || task.startedBy === startedBy)
    .filter((task) => stoppedAt(task) >= since && isFailure(task))
    .map(failedTask)
    .toSorted((a, b) => a.stoppedAt - b.stoppedAt);
}

const HEALTH = /failed (?:elb|container|.*?)\s?health checks?|unhealthy/i;

export function isFailure(task: Task): boolean {
  switch (task.stopCode) {
    case 'TaskFailedToStart':
    case 'EssentialContainerExited':
      return true;
    case 'UserInitiated':
    case 'SpotInterruption':
    case 'TerminationNotice':
      return false;
    default:
      return HEALTH.test(task.stoppedReason ?? '') || task.healthStatus === 'UNHEALTHY';
  }
}

function stoppedAt(task: Task): number {
  return (task.stoppedAt ?? task.stoppingAt ?? task.executionStoppedAt ?? task.createdAt)?.getTime() ?? 0;
}

/** A stopped task with its cause in words. */
export function failedTask(task: Task): FailedTask {
  const containers = (task.containers ?? []).map((c): ContainerEnd => {
    return {
      name: c.name ?? '',
      exitCode: c.exitCode,
      reason: c.reason && redactText(c.reason),
      runtimeId: c.runtimeId,
    };
  });
  const stoppedReason = redactText(task.stoppedReason ?? '');
  const [sentence, hint] = explain(stoppedReason, containers, task.healthStatus === 'UNHEALTHY');
  return {
    id: shortName(task.taskArn),
    arn: task.taskArn ?? '',
    taskDefinition: task.taskDefinitionArn ?? '',
    stoppedAt: stoppedAt(task),
    livedMs: task.startedAt && Math.max(0, stoppedAt(task) - task.startedAt.getTime()),
    lasting: !PASSING.test([stoppedReason, ...containers.map((c) => c.reason ?? '')].join(' ')),
    stopCode: task.stopCode ?? '',
    stoppedReason,
    containers,
    sentence,
    hint,
  };
}

/** What may go better with the next try: limits of a registry, the network, capacity. */
const PASSING =
  /toomanyrequests|rate exceeded|throttl|timed? ?out|connection (?:reset|refused)|i\/o timeout|temporary failure|no such host|\b50[234]\b|capacity|spot|insufficient/i;

const HEALTH_HINT = 'Look at its log; check the path, the port and the grace period of the health check';

/** Known causes by what ECS writes. Source: ECS developer guide, "Stopped tasks error codes". */
const KNOWN: readonly [pattern: RegExp, what: string, hint: string][] = [
  [
    /CannotPull|pull image manifest|image manifest does not exist|ImageNotFound/i,
    'its image cannot be pulled',
    'Check that the image exists, that the execution role may pull it, and that the subnet has a route to the registry',
  ],
  [
    /ResourceInitializationError.*(?:secret|ssm|parameter)/i,
    'a secret cannot be read',
    'Allow the execution role to read it, and check its ARN and the route to Secrets Manager or SSM',
  ],
  [
    /ResourceInitializationError.*log/i,
    'its logs cannot be set up',
    'Create the log group, or allow the execution role logs:CreateLogStream and logs:PutLogEvents',
  ],
  [/OutOfMemory/i, 'it ran out of memory', 'Raise `memory` of the container or the task, or find what uses so much'],
  [
    /exec format error/i,
    'its image is for another CPU architecture',
    'Build for the architecture of `runtimePlatform`',
  ],
  [
    /CannotStartContainer|CannotCreateContainer|ContainerRuntimeError/i,
    'it cannot be started',
    'Check its command, entry point, user, ports and mounts; the reason in brackets is the engine’s own',
  ],
  [
    /RESOURCE:|no container instance|unable to place a task/i,
    'ECS finds no room for it',
    'Add capacity to the cluster, or lower the CPU and memory of the task',
  ],
  [HEALTH, 'it never passed its health checks', HEALTH_HINT],
];

function explain(
  stoppedReason: string,
  containers: readonly ContainerEnd[],
  unhealthy: boolean,
): [sentence: string, hint: string] {
  const reasons = [stoppedReason, ...containers.map((c) => c.reason ?? '')];
  // The container's own end says more than the task's "Essential container in task exited".
  const ended = containers.find((c) => (c.exitCode ?? 0) !== 0) ?? containers.find((c) => c.exitCode === 0);
  for (const [pattern, what, hint] of KNOWN) {
    const reason = reasons.findLast((r) => pattern.test(r));
    if (reason === undefined) continue;
    const container = containers.find((c) => c.reason === reason);
    return [`${container ? `container ${container.name}: ` : ''}${what} (${reason})`, hint];
  }
  // While it is being stopped ECS gives no reason yet, and one that a rollback scales in is told as just that.
  if (unhealthy && /^$|^Scaling activity/.test(stoppedReason))
    return ['it never passed its health checks', HEALTH_HINT];
  if (ended && /Essential container|^$/i.test(stoppedReason)) {
    const why = ended.reason ? ` (${ended.reason})` : '';
    return [`container ${ended.name} exited with code ${ended.exitCode}${meaning(ended.exitCode)}${why}`, EXIT_HINT];
  }
  return [stoppedReason || 'ECS gave no reason', 'Look at the service’s events and at the log'];
}

const EXIT_HINT = 'Its last log lines say why; a service’s container has to keep running';

function meaning(exitCode: number | undefined): string {
  switch (exitCode) {
    case 0:
      return ': it ended, and a service’s container must not';
    case 126:
    case 127:
      return ': its command cannot be run';
    case 137:
      return ': it was killed';
    case 139:
      return ': segmentation fault';
    default:
      return '';
  }
}

/** "3 tasks stopped: container web exited with code 1": the most frequent cause first; '' for no failures. */
export function summarizeFailures(failures: readonly FailedTask[]): string {
  const counts = new Map<string, number>();
  for (const { sentence } of failures) counts.set(sentence, (counts.get(sentence) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3)
    .map(([sentence, n]) => `${n === 1 ? 'a task' : `${n} tasks`} stopped: ${sentence}`)
    .join('; ');
}
