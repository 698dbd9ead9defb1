import { expect, test } from '@jest/globals';
import { chance } from '../../../local/random.ts';
import { planOf, type StoredManifest } from './plan.ts';

// What must hold for every repository, on random ones: shared platforms, indexes of indexes, signatures of signatures, orphans.
const DAY = 24 * 3600 * 1000;
const NOW = 1000 * DAY;
const TAGS = ['fp-1-r1', 'sha-1', '1.2.3', 'latest', 'pr-1', 'branch-a', 'cache', 'keep-me'];
const ROUNDS = 300;

const digest = (n: number) => `sha256:${(n + 1).toString(16).padStart(64, '0')}`;

/** A repository in which only older manifests are parts or subjects of newer ones, as a registry takes them. */
function repository(seed: number) {
  let draws = 0;
  const draw = () => chance(seed, 'prune', draws++);
  const below = (n: number) => Math.floor(draw() * n);
  const some = (n: number) => [...new Set(Array.from({ length: below(4) }, () => digest(below(n))))];
  const images = Array.from({ length: 3 + below(25) }, (_, n): StoredManifest => {
    const earlier = n > 0 ? some(n) : [];
    // A tag may name anything, also itself or what names it; a digest cannot.
    const cosign = draw() < 0.1 ? [`sha256-${digest(below(n + 3)).slice(7)}.sig`] : [];
    return {
      digest: digest(n),
      tags: [...TAGS.filter(() => draw() < 0.12), ...cosign],
      pushedAt: NOW - (40 - n) * DAY * draw(),
      sizeInBytes: 1,
      children: draw() < 0.35 ? earlier : [],
      // A subject may be gone.
      subject: draw() < 0.2 ? digest(draw() < 0.2 ? 1000 : below(n + 1) - 1) : undefined,
    };
  });
  const used = new Set(images.filter(() => draw() < 0.15).map((i) => i.digest));
  return { images, used, keepNewest: 1 + below(4) };
}

function planned(seed: number, more: readonly string[] = []) {
  const { images, used, keepNewest } = repository(seed);
  for (const one of more) used.add(one);
  const rules = { keepNewest, keepTags: ['keep-*'], minAgeMs: DAY, now: NOW };
  const plan = planOf(images, { ...rules, usersOf: (d) => (used.has(d) ? ['x'] : []) });
  const kept = new Set(plan.decisions.filter((d) => d.action === 'keep').map((d) => d.image.digest));
  return { images, used, kept, plan };
}

/** What it is about: by its subject, or by the only tag that it has. */
function aboutOf({ subject, tags }: StoredManifest): string | undefined {
  const [tag = '', ...others] = tags;
  const hex = others.length === 0 ? /^sha256-([0-9a-f]{64})/.exec(tag)?.[1] : undefined;
  return subject ?? (hex === undefined ? undefined : `sha256:${hex}`);
}

test.each(Array.from({ length: ROUNDS }, (_, seed) => seed))('repository %i', (seed) => {
  const { images, used, kept, plan } = planned(seed);
  const known = new Set(images.map((i) => i.digest));

  // Every manifest has its decision, and the batches are the deleted, each once.
  expect(plan.decisions.map((d) => d.image.digest)).toEqual(images.map((i) => i.digest));
  expect(plan.batches.flat().sort()).toEqual([...known].filter((d) => !kept.has(d)).sort());

  // What is used stays, whole: its parts, what it is a part of, and what is about it.
  for (const one of used) expect(kept).toContain(one);
  for (const image of images) {
    if (kept.has(image.digest)) {
      for (const child of image.children) if (known.has(child)) expect(kept).toContain(child);
    }
    const subject = aboutOf(image);
    if (subject !== undefined && subject !== image.digest && kept.has(subject)) expect(kept).toContain(image.digest);
    if (image.children.some((child) => used.has(child))) expect(kept).toContain(image.digest);
    if (NOW - image.pushedAt < DAY) expect(kept).toContain(image.digest);
    if (image.tags.includes('keep-me') || image.tags.includes('latest')) expect(kept).toContain(image.digest);
  }

  // Nothing is deleted before an index that is deleted too and names it.
  const level = new Map(plan.batches.flatMap((batch, i) => batch.map((d) => [d, i] as const)));
  for (const image of images) {
    for (const child of image.children) {
      if (level.has(image.digest) && level.has(child))
        expect(level.get(image.digest)).toBeLessThan(level.get(child) ?? -1);
    }
  }
});

test('one more user never deletes anything more', () => {
  for (let seed = 0; seed < ROUNDS; seed++) {
    const { images, kept } = planned(seed);
    const [first] = images;
    const more = planned(seed, [first?.digest ?? '']);
    for (const one of kept) expect([seed, more.kept.has(one)]).toEqual([seed, true]);
  }
});
