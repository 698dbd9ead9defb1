import { Problem } from '../../../lib/errors.ts';

/** An image as the input `from` names it. */
export interface SourceImage {
  repository: string;
  /** sha256:… or a tag. */
  reference: string;
  /** From the host of the reference, where that is ECR's. */
  account?: string | undefined;
  region?: string | undefined;
}

// Source: ECR user guide, "Amazon ECR registries": ACCOUNT.dkr.ecr.REGION.amazonaws.com (or .com.cn), FIPS hosts have -fips.
const ECR_HOST = /^(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws)$/;
const NAME = '[a-z0-9]+(?:[._/-]+[a-z0-9]+)*';
const REFERENCE = new RegExp(
  `^(?:([^/]*[.:][^/]*|localhost)/)?(${NAME})(?:@(sha256:[0-9a-f]{64})|:([A-Za-z0-9_][A-Za-z0-9._-]{0,127}))$`,
);

/** @throws Problem for a reference without a digest or tag */
export function parseSource(from: string): SourceImage {
  const [, host = '', repository, digest, tag] = REFERENCE.exec(from) ?? [];
  const reference = digest ?? tag;
  if (repository === undefined || reference === undefined) {
    throw new Problem({
      what: "input 'from'",
      ...(from !== '' && { seen: from }),
      cause:
        from === '' ? 'it is empty, and a promotion needs to know which image' : 'it names no image by digest or tag',
      fix: 'Write NAME@sha256:… (the output `repository` and `digest` of the build), or NAME:TAG',
    });
  }
  const [, account, region] = ECR_HOST.exec(host) ?? [];
  return { repository, reference, account, region };
}
