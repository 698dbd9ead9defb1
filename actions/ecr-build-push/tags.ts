import type { GitHubContext } from '../../lib/context.ts';
import { Problem } from '../../lib/errors.ts';

export interface TagSource {
  sha: string;
  context: Pick<GitHubContext, 'refName' | 'refType' | 'eventName' | 'event'>;
}

// Source: OCI distribution specification, "Pulling manifests": a tag is at most 128 characters of this form.
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const SEMVER = /^v?(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?$/;

/**
 * The tags that the lines of the `tags` input ask for, in order and without doubles.
 * A rule that does not apply to the run (`semver` without a version tag, `pr` outside pull requests) gives none.
 * @throws Problem for a rule that does not exist or a tag that no registry takes.
 */
export function tagsFor(rules: readonly string[], source: TagSource): string[] {
  const tags = rules.flatMap((rule) => tagsOf(rule, source));
  for (const tag of tags) {
    if (TAG.test(tag)) continue;
    throw new Problem({
      what: "input 'tags'",
      seen: tag,
      cause:
        'a tag has at most 128 letters, digits, dots, dashes and underscores and does not begin with a dot or dash',
      fix: 'Choose another tag',
    });
  }
  return [...new Set(tags)];
}

function tagsOf(rule: string, { sha, context }: TagSource): string[] {
  if (rule.startsWith('raw=')) return [rule.slice('raw='.length)];
  switch (rule) {
    case 'sha':
      return sha === '' ? [] : [`sha-${sha.slice(0, 12)}`];
    case 'latest':
      return ['latest'];
    case 'branch':
      return context.refType === 'branch' ? [`branch-${slug(context.refName)}`] : [];
    case 'pr': {
      const number = pullNumber(context);
      return number === undefined ? [] : [`pr-${number}`];
    }
    case 'semver': {
      const version = semverOf(context);
      return version === undefined ? [] : version.tags;
    }
    default:
      throw new Problem({
        what: "input 'tags'",
        seen: rule,
        cause: 'there is no such rule',
        fix: 'Write sha, branch, pr, semver, latest, or raw=TEXT for a tag of your own, one a line',
      });
  }
}

/** The number of the pull request that the run is for. */
export function pullNumber({ eventName, event }: Pick<GitHubContext, 'eventName' | 'event'>): number | undefined {
  const number = (event.pull_request as { number?: unknown } | undefined)?.number;
  return eventName.startsWith('pull_request') && typeof number === 'number' ? number : undefined;
}

function semverOf({
  refType,
  refName,
}: Pick<GitHubContext, 'refType' | 'refName'>): { version: string; tags: string[] } | undefined {
  const match = refType === 'tag' ? SEMVER.exec(refName) : null;
  if (!match) return undefined;
  const [, major = '', minor = '', patch = '', pre] = match;
  const version = `${major}.${minor}.${patch}${pre ?? ''}`;
  // A pre-release must not move the tags that stand for the newest release.
  return { version, tags: pre ? [version] : [version, `${major}.${minor}`, major] };
}

/** 1.2.3 on a version tag; else the day of the commit (UTC) and the run's number: 20261121.7. */
export function versionFor(
  context: Pick<GitHubContext, 'refType' | 'refName'>,
  commitTime: Date,
  runNumber: string,
): string {
  return (
    semverOf(context)?.version ?? `${commitTime.toISOString().slice(0, 10).replaceAll('-', '')}.${runNumber || '0'}`
  );
}

function slug(name: string): string {
  return name.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 120);
}
