import {
  DeregisterTaskDefinitionCommand,
  DescribeServicesCommand,
  DescribeTasksCommand,
  type Failure,
  ListClustersCommand,
  ListServicesCommand,
  ListTaskDefinitionsCommand,
  ListTasksCommand,
  type Service,
  type Task,
} from '@aws-sdk/client-ecs';
import { callAws } from '../aws/client.ts';
import { Problem } from '../errors.ts';
import { shortName } from './names.ts';
import type { CallOptions } from './tasks.ts';

/** What the suite asks of ECS about the revisions of a family, and about who uses them. */
export interface RevisionCalls {
  /** ARNs of the family's ACTIVE revisions, newest first: all of them. */
  listRevisions(family: string): Promise<string[]>;
  /** Makes a revision INACTIVE: what runs of it runs on, and nothing new starts from it. */
  deregister(arn: string): Promise<void>;
  /** ARNs of all clusters of the account in this region. */
  listClusters(): Promise<string[]>;
  /** Every service of a cluster. @throws Problem kind `service` where ECS lists one that it does not describe */
  listServices(cluster: string): Promise<Service[]>;
  /** Every task of a family in a cluster that is to run. @throws Problem kind `service` as above */
  listTasksOfFamily(cluster: string, family: string): Promise<Task[]>;
}

/** DescribeServices takes 10 at a time, DescribeTasks 100. Source: ECS API reference. */
const SERVICES_A_CALL = 10;
const TASKS_A_CALL = 100;

export function revisionCallsOf({ client, reading, writing }: CallOptions): RevisionCalls {
  return {
    async listRevisions(family) {
      const call = { operation: 'ecs:ListTaskDefinitions', resource: `family ${family}` };
      const all = await pages((nextToken) => {
        // The prefix is matched whole. Source: ECS API reference, ListTaskDefinitions, familyPrefix.
        const input = { familyPrefix: family, status: 'ACTIVE', sort: 'DESC', ...nextToken } as const;
        return callAws(call, () => client().send(new ListTaskDefinitionsCommand(input), reading));
      });
      return all.flatMap((page) => page.taskDefinitionArns ?? []);
    },

    async deregister(arn) {
      const call = { operation: 'ecs:DeregisterTaskDefinition', resource: `task definition ${shortName(arn)}` };
      const command = new DeregisterTaskDefinitionCommand({ taskDefinition: arn });
      await callAws(call, () => client().send(command, writing()));
    },

    async listClusters() {
      const call = { operation: 'ecs:ListClusters', resource: 'the account' };
      const all = await pages((nextToken) =>
        callAws(call, () => client().send(new ListClustersCommand(nextToken), reading)),
      );
      return all.flatMap((page) => page.clusterArns ?? []);
    },

    async listServices(cluster) {
      const resource = `services of cluster ${shortName(cluster)}`;
      const list = { operation: 'ecs:ListServices', resource };
      const all = await pages((nextToken) =>
        callAws(list, () =>
          client().send(new ListServicesCommand({ cluster, maxResults: 100, ...nextToken }), reading),
        ),
      );
      const arns = all.flatMap((page) => page.serviceArns ?? []);
      const described = await Promise.all(
        chunks(arns, SERVICES_A_CALL).map((services) =>
          callAws({ operation: 'ecs:DescribeServices', resource }, () =>
            client().send(new DescribeServicesCommand({ cluster, services }), reading),
          ),
        ),
      );
      return described.flatMap(({ services, failures }) => whole(services, failures, resource));
    },

    async listTasksOfFamily(cluster, family) {
      const resource = `tasks of family ${family} in cluster ${shortName(cluster)}`;
      const all = await pages((nextToken) =>
        callAws({ operation: 'ecs:ListTasks', resource }, () =>
          client().send(new ListTasksCommand({ cluster, family, desiredStatus: 'RUNNING', ...nextToken }), reading),
        ),
      );
      const arns = all.flatMap((page) => page.taskArns ?? []);
      const described = await Promise.all(
        chunks(arns, TASKS_A_CALL).map((tasks) =>
          callAws({ operation: 'ecs:DescribeTasks', resource }, () =>
            client().send(new DescribeTasksCommand({ cluster, tasks }), reading),
          ),
        ),
      );
      return described.flatMap(({ tasks, failures }) => whole(tasks, failures, resource));
    },
  };
}

/** Every page of a list: one that is cut short would make something in use look unused. */
async function pages<T extends { nextToken?: string | undefined }>(
  page: (nextToken: { nextToken?: string }) => Promise<T>,
): Promise<T[]> {
  const all: T[] = [];
  let nextToken: string | undefined;
  do {
    const one = await page(nextToken === undefined ? {} : { nextToken });
    all.push(one);
    nextToken = one.nextToken;
  } while (nextToken);
  return all;
}

/** What was described, unless ECS left out one for another reason than that it is gone: it may use what would look unused. */
function whole<T>(found: readonly T[] | undefined, failures: readonly Failure[] | undefined, resource: string): T[] {
  const unread = failures?.find(({ reason }) => reason !== 'MISSING');
  if (!unread) return [...(found ?? [])];
  throw new Problem({
    what: resource,
    seen: unread.arn,
    cause: `ECS lists it and does not describe it (${[unread.reason, unread.detail].filter(Boolean).join(': ')})`,
    fix: 'Run it again; if it stays, look at this service or task with `aws ecs describe-services` or `describe-tasks`',
    kind: 'service',
  });
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
