import {
  BatchGetImageCommand,
  CreateRepositoryCommand,
  DescribeRepositoriesCommand,
  type ECRClient,
  type Repository as EcrRepository,
  PutImageCommand,
} from '@aws-sdk/client-ecr';
import { callAws } from '../../lib/aws/client.ts';
import { Problem } from '../../lib/errors.ts';

/** An image as ECR holds it: the manifest's bytes decide the digest, so they are kept as they came. */
export interface StoredImage {
  digest: string;
  manifest: string;
  mediaType: string;
  tag: string;
}

/** One ECR repository. Every method throws Problem. */
export interface Repository {
  /** HOST/NAME, without a tag. */
  uri: string;
  name: string;
  /** Account of the registry. */
  account: string;
  /** Whether this tag stands for one image for ever. */
  immutable(tag: string): boolean;
  /** The images that have one of these tags; a tag that does not exist is left out. */
  byTags(tags: readonly string[]): Promise<StoredImage[]>;
  /** Adds a tag to an image that is there, without moving a layer. @throws Problem kind `conflict` when another image owns an immutable tag. */
  addTag(image: StoredImage, tag: string): Promise<void>;
}

export interface RepositoryOptions {
  ecr: ECRClient;
  name: string;
  registryId?: string | undefined;
  create: boolean;
  signal: AbortSignal;
}

export const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];
// BatchGetImage takes at most 100 image ids (ECR API reference).
const BATCH = 100;
/** Tags that have to move although the repository is immutable (ECR: at most five filters). */
const MOVING_TAGS = ['latest', 'branch-*', 'pr-*', 'cache*'];

/** Finds the repository, or creates it when asked. @throws Problem kind `not-found` that says how to create it. */
export async function openRepository(options: RepositoryOptions): Promise<Repository> {
  const { ecr, name, registryId, signal } = options;
  const found = await findOrCreate(options);
  const uri = found.repositoryUri ?? '';
  const scope = { repositoryName: name, ...(registryId && { registryId }) };
  const repository: Repository = {
    uri,
    name,
    account: found.registryId ?? '',
    immutable: (tag) => isImmutable(found, tag),
    async byTags(tags) {
      const images: StoredImage[] = [];
      for (let i = 0; i < tags.length; i += BATCH) {
        const imageIds = tags.slice(i, i + BATCH).map((imageTag) => ({ imageTag }));
        const call = { operation: 'ecr:BatchGetImage', resource: `repository ${name}` };
        const command = new BatchGetImageCommand({ ...scope, imageIds, acceptedMediaTypes: MANIFEST_TYPES });
        const answer = await callAws(call, () => ecr.send(command, { abortSignal: signal }));
        for (const image of answer.images ?? []) {
          images.push({
            digest: image.imageId?.imageDigest ?? '',
            tag: image.imageId?.imageTag ?? '',
            manifest: image.imageManifest ?? '',
            mediaType: image.imageManifestMediaType ?? '',
          });
        }
      }
      return images;
    },
    async addTag(image, tag) {
      const call = { operation: 'ecr:PutImage', resource: `repository ${name}` };
      const command = new PutImageCommand({
        ...scope,
        imageTag: tag,
        imageManifest: image.manifest,
        imageDigest: image.digest,
        ...(image.mediaType && { imageManifestMediaType: image.mediaType }),
      });
      try {
        await callAws(call, () => ecr.send(command, { abortSignal: signal }));
      } catch (error) {
        // Immutable repositories refuse an existing tag even for the same digest (aws/aws-sdk#750): that is what was asked for.
        if (!isTagConflict(error)) throw error;
        const [owner] = await repository.byTags([tag]);
        if (owner?.digest !== image.digest) throw tagTaken(name, tag, owner?.digest ?? 'another image', image.digest);
      }
    },
  };
  return repository;
}

/** ECR tests the exclusion filters, with * as the only wildcard, against the whole tag. */
export function isImmutable(
  { imageTagMutability, imageTagMutabilityExclusionFilters }: EcrRepository,
  tag: string,
): boolean {
  if (imageTagMutability === 'IMMUTABLE') return true;
  const excluded = () =>
    imageTagMutabilityExclusionFilters?.some(({ filter = '' }) => wildcard(filter).test(tag)) ?? false;
  if (imageTagMutability === 'IMMUTABLE_WITH_EXCLUSION') return !excluded();
  return imageTagMutability === 'MUTABLE_WITH_EXCLUSION' && excluded();
}

function wildcard(filter: string): RegExp {
  const literal = filter.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`);
}

function isTagConflict(error: unknown): boolean {
  const name = error instanceof Problem && error.parts.underlying instanceof Error ? error.parts.underlying.name : '';
  return name === 'ImageAlreadyExistsException' || name === 'ImageTagAlreadyExistsException';
}

/** The error for an immutable tag that belongs to another image. */
export function tagTaken(repository: string, tag: string, owner: string, wanted: string): Problem {
  return new Problem({
    what: `tag ${tag} of repository ${repository}`,
    seen: owner,
    cause: `the repository's tags cannot move, and this one stands for another image than ${wanted}`,
    fix: 'Choose a tag that is new with each build (sha, semver), or exclude this tag from immutability in the repository',
    kind: 'conflict',
  });
}

async function findOrCreate({ ecr, name, registryId, create, signal }: RepositoryOptions) {
  const call = { operation: 'ecr:DescribeRepositories', resource: `repository ${name}` };
  const command = new DescribeRepositoriesCommand({ repositoryNames: [name], ...(registryId && { registryId }) });
  try {
    const { repositories } = await callAws(call, () => ecr.send(command, { abortSignal: signal }));
    if (repositories?.[0]) return repositories[0];
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== 'not-found') throw error;
  }
  if (!create) {
    throw new Problem({
      what: `ECR repository ${name}`,
      cause: 'it does not exist in this account and region',
      fix: 'Create it (terraform/modules/ecr does), set `create-repository: true`, or check name, account and region',
      kind: 'not-found',
    });
  }
  return createRepository(ecr, name, signal);
}

async function createRepository(ecr: ECRClient, name: string, signal: AbortSignal) {
  const call = { operation: 'ecr:CreateRepository', resource: `repository ${name}` };
  const command = new CreateRepositoryCommand({
    repositoryName: name,
    imageScanningConfiguration: { scanOnPush: true },
    imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION',
    imageTagMutabilityExclusionFilters: MOVING_TAGS.map((filter) => ({ filterType: 'WILDCARD', filter })),
    encryptionConfiguration: { encryptionType: 'AES256' },
  });
  const { repository } = await callAws(call, () => ecr.send(command, { abortSignal: signal }));
  return repository ?? {};
}
