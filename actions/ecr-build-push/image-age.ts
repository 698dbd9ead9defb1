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

/** Critical findings of ECR's scan, basic or enhanced, that a new build may be rid of; none where the image was not scanned. @throws Problem */
export async function fixableIn(image: StoredAt): Promise<string[]> {
  const call = { operation: 'ecr:DescribeImageScanFindings', resource: `repository ${image.name}` };
  const findings: Finding[] = [];
  let nextToken: string | undefined;
  for (let page = 0; page < PAGES; page++) {
    const command = new DescribeImageScanFindingsCommand({
      ...scopeOf(image),
      imageId: { imageDigest: image.digest },
      ...(nextToken && { nextToken }),
    });
    try {
      const answer = await callAws(call, () => image.ecr.send(command, { abortSignal: image.signal }));
      const { findings: basic = [], enhancedFindings = [] } = answer.imageScanFindings ?? {};
      findings.push(...basic, ...enhancedFindings);
      nextToken = answer.nextToken;
    } catch (error) {
      // Not scanned, or pushed as an index, which a basic scan does not look into.
      if (error instanceof Problem && error.kind === 'not-found') return [];
      throw error;
    }
    if (!nextToken) break;
  }
  return fixableFindings(findings);
}
