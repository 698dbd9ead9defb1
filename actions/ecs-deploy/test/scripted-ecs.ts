import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../../lib/clock.ts';

export const ACCOUNT = 'arn:aws:ecs:eu-central-1:123456789012';
export const definitionArn = (name: string) => `${ACCOUNT}:task-definition/${name}`;
export const deploymentArn = (id: string) => `${ACCOUNT}:service-deployment/sample/web/${id}`;
export const revisionArn = (id: string) => `${ACCOUNT}:service-revision/sample/web/${id}`;

type Answer = Record<string, unknown>;

/** Thrown by a handler: what the service answers instead. */
export class Refusal extends Error {
  readonly code: string;
  readonly status: number;
  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** What a moment of our deployment looks like; milliseconds are since UpdateService. */
export interface Moment {
  status?: string;
  statusReason?: string;
  running?: number;
  pending?: number;
  failed?: number;
  breaker?: 'MONITORING' | 'TRIGGERED' | 'DISABLED';
  rollout?: string;
  rollbackTo?: string;
}

export interface StoppedTask {
  id: string;
  /** After UpdateService. */
  at: number;
  stopCode: string;
  stoppedReason: string;
  containers?: Answer[];
}

export interface Script {
  /** The state of our deployment; called with the time since UpdateService. */
  deployment(ms: number): Moment;
  stopped?: StoppedTask[];
  /** Until then DescribeServices and ListServiceDeployments show only what was there before. */
  staleMs?: number;
  /** When somebody else's deployment takes over. */
  supersededAt?: number;
  first?: boolean;
  /** The service does not exist until CreateService makes it. */
  missing?: boolean;
  digest?: string;
  /** What stands before the service. */
  loadBalancers?: Answer[];
  /** Handlers that stand before the scripted ones; undefined: go on. */
  before?: Record<string, (input: Answer, count: number) => Answer | undefined>;
}

export interface ScriptedEcs {
  url: string;
  calls: { operation: string; input: Answer; raw: string }[];
  count(operation: string): number;
  /** Registered definitions by name, as they came over the wire. */
  definitions: Map<string, Answer>;
  close(): Promise<void>;
}

export const DIGEST = `sha256:${'b'.repeat(64)}`;

/** An ECS that plays one deployment of service sample/web from web:1 to web:2, speaking the service's own protocol. */
export async function scriptedEcs(clock: Clock, script: Script): Promise<ScriptedEcs> {
  const calls: ScriptedEcs['calls'] = [];
  const definitions = new Map<string, Answer>([['web:1', baseDefinition()]]);
  const state = { updatedAt: undefined as number | undefined, target: 'web:2', count: 2 };
  const since = () => (state.updatedAt === undefined ? -1 : clock.now() - state.updatedAt);
  const handlers = handlersOf(clock, script, state, since, definitions);
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const raw = Buffer.concat(chunks).toString('utf8');
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    const input = JSON.parse(raw) as Answer;
    calls.push({ operation, input, raw });
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    response.setHeader('date', new Date(clock.now()).toUTCString());
    try {
      const count = calls.filter((c) => c.operation === operation).length;
      const handler = handlers[operation];
      const answer = script.before?.[operation]?.(input, count) ?? handler?.(input);
      if (!answer) throw new Refusal('UnknownOperationException', operation);
      response.end(JSON.stringify(answer));
    } catch (error) {
      const { code, message, status } =
        error instanceof Refusal ? error : new Refusal('ServerException', String(error), 500);
      response.statusCode = status;
      response.end(JSON.stringify({ __type: code, message }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    count: (operation) => calls.filter((c) => c.operation === operation).length,
    definitions,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

interface State {
  updatedAt: number | undefined;
  target: string;
  count: number;
}

export function baseDefinition(): Answer {
  return {
    family: 'web',
    networkMode: 'awsvpc',
    cpu: '256',
    memory: '512',
    containerDefinitions: [
      {
        name: 'web',
        image: `123456789012.dkr.ecr.eu-central-1.amazonaws.com/sample-web@sha256:${'a'.repeat(64)}`,
        cpu: 0,
        essential: true,
        environment: [],
        mountPoints: [],
        logConfiguration: {
          logDriver: 'awslogs',
          options: { 'awslogs-group': '/ecs/web', 'awslogs-region': 'eu-central-1', 'awslogs-stream-prefix': 'web' },
        },
      },
    ],
  };
}

const seconds = (ms: number) => ms / 1000;

function handlersOf(
  clock: Clock,
  script: Script,
  state: State,
  since: () => number,
  definitions: Map<string, Answer>,
): Record<string, (input: Answer) => Answer | undefined> {
  const visible = () => since() >= (script.staleMs ?? 0);
  const superseded = () => script.supersededAt !== undefined && since() >= script.supersededAt;
  const began = () => state.updatedAt ?? clock.now();
  const brief = (id: string, createdAt: number, status: string, target: string) => ({
    serviceDeploymentArn: deploymentArn(id),
    targetServiceRevisionArn: revisionArn(target),
    createdAt: seconds(createdAt),
    startedAt: seconds(createdAt),
    status,
  });
  const briefs = () => [
    ...(superseded() ? [brief('other', began() + (script.supersededAt ?? 0), 'IN_PROGRESS', 'web:9')] : []),
    ...(visible() ? [brief('own', began() + 50, script.deployment(since()).status ?? 'PENDING', state.target)] : []),
    brief('old', clock.now() - 3_600_000, 'SUCCESSFUL', 'web:1'),
    brief('older', clock.now() - 7_200_000, 'SUCCESSFUL', 'web:0'),
  ];
  const stopped = () => (script.stopped ?? []).filter((t) => since() >= t.at);
  const definitionOf = (name: string) => {
    const found = definitions.get(name) ?? (name === 'web' ? [...definitions].at(-1)?.[1] : undefined);
    const full = name.includes(':') ? name : ([...definitions].at(-1)?.[0] ?? '');
    return (
      found && {
        ...found,
        taskDefinitionArn: definitionArn(full),
        revision: Number(full.split(':')[1]),
        status: 'ACTIVE',
      }
    );
  };
  const handlers: ReturnType<typeof handlersOf> = {
    DescribeServices: () =>
      script.missing && state.updatedAt === undefined
        ? { services: [], failures: [{ arn: `${ACCOUNT}:service/sample/web`, reason: 'MISSING' }] }
        : { services: [serviceOf(script, state, since(), clock, { visible: visible(), superseded: superseded() })] },
    CreateService: (input) => handlers.UpdateService?.(input),
    DescribeTaskDefinition: (input) => {
      const name = String(input.taskDefinition).split('/').at(-1) ?? '';
      const definition = definitionOf(name);
      if (!definition) throw new Refusal('ClientException', 'Unable to describe task definition.');
      const { tags = [], ...rest } = definition as Answer;
      return { taskDefinition: rest, tags };
    },
    RegisterTaskDefinition: (input) => {
      const name = `web:${definitions.size + 1}`;
      definitions.set(name, input);
      return { taskDefinition: { ...input, taskDefinitionArn: definitionArn(name) } };
    },
    UpdateService: (input) => {
      state.updatedAt = clock.now();
      state.target =
        String(input.taskDefinition ?? definitionArn('web:1'))
          .split('/')
          .at(-1) ?? '';
      state.count = typeof input.desiredCount === 'number' ? input.desiredCount : state.count;
      return { service: serviceOf(script, state, 0, clock, { visible: visible(), superseded: false }) };
    },
    ListServiceDeployments: (input) => {
      const after = (input.createdAt as { after?: number } | undefined)?.after ?? 0;
      return { serviceDeployments: briefs().filter((b) => b.createdAt >= after) };
    },
    DescribeServiceDeployments: () => ({ serviceDeployments: [deploymentOf(script, state, since(), began())] }),
    DescribeServiceRevisions: (input) => ({
      serviceRevisions: (input.serviceRevisionArns as string[]).map((arn) => ({
        serviceRevisionArn: arn,
        taskDefinition: definitionArn(arn.split('/').at(-1) ?? ''),
      })),
    }),
    StopServiceDeployment: (input) => ({ serviceDeploymentArn: input.serviceDeploymentArn }),
    ListTasks: (input) =>
      input.desiredStatus === 'STOPPED'
        ? { taskArns: stopped().map((t) => `${ACCOUNT}:task/sample/${t.id}`) }
        : { taskArns: [`${ACCOUNT}:task/sample/running`] },
    DescribeTasks: (input) => ({
      tasks: (input.tasks as string[]).map((arn) =>
        arn.endsWith('/running')
          ? {
              taskArn: arn,
              taskDefinitionArn: definitionArn(state.updatedAt === undefined ? 'web:1' : state.target),
              lastStatus: 'RUNNING',
              containers: [{ name: 'web', imageDigest: script.digest ?? DIGEST }],
            }
          : stoppedOf(arn, stopped(), state, began()),
      ),
    }),
    TagResource: () => ({}),
  };
  return handlers;
}

function stoppedOf(arn: string, tasks: readonly StoppedTask[], state: State, began: number): Answer {
  const task = tasks.find((t) => arn.endsWith(`/${t.id}`));
  return {
    taskArn: arn,
    taskDefinitionArn: definitionArn(state.target),
    lastStatus: 'STOPPED',
    stoppedAt: seconds(began + (task?.at ?? 0)),
    stopCode: task?.stopCode,
    stoppedReason: task?.stoppedReason,
    containers: task?.containers ?? [],
  };
}

function deploymentOf(script: Script, state: State, ms: number, began: number): Answer {
  const m = script.deployment(ms);
  const source = {
    arn: revisionArn('web:1'),
    requestedTaskCount: 0,
    runningTaskCount: m.running === state.count ? 0 : 2,
    pendingTaskCount: 0,
  };
  return {
    serviceDeploymentArn: deploymentArn('own'),
    createdAt: seconds(began + 50),
    startedAt: seconds(began + 50),
    status: m.status,
    statusReason: m.statusReason,
    sourceServiceRevisions: script.first ? [] : [source],
    targetServiceRevision: {
      arn: revisionArn(state.target),
      requestedTaskCount: state.count,
      runningTaskCount: m.running ?? 0,
      pendingTaskCount: m.pending ?? 0,
    },
    deploymentCircuitBreaker: { status: m.breaker ?? 'MONITORING', failureCount: m.failed ?? 0, threshold: 3 },
    ...(m.rollbackTo && { rollback: { reason: 'circuit breaker', serviceRevisionArn: revisionArn(m.rollbackTo) } }),
  };
}

function serviceOf(
  script: Script,
  state: State,
  ms: number,
  clock: Clock,
  { visible, superseded }: { visible: boolean; superseded: boolean },
): Answer {
  const m = ms < 0 ? {} : script.deployment(ms);
  const old = {
    id: 'ecs-svc/old',
    status: 'PRIMARY',
    taskDefinition: definitionArn('web:1'),
    desiredCount: 2,
    runningCount: 2,
    pendingCount: 0,
    failedTasks: 0,
    rolloutState: 'COMPLETED',
    createdAt: seconds(clock.now() - 3_600_000),
  };
  const own = {
    id: 'ecs-svc/own',
    status: superseded ? 'ACTIVE' : 'PRIMARY',
    taskDefinition: definitionArn(state.target),
    desiredCount: state.count,
    runningCount: m.running ?? 0,
    pendingCount: m.pending ?? 0,
    failedTasks: m.failed ?? 0,
    rolloutState: m.rollout ?? 'IN_PROGRESS',
    createdAt: seconds((state.updatedAt ?? clock.now()) + 50),
  };
  const other = {
    ...own,
    id: 'ecs-svc/other',
    status: 'PRIMARY',
    taskDefinition: definitionArn('web:9'),
    failedTasks: 0,
  };
  const shown = state.updatedAt !== undefined && visible;
  const done = m.status === 'SUCCESSFUL';
  return {
    serviceArn: `${ACCOUNT}:service/sample/web`,
    serviceName: 'web',
    clusterArn: `${ACCOUNT}:cluster/sample`,
    status: 'ACTIVE',
    taskDefinition: definitionArn(shown ? (superseded ? 'web:9' : state.target) : 'web:1'),
    desiredCount: state.count,
    runningCount: 2,
    pendingCount: 0,
    currentServiceDeployment: deploymentArn(shown ? (superseded ? 'other' : 'own') : 'old'),
    deployments: shown ? (superseded ? [other, own] : done ? [own] : [own, { ...old, status: 'ACTIVE' }]) : [old],
    events: (script.stopped ?? [])
      .filter((t) => ms >= t.at)
      .map((t) => ({
        id: t.id,
        createdAt: seconds((state.updatedAt ?? 0) + t.at),
        message: `(service web) task ${t.id} failed`,
      })),
    tags: [],
    loadBalancers: script.loadBalancers ?? [],
  };
}
