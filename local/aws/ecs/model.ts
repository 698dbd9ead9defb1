import type {
  Container as ContainerShape,
  CreateServiceRequest,
  DeploymentRolloutState,
  ServiceRevision as RevisionShape,
  ServiceDeploymentStatus,
  ServiceEvent,
  Tag,
  TaskDefinition,
  TaskOverride,
  TaskStopCode,
} from '@aws-sdk/client-ecs';
import type { Target } from '../../balancer/target-group.ts';
import type { Launch } from './launch.ts';
import type { TrafficShift } from './shift-run.ts';

/** A registered task definition, with every field as it was written: those that the SDK does not know as well. */
export interface TaskDefinitionRecord {
  arn: string;
  family: string;
  revision: number;
  definition: TaskDefinition;
  tags: Tag[];
}

export interface Cluster {
  arn: string;
  name: string;
  tags: Tag[];
  services: Map<string, Service>;
  /** By task id; stopped ones stay for an hour. */
  tasks: Map<string, Task>;
}

/** What a revision of a service fixes, besides its task definition. */
export type ServiceSpec = Omit<
  CreateServiceRequest,
  'cluster' | 'serviceName' | 'tags' | 'clientToken' | 'desiredCount' | 'taskDefinition'
>;

export interface Service {
  arn: string;
  name: string;
  cluster: Cluster;
  status: 'ACTIVE' | 'DRAINING' | 'INACTIVE';
  desiredCount: number;
  spec: ServiceSpec;
  tags: Tag[];
  createdAt: Date;
  createdBy: string;
  /** Newest first; the first is PRIMARY. */
  deployments: Deployment[];
  /** The deployment that a rollback goes back to. */
  lastCompleted: Deployment | undefined;
  /** Newest first. */
  serviceDeployments: ServiceDeployment[];
  revisions: RevisionShape[];
  /** Newest first, at most 100. */
  events: ServiceEvent[];
  /** Starts that failed in a row, which the next start is held back for. */
  failedStarts: number;
  nextStartAt: number;
  /** Whether the steady state has been told of since something last changed. */
  steady: boolean;
}

/** One entry of `deployments`: a revision that has, had or shall have tasks. */
export interface Deployment {
  id: string;
  taskDefinition: TaskDefinitionRecord;
  revision: RevisionShape;
  spec: ServiceSpec;
  /** ARN of the target group that its tasks register in, by the position of the load balancer in `spec`. */
  groups: readonly (string | undefined)[];
  createdAt: Date;
  updatedAt: Date;
  rolloutState: DeploymentRolloutState;
  rolloutStateReason: string;
  failedTasks: number;
}

/** One entry of the service's history of deployments. */
export interface ServiceDeployment {
  arn: string;
  status: ServiceDeploymentStatus;
  statusReason: string | undefined;
  deployment: Deployment;
  sourceRevisionArns: string[];
  createdAt: Date;
  startedAt: Date | undefined;
  finishedAt: Date | undefined;
  stoppedAt: Date | undefined;
  updatedAt: Date;
  rollback: { reason: string; startedAt: Date; serviceRevisionArn: string } | undefined;
  breaker: {
    status: 'TRIGGERED' | 'MONITORING' | 'MONITORING_COMPLETE' | 'DISABLED';
    failureCount: number;
    threshold: number;
  };
  alarms: {
    status: 'TRIGGERED' | 'MONITORING' | 'MONITORING_COMPLETE' | 'DISABLED';
    alarmNames: string[];
    triggeredAlarmNames: string[];
  };
  /** How its traffic moves; undefined for a rolling deployment. */
  shift: TrafficShift | undefined;
  spec: ServiceSpec;
  /** Counts per revision as they were when it ended. */
  frozen: RevisionCounts[] | undefined;
  /** Milliseconds since the epoch from which it may be begun, and from which reads show it. */
  startsAt: number;
  currentFrom: number;
  listedFrom: number;
}

export interface RevisionCounts {
  arn: string;
  requestedTaskCount: number;
  runningTaskCount: number;
  pendingTaskCount: number;
  requestedTestTrafficWeight?: number;
  requestedProductionTrafficWeight?: number;
}

/** The life of a task, in its order. Source: ECS Developer Guide, "Task lifecycle". */
export const TASK_STATES = [
  'PROVISIONING',
  'PENDING',
  'ACTIVATING',
  'RUNNING',
  'DEACTIVATING',
  'STOPPING',
  'DEPROVISIONING',
  'STOPPED',
] as const;
export type TaskState = (typeof TASK_STATES)[number];

/** Why a task stops or stopped, in ECS's words. */
export interface StopCause {
  code: TaskStopCode;
  reason: string;
}

export interface Task {
  id: string;
  arn: string;
  cluster: Cluster;
  taskDefinition: TaskDefinitionRecord;
  /** The service's deployment that started it. */
  service: Service | undefined;
  deploymentId: string | undefined;
  group: string;
  startedBy: string | undefined;
  overrides: TaskOverride;
  launch: Launch;
  tags: Tag[];
  enableExecuteCommand: boolean;
  state: TaskState;
  desired: 'RUNNING' | 'STOPPED';
  containers: TaskContainer[];
  cause: StopCause | undefined;
  createdAt: Date;
  pullStartedAt: Date | undefined;
  pullStoppedAt: Date | undefined;
  startedAt: Date | undefined;
  stoppingAt: Date | undefined;
  executionStoppedAt: Date | undefined;
  stoppedAt: Date | undefined;
  version: number;
  /** Address of the task's network. */
  ip: string;
  targets: { group: string; target: Target | undefined; id: string; port: number }[];
  /** It passed every health check that it depends on, once. */
  wasHealthy: boolean;
  /** Its failure has been counted by the circuit breaker. */
  counted: boolean;
  /** Engine ids, the shared network's holder first. */
  engineIds: string[];
  /** Last lines, for the page. */
  lastLines: string[];
  /** What DescribeTasks shows while its answers lag. */
  past: { visibleFrom: number; state: TaskState; desired: 'RUNNING' | 'STOPPED' }[];
}

export interface TaskContainer {
  name: string;
  arn: string;
  image: string;
  imageDigest: string | undefined;
  essential: boolean;
  engineId: string | undefined;
  state: TaskState;
  exitCode: number | undefined;
  reason: string | undefined;
  health: 'HEALTHY' | 'UNHEALTHY' | 'UNKNOWN';
  checksHealth: boolean;
  bindings: NonNullable<ContainerShape['networkBindings']>;
  log: { group: string; stream: string } | undefined;
}

/** Whether the task has not yet begun to stop. */
export function isLive(task: Task): boolean {
  return task.desired === 'RUNNING';
}

export function atLeast(state: TaskState, other: TaskState): boolean {
  return TASK_STATES.indexOf(state) >= TASK_STATES.indexOf(other);
}

/** Running as ECS counts it in runningCount: RUNNING, and not yet told to stop. */
export function isRunning(task: Task): boolean {
  return task.state === 'RUNNING' && task.desired === 'RUNNING';
}

/** Pending as ECS counts it in pendingCount. */
export function isPending(task: Task): boolean {
  return task.desired === 'RUNNING' && !atLeast(task.state, 'RUNNING');
}
