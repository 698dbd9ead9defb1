import type { DescribeImageScanFindingsRequest, ImageScanFinding, StartImageScanRequest } from '@aws-sdk/client-ecr';
import type { StoredImage } from '../../registry/repositories.ts';
import { AwsFault, type Operation } from '../service.ts';
import type { EcrDeps } from './ecr.ts';
import type { EcrFaults } from './faults.ts';
import { imageOf } from './images.ts';
import { finder } from './repositories.ts';

const DAY_MS = 24 * 3600 * 1000;

/** Basic scans: what they find is what the world says of the repository. */
export function scanOperations(deps: EcrDeps, faults: EcrFaults): Record<string, Operation> {
  const { account, clock, lag } = deps;
  const find = finder(deps, faults);
  /** digest → when a scan was asked for by hand, and when it is done */
  const scans = new Map<StoredImage, { startedAt: number; doneAt: number }>();

  const image = (input: { repositoryName: string | undefined; imageId: StartImageScanRequest['imageId'] }) => {
    const repository = find(input.repositoryName);
    const found = imageOf(repository, input.imageId ?? {});
    if (found === undefined) throw faults.noImage(repository.name, input.imageId ?? {});
    return { repository, found };
  };

  return {
    StartImageScan: (input: StartImageScanRequest) => {
      const { repository, found } = image(input);
      const now = clock.now();
      const last = scans.get(found);
      if (last !== undefined && now - last.startedAt < DAY_MS) {
        throw new AwsFault('LimitExceededException', 'The scan quota per image has been exceeded. Wait and try again.');
      }
      scans.set(found, { startedAt: now, doneAt: now + lag.of('ecr.scan', found.digest, [500, 3000]) });
      return {
        registryId: account,
        repositoryName: repository.name,
        imageId: { imageDigest: found.digest },
        imageScanStatus: { status: 'IN_PROGRESS' },
      };
    },

    DescribeImageScanFindings: (input: DescribeImageScanFindingsRequest) => {
      const { repository, found } = image(input);
      const scan =
        scans.get(found) ??
        (repository.scanOnPush ? { startedAt: found.pushedAt, doneAt: found.visibleAt } : undefined);
      if (scan === undefined) throw faults.noScan(repository.name, input.imageId ?? {});
      const base = { registryId: account, repositoryName: repository.name, imageId: { imageDigest: found.digest } };
      if (clock.now() < scan.doneAt) return { ...base, imageScanStatus: { status: 'IN_PROGRESS' as const } };
      const specs = deps.findings(repository.name);
      const findings = specs.map(
        (f): ImageScanFinding => ({
          name: f.name,
          severity: f.severity,
          attributes: [
            { key: 'package_name', value: f.package ?? 'unknown' },
            { key: 'package_version', value: f.installed ?? '0' },
            ...(f.fixedIn === undefined ? [] : [{ key: 'patched_version', value: f.fixedIn }]),
          ],
        }),
      );
      const counts: Record<string, number> = {};
      for (const f of specs) counts[f.severity] = (counts[f.severity] ?? 0) + 1;
      return {
        ...base,
        imageScanStatus: { status: 'COMPLETE' as const, description: 'The scan was completed successfully.' },
        imageScanFindings: {
          imageScanCompletedAt: new Date(scan.doneAt),
          vulnerabilitySourceUpdatedAt: new Date(scan.startedAt),
          findings,
          findingSeverityCounts: counts,
        },
      };
    },
  };
}
