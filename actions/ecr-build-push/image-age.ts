import { DescribeImageScanFindingsCommand, DescribeImagesCommand, type ECRClient } from '@aws-sdk/client-ecr';
import { callAws } from '../../lib/aws/client.ts';
import { Problem } from '../../lib/errors.ts';
import { type Finding, fixableFindings } from './refresh.ts';

export interface StoredAt {
  ecr: ECRClient;
  name: string;
  registryId?: string | undefined;
  digest: string;
  signal: AbortSignal;
}

const scopeOf = ({ name, registryId }: StoredAt) => ({ repositoryName: name, ...(registryId && { registryId }) });

/** When an image was pushed, in milliseconds since the epoch. A tag that was added later does not make it younger (aws/containers-roadmap#2746). @throws Problem */
export async function pushedAt(image: StoredAt): Promise<number | undefined> {
  const call = { operation: 'ecr:DescribeImages', resource: `repository ${image.name}` };
  const command = new DescribeImagesCommand({ ...scopeOf(image), imageIds: [{ imageDigest: image.digest }] });
  const { imageDetails } = await callAws(call, () => image.ecr.send(command, { abortSignal: image.signal }));
  return imageDetails?.[0]?.imagePushedAt?.getTime();
}

const PAGES = 20;

interface Descriptor {
  digest: string;
  platform?: { os?: string };
}

/** The images that a scan has findings of: an index has none, its platforms have; what BuildKit attests is listed among them as of an unknown system. */
export function scannedDigests(digest: string, manifest: string): string[] {
  const { manifests } = JSON.parse(manifest) as { manifests?: Descriptor[] };
  return manifests?.filter((m) => m.platform?.os !== 'unknown').map((m) => m.digest) ?? [digest];
}

/** Critical findings of ECR's scan, basic or enhanced, that a new build may be rid of; none where the image was not scanned. @throws Problem */
export async function fixableIn(image: StoredAt, manifest: string): Promise<string[]> {
  const lists = await Promise.all(
    scannedDigests(image.digest, manifest).map((digest) => findingsOf({ ...image, digest })),
  );
  return [...new Set(fixableFindings(lists.flat()))];
}

async function findingsOf(image: StoredAt): Promise<Finding[]> {
  const call = { operation: 'ecr:DescribeImageScanFindings', resource: `repository ${image.name}` };
  const found: Finding[] = [];
  let nextToken: string | undefined;
  for (let page = 0; page < PAGES; page++) {
    const command = new DescribeImageScanFindingsCommand({
      ...scopeOf(image),
      imageId: { imageDigest: image.digest },
      ...(nextToken && { nextToken }),
    });
    try {
      const answer = await callAws(call, () => image.ecr.send(command, { abortSignal: image.signal }));
      const { findings = [], enhancedFindings = [] } = answer.imageScanFindings ?? {};
      found.push(...findings, ...enhancedFindings);
      nextToken = answer.nextToken;
    } catch (error) {
      if (error instanceof Problem && error.kind === 'not-found') return [];
      throw error;
    }
    if (!nextToken) break;
  }
  return found;
}
