import {
  BatchGetImageCommand,
  CreateRepositoryCommand,
  DescribeRepositoriesCommand,
  type ECRClient,
  type Repository as EcrRepository,
  GetLifecyclePolicyCommand,
  PutImageCommand,
  PutLifecyclePolicyCommand,
} from '@aws-sdk/client-ecr';
import { callAws } from '../../lib/aws/client.ts';
import { exceptionOf } from '../../lib/aws/errors.ts';
import { Problem } from '../../lib/errors.ts';
import { type Creation, creationInput, lifecyclePolicy } from './creation.ts';

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
  /** How it is made when it is missing; undefined leaves that to others. */
  create?: Creation | undefined;
  /** Asked before a repository is made in a registry that was named. */
  callerAccount?: (() => Promise<string>) | undefined;
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
/** How long a run that was cut short between making a repository and giving it its lifecycle policy is made good by later ones. */
const UNFINISHED_MS = 24 * 3600 * 1000;

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
  const name = exceptionOf(error);
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

async function findOrCreate(options: RepositoryOptions): Promise<EcrRepository> {
  const { name, create, registryId } = options;
  const found = await find(options);
  if (found) {
    const age = Date.now() - (found.createdAt?.getTime() ?? 0);
    if (create && age < UNFINISHED_MS) await finishCreation(create, options);
    return found;
  }
  if (!create) {
    throw new Problem({
      what: `ECR repository ${name}`,
      cause: 'it does not exist in this account and region',
      fix: 'Create it (the Terraform in terraform/ does), set `create-repository: true`, or check name, account and region',
      kind: 'not-found',
    });
  }
  if (registryId) await refuseForeign(registryId, options);
  const made = await createRepository(create, options);
  await putPolicy(create, options);
  return made;
}

async function find({ ecr, name, registryId, signal }: RepositoryOptions): Promise<EcrRepository | undefined> {
  const call = { operation: 'ecr:DescribeRepositories', resource: `repository ${name}` };
  const command = new DescribeRepositoriesCommand({ repositoryNames: [name], ...(registryId && { registryId }) });
  try {
    const { repositories } = await callAws(call, () => ecr.send(command, { abortSignal: signal }));
    return repositories?.[0];
  } catch (error) {
    if (error instanceof Problem && error.kind === 'not-found') return undefined;
    throw error;
  }
}

async function createRepository(create: Creation, options: RepositoryOptions): Promise<EcrRepository> {
  const { ecr, name, signal } = options;
  const call = { operation: 'ecr:CreateRepository', resource: `repository ${name}` };
  const command = new CreateRepositoryCommand(creationInput(name, create));
  try {
    const { repository } = await callAws(call, () => ecr.send(command, { abortSignal: signal }));
    if (repository) return repository;
  } catch (error) {
    // Another leg of the same run may have been quicker; then what it made is what was asked for.
    if (exceptionOf(error) !== 'RepositoryAlreadyExistsException') throw error;
  }
  const found = await find(options);
  if (found) return found;
  throw new Problem({
    what: `ECR repository ${name}`,
    cause: 'it was created, and ECR does not know it a moment later',
    fix: 'Run it again',
    kind: 'service',
  });
}

/** Gives a repository that is a few hours old the lifecycle policy that an interrupted run owes it. */
async function finishCreation(create: Creation, options: RepositoryOptions): Promise<void> {
  if (lifecyclePolicy(create.expireDays) === undefined) return;
  const { ecr, name, registryId, signal } = options;
  const call = { operation: 'ecr:GetLifecyclePolicy', resource: `repository ${name}` };
  const command = new GetLifecyclePolicyCommand({ repositoryName: name, ...(registryId && { registryId }) });
  try {
    await callAws(call, () => ecr.send(command, { abortSignal: signal }));
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== 'not-found') throw error;
    await putPolicy(create, options);
  }
}

async function putPolicy(
  { expireDays }: Creation,
  { ecr, name, registryId, signal }: RepositoryOptions,
): Promise<void> {
  const lifecyclePolicyText = lifecyclePolicy(expireDays);
  if (lifecyclePolicyText === undefined) return;
  const call = { operation: 'ecr:PutLifecyclePolicy', resource: `repository ${name}` };
  const scope = { repositoryName: name, ...(registryId && { registryId }) };
  const command = new PutLifecyclePolicyCommand({ ...scope, lifecyclePolicyText });
  await callAws(call, () => ecr.send(command, { abortSignal: signal }));
}

/** CreateRepository makes repositories in the caller's own account only (it has no registryId). */
async function refuseForeign(registryId: string, { name, callerAccount }: RepositoryOptions): Promise<void> {
  const own = await callerAccount?.();
  if (own === undefined || own === registryId) return;
  throw new Problem({
    what: `ECR repository ${name} of account ${registryId}`,
    cause: `it does not exist there, and with credentials of account ${own} ECR would create it in that one`,
    fix: `Create it in ${registryId}, or take a role of that account`,
    kind: 'not-found',
  });
}
