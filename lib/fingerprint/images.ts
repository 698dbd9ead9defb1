import { imagesOf } from '../config/defaults.ts';
import type { AppComponent } from '../config/schema.ts';
import type { Git } from '../git/repository.ts';
import { buildFingerprint, readBuildTree } from './build.ts';
import { canonicalJson, sha256 } from './canonical.ts';

/**
 * Fingerprint of what a component's images are built from at a commit, without their base images: 64 hexadecimal digits, the
 * same at any clone depth and on any machine. The commit must be present.
 * @throws Problem when the commit holds no such context or Dockerfile.
 */
export async function imagesFingerprint(component: AppComponent, commit: string, git: Git): Promise<string> {
  const parts: [container: string, fingerprint: string][] = [];
  for (const image of imagesOf(component)) {
    const { container = '', context, dockerfile, target, platforms, 'build-args': buildArgs } = image;
    const tree = await readBuildTree(git, commit, context, dockerfile);
    parts.push([container, buildFingerprint({ ...tree, target, platforms, buildArgs, baseImages: {} })]);
  }
  const [first] = parts;
  if (parts.length === 1 && first) return first[1];
  return sha256(['slipway images 1', canonicalJson(Object.fromEntries(parts))]);
}
