import { DescribeImagesCommand } from '@aws-sdk/client-ecr';
import { callAws } from '../../lib/aws/client.ts';
import { fixableFindings } from './refresh.ts';
import { type EcrReadPorts, readScan } from './scan/ecr-read.ts';
import { scannedImages } from './scan/platforms.ts';

/** When an image was pushed, in milliseconds since the epoch. A tag that was added later does not make it younger (aws/containers-roadmap#2746). @throws Problem */
export async function pushedAt(digest: string, ports: EcrReadPorts): Promise<number | undefined> {
  const { ecr, repository, registryId, signal } = ports;
  const call = { operation: 'ecr:DescribeImages', resource: `repository ${repository}` };
  const scope = { repositoryName: repository, registryId };
  const command = new DescribeImagesCommand({ ...scope, imageIds: [{ imageDigest: digest }] });
  const { imageDetails } = await callAws(call, () => ecr.send(command, { abortSignal: signal }));
  return imageDetails?.[0]?.imagePushedAt?.getTime();
}

/** Critical findings of ECR's scan, basic or enhanced, that a new build may be rid of; none where the image was not scanned. @throws Problem */
export async function fixableIn(image: { digest: string; manifest: string }, ports: EcrReadPorts): Promise<string[]> {
  const images = scannedImages(image.digest, image.manifest);
  const answers = await Promise.all(images.map((one) => readScan(one, ports)));
  return fixableFindings(answers.flatMap((answer) => (answer.found ? (answer.findings ?? []) : [])));
}
