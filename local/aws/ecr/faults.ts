import type { Repository } from '../../registry/repositories.ts';
import { AwsFault } from '../service.ts';

/** The exceptions of ECR in its own words. Source: ECR API reference; wording as the service answers. */
export const ecrFaults = (account: string) => ({
  noRepository: (name: string) =>
    new AwsFault(
      'RepositoryNotFoundException',
      `The repository with name '${name}' does not exist in the registry with id '${account}'`,
    ),
  repositoryExists: (name: string) =>
    new AwsFault(
      'RepositoryAlreadyExistsException',
      `The repository with name '${name}' already exists in the registry with id '${account}'`,
    ),
  notEmpty: (name: string) =>
    new AwsFault(
      'RepositoryNotEmptyException',
      `The repository with name '${name}' in registry with id '${account}' cannot be deleted because it still contains images`,
    ),
  noImage: (name: string, id: { imageDigest?: string | undefined; imageTag?: string | undefined }) =>
    new AwsFault(
      'ImageNotFoundException',
      `The image with imageId ${imageIdText(id)} does not exist within the repository with name '${name}' in the registry with id '${account}'`,
    ),
  imageExists: (repository: Repository, digest: string, tag: string | undefined) =>
    new AwsFault(
      'ImageAlreadyExistsException',
      `Image with digest '${digest}' and tag '${tag ?? 'null'}' already exists in the repository with name '${repository.name}' in registry with id '${account}'`,
    ),
  tagExists: (repository: Repository, tag: string) =>
    new AwsFault(
      'ImageTagAlreadyExistsException',
      `The image tag '${tag}' already exists in the '${repository.name}' repository and cannot be overwritten because the tag is immutable.`,
    ),
  invalid: (member: string, constraint: string) =>
    new AwsFault(
      'InvalidParameterException',
      `Invalid parameter at '${member}' failed to satisfy constraint: '${constraint}'`,
    ),
  noScan: (name: string, id: { imageDigest?: string | undefined; imageTag?: string | undefined }) =>
    new AwsFault(
      'ScanNotFoundException',
      `Image scan does not exist for the image with '${imageIdText(id)}' in the repository with name '${name}' in the registry with id '${account}'`,
    ),
  noPolicy: (name: string) =>
    new AwsFault(
      'LifecyclePolicyNotFoundException',
      `Lifecycle policy does not exist for the repository with name '${name}' in the registry with id '${account}'`,
    ),
});

export type EcrFaults = ReturnType<typeof ecrFaults>;

export function imageIdText({
  imageDigest,
  imageTag,
}: {
  imageDigest?: string | undefined;
  imageTag?: string | undefined;
}): string {
  return `{imageDigest:'${imageDigest ?? 'null'}', imageTag:'${imageTag ?? 'null'}'}`;
}
