import type {
  DescribeImageScanFindingsResponse,
  EnhancedImageScanFinding,
  ImageScanFinding,
  ScanStatus,
} from '@aws-sdk/client-ecr';
import type { Finding } from './finding.ts';
import { severityOf } from './severity.ts';

/** One answer of DescribeImageScanFindings, all its pages, or that ECR knows of no scan. */
export type ScanAnswer =
  | { found: false }
  | {
      found: true;
      status: ScanStatus | undefined;
      description: string;
      /** Undefined where the answer carries no findings at all, which is not the same as none. */
      findings: Finding[] | undefined;
      enhanced: boolean;
      completedAt: Date | undefined;
    };

/** What a look at a scan means. */
export type ScanStep =
  | { step: 'findings'; findings: Finding[] }
  | { step: 'wait'; why: string }
  /** A scan has to be started by hand. */
  | { step: 'start'; why: string }
  /** No findings will come. */
  | { step: 'none'; why: string };

export interface ScanState {
  /** How often it was looked at before. */
  looks: number;
  /** Whether a scan was asked for in this run, granted or not. */
  started: boolean;
  /** When the findings were made that a scan started in this run is to replace, in milliseconds since the epoch. */
  replaces: number | undefined;
  now: number;
}

/** So many looks that find no scan are waited out, since a scan on push begins a moment after it. */
export const PATIENCE = 3;
/** Basic findings older than this are looked at anew: an image that is reused was scanned when nobody knew of today's CVEs. */
const STALE_MS = 24 * 3600 * 1000;

/**
 * What to do about a scan. Statuses: ECR API reference, "ImageScanStatus".
 */
export function nextStep(answer: ScanAnswer, state: ScanState): ScanStep {
  if (!answer.found) {
    if (state.started || state.looks < PATIENCE) return { step: 'wait', why: 'ECR knows of no scan yet' };
    return { step: 'start', why: 'the image was not scanned on push' };
  }
  const { status, description, findings, enhanced, completedAt } = answer;
  switch (status) {
    case 'COMPLETE':
    case 'ACTIVE':
      // Continuous scanning is ACTIVE before Inspector's findings are there; its answer then has an empty list of basic ones.
      if (findings === undefined || (status === 'ACTIVE' && !enhanced && completedAt === undefined))
        return { step: 'wait', why: `status ${status}, and the findings are not there yet` };
      if (state.replaces !== undefined && completedAt?.getTime() === state.replaces)
        return { step: 'wait', why: 'the scan that was started is not done' };
      if (!enhanced && !state.started && completedAt && state.now - completedAt.getTime() > STALE_MS)
        return { step: 'start', why: `the last scan was at ${completedAt.toISOString()}` };
      return { step: 'findings', findings };
    case 'IN_PROGRESS':
    case 'PENDING':
    case undefined:
      return { step: 'wait', why: `status ${status ?? 'unknown'}` };
    default:
      return { step: 'none', why: `${status}${description ? `: ${description}` : ''}` };
  }
}

/** The pages of one answer as one. An enhanced scan also ends COMPLETE with nothing but `enhancedFindings`. */
export function answerOf(pages: readonly DescribeImageScanFindingsResponse[], platform: string): ScanAnswer {
  const [first] = pages;
  const parts = pages.flatMap((page) => page.imageScanFindings ?? []);
  const enhanced = parts.some((part) => part.enhancedFindings !== undefined);
  return {
    found: true,
    status: first?.imageScanStatus?.status,
    description: first?.imageScanStatus?.description ?? '',
    findings:
      parts.length === 0
        ? undefined
        : parts.flatMap((part) => [
            ...(part.findings ?? []).map((f) => basic(f, platform)),
            ...(part.enhancedFindings ?? []).filter(isOpen).flatMap((f) => enhancedOf(f, platform)),
          ]),
    enhanced,
    completedAt: parts[0]?.imageScanCompletedAt,
  };
}

function basic({ name = '', severity, attributes = [] }: ImageScanFinding, platform: string): Finding {
  const attribute = (...keys: string[]) => attributes.find(({ key = '' }) => keys.includes(key))?.value ?? '';
  const fixedIn = attribute('patched_version', 'fixed_in_version', 'fixedInVersion');
  return {
    id: name,
    severity: severityOf(severity),
    package: attribute('package_name'),
    installed: attribute('package_version'),
    fixedIn,
    fixable: fixedIn === '' ? 'unknown' : 'yes',
    platforms: [platform],
  };
}

/** Inspector keeps what a suppression rule hides, and what is fixed, in the list. */
function isOpen({ status }: EnhancedImageScanFinding): boolean {
  return status === undefined || status === 'ACTIVE';
}

function enhancedOf(f: EnhancedImageScanFinding, platform: string): Finding[] {
  const { vulnerabilityId, vulnerablePackages = [] } = f.packageVulnerabilityDetails ?? {};
  const id = vulnerabilityId ?? f.title ?? f.findingArn ?? '';
  const common = { id, severity: severityOf(f.severity), platforms: [platform] };
  const fixable = f.fixAvailable === undefined ? 'unknown' : f.fixAvailable === 'NO' ? 'no' : 'yes';
  if (vulnerablePackages.length === 0) return [{ ...common, package: '', installed: '', fixedIn: '', fixable }];
  return vulnerablePackages.map(({ name = '', version = '', fixedInVersion = '' }) => {
    // Inspector writes NotAvailable where a fix is unknown.
    const fixedIn = fixedInVersion === 'NotAvailable' ? '' : fixedInVersion;
    return { ...common, package: name, installed: version, fixedIn, fixable: fixedIn === '' ? fixable : 'yes' };
  });
}
