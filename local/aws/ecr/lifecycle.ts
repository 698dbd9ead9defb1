/** One rule of a lifecycle policy. */
export interface LifecycleRule {
  rulePriority: number;
  selection: {
    tagStatus: 'tagged' | 'untagged' | 'any';
    tagPatternList?: string[];
    tagPrefixList?: string[];
    countType: 'sinceImagePushed' | 'imageCountMoreThan';
    countUnit?: string;
    countNumber: number;
  };
  action: { type: string };
}

export interface AgedImage {
  digest: string;
  tags: readonly string[];
  pushedAt: number;
}

const DAY_MS = 24 * 3600 * 1000;

/**
 * What is wrong with a lifecycle policy; undefined when ECR would take it. Only expiry by push and by count is known here.
 * Source: ECR user guide, "Lifecycle policy properties in Amazon ECR".
 */
export function lifecycleMistake(text: string): string | undefined {
  let rules: LifecycleRule[];
  try {
    ({ rules } = JSON.parse(text) as { rules: LifecycleRule[] });
  } catch {
    return 'it is not valid JSON';
  }
  if (!Array.isArray(rules) || rules.length === 0) return "the object has no 'rules'";
  const priorities = rules.map((rule) => rule.rulePriority);
  if (priorities.some((p) => !Number.isInteger(p) || p < 1)) return 'rulePriority must be a whole number from 1';
  if (new Set(priorities).size < rules.length) return 'rulePriority must be unique';
  return rules.map(ruleMistake).find((mistake) => mistake !== undefined);
}

function ruleMistake({ selection, action }: LifecycleRule): string | undefined {
  const { tagStatus, tagPatternList, tagPrefixList, countType, countUnit, countNumber } = selection ?? {};
  const lists = [tagPatternList, tagPrefixList].filter((list) => list !== undefined);
  if (tagStatus === 'tagged' && lists.length !== 1) return 'tagged needs either tagPatternList or tagPrefixList';
  if (tagStatus !== 'tagged' && lists.length > 0) return `${tagStatus} takes no list of tags`;
  if (!['tagged', 'untagged', 'any'].includes(tagStatus)) return `tagStatus ${tagStatus} is unknown`;
  if (tagPatternList?.some((p) => p.split('*').length > 5)) return 'a tag pattern has at most four wildcards';
  if (!Number.isInteger(countNumber) || countNumber < 1) return 'countNumber must be a whole number from 1';
  if (countType === 'sinceImagePushed' && countUnit !== 'days') return 'sinceImagePushed needs the countUnit days';
  if (countType === 'imageCountMoreThan' && countUnit !== undefined) return 'imageCountMoreThan takes no countUnit';
  if (!['sinceImagePushed', 'imageCountMoreThan'].includes(countType)) return `countType ${countType} is unknown`;
  return action?.type === 'expire' ? undefined : `action ${action?.type} is unknown`;
}

/**
 * The digests that a policy would expire. Rules go from the lowest priority number up; an image that meets a rule's demands
 * on tags is out of the reach of every later rule. Patterns of one rule must all be met.
 * Source: ECR user guide, "Lifecycle policy evaluation rules".
 */
export function expiredBy(text: string, images: readonly AgedImage[], now: number): string[] {
  const { rules } = JSON.parse(text) as { rules: LifecycleRule[] };
  const expired: string[] = [];
  let left = images.toSorted((a, b) => b.pushedAt - a.pushedAt);
  for (const rule of rules.toSorted((a, b) => a.rulePriority - b.rulePriority)) {
    const chosen = left.filter(({ tags }) => selects(rule, tags));
    left = left.filter((image) => !chosen.includes(image));
    const { countType, countNumber } = rule.selection;
    const old =
      countType === 'imageCountMoreThan'
        ? chosen.slice(countNumber)
        : chosen.filter(({ pushedAt }) => now - pushedAt > countNumber * DAY_MS);
    expired.push(...old.map(({ digest }) => digest));
  }
  return expired;
}

function selects({ selection }: LifecycleRule, tags: readonly string[]): boolean {
  const { tagStatus, tagPatternList, tagPrefixList } = selection;
  if (tagStatus !== 'tagged') return tagStatus === 'any' || tags.length === 0;
  const patterns = tagPatternList ?? (tagPrefixList ?? []).map((prefix) => `${prefix}*`);
  return patterns.every((pattern) => tags.some((tag) => wildcard(pattern).test(tag)));
}

function wildcard(pattern: string): RegExp {
  const literal = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`);
}
