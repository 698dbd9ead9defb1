import type { CreateRepositoryCommandInput } from '@aws-sdk/client-ecr';
import { Problem } from '../../lib/errors.ts';

/** How a repository is made that is not there yet. */
export interface Creation {
  /** AES256, KMS (the account's key for ECR), or a KMS key by ARN, alias or id. */
  encryption: string;
  /** Filters for the tags that may move; `*` stands for anything. */
  mutableTags: readonly string[];
  /** Age in days after which images of pull requests and branches expire; 0 makes no lifecycle policy. */
  expireDays: number;
}

/**
 * Tags that have to move although the repository is immutable. 1 and 1.2 of a release are not among them: each filter with a
 * wildcard that matches them matches 1.2.3 too.
 */
export const MOVING_TAGS: readonly string[] = ['latest', 'branch-*', 'pr-*', 'cache*'];

// ECR API reference, "CreateRepository" and "ImageTagMutabilityExclusionFilter".
const MOST_FILTERS = 5;
const FILTER = /^[0-9a-zA-Z._*-]{1,128}$/;

/**
 * The settings of a new repository: scanned on push, its tags immutable but for those that must move, encrypted.
 * @throws Problem kind `input` for filters that ECR would refuse
 */
export function creationInput(name: string, { encryption, mutableTags }: Creation): CreateRepositoryCommandInput {
  const filters = mutableTags.length > 0 ? mutableTags : MOVING_TAGS;
  checkFilters(filters);
  return {
    repositoryName: name,
    imageScanningConfiguration: { scanOnPush: true },
    imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION',
    imageTagMutabilityExclusionFilters: filters.map((filter) => ({ filterType: 'WILDCARD', filter })),
    encryptionConfiguration: encryptionOf(encryption),
  };
}

function checkFilters(filters: readonly string[]): void {
  const wrong = filters.find((filter) => !FILTER.test(filter));
  if (wrong === undefined && filters.length <= MOST_FILTERS) return;
  throw new Problem({
    what: "input 'mutable-tags'",
    seen: wrong ?? filters.join(','),
    cause:
      wrong === undefined
        ? `these are ${filters.length} filters, and ECR takes at most ${MOST_FILTERS}`
        : 'a filter has at most 128 letters, digits, dots, dashes, underscores and *',
    fix: 'Write for instance latest,branch-*,pr-*,cache*',
  });
}

function encryptionOf(encryption: string): NonNullable<CreateRepositoryCommandInput['encryptionConfiguration']> {
  if (encryption === 'AES256') return { encryptionType: 'AES256' };
  return { encryptionType: 'KMS', ...(encryption !== 'KMS' && { kmsKey: encryption }) };
}

const SHIELD_DAYS = 36_500;

/**
 * The lifecycle policy of a new repository; undefined when nothing is to expire. Only `pr-*` and `branch-*` images age.
 *
 * An image of a branch often carries other tags too, and it may be the one that runs: lifecycle rules do not know that. So the
 * first rules select what may be deployed, by its fingerprint, commit or version, for a hundred years: an image that one rule
 * selects cannot be expired by a later one. Patterns in one list would all have to match, so each has its own rule.
 * Source: ECR user guide, "Lifecycle policy evaluation rules".
 */
export function lifecyclePolicy(expireDays: number): string | undefined {
  if (expireDays === 0) return undefined;
  const age = (pattern: string, days: number, description: string) => ({
    description,
    selection: {
      tagStatus: 'tagged',
      tagPatternList: [pattern],
      countType: 'sinceImagePushed',
      countUnit: 'days',
      countNumber: days,
    },
    action: { type: 'expire' },
  });
  const rules = [
    ...['fp-*', 'sha-*', '*.*.*'].map((p) => age(p, SHIELD_DAYS, `${p} may be deployed: out of reach of later rules`)),
    ...['pr-*', 'branch-*'].map((p) => age(p, expireDays, `${p} expires after ${expireDays} days`)),
  ];
  return JSON.stringify({ rules: rules.map((rule, i) => ({ rulePriority: i + 1, ...rule })) });
}
