import {
  BatchDeleteImageCommand,
  BatchGetImageCommand,
  DescribeImagesCommand,
  type ECRClient,
  type ImageDetail,
  type ImageFailure,
} from '@aws-sdk/client-ecr';
import { callAws } from '../../../lib/aws/client.ts';
import { Problem } from '../../../lib/errors.ts';
import type { StoredManifest } from './plan.ts';

export interface RepositoryScope {
  ecr: ECRClient;
  repositoryName: string;
  registryId: string;
  signal: AbortSignal;
}

// ECR API reference: 1000 details a page, 100 image ids a BatchGetImage or BatchDeleteImage.
const PAGE = 1000;
const BATCH = 100;
const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

/** Everything that is in the repository, with what each index is made of. @throws Problem when a part of it cannot be read */
export async function readInventory(scope: RepositoryScope): Promise<StoredManifest[]> {
  const details = await describeAll(scope);
  const indexes = details.filter((d) => INDEX_TYPES.includes(d.imageManifestMediaType ?? ''));
  const children = await childrenOf(
    indexes.map((d) => d.imageDigest ?? ''),
    scope,
  );
  return details.map((d) => ({
    digest: d.imageDigest ?? '',
    tags: d.imageTags ?? [],
    pushedAt: d.imagePushedAt?.getTime() ?? Number.POSITIVE_INFINITY,
    sizeInBytes: d.imageSizeInBytes ?? 0,
    children: children.get(d.imageDigest ?? '') ?? [],
    subject: d.subjectManifestDigest,
  }));
}

async function describeAll(scope: RepositoryScope): Promise<ImageDetail[]> {
  const { ecr, repositoryName, registryId, signal } = scope;
  const details: ImageDetail[] = [];
  let nextToken: string | undefined;
  do {
    const call = { operation: 'ecr:DescribeImages', resource: `repository ${repositoryName}` };
    const command = new DescribeImagesCommand({
      repositoryName,
      registryId,
      maxResults: PAGE,
      ...(nextToken !== undefined && { nextToken }),
    });
    const page = await callAws(call, () => ecr.send(command, { abortSignal: signal }));
    details.push(...(page.imageDetails ?? []));
    nextToken = page.nextToken;
  } while (nextToken);
  return details;
}

async function childrenOf(digests: readonly string[], scope: RepositoryScope): Promise<Map<string, string[]>> {
  const { ecr, repositoryName, registryId, signal } = scope;
  const children = new Map<string, string[]>();
  for (const imageIds of batched(digests)) {
    const call = { operation: 'ecr:BatchGetImage', resource: `repository ${repositoryName}` };
    const acceptedMediaTypes = INDEX_TYPES;
    const command = new BatchGetImageCommand({ repositoryName, registryId, imageIds, acceptedMediaTypes });
    const { images = [], failures = [] } = await callAws(call, () => ecr.send(command, { abortSignal: signal }));
    for (const { imageId, imageManifest = '{}' } of images) {
      const { manifests = [] } = JSON.parse(imageManifest) as { manifests?: { digest: string }[] };
      children.set(
        imageId?.imageDigest ?? '',
        manifests.map((m) => m.digest),
      );
    }
    // An index that was deleted a moment ago needs no protection; any other failure leaves its parts unknown.
    const unread = failures.find((f) => f.failureCode !== 'ImageNotFound');
    if (unread) throw unreadIndex(repositoryName, unread);
  }
  return children;
}

/** Deletes by digest, all tags with it. @returns what ECR did not delete; what is gone already is as it should be */
export async function deleteImages(digests: readonly string[], scope: RepositoryScope): Promise<ImageFailure[]> {
  const { ecr, repositoryName, registryId, signal } = scope;
  const left: ImageFailure[] = [];
  for (const imageIds of batched(digests)) {
    const call = { operation: 'ecr:BatchDeleteImage', resource: `repository ${repositoryName}` };
    const command = new BatchDeleteImageCommand({ repositoryName, registryId, imageIds });
    const { failures = [] } = await callAws(call, () => ecr.send(command, { abortSignal: signal }));
    left.push(...failures.filter((f) => f.failureCode !== 'ImageNotFound'));
  }
  return left;
}

function batched(digests: readonly string[]): { imageDigest: string }[][] {
  const batches: { imageDigest: string }[][] = [];
  for (let i = 0; i < digests.length; i += BATCH)
    batches.push(digests.slice(i, i + BATCH).map((imageDigest) => ({ imageDigest })));
  return batches;
}

function unreadIndex(repository: string, { imageId, failureCode, failureReason }: ImageFailure): Problem {
  return new Problem({
    what: `image ${repository}@${imageId?.imageDigest ?? ''}`,
    seen: failureCode,
    cause: `ECR does not say what this index is made of (${failureReason ?? 'no reason given'}), so that its parts cannot be told from what nobody needs`,
    fix: 'Run it again; nothing was deleted',
    kind: 'service',
  });
}
