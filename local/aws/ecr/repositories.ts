import type {
  CreateRepositoryRequest,
  DeleteRepositoryRequest,
  DescribeRepositoriesRequest,
  Repository as EcrRepository,
  GetLifecyclePolicyRequest,
  ListTagsForResourceRequest,
  PutImageTagMutabilityRequest,
  PutLifecyclePolicyRequest,
} from '@aws-sdk/client-ecr';
import type { Mutability, Repository } from '../../registry/repositories.ts';
import { pageOf } from '../page.ts';
import type { Operation } from '../service.ts';
import type { EcrDeps } from './ecr.ts';
import type { EcrFaults } from './faults.ts';

const NAME = '(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*';

/** Finds a repository, or throws in ECR's words. */
export function finder(deps: EcrDeps, faults: EcrFaults): (name: string | undefined) => Repository {
  return (name = '') => {
    const repository = deps.registry.repositories.get(name);
    if (repository === undefined) throw faults.noRepository(name);
    return repository;
  };
}

export function repositoryOperations(deps: EcrDeps, faults: EcrFaults): Record<string, Operation> {
  const { registry, account, region } = deps;
  const find = finder(deps, faults);
  const arnOf = (name: string) => `arn:aws:ecr:${region}:${account}:repository/${name}`;

  const shown = (repository: Repository): EcrRepository => ({
    repositoryArn: arnOf(repository.name),
    registryId: account,
    repositoryName: repository.name,
    repositoryUri: `${registry.host}/${repository.name}`,
    createdAt: new Date(repository.createdAt),
    imageTagMutability: repository.mutability,
    ...(repository.exclusions.length > 0
      ? {
          imageTagMutabilityExclusionFilters: repository.exclusions.map((filter) => ({
            filterType: 'WILDCARD' as const,
            filter,
          })),
        }
      : {}),
    imageScanningConfiguration: { scanOnPush: repository.scanOnPush },
    encryptionConfiguration: { encryptionType: 'AES256' },
  });

  return {
    DescribeRepositories: (input: DescribeRepositoriesRequest) => {
      const chosen = input.repositoryNames?.map(find) ?? registry.repositories.all();
      const { items, ...rest } = pageOf(chosen, { ...input, most: 100 });
      return { repositories: items.map(shown), ...rest };
    },

    CreateRepository: (input: CreateRepositoryRequest) => {
      const name = String(input.repositoryName);
      if (name.length < 2 || name.length > 256 || !new RegExp(`^${NAME}$`).test(name)) {
        throw faults.invalid('repositoryName', `must satisfy regular expression '${NAME}'`);
      }
      if (registry.repositories.get(name) !== undefined) throw faults.repositoryExists(name);
      const repository = registry.repositories.create(
        {
          name,
          tagMutability: (input.imageTagMutability ?? 'MUTABLE') as Mutability,
          exclusions: filtersOf(input.imageTagMutabilityExclusionFilters),
          tags: Object.fromEntries((input.tags ?? []).map((tag) => [String(tag.Key), String(tag.Value)])),
          scanOnPush: input.imageScanningConfiguration?.scanOnPush ?? false,
          findings: [],
        },
        deps.clock.now(),
      );
      return { repository: shown(repository) };
    },

    DeleteRepository: (input: DeleteRepositoryRequest) => {
      const repository = find(input.repositoryName);
      if (repository.images.size > 0 && !input.force) throw faults.notEmpty(repository.name);
      registry.repositories.delete(repository.name);
      return { repository: shown(repository) };
    },

    PutImageTagMutability: (input: PutImageTagMutabilityRequest) => {
      const repository = find(input.repositoryName);
      repository.mutability = input.imageTagMutability as Mutability;
      repository.exclusions = filtersOf(input.imageTagMutabilityExclusionFilters);
      const { imageTagMutability, imageTagMutabilityExclusionFilters } = shown(repository);
      return {
        registryId: account,
        repositoryName: repository.name,
        imageTagMutability,
        imageTagMutabilityExclusionFilters,
      };
    },

    ListTagsForResource: (input: ListTagsForResourceRequest) => {
      const repository = find(String(input.resourceArn).split(':repository/')[1]);
      return { tags: Object.entries(repository.resourceTags).map(([Key, Value]) => ({ Key, Value })) };
    },

    PutLifecyclePolicy: (input: PutLifecyclePolicyRequest) => {
      const repository = find(input.repositoryName);
      const text = String(input.lifecyclePolicyText);
      try {
        JSON.parse(text);
      } catch {
        throw faults.invalid('LifecyclePolicyText', 'Lifecycle policy validation failure: it is not valid JSON');
      }
      repository.lifecyclePolicy = text;
      return { registryId: account, repositoryName: repository.name, lifecyclePolicyText: text };
    },

    GetLifecyclePolicy: (input: GetLifecyclePolicyRequest) => {
      const repository = find(input.repositoryName);
      if (repository.lifecyclePolicy === undefined) throw faults.noPolicy(repository.name);
      return { registryId: account, repositoryName: repository.name, lifecyclePolicyText: repository.lifecyclePolicy };
    },
  };
}

function filtersOf(filters: CreateRepositoryRequest['imageTagMutabilityExclusionFilters']): string[] {
  return (filters ?? []).map((f) => String(f.filter));
}
