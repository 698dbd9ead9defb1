import { Problem } from '../../../lib/errors.ts';
import type { Outcome } from '../../../lib/outcome.ts';
import type { Annotation } from '../../../lib/report.ts';
import { type Finding, merged } from './finding.ts';
import { type Judgement, judge, type Policy } from './judge.ts';
import { type Scanned, scannedImages } from './platforms.ts';
import { countsText, scanSummary } from './summary.ts';

/** How an image stood its scan. */
export interface GateResult {
  /** Undefined when it passes. */
  failure: Outcome | undefined;
  /** Number of findings that count by severity, as JSON. */
  findings: string;
  summary: string;
  annotations: Annotation[];
}

export interface GatePorts {
  /** ecr or trivy, for people. */
  scanner: string;
  policy: Policy;
  /** The findings of one platform's image. */
  scan(image: Scanned): Promise<Finding[]>;
}

const NAMED = 5;

/** Scans every platform of an image and judges what is found. @throws Problem when one of them cannot be judged */
export async function gate(image: { digest: string; manifest: string }, ports: GatePorts): Promise<GateResult> {
  const { policy, scanner } = ports;
  const images = scannedImages(image.digest, image.manifest);
  if (images.length === 0) throw nothingToScan(image.digest);
  const lists = await Promise.all(images.map((one) => ports.scan(one)));
  const judgement = judge(merged(lists), policy);
  return {
    failure: failureOf(judgement, policy),
    findings: JSON.stringify(judgement.counts),
    summary: scanSummary(judgement, { scanner, failOn: policy.failOn }),
    annotations: judgement.expired.map((i) => ({
      level: 'warning',
      title: 'An ignored finding counts again',
      message: `${i.id}: its ignore ended on ${i.until} (${i.source}). Fix it, or give it a new day with a reason.`,
    })),
  };
}

function nothingToScan(digest: string): Problem {
  return new Problem({
    what: `scan of ${digest}`,
    cause: 'it is an index without an image of any platform',
    fix: 'Use `scan: none` for what is no image',
    kind: 'service',
  });
}

function failureOf(judgement: Judgement, { failOn }: Policy): Outcome | undefined {
  const { failing, expired } = judgement;
  if (failing.length === 0) return undefined;
  const names = failing.slice(0, NAMED).map(({ finding }) => `${finding.id} in ${finding.package || 'the image'}`);
  const more = failing.length > NAMED ? ` and ${failing.length - NAMED} more` : '';
  const again = expired.length > 0 ? `; ${expired.length} of the ignores have ended` : '';
  const fixable = failing.filter(({ finding }) => finding.fixable === 'yes').length;
  return {
    status: 'failed',
    cause: `the scan found ${countsText(judgement)}, and it fails from ${failOn} on: ${names.join(', ')}${more}${again}`,
    next:
      fixable > 0
        ? `${fixable} of ${failing.length} are fixed by newer packages: rebuild on a newer base image, or update them`
        : 'Ignore them until a day with a reason (`ignore-findings`), or raise `fail-on`',
  };
}
