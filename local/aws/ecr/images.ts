import type {
  BatchCheckLayerAvailabilityRequest,
  BatchDeleteImageRequest,
  BatchGetImageRequest,
  DescribeImagesRequest,
  GetDownloadUrlForLayerRequest,
  ImageDetail,
  ImageFailure,
  ImageFailureCode,
  ImageIdentifier,
  ListImagesRequest,
  PutImageRequest,
} from '@aws-sdk/client-ecr';
import { digestOf } from '../../registry/manifest.ts';
import { type Repository, resolveReference, type StoredImage, tagsOf } from '../../registry/repositories.ts';
import { pageOf } from '../page.ts';
import { AwsFault, type Operation } from '../service.ts';
import type { EcrDeps } from './ecr.ts';
import { type EcrFaults, imageIdText } from './faults.ts';
import { finder } from './repositories.ts';

const DIGEST = /^sha256:[a-f0-9]{64}$/;

/** Finds the image that an identifier names. A tag and a digest given together must belong together. */
export function imageOf(repository: Repository, id: ImageIdentifier): StoredImage | undefined {
  const digest = resolveReference(repository, id.imageTag ?? id.imageDigest ?? '');
  if (digest === undefined || (id.imageDigest !== undefined && id.imageDigest !== digest)) return undefined;
  return repository.images.get(digest);
}

export function imageOperations(deps: EcrDeps, faults: EcrFaults): Record<string, Operation> {
  const { registry, account, clock } = deps;
  const find = finder(deps, faults);
  const visible = (image: StoredImage | undefined) => (image && image.visibleAt <= clock.now() ? image : undefined);

  const detail = (repository: Repository, image: StoredImage): ImageDetail => {
    const imageTags = tagsOf(repository, image.digest);
    return {
      registryId: account,
      repositoryName: repository.name,
      imageDigest: image.digest,
      ...(imageTags.length > 0 ? { imageTags } : {}),
      imageSizeInBytes: image.sizeInBytes,
      imagePushedAt: new Date(image.pushedAt),
      imageManifestMediaType: image.mediaType,
      artifactMediaType: image.artifactMediaType,
      ...(image.pulledAt === undefined ? {} : { lastRecordedPullTime: new Date(image.pulledAt) }),
      imageStatus: 'ACTIVE',
    };
  };

  return {
    DescribeImages: (input: DescribeImagesRequest) => {
      const repository = find(input.repositoryName);
      const chosen = input.imageIds
        ? input.imageIds.map((id) => {
            const image = visible(imageOf(repository, id));
            if (image === undefined) throw faults.noImage(repository.name, id);
            return image;
          })
        : [...repository.images.values()].filter(visible);
      const details = [...new Set(chosen)]
        .map((image) => detail(repository, image))
        .filter(byTag(input.filter?.tagStatus));
      const { items, ...rest } = pageOf(details, { ...input, most: 1000 });
      return { imageDetails: items, ...rest };
    },

    ListImages: (input: ListImagesRequest) => {
      const repository = find(input.repositoryName);
      const ids = [...repository.images.values()].filter(visible).flatMap((image): ImageIdentifier[] => {
        const tags = tagsOf(repository, image.digest);
        const untagged = input.filter?.tagStatus === 'UNTAGGED';
        if (tags.length === 0) return input.filter?.tagStatus === 'TAGGED' ? [] : [{ imageDigest: image.digest }];
        return untagged ? [] : tags.map((imageTag) => ({ imageDigest: image.digest, imageTag }));
      });
      const { items, ...rest } = pageOf(ids, { ...input, most: 1000 });
      return { imageIds: items, ...rest };
    },

    BatchGetImage: async (input: BatchGetImageRequest) => {
      const repository = find(input.repositoryName);
      const images = [];
      const failures: ImageFailure[] = [];
      for (const id of input.imageIds ?? []) {
        const image = visible(imageOf(repository, id));
        const bytes = image && (await registry.manifest(repository, image.digest));
        if (image === undefined || bytes === undefined) {
          failures.push(failureOf(id));
          continue;
        }
        image.pulledAt = clock.now();
        const imageId = { imageDigest: image.digest, ...(id.imageTag === undefined ? {} : { imageTag: id.imageTag }) };
        images.push({
          registryId: account,
          repositoryName: repository.name,
          imageId,
          imageManifest: bytes.toString('utf8'),
          imageManifestMediaType: image.mediaType,
        });
      }
      return { images, failures };
    },

    PutImage: async (input: PutImageRequest) => {
      const repository = find(input.repositoryName);
      const bytes = Buffer.from(String(input.imageManifest), 'utf8');
      const digest = digestOf(bytes);
      if (input.imageDigest !== undefined && input.imageDigest !== digest) {
        throw new AwsFault(
          'ImageDigestDoesNotMatchException',
          `The specified digest '${input.imageDigest}' does not match the digest '${digest}' that ECR calculated for the image`,
        );
      }
      const result = await registry.put({
        repository,
        bytes,
        mediaType: input.imageManifestMediaType,
        tag: input.imageTag,
      });
      if ('kind' in result) {
        switch (result.kind) {
          case 'tag-exists':
            throw faults.tagExists(repository, result.tag);
          case 'already-exists':
            throw faults.imageExists(repository, digest, input.imageTag);
          case 'missing-layers':
            throw new AwsFault(
              'LayersNotFoundException',
              `Layers with digests '[${result.digests.join(', ')}]' required for pushing image into repository with name '${repository.name}' in the registry with id '${account}' do not exist`,
            );
          case 'missing-images':
            throw new AwsFault(
              'ReferencedImagesNotFoundException',
              `Images with digests '[${result.digests.join(', ')}]' required for pushing image into repository with name '${repository.name}' in the registry with id '${account}' do not exist`,
            );
          default:
            throw new AwsFault(
              'InvalidParameterException',
              `Invalid parameter at 'ImageManifest' failed to satisfy constraint: '${result.message}'`,
            );
        }
      }
      return {
        image: {
          registryId: account,
          repositoryName: repository.name,
          imageId: { imageDigest: digest, ...(input.imageTag === undefined ? {} : { imageTag: input.imageTag }) },
          imageManifest: bytes.toString('utf8'),
          imageManifestMediaType: result.mediaType,
        },
      };
    },

    BatchDeleteImage: async (input: BatchDeleteImageRequest) => {
      const repository = find(input.repositoryName);
      const imageIds: ImageIdentifier[] = [];
      const failures: ImageFailure[] = [];
      for (const id of input.imageIds ?? []) {
        const image = imageOf(repository, id);
        const parent = image && parentOf(repository, image.digest);
        if (image === undefined) failures.push(failureOf(id));
        else if (id.imageTag !== undefined && tagsOf(repository, image.digest).length > 1) {
          repository.tags.delete(id.imageTag);
          imageIds.push({ imageDigest: image.digest, imageTag: id.imageTag });
        } else if (parent !== undefined) {
          failures.push({
            imageId: { imageDigest: image.digest },
            failureCode: 'ImageReferencedByManifestList',
            failureReason: `Requested image referenced by manifest list: [${parent}]`,
          });
        } else {
          const tags = tagsOf(repository, image.digest);
          await registry.remove(repository, image.digest);
          imageIds.push(
            ...(tags.length > 0 ? tags : [undefined]).map((imageTag) => ({ imageDigest: image.digest, imageTag })),
          );
        }
      }
      return { imageIds, failures };
    },

    BatchCheckLayerAvailability: async (input: BatchCheckLayerAvailabilityRequest) => {
      const repository = find(input.repositoryName);
      const digests = input.layerDigests ?? [];
      const sizes = await Promise.all(
        digests.map((digest) => (DIGEST.test(digest) ? registry.hasBlob(repository, digest) : undefined)),
      );
      const wrong = digests.filter((digest) => !DIGEST.test(digest));
      return {
        layers: digests.flatMap((layerDigest, i) => {
          if (wrong.includes(layerDigest)) return [];
          const layerSize = sizes[i];
          return [
            layerSize === undefined
              ? { layerDigest, layerAvailability: 'UNAVAILABLE' as const }
              : { layerDigest, layerAvailability: 'AVAILABLE' as const, layerSize },
          ];
        }),
        failures: wrong.map((layerDigest) => ({
          layerDigest,
          failureCode: 'InvalidLayerDigest' as const,
          failureReason: 'Invalid layer digest',
        })),
      };
    },

    GetDownloadUrlForLayer: async (input: GetDownloadUrlForLayerRequest) => {
      const repository = find(input.repositoryName);
      const layerDigest = String(input.layerDigest);
      if ((await registry.hasBlob(repository, layerDigest)) === undefined) {
        throw new AwsFault(
          'LayersNotFoundException',
          `The layer with digest '${layerDigest}' does not exist in the repository '${repository.name}'`,
        );
      }
      return { downloadUrl: registry.presign(repository, layerDigest), layerDigest };
    },
  };
}

function byTag(status: string | undefined): (detail: ImageDetail) => boolean {
  return ({ imageTags }) =>
    status === undefined || status === 'ANY' || (status === 'TAGGED') === (imageTags !== undefined);
}

function failureOf(id: ImageIdentifier): ImageFailure {
  const wrong = (failureCode: ImageFailureCode, failureReason: string): ImageFailure => ({
    imageId: id,
    failureCode,
    failureReason,
  });
  if (id.imageDigest === undefined && id.imageTag === undefined)
    return wrong('MissingDigestAndTag', 'Invalid request parameters: both tag and digest cannot be null');
  if (id.imageDigest !== undefined && !DIGEST.test(id.imageDigest))
    return wrong(
      'InvalidImageDigest',
      "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
    );
  return wrong(
    'ImageNotFound',
    id.imageDigest === undefined || id.imageTag === undefined
      ? 'Requested image not found'
      : `Requested image ${imageIdText(id)} not found`,
  );
}

function parentOf(repository: Repository, digest: string): string | undefined {
  return [...repository.images.values()].find((image) => image.children.includes(digest))?.digest;
}
