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
  /** Lifecycle stage, and the new revision's share of production and test traffic in percent. */
  stage?: string;
  production?: number;
  test?: number;
  hooks?: Answer[];
}

export interface StoppedTask {
  id: string;
  /** After UpdateService. */
  at: number;
  stopCode: string;
  stoppedReason: string;
  /** Since its start. */
  livedMs?: number;
  containers?: Answer[];
}

export interface Script {
  /** The state of our deployment; called with the time since UpdateService. */
  deployment(ms: number): Moment;
  /** The same for a second deployment, which the action makes to go back. By default it succeeds after four seconds. */
  again?(ms: number): Moment;
  stopped?: StoppedTask[];
  /** Until then DescribeServices and ListServiceDeployments show only what was there before. */
  staleMs?: number;
  /** When somebody else's deployment takes over. */
  supersededAt?: number;
  first?: boolean;
  /** Our deployment was begun by an earlier run: it is as old as the script. */
  underWay?: boolean;
  /** More of the service, over what it is by default. */
  service?: Answer;
  /** The service does not exist until CreateService makes it. */
  missing?: boolean;
  digest?: string;
  /** What stands before the service. */
  loadBalancers?: Answer[];
  /** Handlers that stand before the scripted ones; undefined: go on. */
  before?: Record<string, (input: Answer, count: number) => Answer | undefined | Promise<Answer | undefined>>;
  /** Called when a request has been carried out, before it is answered: an answer that comes late, or never. */
  answering?: (operation: string, count: number) => Promise<void> | undefined;
  /** Requests that are carried out and whose connection is then cut without an answer. */
  cut?: (operation: string, count: number) => boolean;
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
  if (script.underWay) definitions.set('web:2', baseDefinition());
  const state: State = { updatedAt: undefined, target: 'web:2', count: 2, made: [] };
  if (script.underWay) begin(state, clock.now(), 'web:2');
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
      const answer = (await script.before?.[operation]?.(input, count)) ?? handler?.(input);
      if (!answer) throw new Refusal('UnknownOperationException', operation);
      await script.answering?.(operation, count);
      if (script.cut?.(operation, count)) {
        request.socket.destroy();
        return;
      }
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
  /** Deployments made so far, each with what it aims at and when it was asked for. */
  made: { id: string; at: number; target: string }[];
  /** When ours was told to roll back. */
  stoppedAt?: number;
  configuration?: unknown;
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
        portMappings: [{ containerPort: 8080, hostPort: 8080, protocol: 'tcp' }],
        logConfiguration: {
          logDriver: 'awslogs',
          options: { 'awslogs-group': '/ecs/web', 'awslogs-region': 'eu-central-1', 'awslogs-stream-prefix': 'web' },
        },
      },
    ],
  };
}

const seconds = (ms: number) => ms / 1000;

function begin(state: State, at: number, target: string): void {
  state.updatedAt = at;
  state.target = target;
  state.made.push({ id: state.made.length === 0 ? 'own' : `own${state.made.length + 1}`, at, target });
}

const ENDED = new Set(['SUCCESSFUL', 'STOPPED']);

/** How the newest deployment stands: by the script, unless it was told to roll back. */
function momentOf(script: Script, state: State, ms: number, id = state.made.at(-1)?.id): Moment {
  if (id !== undefined && id !== 'own')
    return (
      script.again?.(ms) ?? (ms < 4000 ? { status: 'IN_PROGRESS' } : { status: 'SUCCESSFUL', running: state.count })
    );
  const first = state.made[0];
  const since = state.updatedAt !== undefined && first ? ms + state.updatedAt - first.at : ms;
  const moment = script.deployment(since);
  // A script may tell itself what follows.
  const told = moment.status?.startsWith('ROLLBACK');
  if (told || state.stoppedAt === undefined || first === undefined) return moment;
  const back = since - (state.stoppedAt - first.at);
  const status = back < 1000 ? 'ROLLBACK_REQUESTED' : back < 3000 ? 'ROLLBACK_IN_PROGRESS' : 'ROLLBACK_SUCCESSFUL';
  return {
    ...moment,
    status,
    statusReason: 'Service deployment rolled back because of a stop service deployment request.',
    rollbackTo: 'web:1',
  };
}

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
    ...(visible()
      ? state.made
          .map(({ id, at, target }) =>
            brief(id, at + 50, momentOf(script, state, since(), id).status ?? 'PENDING', target),
          )
          .toReversed()
      : []),
    brief('old', clock.now() - 3_600_000, 'SUCCESSFUL', 'web:1'),
    brief('older', clock.now() - 7_200_000, 'SUCCESSFUL', 'web:0'),
  ];
  const sinceFirst = () => clock.now() - (state.made[0]?.at ?? clock.now());
  const stopped = () => (script.stopped ?? []).filter((t) => state.made.length > 0 && sinceFirst() >= t.at);
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
      const target = String(input.taskDefinition ?? definitionArn('web:1')).split('/');
      begin(state, clock.now(), target.at(-1) ?? '');
      state.configuration = input.deploymentConfiguration ?? state.configuration;
      state.count = typeof input.desiredCount === 'number' ? input.desiredCount : state.count;
      return { service: serviceOf(script, state, 0, clock, { visible: visible(), superseded: false }) };
    },
    ListServiceDeployments: (input) => {
      const after = (input.createdAt as { after?: number } | undefined)?.after ?? 0;
      return { serviceDeployments: briefs().filter((b) => b.createdAt >= after) };
    },
    DescribeServiceDeployments: (input) => ({
      serviceDeployments: state.made
        .filter(({ id }) => (input.serviceDeploymentArns as string[]).includes(deploymentArn(id)))
        .map((one) => deploymentOf(script, state, since(), one)),
    }),
    DescribeServiceRevisions: (input) => ({
      serviceRevisions: (input.serviceRevisionArns as string[]).map((arn) => ({
        serviceRevisionArn: arn,
        taskDefinition: definitionArn(arn.split('/').at(-1) ?? ''),
      })),
    }),
    ContinueServiceDeployment: (input) => ({ serviceDeploymentArn: input.serviceDeploymentArn }),
    StopServiceDeployment: (input) => {
      const { status = '' } = momentOf(script, state, since());
      if (ENDED.has(status)) throw new Refusal('ConflictException', `it cannot be stopped: its status is ${status}`);
      state.stoppedAt = clock.now();
      return { serviceDeploymentArn: input.serviceDeploymentArn };
    },
    ListTasks: (input) =>
      input.desiredStatus === 'STOPPED'
        ? { taskArns: stopped().map((t) => `${ACCOUNT}:task/sample/${t.id}`) }
        : { taskArns: Array.from({ length: state.count }, (_, i) => `${ACCOUNT}:task/sample/${i}/running`) },
    DescribeTasks: (input) => ({
      tasks: (input.tasks as string[]).map((arn) =>
        arn.endsWith('/running')
          ? {
              taskArn: arn,
              taskDefinitionArn: definitionArn(state.updatedAt === undefined ? 'web:1' : state.target),
              lastStatus: 'RUNNING',
              startedAt: seconds(began() + 1000),
              containers: [{ name: 'web', imageDigest: script.digest ?? DIGEST }],
            }
          : stoppedOf(arn, stopped(), state, state.made[0]?.at ?? began()),
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
    taskDefinitionArn: definitionArn(state.made[0]?.target ?? state.target),
    lastStatus: 'STOPPED',
    ...(task?.livedMs !== undefined && { startedAt: seconds(began + task.at - task.livedMs) }),
    stoppedAt: seconds(began + (task?.at ?? 0)),
    stopCode: task?.stopCode,
    stoppedReason: task?.stoppedReason,
    containers: task?.containers ?? [],
  };
}

function deploymentOf(script: Script, state: State, ms: number, { id, at, target }: State['made'][number]): Answer {
  const m = momentOf(script, state, ms, id);
  const source = {
    arn: revisionArn(id === 'own' ? 'web:1' : 'web:2'),
    requestedTaskCount: 0,
    runningTaskCount: m.running === state.count ? 0 : 2,
    pendingTaskCount: 0,
  };
  return {
    serviceDeploymentArn: deploymentArn(id),
    createdAt: seconds(at + 50),
    startedAt: seconds(at + 50),
    status: m.status,
    statusReason: m.statusReason,
    sourceServiceRevisions: script.first ? [] : [source],
    targetServiceRevision: {
      arn: revisionArn(target),
      requestedTaskCount: state.count,
      runningTaskCount: m.running ?? 0,
      pendingTaskCount: m.pending ?? 0,
      ...(m.production !== undefined && { requestedProductionTrafficWeight: m.production }),
      ...(m.test !== undefined && { requestedTestTrafficWeight: m.test }),
    },
    serviceArn: `${ACCOUNT}:service/sample/web`,
    ...(m.stage && { lifecycleStage: m.stage }),
    ...(m.hooks && { lifecycleHookDetails: m.hooks }),
    deploymentConfiguration: state.configuration ?? script.service?.deploymentConfiguration,
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
  const m: Moment = ms < 0 ? {} : momentOf(script, state, ms);
  const back = m.status === 'ROLLBACK_SUCCESSFUL';
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
    rolloutState: m.rollout ?? (m.status === 'SUCCESSFUL' ? 'COMPLETED' : 'IN_PROGRESS'),
    createdAt: seconds((state.updatedAt ?? clock.now()) + 50),
  };
  const other = {
    ...own,
    id: 'ecs-svc/other',
    status: 'PRIMARY',
    taskDefinition: definitionArn('web:9'),
    failedTasks: 0,
  };
  const shown = state.updatedAt !== undefined && visible && !back;
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
    currentServiceDeployment: deploymentArn(shown ? (superseded ? 'other' : (state.made.at(-1)?.id ?? 'own')) : 'old'),
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
    ...script.service,
    ...(state.configuration !== undefined && { deploymentConfiguration: state.configuration }),
  };
}
