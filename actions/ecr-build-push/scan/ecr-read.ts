import { DescribeImageScanFindingsCommand, type ECRClient } from '@aws-sdk/client-ecr';
import { callAws } from '../../../lib/aws/client.ts';
import { exceptionOf } from '../../../lib/aws/errors.ts';
import { answerOf, type ScanAnswer } from './ecr-findings.ts';
import type { Scanned } from './platforms.ts';

export interface EcrReadPorts {
  ecr: ECRClient;
  repository: string;
  registryId: string;
  signal: AbortSignal;
}

/** What ECR has of the scan of one platform's image, all its pages. @throws Problem */
export async function readScan({ digest, platform }: Scanned, ports: EcrReadPorts): Promise<ScanAnswer> {
  const { ecr, repository, registryId, signal } = ports;
  const call = { operation: 'ecr:DescribeImageScanFindings', resource: `repository ${repository}` };
  const pages = [];
  let nextToken: string | undefined;
  try {
    do {
      const command = new DescribeImageScanFindingsCommand({
        repositoryName: repository,
        registryId,
        imageId: { imageDigest: digest },
        maxResults: 1000,
        ...(nextToken !== undefined && { nextToken }),
      });
      const page = await callAws(call, () => ecr.send(command, { abortSignal: signal }));
      pages.push(page);
      nextToken = page.nextToken;
    } while (nextToken);
  } catch (error) {
    if (exceptionOf(error) === 'ScanNotFoundException') return { found: false };
    throw error;
  }
  return answerOf(pages, platform);
}
