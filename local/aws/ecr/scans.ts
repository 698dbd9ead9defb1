import type {
  DescribeImageScanFindingsRequest,
  EnhancedImageScanFinding,
  ImageIdentifier,
  ImageScanFinding,
  ScanStatus,
  StartImageScanRequest,
} from '@aws-sdk/client-ecr';
import { INDEX_TYPES } from '../../registry/manifest.ts';
import type { Repository, StoredImage } from '../../registry/repositories.ts';
import type { RepositorySpec } from '../../world.ts';
import { pageOf } from '../page.ts';
import { AwsFault, type Operation } from '../service.ts';
import type { EcrDeps } from './ecr.ts';
import { type EcrFaults, imageIdText } from './faults.ts';
import { imageOf } from './images.ts';
import { finder } from './repositories.ts';

const DAY_MS = 24 * 3600 * 1000;

interface Scan {
  startedAt: number;
  doneAt: number;
}

type Findings = RepositorySpec['findings'];

/**
 * Scans, basic and enhanced: what they find, and how they end, is what the world says of the repository.
 * Sources: ECR API reference (DescribeImageScanFindings, ImageScanStatus, ImageScanFindings); ECR user guide, "Scan images".
 */
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
    const { account, clock, lag, scans } = this.#deps;
    const { repository, image } = this.#image(input.repositoryName, input.imageId);
    const spec = scans(repository.name);
    if (spec?.scanType === 'ENHANCED') {
      throw new AwsFault('ValidationException', 'This feature is disabled');
    }
    if (INDEX_TYPES.includes(image.mediaType)) {
      throw new AwsFault(
        'UnsupportedImageTypeException',
        `The image with imageId ${imageIdText({ imageDigest: image.digest })} of type ${image.mediaType} is not supported for scanning`,
      );
    }
    const now = clock.now();
    const last = this.#scans.get(image);
    if (last !== undefined && now - last.startedAt < DAY_MS) {
      throw new AwsFault('LimitExceededException', 'The scan quota per image has been exceeded. Wait and try again.');
    }
    const takes = (spec?.scanSeconds ?? 0) * 1000 + lag.of('ecr.scan', image.digest, [500, 3000]);
    this.#scans.set(image, { startedAt: now, doneAt: now + takes });
    return {
      registryId: account,
      repositoryName: repository.name,
      imageId: { imageDigest: image.digest },
      imageScanStatus: { status: 'IN_PROGRESS' },
    };
  }

  #describe(input: DescribeImageScanFindingsRequest) {
    const { account, clock, scans } = this.#deps;
    const { repository, image } = this.#image(input.repositoryName, input.imageId);
    const spec = scans(repository.name);
    const enhanced = spec?.scanType === 'ENHANCED';
    const scan = this.#scanOf(repository, image, spec);
    if (scan === undefined) throw this.#faults.noScan(repository.name, input.imageId ?? {});
    const base = { registryId: account, repositoryName: repository.name, imageId: { imageDigest: image.digest } };
    const answer = (status: ScanStatus, description: string) => ({ ...base, imageScanStatus: { status, description } });
    if (clock.now() < scan.doneAt) return answer(enhanced ? 'PENDING' : 'IN_PROGRESS', 'The scan is under way.');
    const ends = spec?.scanStatus ?? (enhanced ? 'ACTIVE' : 'COMPLETE');
    if (ends !== 'COMPLETE' && ends !== 'ACTIVE') return answer(ends, DESCRIPTIONS[ends]);
    const { items, ...rest } = pageOf(spec?.findings ?? [], { ...input, most: 1000 });
    return {
      ...answer(ends, enhanced ? 'Continuous scan is selected for image.' : 'The scan was completed successfully.'),
      imageScanFindings: {
        imageScanCompletedAt: new Date(scan.doneAt),
        vulnerabilitySourceUpdatedAt: new Date(scan.startedAt),
        ...(enhanced ? { enhancedFindings: items.map(enhancedFinding) } : { findings: items.map(basicFinding) }),
        findingSeverityCounts: counted(spec?.findings ?? []),
      },
      ...rest,
    };
  }

  /** On push, by Inspector, or started by hand. An index is never scanned, its images are. */
  #scanOf(repository: Repository, image: StoredImage, spec: RepositorySpec | undefined): Scan | undefined {
    if (INDEX_TYPES.includes(image.mediaType)) return undefined;
    const started = this.#scans.get(image);
    if (started !== undefined) return started;
    if (!repository.scanOnPush && spec?.scanType !== 'ENHANCED') return undefined;
    return { startedAt: image.pushedAt, doneAt: image.visibleAt + (spec?.scanSeconds ?? 0) * 1000 };
  }

  #image(name: string | undefined, id: ImageIdentifier = {}): { repository: Repository; image: StoredImage } {
    const repository = finder(this.#deps, this.#faults)(name);
    const image = imageOf(repository, id);
    if (image === undefined) throw this.#faults.noImage(repository.name, id);
    return { repository, image };
  }
}

const DESCRIPTIONS = {
  FAILED: 'The scan failed.',
  UNSUPPORTED_IMAGE: 'UnsupportedImageError: The operating system and/or package manager are not supported.',
  PENDING: 'The scan is under way.',
  SCAN_ELIGIBILITY_EXPIRED: 'The scan eligibility has expired for this image.',
} as const;

function basicFinding(f: Findings[number]): ImageScanFinding {
  return {
    name: f.name,
    severity: f.severity,
    attributes: [
      { key: 'package_name', value: f.package ?? 'unknown' },
      { key: 'package_version', value: f.installed ?? '0' },
      ...(f.fixedIn === undefined ? [] : [{ key: 'patched_version', value: f.fixedIn }]),
    ],
  };
}

function enhancedFinding(f: Findings[number]): EnhancedImageScanFinding {
  const name = f.package ?? 'unknown';
  return {
    type: 'PACKAGE_VULNERABILITY',
    status: 'ACTIVE',
    title: `${f.name} - ${name}`,
    // Inspector has no UNDEFINED.
    severity: f.severity === 'UNDEFINED' ? 'UNTRIAGED' : f.severity,
    fixAvailable: f.fixedIn === undefined ? 'NO' : 'YES',
    packageVulnerabilityDetails: {
      vulnerabilityId: f.name,
      vulnerablePackages: [
        {
          name,
          version: f.installed ?? '0',
          ...(f.fixedIn === undefined ? {} : { fixedInVersion: f.fixedIn }),
        },
      ],
    },
  };
}

function counted(specs: Findings): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { severity } of specs) counts[severity] = (counts[severity] ?? 0) + 1;
  return counts;
}
