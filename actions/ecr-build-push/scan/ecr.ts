import { StartImageScanCommand } from '@aws-sdk/client-ecr';
import { callAws } from '../../../lib/aws/client.ts';
import { exceptionOf } from '../../../lib/aws/errors.ts';
import type { Clock } from '../../../lib/clock.ts';
import { humanDuration } from '../../../lib/clock.ts';
import { Problem } from '../../../lib/errors.ts';
import type { Log } from '../../../lib/log.ts';
import { nextStep } from './ecr-findings.ts';
import { type EcrReadPorts, readScan } from './ecr-read.ts';
import type { Finding } from './finding.ts';
import type { Scanned } from './platforms.ts';

export interface EcrScanPorts extends EcrReadPorts {
  clock: Clock;
  log: Log;
  timeoutMs: number;
}

const POLL_MS = [1000, 1000, 1000, 2000, 3000, 5000];

/**
 * Waits for the findings of one platform's image; starts a scan where none was made, or only an old one.
 * @throws Problem kind `service` when there will be none, or none in time: an image that nobody could judge does not pass
 */
export async function ecrFindings(image: Scanned, ports: EcrScanPorts): Promise<Finding[]> {
  const { clock, log, timeoutMs, signal } = ports;
  const deadline = clock.now() + timeoutMs;
  let started = false;
  let replaces: number | undefined;
  for (let looks = 0; ; looks++) {
    const answer = await readScan(image, ports);
    const next = nextStep(answer, { looks, started, replaces, now: clock.now() });
    if (next.step === 'findings') return next.findings;
    if (next.step === 'none') throw noFindings(image, ports, next.why);
    if (next.step === 'start') {
      log.info(`Starting a scan of ${ports.repository}@${image.digest}: ${next.why}`);
      started = true;
      if (await start(image, ports)) replaces = answer.found ? answer.completedAt?.getTime() : undefined;
    }
    const pause = POLL_MS[Math.min(looks, POLL_MS.length - 1)] ?? 0;
    if (clock.now() + pause > deadline) throw tooLate(image, ports, next.why);
    await clock.sleep(pause, signal);
  }
}

/** @returns whether ECR took it up */
async function start({ digest }: Scanned, ports: EcrScanPorts): Promise<boolean> {
  const { ecr, repository, registryId, log, signal } = ports;
  const call = { operation: 'ecr:StartImageScan', resource: `repository ${repository}` };
  const command = new StartImageScanCommand({
    repositoryName: repository,
    registryId,
    imageId: { imageDigest: digest },
  });
  try {
    await callAws(call, () => ecr.send(command, { abortSignal: signal }));
    return true;
  } catch (error) {
    const name = exceptionOf(error);
    // One manual basic scan a day, and none under enhanced scanning, which scans by itself: what there is has to do.
    if (name !== 'LimitExceededException' && name !== 'ValidationException') throw error;
    log.info(`ECR starts no scan by hand now (${name}); its own findings are waited for`);
    return false;
  }
}

function noFindings({ digest }: Scanned, { repository }: EcrScanPorts, why: string): Problem {
  return new Problem({
    what: `scan of ${repository}@${digest}`,
    seen: why,
    cause: 'ECR has no findings for this image, so that nobody knows what is in it',
    fix: why.startsWith('UNSUPPORTED_IMAGE')
      ? 'Turn on enhanced scanning, which knows more systems, use `scan: trivy`, or `scan: none` for an image without packages'
      : 'Look at the scan in the ECR console; use `scan: trivy`, or `scan: none` to go on without',
    kind: 'service',
  });
}

function tooLate({ digest }: Scanned, { repository, timeoutMs }: EcrScanPorts, why: string): Problem {
  return new Problem({
    what: `scan of ${repository}@${digest}`,
    seen: why,
    cause: `its findings did not come within ${humanDuration(timeoutMs)}`,
    fix: 'Raise `scan-timeout`, check that the registry scans this repository (scan on push, or a filter of enhanced scanning), or use `scan: trivy`',
    kind: 'service',
  });
}
