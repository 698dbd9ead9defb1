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
  ListImageReferrersRequest,
  ListImagesRequest,
  PutImageRequest,
} from '@aws-sdk/client-ecr';
import { digestOf, parseManifest } from '../../registry/manifest.ts';
import {
  type Repository,
  referrersOf,
  resolveReference,
  type StoredImage,
  tagsOf,
} from '../../registry/repositories.ts';
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

/** The operations on images. */
export class Images {
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
      DescribeImages: (input: DescribeImagesRequest) => this.#describeImages(input),
      ListImageReferrers: (input: ListImageReferrersRequest) => this.#listImageReferrers(input),
      ListImages: (input: ListImagesRequest) => this.#listImages(input),
      BatchGetImage: (input: BatchGetImageRequest) => this.#batchGetImage(input),
      PutImage: (input: PutImageRequest) => this.#putImage(input),
      BatchDeleteImage: (input: BatchDeleteImageRequest) => this.#batchDeleteImage(input),
      BatchCheckLayerAvailability: (input: BatchCheckLayerAvailabilityRequest) =>
        this.#batchCheckLayerAvailability(input),
      GetDownloadUrlForLayer: (input: GetDownloadUrlForLayerRequest) => this.#getDownloadUrlForLayer(input),
    };
  }

  #describeImages(input: DescribeImagesRequest) {
    const repository = this.#find(input.repositoryName);
    const chosen = input.imageIds
      ? input.imageIds.map((id) => {
          const image = this.#visible(imageOf(repository, id));
          if (image === undefined) throw this.#faults.noImage(repository.name, id);
          return image;
        })
      : [...repository.images.values()].filter((image) => this.#visible(image));
    const details = [...new Set(chosen)]
      .map((image) => this.#detail(repository, image))
      .filter(byTag(input.filter?.tagStatus));
    const { items, ...rest } = pageOf(details, { ...input, most: 1000 });
    return { imageDetails: items, ...rest };
  }

  #listImages(input: ListImagesRequest) {
    const repository = this.#find(input.repositoryName);
    const ids = [...repository.images.values()]
      .filter((image) => this.#visible(image))
      .flatMap((image): ImageIdentifier[] => {
        const tags = tagsOf(repository, image.digest);
        const untagged = input.filter?.tagStatus === 'UNTAGGED';
        if (tags.length === 0) return input.filter?.tagStatus === 'TAGGED' ? [] : [{ imageDigest: image.digest }];
        return untagged ? [] : tags.map((imageTag) => ({ imageDigest: image.digest, imageTag }));
      });
    const { items, ...rest } = pageOf(ids, { ...input, most: 1000 });
    return { imageIds: items, ...rest };
  }

  /** An image that is not there has no referrers: the registry protocol answers so, and this reads the same books. */
  async #listImageReferrers(input: ListImageReferrersRequest) {
    const repository = this.#find(input.repositoryName);
    const referrers = [];
    for (const image of referrersOf(repository, String(input.subjectId?.imageDigest))) {
      const bytes = (await this.#deps.registry.manifest(repository, image.digest)) ?? Buffer.from('{}');
      const { artifactType = image.artifactMediaType, annotations } = parseManifest(bytes);
      referrers.push({
        digest: image.digest,
        mediaType: image.mediaType,
        artifactType,
        size: bytes.length,
        ...(annotations && { annotations }),
        artifactStatus: 'ACTIVE' as const,
      });
    }
    const { items, ...rest } = pageOf(referrers, { maxResults: 20, ...input, most: 50 });
    return { referrers: items, ...rest };
  }

  async #batchGetImage(input: BatchGetImageRequest) {
    const { account } = this.#deps;
    const repository = this.#find(input.repositoryName);
    const images = [];
    const failures: ImageFailure[] = [];
    for (const id of input.imageIds ?? []) {
      const image = this.#visible(imageOf(repository, id));
      const bytes = image && (await this.#deps.registry.manifest(repository, image.digest));
      if (image === undefined || bytes === undefined) {
        failures.push(failureOf(id));
        continue;
      }
      image.pulledAt = this.#deps.clock.now();
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
  }

  async #putImage(input: PutImageRequest) {
    const { account } = this.#deps;
    const repository = this.#find(input.repositoryName);
    const bytes = Buffer.from(String(input.imageManifest), 'utf8');
    const digest = digestOf(bytes);
    if (input.imageDigest !== undefined && input.imageDigest !== digest) {
      throw new AwsFault(
        'ImageDigestDoesNotMatchException',
        `The specified digest '${input.imageDigest}' does not match the digest '${digest}' that ECR calculated for the image`,
      );
    }
    const result = await this.#deps.registry.put({
      repository,
      bytes,
      mediaType: input.imageManifestMediaType,
      tag: input.imageTag,
    });
    if ('kind' in result) {
      switch (result.kind) {
        case 'tag-exists':
          throw this.#faults.tagExists(repository, result.tag);
        case 'already-exists':
          throw this.#faults.imageExists(repository, digest, input.imageTag);
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
  }

  async #batchDeleteImage(input: BatchDeleteImageRequest) {
    const repository = this.#find(input.repositoryName);
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
        await this.#deps.registry.remove(repository, image.digest);
        imageIds.push(
          ...(tags.length > 0 ? tags : [undefined]).map((imageTag) => ({ imageDigest: image.digest, imageTag })),
        );
      }
    }
    return { imageIds, failures };
  }

  async #batchCheckLayerAvailability(input: BatchCheckLayerAvailabilityRequest) {
    const repository = this.#find(input.repositoryName);
    const digests = input.layerDigests ?? [];
    const sizes = await Promise.all(
      digests.map((digest) => (DIGEST.test(digest) ? this.#deps.registry.hasBlob(repository, digest) : undefined)),
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
  }

  async #getDownloadUrlForLayer(input: GetDownloadUrlForLayerRequest) {
    const repository = this.#find(input.repositoryName);
    const layerDigest = String(input.layerDigest);
    if ((await this.#deps.registry.hasBlob(repository, layerDigest)) === undefined) {
      throw new AwsFault(
        'LayersNotFoundException',
        `The layer with digest '${layerDigest}' does not exist in the repository '${repository.name}'`,
      );
    }
    return { downloadUrl: this.#deps.registry.presign(repository, layerDigest), layerDigest };
  }

  #visible(image: StoredImage | undefined): StoredImage | undefined {
    return image && image.visibleAt <= this.#deps.clock.now() ? image : undefined;
  }

  #detail(repository: Repository, image: StoredImage): ImageDetail {
    const imageTags = tagsOf(repository, image.digest);
    return {
      registryId: this.#deps.account,
      repositoryName: repository.name,
      imageDigest: image.digest,
      ...(imageTags.length > 0 ? { imageTags } : {}),
      imageSizeInBytes: image.sizeInBytes,
      imagePushedAt: new Date(image.pushedAt),
      imageManifestMediaType: image.mediaType,
      artifactMediaType: image.artifactMediaType,
      ...(image.subject === undefined ? {} : { subjectManifestDigest: image.subject }),
      ...(image.pulledAt === undefined ? {} : { lastRecordedPullTime: new Date(image.pulledAt) }),
      imageStatus: 'ACTIVE',
    };
  }
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
