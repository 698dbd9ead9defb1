import type {
  DescribeImageScanFindingsRequest,
  ImageIdentifier,
  ImageScanFinding,
  StartImageScanRequest,
} from '@aws-sdk/client-ecr';
import type { Repository, StoredImage } from '../../registry/repositories.ts';
import type { RepositorySpec } from '../../world.ts';
import { AwsFault, type Operation } from '../service.ts';
import type { EcrDeps } from './ecr.ts';
import type { EcrFaults } from './faults.ts';
import { imageOf } from './images.ts';
import { finder } from './repositories.ts';

const DAY_MS = 24 * 3600 * 1000;

interface Scan {
  startedAt: number;
  doneAt: number;
}

/** Basic scans: what they find is what the world says of the repository. */
export class Scans {
  readonly #deps: EcrDeps;
  readonly #faults: EcrFaults;
  readonly #scans = new Map<StoredImage, Scan>();

  constructor(deps: EcrDeps, faults: EcrFaults) {
    this.#deps = deps;
    this.#faults = faults;
  }

  operations(): Record<string, Operation> {
    return {
      StartImageScan: (input: StartImageScanRequest) => this.#start(input),
      DescribeImageScanFindings: (input: DescribeImageScanFindingsRequest) => this.#describe(input),
    };
  }

  #start(input: StartImageScanRequest) {
    const { account, clock, lag } = this.#deps;
    const { repository, image } = this.#image(input.repositoryName, input.imageId);
    const now = clock.now();
    const last = this.#scans.get(image);
    if (last !== undefined && now - last.startedAt < DAY_MS) {
      throw new AwsFault('LimitExceededException', 'The scan quota per image has been exceeded. Wait and try again.');
    }
    this.#scans.set(image, { startedAt: now, doneAt: now + lag.of('ecr.scan', image.digest, [500, 3000]) });
    return {
      registryId: account,
      repositoryName: repository.name,
      imageId: { imageDigest: image.digest },
      imageScanStatus: { status: 'IN_PROGRESS' },
    };
  }

  #describe(input: DescribeImageScanFindingsRequest) {
    const { account, clock, findings } = this.#deps;
    const { repository, image } = this.#image(input.repositoryName, input.imageId);
    const onPush = repository.scanOnPush ? { startedAt: image.pushedAt, doneAt: image.visibleAt } : undefined;
    const scan = this.#scans.get(image) ?? onPush;
    if (scan === undefined) throw this.#faults.noScan(repository.name, input.imageId ?? {});
    const base = { registryId: account, repositoryName: repository.name, imageId: { imageDigest: image.digest } };
    if (clock.now() < scan.doneAt) return { ...base, imageScanStatus: { status: 'IN_PROGRESS' as const } };
    return {
      ...base,
      imageScanStatus: { status: 'COMPLETE' as const, description: 'The scan was completed successfully.' },
      imageScanFindings: {
        imageScanCompletedAt: new Date(scan.doneAt),
        vulnerabilitySourceUpdatedAt: new Date(scan.startedAt),
        ...found(findings(repository.name)),
      },
    };
  }

  #image(name: string | undefined, id: ImageIdentifier = {}): { repository: Repository; image: StoredImage } {
    const repository = finder(this.#deps, this.#faults)(name);
    const image = imageOf(repository, id);
    if (image === undefined) throw this.#faults.noImage(repository.name, id);
    return { repository, image };
  }
}

function found(specs: RepositorySpec['findings']) {
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
  const findingSeverityCounts: Record<string, number> = {};
  for (const { severity } of specs) findingSeverityCounts[severity] = (findingSeverityCounts[severity] ?? 0) + 1;
  return { findings, findingSeverityCounts };
}
