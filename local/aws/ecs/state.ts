import type { Failure } from '@aws-sdk/client-ecs';
import { clientFault, clusterNotFound, serviceNotFound } from './faults.ts';
import type { Cluster, Service, Task, TaskDefinitionRecord } from './model.ts';
import { type Arns, arnsOf, type Place, shortName } from './names.ts';

/** Everything that exists in this local ECS, and how it is found by name or ARN. */
export class EcsState {
  readonly arns: Arns;
  readonly clusters = new Map<string, Cluster>();
  /** By "family:revision"; deregistered ones stay, INACTIVE. */
  readonly taskDefinitions = new Map<string, TaskDefinitionRecord>();
  readonly #latest = new Map<string, number>();

  constructor(place: Place) {
    this.arns = arnsOf(place);
  }

  createCluster(name: string, tags: Cluster['tags'] = []): Cluster {
    const existing = this.clusters.get(name);
    if (existing) return existing;
    const cluster: Cluster = { arn: this.arns.cluster(name), name, tags, services: new Map(), tasks: new Map() };
    this.clusters.set(name, cluster);
    return cluster;
  }

  /** @throws ClusterNotFoundException; no name means `default`, as in every ECS call */
  cluster(nameOrArn: string | undefined): Cluster {
    const cluster = this.clusters.get(shortName(nameOrArn ?? 'default'));
    if (!cluster) throw clusterNotFound();
    return cluster;
  }

  findService(cluster: Cluster, nameOrArn: string): Service | undefined {
    return cluster.services.get(shortName(nameOrArn));
  }

  /** @throws ServiceNotFoundException */
  service(cluster: Cluster, nameOrArn: string): Service {
    const service = this.findService(cluster, nameOrArn);
    if (!service) throw serviceNotFound();
    return service;
  }

  findTask(cluster: Cluster, idOrArn: string): Task | undefined {
    return cluster.tasks.get(shortName(idOrArn));
  }

  /** "family", "family:revision" or ARN; without a revision the latest ACTIVE one. */
  findTaskDefinition(reference: string): TaskDefinitionRecord | undefined {
    const name = shortName(reference);
    if (name.includes(':')) return this.taskDefinitions.get(name);
    const active = [...this.taskDefinitions.values()].filter(
      ({ family, definition }) => family === name && definition.status === 'ACTIVE',
    );
    return active.sort((a, b) => b.revision - a.revision)[0];
  }

  /** @throws ClientException as RunTask, CreateService and UpdateService do */
  runnableTaskDefinition(reference: string): TaskDefinitionRecord {
    const record = this.findTaskDefinition(reference);
    if (!record) throw clientFault('TaskDefinition not found.');
    if (record.definition.status !== 'ACTIVE') throw clientFault('TaskDefinition is inactive');
    return record;
  }

  nextRevision(family: string): number {
    const revision = (this.#latest.get(family) ?? 0) + 1;
    this.#latest.set(family, revision);
    return revision;
  }

  get services(): Service[] {
    return [...this.clusters.values()].flatMap(({ services }) => [...services.values()]);
  }
}

export function missing(arn: string): Failure {
  return { arn, reason: 'MISSING' };
}
