import { Problem } from '../../lib/errors.ts';
import type { GitHubClient } from '../../lib/github/client.ts';
import { code } from '../../lib/summary.ts';

export interface ReleaseOptions {
  kind: 'tag' | 'release';
  /** Version without a v; a development build's date is one too. */
  version: string;
  commit: string;
  owner: string;
  repo: string;
}

export interface ReleasedImage {
  repository: string;
  digest: string;
}

/** Name of the git tag of a version: v1.2.3, and 20261121.7 as it is. */
export function gitTagOf(version: string): string {
  return /^\d{8}\.\d+$/.test(version) ? version : `v${version}`;
}

/**
 * Whether the git tag is still to be made. Asked before anything is built.
 * @throws Problem kind `conflict` where it stands for another commit.
 */
export async function tagIsFree(
  github: GitHubClient,
  { version, commit, owner, repo }: ReleaseOptions,
): Promise<boolean> {
  const tag = gitTagOf(version);
  const owned = await unlessMissing(
    github.rest<{ sha: string }>('GET', '/repos/{owner}/{repo}/commits/{ref}', { owner, repo, ref: `tags/${tag}` }),
  );
  if (owned === undefined) return true;
  if (owned.data.sha === commit) return false;
  throw new Problem({
    what: `git tag ${tag}`,
    seen: owned.data.sha,
    cause: `it exists, and stands for another commit than ${commit}, which would be released`,
    fix: 'Raise the version (`version`, or the git tag that starts the run): a version that people use is never moved',
    kind: 'conflict',
  });
}

/** Makes the git tag, and the release of it when asked; what is there already stays as it is. Needs `contents: write`. @throws Problem */
export async function makeRelease(
  github: GitHubClient,
  options: ReleaseOptions,
  image: ReleasedImage,
): Promise<{ tag: string; url: string }> {
  const { kind, version, commit, owner, repo } = options;
  const tag = gitTagOf(version);
  if (await tagIsFree(github, options)) {
    const ref = { owner, repo, ref: `refs/tags/${tag}`, sha: commit };
    // Another run of the same commit may have been first.
    await github.rest('POST', '/repos/{owner}/{repo}/git/refs', ref).catch(async (error: unknown) => {
      const conflict = error instanceof Problem && error.kind === 'conflict';
      if (!conflict || (await tagIsFree(github, options))) throw error;
    });
  }
  if (kind === 'tag') return { tag, url: '' };
  const found = await unlessMissing(
    github.rest<{ html_url: string }>('GET', '/repos/{owner}/{repo}/releases/tags/{tag}', { owner, repo, tag }),
  );
  if (found) return { tag, url: found.data.html_url };
  const made = await github.rest<{ html_url: string }>('POST', '/repos/{owner}/{repo}/releases', {
    owner,
    repo,
    tag_name: tag,
    target_commitish: commit,
    name: tag,
    body: `Image ${code(`${image.repository}@${image.digest}`)}`,
    generate_release_notes: true,
    prerelease: version.includes('-'),
  });
  return { tag, url: made.data.html_url };
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    // A ref that does not exist is 422 "No commit found for SHA" for commits, and 404 elsewhere.
    const absent =
      error instanceof Problem &&
      (error.kind === 'not-found' || (error.kind === 'conflict' && /no commit found/i.test(error.message)));
    if (absent) return undefined;
    throw error;
  }
}
