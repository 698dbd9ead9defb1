import type { Image } from './images.ts';
import { TAG } from './tags.ts';

/** What one build has made: an image and its copies. */
export interface Build {
  /** The image that the build made first. */
  id: string;
  createdAt: string;
  images: Image[];
}

/** Images of a series as the builds that they come from, newest first. */
export function buildsOf(images: readonly Image[]): Build[] {
  const builds = new Map<string, Build>();
  for (const image of images) {
    const id = image.tags[TAG.build] ?? image.id;
    const build = builds.get(id) ?? { id, createdAt: image.createdAt, images: [] };
    build.images.push(image);
    // A copy that was made later makes its build no younger.
    if (image.createdAt < build.createdAt) build.createdAt = image.createdAt;
    builds.set(id, build);
  }
  return [...builds.values()].sort((a, b) => b.createdAt.localeCompare(a.createdAt));
}

/**
 * The builds that are beyond the newest `keep`. The one that hosts are to start from now is no candidate, however old it is: after a change
 * was taken back, an older image is the current one again.
 */
export function beyond(images: readonly Image[], keep: number, current: string): Build[] {
  const isCurrent = (build: Build) => build.images.some((image) => image.id === current);
  // What nobody can start from takes no place of one that somebody may go back to.
  const counts = (build: Build) => build.images.some((image) => image.state === 'available');
  let newer = 0;
  return buildsOf(images).filter((build) => {
    const isBeyond = newer >= Math.max(1, keep);
    if (counts(build)) newer += 1;
    return isBeyond && !isCurrent(build);
  });
}

export interface Use {
  image: string;
  /** What holds it, for people. */
  by: string;
}

/** What a person calls a thing of AWS: "instance i-0a", "launch-template lt-0b", "parameter /sample/ami". */
export function nameOfArn(arn: string): string {
  const [, , , , , ...rest] = arn.split(':');
  const [type = '', ...path] = rest.join(':').split('/');
  const name = path.join('/');
  return name === '' ? arn : `${type} ${type === 'parameter' ? `/${name}` : name}`;
}
