import type { StoredImage } from './repository.ts';

/** How many builds of the same content are looked for; each forced build or refresh makes one more. */
const GENERATIONS = 50;

/** Tags under which builds of this content may be stored, fp-HASH-r1 and up: repositories whose tags cannot move need a new one each time. */
export function fingerprintTags(fingerprint: string): string[] {
  return Array.from({ length: GENERATIONS }, (_, i) => fingerprintTag(fingerprint, i + 1));
}

export function fingerprintTag(fingerprint: string, generation: number): string {
  return `fp-${fingerprint.slice(0, 32)}-r${generation}`;
}

/** The newest build of the content and the tag that the next one gets. */
export function newestBuild(images: readonly StoredImage[]): { newest: StoredImage | undefined; next: number } {
  const generations = images.map((image) => ({ image, n: Number(/-r(\d+)$/.exec(image.tag)?.[1] ?? 0) }));
  generations.sort((a, b) => b.n - a.n);
  const [top] = generations;
  return { newest: top?.image, next: (top?.n ?? 0) + 1 };
}
