/** A manifest of the repository. */
export interface StoredManifest {
  digest: string;
  tags: readonly string[];
  /** Milliseconds since the epoch. */
  pushedAt: number;
  sizeInBytes: number;
  /** Digests of an index's manifests. */
  children: readonly string[];
  /** Digest of the image that it is about: of a signature, an SBOM, an attestation. */
  subject?: string | undefined;
}

export interface Rules {
  keepNewest: number;
  minAgeMs: number;
  now: number;
  /** Tags whose images stay, with * for anything: of what runs where nobody can look. */
  keepTags: readonly string[];
  /** Who needs an image; [] when nobody does. */
  usersOf(digest: string, tags: readonly string[]): readonly string[];
}

export interface Decision {
  image: StoredManifest;
  action: 'keep' | 'delete';
  why: string;
  /** Not a part of another image, and not about one. */
  root: boolean;
}

export interface Plan {
  decisions: Decision[];
  /** Digests to delete, in the order in which ECR lets them go: what others are made of comes after these. */
  batches: string[][];
}

/** Tags whose images the lifecycle policy ages. */
const AGED = /^(?:pr|branch)-/;
/** Tags that stand for what only the builder uses. */
const CACHE = /^cache/;
/** Signatures and attestations by tag, as cosign writes them, and the distribution specification's fallback for referrers. */
const ABOUT = /^sha256-([0-9a-f]{64})(?:\.|$)/;

/**
 * What is deleted and what stays, each with its reason. Nothing that is used goes, nor a part of it, nor what is about it.
 * Every manifest gets a decision.
 */
export function planOf(images: readonly StoredManifest[], rules: Rules): Plan {
  const family = new Family(images);
  const kept = new Map<string, string>();
  for (const image of images) keepUsed(image, family, rules, kept);
  const ranks = ranksOf(images.filter((image) => family.isRoot(image) && isRanked(image)));
  for (const image of images) {
    const why = kept.has(image.digest) ? undefined : whyKept(image, ranks.get(image.digest), rules);
    if (why !== undefined) kept.set(image.digest, why);
  }
  for (const digest of [...kept.keys()]) keepParts(digest, family, kept);
  const decisions = images.map((image): Decision => {
    const why = kept.get(image.digest);
    const root = family.isRoot(image);
    return why === undefined
      ? { image, action: 'delete', why: whyDeleted(image, family, rules), root }
      : { image, action: 'keep', why, root };
  });
  return { decisions, batches: batchesOf(decisions, family) };
}

/** Who is a part of whom, and who is about whom. */
class Family {
  readonly #known: ReadonlyMap<string, StoredManifest>;
  readonly #parents = new Map<string, string[]>();
  readonly #about = new Map<string, string[]>();

  constructor(images: readonly StoredManifest[]) {
    this.#known = new Map(images.map((image) => [image.digest, image]));
    for (const image of images) {
      for (const child of image.children) push(this.#parents, child, image.digest);
      const subject = subjectOf(image);
      if (subject !== undefined) push(this.#about, subject, image.digest);
    }
  }

  isRoot(image: StoredManifest): boolean {
    const subject = subjectOf(image);
    return this.parents(image.digest).length === 0 && (subject === undefined || !this.#known.has(subject));
  }

  parents(digest: string): readonly string[] {
    return this.#parents.get(digest) ?? [];
  }

  /** What has to stay for this one to be whole: its parts, and what is about it. */
  parts(digest: string): { digest: string; why: string }[] {
    const children = (this.#known.get(digest)?.children ?? []).filter((child) => this.#known.has(child));
    return [
      ...children.map((child) => ({ digest: child, why: `part of ${short(digest)}` })),
      ...(this.#about.get(digest) ?? []).map((one) => ({ digest: one, why: `about ${short(digest)}` })),
    ];
  }

  /** How many indexes it is inside of, one in the other. Digests cannot name each other in a circle. */
  depth(digest: string): number {
    return Math.max(0, ...this.parents(digest).map((parent) => 1 + this.depth(parent)));
  }
}

/** An image that is used, and every index that it is a part of: a task may name one platform's digest only. */
function keepUsed(image: StoredManifest, family: Family, rules: Rules, kept: Map<string, string>): void {
  const users = rules.usersOf(image.digest, image.tags);
  const [first] = users;
  if (first === undefined) return;
  const why = users.length > 1 ? `${first} and ${users.length - 1} more` : first;
  const up = (digest: string, reason: string) => {
    if (kept.has(digest) && digest !== image.digest) return;
    kept.set(digest, reason);
    for (const parent of family.parents(digest)) up(parent, `${short(image.digest)} of it is used: ${why}`);
  };
  up(image.digest, why);
}

function keepParts(digest: string, family: Family, kept: Map<string, string>): void {
  for (const part of family.parts(digest)) {
    if (kept.has(part.digest)) continue;
    kept.set(part.digest, part.why);
    keepParts(part.digest, family, kept);
  }
}

function isRanked({ tags }: StoredManifest): boolean {
  return tags.some((tag) => !AGED.test(tag) && !CACHE.test(tag) && !ABOUT.test(tag));
}

/** Places from 1, the newest, on. */
function ranksOf(images: readonly StoredManifest[]): Map<string, number> {
  const sorted = images.toSorted((a, b) => b.pushedAt - a.pushedAt || a.digest.localeCompare(b.digest));
  return new Map(sorted.map(({ digest }, i) => [digest, i + 1]));
}

function whyKept(image: StoredManifest, rank: number | undefined, rules: Rules): string | undefined {
  const { tags, pushedAt } = image;
  if (rules.now - pushedAt < rules.minAgeMs) return 'younger than min-age';
  if (tags.includes('latest')) return 'latest';
  const pattern = rules.keepTags.find((one) => tags.some((tag) => wildcard(one).test(tag)));
  if (pattern !== undefined) return `keep-tags: ${pattern}`;
  if (tags.some((tag) => CACHE.test(tag))) return 'build cache';
  if (rank !== undefined)
    return rank <= rules.keepNewest ? `number ${rank} of the newest ${rules.keepNewest}` : undefined;
  return tags.length > 0 && tags.every((tag) => AGED.test(tag)) ? 'left to the lifecycle policy' : undefined;
}

function wildcard(pattern: string): RegExp {
  const literal = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`);
}

function whyDeleted(image: StoredManifest, family: Family, { keepNewest }: Rules): string {
  if (!family.isRoot(image)) return 'goes with its image';
  if (subjectOf(image) !== undefined) return 'the image that it is about is gone';
  if (image.tags.length === 0) return 'no tag, and nobody uses it';
  return `not among the newest ${keepNewest}, and nobody uses it`;
}

function batchesOf(decisions: readonly Decision[], family: Family): string[][] {
  const levels: string[][] = [];
  for (const { image, action } of decisions) {
    if (action === 'keep') continue;
    const depth = family.depth(image.digest);
    while (levels.length <= depth) levels.push([]);
    levels[depth]?.push(image.digest);
  }
  return levels.filter((level) => level.length > 0);
}

/** A tag says so only of what has no other: an image with a name of its own stands by itself. */
function subjectOf({ digest, subject, tags }: StoredManifest): string | undefined {
  if (subject !== undefined) return subject;
  const hex = tags.every((tag) => ABOUT.test(tag)) ? ABOUT.exec(tags[0] ?? '')?.[1] : undefined;
  return hex === undefined || digest.endsWith(hex) ? undefined : `sha256:${hex}`;
}

function push(map: Map<string, string[]>, key: string, value: string): void {
  const known = map.get(key);
  if (known) known.push(value);
  else map.set(key, [value]);
}

const short = (digest: string) => digest.slice(0, 19);
