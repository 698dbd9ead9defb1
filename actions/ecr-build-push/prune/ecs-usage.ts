import {
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ECSClient,
  type Failure,
  ListClustersCommand,
  ListServicesCommand,
  ListTaskDefinitionsCommand,
  ListTasksCommand,
} from '@aws-sdk/client-ecs';
import { awsConfig, callAws } from '../../../lib/aws/client.ts';
import { shortName } from '../../../lib/ecs/names.ts';
import { Problem } from '../../../lib/errors.ts';
import { assumedCredentials } from '../role.ts';
import type { EcsPlace } from './places.ts';
import type { Usage } from './usage.ts';

export interface EcsUsageOptions {
  place: EcsPlace;
  /** `all` ACTIVE revisions, or so many newest ones of each family. */
  keep: 'all' | number;
  signal: AbortSignal;
}

/** The account's calls share a token bucket: a few at a time. */
const PARALLEL = 4;
// ECS API reference: DescribeServices takes 10, DescribeTasks 100.
const SERVICES = 10;
const TASKS = 100;

/**
 * Adds every image that ECS needs in one region: of task definitions that are ACTIVE, of those that a service, one of its
 * deployments or a task uses whatever their state, and of the containers that run.
 * @throws Problem when any part of it cannot be read
 */
export async function addEcsUsage(usage: Usage, options: EcsUsageOptions): Promise<void> {
  const reader = await openReader(options);
  const clusters = await reader.clusters();
  const definitions = new Map<string, string>();
  for (const arn of newest(await reader.activeDefinitions(), options.keep))
    definitions.set(arn, `task definition ${shortName(arn)}`);
  for (const cluster of clusters) {
    for (const [arn, service] of await reader.definitionsOfServices(cluster))
      definitions.set(arn, `service ${shortName(cluster)}/${service}, ${shortName(arn)}`);
    for (const task of await reader.tasks(cluster)) {
      usage.looked++;
      const name = `task ${shortName(task.taskArn)} in ${shortName(cluster)}`;
      for (const { image, imageDigest } of task.containers ?? []) {
        if (imageDigest) usage.addDigest(imageDigest, name);
        if (image) usage.addReference(image, name);
      }
      if (task.taskDefinitionArn && !definitions.has(task.taskDefinitionArn))
        definitions.set(task.taskDefinitionArn, name);
    }
  }
  await eachOf([...definitions], async ([arn, by]) => {
    usage.looked++;
    for (const image of await reader.images(arn)) usage.addReference(image, by);
  });
}

/** The newest revisions of each family. @param arns …:task-definition/FAMILY:REVISION */
export function newest(arns: readonly string[], keep: 'all' | number): string[] {
  if (keep === 'all') return [...arns];
  const families = new Map<string, string[]>();
  for (const arn of arns) {
    const family = arn.slice(0, arn.lastIndexOf(':'));
    families.set(family, [...(families.get(family) ?? []), arn]);
  }
  const revision = (arn: string) => Number(arn.slice(arn.lastIndexOf(':') + 1));
  return [...families.values()].flatMap((list) => list.toSorted((a, b) => revision(b) - revision(a)).slice(0, keep));
}

async function openReader({ place, signal }: EcsUsageOptions) {
  const { region, role } = place;
  const credentials = role ? await assumedCredentials({ role, region, signal }) : undefined;
  const client = new ECSClient({
    ...awsConfig({ region, action: 'ecr-build-push' }),
    ...(credentials && { credentials }),
  });
  const where = `${region}${role ? ` as ${shortName(role)}` : ''}`;
  const options = { abortSignal: signal };
  const all = async <T>(
    page: (nextToken: string | undefined) => Promise<{ items: T[]; nextToken?: string | undefined }>,
  ) => {
    const items: T[] = [];
    let nextToken: string | undefined;
    do {
      const answer = await page(nextToken);
      items.push(...answer.items);
      nextToken = answer.nextToken;
    } while (nextToken);
    return items;
  };
  const from = (nextToken: string | undefined) => (nextToken === undefined ? {} : { nextToken });
  return {
    clusters: () =>
      all(async (token) => {
        const call = { operation: 'ecs:ListClusters', resource: `clusters in ${where}` };
        const { clusterArns: items = [], nextToken } = await callAws(call, () =>
          client.send(new ListClustersCommand(from(token)), options),
        );
        return { items, nextToken };
      }),

    activeDefinitions: () =>
      all(async (token) => {
        const call = { operation: 'ecs:ListTaskDefinitions', resource: `task definitions in ${where}` };
        const command = new ListTaskDefinitionsCommand({ status: 'ACTIVE', ...from(token) });
        const { taskDefinitionArns: items = [], nextToken } = await callAws(call, () => client.send(command, options));
        return { items, nextToken };
      }),

    /** Of every deployment and task set under way, with the service's name. */
    async definitionsOfServices(cluster: string): Promise<[string, string][]> {
      const arns = await all(async (token) => {
        const call = { operation: 'ecs:ListServices', resource: `cluster ${shortName(cluster)} in ${where}` };
        const command = new ListServicesCommand({ cluster, maxResults: 100, ...from(token) });
        const { serviceArns: items = [], nextToken } = await callAws(call, () => client.send(command, options));
        return { items, nextToken };
      });
      const found: [string, string][] = [];
      for (let i = 0; i < arns.length; i += SERVICES) {
        const call = { operation: 'ecs:DescribeServices', resource: `cluster ${shortName(cluster)} in ${where}` };
        const command = new DescribeServicesCommand({ cluster, services: arns.slice(i, i + SERVICES) });
        const { services = [], failures = [] } = await callAws(call, () => client.send(command, options));
        refuseFailures(failures, call.resource);
        for (const { serviceName = '', taskDefinition, deployments = [], taskSets = [] } of services) {
          const used = [taskDefinition, ...[...deployments, ...taskSets].map((d) => d.taskDefinition)];
          found.push(...used.flatMap((arn): [string, string][] => (arn ? [[arn, serviceName]] : [])));
        }
      }
      return found;
    },

    async tasks(cluster: string) {
      const arns = await all(async (token) => {
        const call = { operation: 'ecs:ListTasks', resource: `cluster ${shortName(cluster)} in ${where}` };
        const command = new ListTasksCommand({ cluster, desiredStatus: 'RUNNING', ...from(token) });
        const { taskArns: items = [], nextToken } = await callAws(call, () => client.send(command, options));
        return { items, nextToken };
      });
      const found = [];
      for (let i = 0; i < arns.length; i += TASKS) {
        const call = { operation: 'ecs:DescribeTasks', resource: `cluster ${shortName(cluster)} in ${where}` };
        const command = new DescribeTasksCommand({ cluster, tasks: arns.slice(i, i + TASKS) });
        const { tasks = [], failures = [] } = await callAws(call, () => client.send(command, options));
        refuseFailures(failures, call.resource);
        found.push(...tasks);
      }
      return found;
    },

    async images(taskDefinition: string): Promise<string[]> {
      const call = {
        operation: 'ecs:DescribeTaskDefinition',
        resource: `task definition ${shortName(taskDefinition)}`,
      };
      const command = new DescribeTaskDefinitionCommand({ taskDefinition });
      const { taskDefinition: found } = await callAws(call, () => client.send(command, options));
      return (found?.containerDefinitions ?? []).flatMap(({ image }) => image ?? []);
    },
  };
}

/** What ended between the list and its description is MISSING and needs no image any more; any other failure is a gap. */
function refuseFailures(failures: readonly Failure[], resource: string): void {
  const gap = failures.find(({ reason }) => reason !== 'MISSING');
  if (!gap) return;
  throw new Problem({
    what: resource,
    seen: gap.reason,
    cause: `ECS does not describe ${shortName(gap.arn)}${gap.detail ? ` (${gap.detail})` : ''}, so that what it uses is not known`,
    fix: 'Run it again; nothing was deleted',
    kind: 'service',
  });
}

async function eachOf<T>(items: readonly T[], f: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await f(item);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}
