import type {
  CreateRepositoryRequest,
  DeleteRepositoryRequest,
  DescribeRepositoriesRequest,
  Repository as EcrRepository,
  GetAccountSettingRequest,
  GetLifecyclePolicyRequest,
  ListTagsForResourceRequest,
  PutAccountSettingRequest,
  PutImageTagMutabilityRequest,
  PutLifecyclePolicyRequest,
} from '@aws-sdk/client-ecr';
import type { Mutability, Repository } from '../../registry/repositories.ts';
import { namedRepository, type RepositorySpec } from '../../world.ts';
import { pageOf } from '../page.ts';
import type { Operation } from '../service.ts';
import type { EcrDeps } from './ecr.ts';
import type { EcrFaults } from './faults.ts';
import { lifecycleMistake } from './lifecycle.ts';

const NAME = '(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*';

/** Finds a repository, or throws in ECR's words. */
export function finder(deps: EcrDeps, faults: EcrFaults): (name: string | undefined) => Repository {
  return (name = '') => {
    const repository = deps.registry.repositories.get(name);
    if (repository === undefined) throw faults.noRepository(name);
    return repository;
  };
}

/** The operations on repositories. */
export class RepositoryOperations {
  readonly #deps: EcrDeps;
  readonly #faults: EcrFaults;
  readonly #find: (name: string | undefined) => Repository;

  constructor(deps: EcrDeps, faults: EcrFaults) {
    this.#deps = deps;
    this.#faults = faults;
    this.#find = finder(deps, faults);
  }

  operations(): Record<string, Operation> {
    return {
      DescribeRepositories: (input: DescribeRepositoriesRequest) => this.#describeRepositories(input),
      CreateRepository: (input: CreateRepositoryRequest) => this.#createRepository(input),
      DeleteRepository: (input: DeleteRepositoryRequest) => this.#deleteRepository(input),
      PutImageTagMutability: (input: PutImageTagMutabilityRequest) => this.#putImageTagMutability(input),
      ListTagsForResource: (input: ListTagsForResourceRequest) => this.#listTagsForResource(input),
      PutLifecyclePolicy: (input: PutLifecyclePolicyRequest) => this.#putLifecyclePolicy(input),
      GetAccountSetting: (input: GetAccountSettingRequest) => this.#accountSetting(input.name),
      PutAccountSetting: (input: PutAccountSettingRequest) => this.#accountSetting(input.name, input.value),
      GetLifecyclePolicy: (input: GetLifecyclePolicyRequest) => this.#getLifecyclePolicy(input),
    };
  }

  #describeRepositories(input: DescribeRepositoriesRequest) {
    const chosen = input.repositoryNames?.map(this.#find) ?? this.#deps.registry.repositories.all();
    const { items, ...rest } = pageOf(chosen, { ...input, most: 100 });
    return { repositories: items.map((repository) => this.#shown(repository)), ...rest };
  }

  #createRepository(input: CreateRepositoryRequest) {
    const name = String(input.repositoryName);
    if (name.length < 2 || name.length > 256 || !new RegExp(`^${NAME}$`).test(name)) {
      throw this.#faults.invalid('repositoryName', `must satisfy regular expression '${NAME}'`);
    }
    const { imageTagMutabilityExclusionFilters: filters = [], encryptionConfiguration: encryption } = input;
    if (filters.length > 5) {
      throw this.#faults.invalid(
        'imageTagMutabilityExclusionFilters',
        'Member must have length less than or equal to 5',
      );
    }
    if (filters.length > 0 && !input.imageTagMutability?.endsWith('_WITH_EXCLUSION')) {
      throw this.#faults.invalid(
        'imageTagMutabilityExclusionFilters',
        'exclusion filters need IMMUTABLE_WITH_EXCLUSION or MUTABLE_WITH_EXCLUSION',
      );
    }
    if (this.#deps.registry.repositories.get(name) !== undefined) throw this.#faults.repositoryExists(name);
    const repository = this.#deps.registry.repositories.create(
      {
        ...namedRepository(name),
        tagMutability: (input.imageTagMutability ?? 'MUTABLE') as Mutability,
        exclusions: filtersOf(filters),
        tags: Object.fromEntries((input.tags ?? []).map((tag) => [String(tag.Key), String(tag.Value)])),
        scanOnPush: input.imageScanningConfiguration?.scanOnPush ?? false,
        ...this.#encryption(encryption),
      },
      this.#deps.clock.now(),
    );
    return { repository: this.#shown(repository) };
  }

  /** Without a key of one's own, KMS takes the account's default one for ECR. */
  #encryption(
    given: CreateRepositoryRequest['encryptionConfiguration'],
  ): Pick<RepositorySpec, 'encryption' | 'kmsKey'> {
    const encryption = (given?.encryptionType ?? 'AES256') as RepositorySpec['encryption'];
    if (encryption === 'AES256') return { encryption };
    const { region, account } = this.#deps;
    return { encryption, kmsKey: given?.kmsKey ?? `arn:aws:kms:${region}:${account}:alias/aws/ecr` };
  }

  #accountSetting(name: string | undefined, value?: string) {
    if (name !== 'BLOB_MOUNTING') throw this.#faults.invalid('name', 'the local ECR knows only BLOB_MOUNTING');
    const { settings } = this.#deps.registry;
    if (value !== undefined) settings.blobMounting = value === 'ENABLED';
    return { name, value: settings.blobMounting ? 'ENABLED' : 'DISABLED' };
  }

  #deleteRepository(input: DeleteRepositoryRequest) {
    const repository = this.#find(input.repositoryName);
    if (repository.images.size > 0 && !input.force) throw this.#faults.notEmpty(repository.name);
    this.#deps.registry.repositories.delete(repository.name);
    return { repository: this.#shown(repository) };
  }

  #putImageTagMutability(input: PutImageTagMutabilityRequest) {
    const { account } = this.#deps;
    const repository = this.#find(input.repositoryName);
    repository.mutability = input.imageTagMutability as Mutability;
    repository.exclusions = filtersOf(input.imageTagMutabilityExclusionFilters);
    const { imageTagMutability, imageTagMutabilityExclusionFilters } = this.#shown(repository);
    return {
      registryId: account,
      repositoryName: repository.name,
      imageTagMutability,
      imageTagMutabilityExclusionFilters,
    };
  }

  #listTagsForResource(input: ListTagsForResourceRequest) {
    const repository = this.#find(String(input.resourceArn).split(':repository/')[1]);
    return { tags: Object.entries(repository.resourceTags).map(([Key, Value]) => ({ Key, Value })) };
  }

  #putLifecyclePolicy(input: PutLifecyclePolicyRequest) {
    const { account } = this.#deps;
    const repository = this.#find(input.repositoryName);
    const text = String(input.lifecyclePolicyText);
    const mistake = lifecycleMistake(text);
    if (mistake !== undefined) {
      throw this.#faults.invalid('LifecyclePolicyText', `Lifecycle policy validation failure: ${mistake}`);
    }
    repository.lifecyclePolicy = text;
    return { registryId: account, repositoryName: repository.name, lifecyclePolicyText: text };
  }

  #getLifecyclePolicy(input: GetLifecyclePolicyRequest) {
    const { account } = this.#deps;
    const repository = this.#find(input.repositoryName);
    if (repository.lifecyclePolicy === undefined) throw this.#faults.noPolicy(repository.name);
    return { registryId: account, repositoryName: repository.name, lifecyclePolicyText: repository.lifecyclePolicy };
  }

  #shown(repository: Repository): EcrRepository {
    const { registry, account, region } = this.#deps;
    return {
      repositoryArn: `arn:aws:ecr:${region}:${account}:repository/${repository.name}`,
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
      encryptionConfiguration: {
        encryptionType: repository.encryption,
        ...(repository.kmsKey === undefined ? {} : { kmsKey: repository.kmsKey }),
      },
    };
  }
}

function filtersOf(filters: CreateRepositoryRequest['imageTagMutabilityExclusionFilters']): string[] {
  return (filters ?? []).map((f) => String(f.filter));
}
