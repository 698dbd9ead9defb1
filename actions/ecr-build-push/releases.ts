import type { ReleasedImage } from './release.ts';

/** The git tag and the release of one build. */
export interface Releases {
  /** @throws Problem before anything is built, where the tag stands for another commit or no token was given. */
  check(): Promise<void>;
  /** Makes what is not there yet. */
  make(image: ReleasedImage): Promise<{ tag: string; url: string }>;
}
