import type { Repository, StoredImage } from './repository.ts';

/** So many builds of the same content are looked for at once, which is what one request takes; each forced build or refresh makes one more. */
const GENERATIONS = 100;

/** Tags under which builds of this content may be stored, fp-HASH-r1 and up: repositories whose tags cannot move need a new one each time. */
export function fingerprintTags(fingerprint: string, first = 1): string[] {
  return Array.from({ length: GENERATIONS }, (_, i) => fingerprintTag(fingerprint, first + i));
}

/** All builds of a content that the repository holds. One is looked for beyond a window only where the window is half used up. */
export async function buildsOf(fingerprint: string, repository: Pick<Repository, 'byTags'>): Promise<StoredImage[]> {
  const images: StoredImage[] = [];
  for (let first = 1; ; first += GENERATIONS) {
    const found = await repository.byTags(fingerprintTags(fingerprint, first));
    images.push(...found);
    if (!found.some(({ tag }) => generationOf(tag) >= first + GENERATIONS / 2)) return images;
  }
}

const generationOf = (tag: string) => Number(/-r(\d+)$/.exec(tag)?.[1] ?? 0);

export function fingerprintTag(fingerprint: string, generation: number): string {
  return `fp-${fingerprint.slice(0, 32)}-r${generation}`;
}

/** The newest build of the content and the tag that the next one gets. */
export function newestBuild(images: readonly StoredImage[]): { newest: StoredImage | undefined; next: number } {
  const generations = images.map((image) => ({ image, n: generationOf(image.tag) }));
  generations.sort((a, b) => b.n - a.n);
  const [top] = generations;
  return { newest: top?.image, next: (top?.n ?? 0) + 1 };
}
