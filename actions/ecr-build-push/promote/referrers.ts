import { type ECRClient, ListImageReferrersCommand } from '@aws-sdk/client-ecr';
import { callAws } from '../../../lib/aws/client.ts';
import type { Repository } from '../repository.ts';
import type { Referrer } from './copy.ts';

export interface ReferrerOptions {
  ecr: ECRClient;
  repository: Repository;
  signal: AbortSignal;
}

/** Endings of the tags under which signatures are kept by tools that do not write a subject; '' is the specification's fallback. */
const ENDINGS = ['', '.sig', '.att', '.sbom'];

/** What is about an image: by its subject, and by tags that name its digest. */
export async function referrersOf(digest: string, options: ReferrerOptions): Promise<Referrer[]> {
  const [bySubject, byTag] = await Promise.all([listed(digest, options), tagged(digest, options)]);
  return [...bySubject, ...byTag];
}

async function listed(digest: string, { ecr, repository, signal }: ReferrerOptions): Promise<Referrer[]> {
  const found: Referrer[] = [];
  let nextToken: string | undefined;
  do {
    // The permission is that of BatchGetImage (ECR API reference, "ListImageReferrers").
    const call = { operation: 'ecr:BatchGetImage', resource: `referrers in repository ${repository.name}` };
    const command = new ListImageReferrersCommand({
      repositoryName: repository.name,
      registryId: repository.account,
      subjectId: { imageDigest: digest },
      maxResults: 50,
      ...(nextToken !== undefined && { nextToken }),
    });
    const page = await callAws(call, () => ecr.send(command, { abortSignal: signal }));
    found.push(...(page.referrers ?? []).flatMap((r) => (r.digest ? [{ digest: r.digest }] : [])));
    nextToken = page.nextToken;
  } while (nextToken);
  return found;
}

async function tagged(digest: string, { repository }: ReferrerOptions): Promise<Referrer[]> {
  const images = await repository.byTags(ENDINGS.map((ending) => digest.replace(':', '-') + ending));
  return images.map(({ digest: about, tag }) => ({ digest: about, tag }));
}
