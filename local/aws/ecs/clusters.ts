import type {
  CreateClusterRequest,
  CreateClusterResponse,
  DescribeClustersRequest,
  DescribeClustersResponse,
  ListClustersRequest,
  ListClustersResponse,
  ListTagsForResourceRequest,
  ListTagsForResourceResponse,
  Tag,
  TagResourceRequest,
  UntagResourceRequest,
} from '@aws-sdk/client-ecs';
import { pageOf } from '../page.ts';
import type { EcsCore } from './core.ts';
import { invalidParameter, resourceNotFound } from './faults.ts';
import { missing } from './state.ts';
import { clusterView } from './views.ts';

export function createCluster(core: EcsCore, input: CreateClusterRequest): CreateClusterResponse {
  const name = input.clusterName ?? 'default';
  if (!/^[A-Za-z0-9_-]{1,255}$/.test(name)) throw invalidParameter('Identifier contains invalid characters');
  return { cluster: clusterView(core.state.createCluster(name, input.tags ?? []), true) };
}

export function describeClusters(core: EcsCore, input: DescribeClustersRequest): DescribeClustersResponse {
  const asked = input.clusters ?? ['default'];
  const tags = input.include?.includes('TAGS') ?? false;
  const found = asked.map((reference) => ({
    reference,
    cluster: core.state.clusters.get(reference.split('/').at(-1) ?? ''),
  }));
  return {
    clusters: found.flatMap(({ cluster }) => (cluster ? [clusterView(cluster, tags)] : [])),
    failures: found.flatMap(({ reference, cluster }) =>
      cluster ? [] : [missing(reference.startsWith('arn:') ? reference : core.state.arns.cluster(reference))],
    ),
  };
}

export function listClusters(core: EcsCore, input: ListClustersRequest): ListClustersResponse {
  const arns = [...core.state.clusters.values()].map(({ arn }) => arn);
  const { items, ...rest } = pageOf(arns, { ...input, most: 100 });
  return { clusterArns: items, ...rest };
}

export function listTagsForResource(core: EcsCore, input: ListTagsForResourceRequest): ListTagsForResourceResponse {
  return { tags: taggedBy(core, input.resourceArn).tags };
}

export function tagResource(core: EcsCore, input: TagResourceRequest): object {
  const resource = taggedBy(core, input.resourceArn);
  const added = input.tags ?? [];
  resource.tags = [...resource.tags.filter(({ key }) => !added.some((tag) => tag.key === key)), ...added];
  if (resource.tags.length > 50) throw invalidParameter('Too many tags: a resource can have 50');
  return {};
}

export function untagResource(core: EcsCore, input: UntagResourceRequest): object {
  const resource = taggedBy(core, input.resourceArn);
  resource.tags = resource.tags.filter(({ key }) => !input.tagKeys?.includes(key ?? ''));
  return {};
}

/** The thing whose ARN this is: a cluster, service, task or task definition. */
function taggedBy(core: EcsCore, arn: string | undefined): { tags: Tag[] } {
  const { state } = core;
  const clusters = [...state.clusters.values()];
  const found =
    clusters.find((cluster) => cluster.arn === arn) ??
    state.services.find((service) => service.arn === arn) ??
    clusters.flatMap(({ tasks }) => [...tasks.values()]).find((task) => task.arn === arn) ??
    [...state.taskDefinitions.values()].find((record) => record.arn === arn);
  if (!found) throw resourceNotFound('The specified resource cannot be found.');
  return found;
}
