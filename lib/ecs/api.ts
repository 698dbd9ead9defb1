import {
  ContinueServiceDeploymentCommand,
  CreateServiceCommand,
  type CreateServiceCommandInput,
  type Deployment,
  type DeploymentConfiguration,
  DescribeServiceDeploymentsCommand,
  DescribeServiceRevisionsCommand,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ECSClient,
  ListServiceDeploymentsCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  type Service,
  type ServiceDeployment,
  type ServiceDeploymentBrief,
  type ServiceRevision,
  StopServiceDeploymentCommand,
  TagResourceCommand,
  type Task,
  UpdateServiceCommand,
  type UpdateServiceCommandInput,
} from '@aws-sdk/client-ecs';
import type { CredentialProvider } from '../aws/client.ts';
import { awsConfig, callAws } from '../aws/client.ts';
import { Problem } from '../errors.ts';
import { isObject, type JsonObject, objects, textOf } from './json.ts';
import { type ServiceRef, serviceName, shortName } from './names.ts';
import { type RevisionCalls, revisionCallsOf } from './revisions.ts';
import { type TaskCalls, taskCallsOf } from './tasks.ts';
import { captureAnswer, sendExactly } from './wire.ts';

export type {
  Deployment,
  DeploymentConfiguration,
  Service,
  ServiceDeployment,
  ServiceDeploymentBrief,
  ServiceRevision,
  Task,
};

export type Tags = Readonly<Record<string, string>>;

/** A task definition as ECS keeps it, every field of it, and its tags. */
export interface StoredDefinition {
  arn: string;
  definition: JsonObject;
  tags: Record<string, string>;
}

export interface DescribedService {
  service: Service;
  tags: Record<string, string>;
  /** The service's clock when it answered, in milliseconds since the epoch. */
  at: number;
}

/** Settings of a service beside what it runs and how often. */
export type ServiceSettings = Omit<
  UpdateServiceCommandInput,
  'cluster' | 'service' | 'taskDefinition' | 'desiredCount' | 'forceNewDeployment'
>;

export interface ServiceUpdate {
  taskDefinition?: string | undefined;
  desiredCount?: number | undefined;
  force?: boolean | undefined;
  /** The whole configuration, not only what changes of it. */
  deploymentConfiguration?: DeploymentConfiguration | undefined;
  settings?: ServiceSettings | undefined;
}

/** What the suite asks of Amazon ECS. Each call throws a Problem that names the permission or resource. */
export interface EcsApi extends TaskCalls, RevisionCalls {
  /** @throws Problem kind `not-found` for a missing or inactive service. */
  describeService(ref: ServiceRef): Promise<DescribedService>;
  /** The definition with every field ECS sent, known to the SDK or not. */
  describeTaskDefinition(name: string): Promise<StoredDefinition>;
  /** Registers the definition as it stands, byte for byte. @returns the ARN of the new revision. */
  registerTaskDefinition(definition: JsonObject, tags: Tags): Promise<string>;
  updateService(ref: ServiceRef, update: ServiceUpdate): Promise<DescribedService>;
  /** Creates a service from its definition as it stands. */
  createService(ref: ServiceRef, definition: JsonObject): Promise<DescribedService>;
  /** Deployments of the service created at or after a time (all that ECS remembers without one), newest first. */
  listDeployments(ref: ServiceRef, after?: Date): Promise<ServiceDeploymentBrief[]>;
  describeDeployment(arn: string): Promise<ServiceDeployment | undefined>;
  describeRevisions(arns: readonly string[]): Promise<ServiceRevision[]>;
  /** Asks ECS to roll the deployment back. */
  rollBackDeployment(arn: string): Promise<void>;
  /** Answers a PAUSE hook that a deployment waits at. */
  answerPause(arn: string, hookId: string, action: 'CONTINUE' | 'ROLLBACK'): Promise<void>;
  listTasks(ref: ServiceRef, status: 'RUNNING' | 'STOPPED'): Promise<Task[]>;
  tag(arn: string, tags: Tags): Promise<void>;
  /** The same calls under another signal: for what still has to be asked after the first one fired. */
  within(signal: AbortSignal): EcsApi;
}

export interface EcsOptions {
  region: string;
  /** The action that calls, for the user agent. */
  action: string;
  /** Ends every read at once. A write is let finish for `WRITE_GRACE_MS`, so that it is known whether it happened. */
  signal: AbortSignal;
  credentials?: CredentialProvider | undefined;
  /** Tries of each call, the first included. */
  attempts?: number | undefined;
}

const DEPLOYMENTS_READ = 100;
const WRITE_GRACE_MS = 3_000;
/** DescribeTasks takes so many at once. */
const TASKS_READ = 100;
/** A service of more tasks is judged by these. */
const MOST_TASKS = 1_000;

export function ecsApi({ region, action, signal, credentials, attempts }: EcsOptions): EcsApi {
  let made: ECSClient | undefined;
  // Made with the first call, so that an action that ends before it does not pay for a client.
  return callsOf(() => {
    made ??= new ECSClient(awsConfig({ region, action, credentials, attempts }));
    return made;
  }, signal);
}

function callsOf(client: () => ECSClient, signal: AbortSignal): EcsApi {
  const options = { client, reading: { abortSignal: signal }, writing: () => ({ abortSignal: afterGrace(signal) }) };
  return {
    ...readsOf(client, signal),
    ...writesOf(client, signal),
    ...taskCallsOf(options),
    ...revisionCallsOf(options),
    within: (other) => callsOf(client, other),
  };
}

type Reads = Omit<EcsApi, keyof Writes | keyof TaskCalls | keyof RevisionCalls | 'within'>;
type Writes = Pick<
  EcsApi,
  'registerTaskDefinition' | 'updateService' | 'createService' | 'rollBackDeployment' | 'answerPause' | 'tag'
>;

function readsOf(client: () => ECSClient, signal: AbortSignal): Reads {
  const reading = { abortSignal: signal };
  return {
    async describeService(ref) {
      const command = new DescribeServicesCommand({ cluster: ref.cluster, services: [ref.service], include: ['TAGS'] });
      const captured = captureAnswer(command, { body: false });
      const call = { operation: 'ecs:DescribeServices', resource: serviceName(ref) };
      const { services, failures } = await callAws(call, () => client().send(command, reading));
      const service = services?.[0];
      if (!service || service.status === 'INACTIVE') throw noService(ref, service?.status ?? failures?.[0]?.reason);
      return described(service, captured.at);
    },

    async describeTaskDefinition(name) {
      const command = new DescribeTaskDefinitionCommand({ taskDefinition: name, include: ['TAGS'] });
      const captured = captureAnswer(command, { body: true });
      const call = { operation: 'ecs:DescribeTaskDefinition', resource: `task definition ${shortName(name)}` };
      await callAws(call, () => client().send(command, reading));
      const body = isObject(captured.body) ? captured.body : {};
      const definition = isObject(body.taskDefinition) ? body.taskDefinition : {};
      const tags = objects(body.tags).map((t): [string, string] => [textOf(t.key), textOf(t.value)]);
      return { arn: textOf(definition.taskDefinitionArn), definition, tags: Object.fromEntries(tags) };
    },

    async listDeployments(ref, after) {
      const found: ServiceDeploymentBrief[] = [];
      let nextToken: string | undefined;
      do {
        const command = new ListServiceDeploymentsCommand({
          cluster: ref.cluster,
          service: ref.service,
          ...(after && { createdAt: { after } }),
          ...(nextToken !== undefined && { nextToken }),
        });
        const call = { operation: 'ecs:ListServiceDeployments', resource: serviceName(ref) };
        const page = await callAws(call, () => client().send(command, reading));
        found.push(...(page.serviceDeployments ?? []));
        nextToken = page.nextToken;
      } while (nextToken && found.length < DEPLOYMENTS_READ);
      return found.toSorted((a, b) => (b.createdAt?.getTime() ?? 0) - (a.createdAt?.getTime() ?? 0));
    },

    async describeDeployment(arn) {
      const command = new DescribeServiceDeploymentsCommand({ serviceDeploymentArns: [arn] });
      const call = { operation: 'ecs:DescribeServiceDeployments', resource: `deployment ${shortName(arn)}` };
      const { serviceDeployments } = await callAws(call, () => client().send(command, reading));
      return serviceDeployments?.[0];
    },

    async describeRevisions(arns) {
      if (arns.length === 0) return [];
      const command = new DescribeServiceRevisionsCommand({ serviceRevisionArns: [...arns].slice(0, 20) });
      const call = { operation: 'ecs:DescribeServiceRevisions', resource: arns.map(shortName).join(', ') };
      const { serviceRevisions } = await callAws(call, () => client().send(command, reading));
      return serviceRevisions ?? [];
    },

    async listTasks(ref, status) {
      const arns: string[] = [];
      let nextToken: string | undefined;
      do {
        const service = { cluster: ref.cluster, serviceName: ref.service };
        const list = new ListTasksCommand({ ...service, desiredStatus: status, ...(nextToken && { nextToken }) });
        const call = { operation: 'ecs:ListTasks', resource: serviceName(ref) };
        const page = await callAws(call, () => client().send(list, reading));
        arns.push(...(page.taskArns ?? []));
        nextToken = page.nextToken;
      } while (nextToken && arns.length < MOST_TASKS);
      const found: Task[] = [];
      for (let i = 0; i < arns.length; i += TASKS_READ) {
        const command = new DescribeTasksCommand({ cluster: ref.cluster, tasks: arns.slice(i, i + TASKS_READ) });
        const call = { operation: 'ecs:DescribeTasks', resource: `tasks of ${serviceName(ref)}` };
        const { tasks } = await callAws(call, () => client().send(command, reading));
        found.push(...(tasks ?? []));
      }
      return found;
    },
  };
}

function writesOf(client: () => ECSClient, signal: AbortSignal): Writes {
  const writing = () => ({ abortSignal: afterGrace(signal) });
  return {
    async registerTaskDefinition(definition, tags) {
      const family = textOf(definition.family);
      const command = new RegisterTaskDefinitionCommand({ family, containerDefinitions: [] });
      sendExactly(command, { ...definition, ...(Object.keys(tags).length > 0 && { tags: tagList(tags) }) });
      const call = { operation: 'ecs:RegisterTaskDefinition', resource: `task definition ${family}` };
      const { taskDefinition } = await callAws(call, () => client().send(command, writing()));
      if (!taskDefinition?.taskDefinitionArn) throw noAnswer(call.operation, call.resource);
      return taskDefinition.taskDefinitionArn;
    },

    async updateService(ref, { taskDefinition, desiredCount, force, deploymentConfiguration, settings }) {
      const input = {
        ...settings,
        cluster: ref.cluster,
        service: ref.service,
        ...(taskDefinition !== undefined && { taskDefinition }),
        ...(desiredCount !== undefined && { desiredCount }),
        ...(force && { forceNewDeployment: true }),
        ...(deploymentConfiguration !== undefined && { deploymentConfiguration }),
      };
      const command = new UpdateServiceCommand(input);
      sendExactly(command, input);
      const captured = captureAnswer(command, { body: false });
      const call = { operation: 'ecs:UpdateService', resource: serviceName(ref) };
      const { service } = await callAws(call, () => client().send(command, writing()));
      if (!service) throw noAnswer(call.operation, call.resource);
      return described(service, captured.at);
    },

    async createService(ref, definition) {
      const input = { ...definition, cluster: ref.cluster, serviceName: shortName(ref.service) };
      const command = new CreateServiceCommand(input as CreateServiceCommandInput);
      sendExactly(command, input);
      const captured = captureAnswer(command, { body: false });
      const call = { operation: 'ecs:CreateService', resource: serviceName(ref) };
      const { service } = await callAws(call, () => client().send(command, writing()));
      if (!service) throw noAnswer(call.operation, call.resource);
      return described(service, captured.at);
    },

    async rollBackDeployment(arn) {
      const command = new StopServiceDeploymentCommand({ serviceDeploymentArn: arn, stopType: 'ROLLBACK' });
      const call = { operation: 'ecs:StopServiceDeployment', resource: `deployment ${shortName(arn)}` };
      await callAws(call, () => client().send(command, writing()));
    },

    async answerPause(arn, hookId, action) {
      const command = new ContinueServiceDeploymentCommand({ serviceDeploymentArn: arn, hookId, action });
      const call = { operation: 'ecs:ContinueServiceDeployment', resource: `deployment ${shortName(arn)}` };
      await callAws(call, () => client().send(command, writing()));
    },

    async tag(arn, tags) {
      const command = new TagResourceCommand({ resourceArn: arn, tags: tagList(tags) });
      const call = { operation: 'ecs:TagResource', resource: shortName(arn) };
      await callAws(call, () => client().send(command, writing()));
    },
  };
}

function described(service: Service, at: number | undefined): DescribedService {
  const tags = Object.fromEntries((service.tags ?? []).map((t) => [t.key ?? '', t.value ?? '']));
  return { service, tags, at: at ?? Date.now() };
}

function tagList(tags: Tags): { key: string; value: string }[] {
  return Object.entries(tags).map(([key, value]) => ({ key, value }));
}

/** Fires some time after the given signal does, so that a call that changes something gets to its answer. */
function afterGrace(signal: AbortSignal): AbortSignal {
  const late = new AbortController();
  const arm = () => setTimeout(() => late.abort(), WRITE_GRACE_MS).unref();
  if (signal.aborted) arm();
  else signal.addEventListener('abort', arm, { once: true });
  return late.signal;
}

function noService(ref: ServiceRef, reason: string | undefined): Problem {
  return new Problem({
    what: serviceName(ref),
    cause: `ECS knows no such active service (${reason ?? 'no reason given'})`,
    fix: 'Check `cluster` and `service`, the region and the account; create the service first (infra)',
    kind: 'not-found',
  });
}

function noAnswer(operation: string, resource: string): Problem {
  return new Problem({
    what: `${operation} on ${resource}`,
    cause: 'the answer holds no result',
    fix: 'Run it again; if it stays, look at the AWS Health Dashboard',
    kind: 'service',
  });
}
