import type { GitHubContext } from '../../lib/context.ts';
import { Problem } from '../../lib/errors.ts';

/** The words of the `tags` input; beside them there is raw=TEXT. */
export const RULES: ReadonlySet<string> = new Set(['sha', 'fingerprint', 'semver', 'date', 'branch', 'pr', 'latest']);

export interface TagSource {
  sha: string;
  /** As versionFor() gives it. */
  version: string;
  context: Pick<GitHubContext, 'refName' | 'refType' | 'eventName' | 'event'>;
}

// Source: OCI distribution specification, "Pulling manifests": a tag is at most 128 characters of this form.
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
// Source: semver.org, "Is there a suggested regular expression". Build metadata (+…) tells no versions apart, and no tag can hold a plus.
const SEMVER =
  /^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?(?:\+[0-9A-Za-z.-]+)?$/;
const DATE = /^\d{8}\.\d+$/;

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

function tagsOf(rule: string, { sha, version, context }: TagSource): string[] {
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
    case 'semver':
      return semverTags(version);
    case 'date':
      return DATE.test(version) ? [version] : [];
    case 'fingerprint':
      // Every image that a fingerprint stands for has its tag; the rule is for those who want to say so.
      return [];
    default:
      throw new Problem({
        what: "input 'tags'",
        seen: rule,
        cause: 'there is no such rule',
        fix: 'Write sha, fingerprint, semver, date, branch, pr, latest, or raw=TEXT for a tag of your own, one a line',
      });
  }
}

/** The number of the pull request that the run is for. */
export function pullNumber({ eventName, event }: Pick<GitHubContext, 'eventName' | 'event'>): number | undefined {
  const number = (event.pull_request as { number?: unknown } | undefined)?.number;
  return eventName.startsWith('pull_request') && typeof number === 'number' ? number : undefined;
}

/** The version without v and build metadata; undefined where the text is none. */
export function semverOf(text: string): string | undefined {
  const match = SEMVER.exec(text);
  if (!match) return undefined;
  const [, major = '', minor = '', patch = '', pre = ''] = match;
  return `${major}.${minor}.${patch}${pre}`;
}

/** 1.2.3, 1.2 and 1. A pre-release must not move what stands for the newest release, and 0 stands for nothing: before 1.0.0 each minor version is another thing. */
function semverTags(version: string): string[] {
  const match = SEMVER.exec(version);
  if (!match) return [];
  const [, major = '', minor = '', , pre] = match;
  if (pre !== undefined) return [version];
  return [version, `${major}.${minor}`, ...(major === '0' ? [] : [major])];
}

/**
 * Whether a run builds what a pull request proposes, also in a merge queue or in a workflow that one started: no deploying run
 * may use what it built.
 */
export function isProposal(context: Pick<GitHubContext, 'eventName' | 'event'>): boolean {
  const { eventName, event } = context;
  const starter = (event.workflow_run as { event?: unknown } | undefined)?.event;
  return [eventName, eventName === 'workflow_run' ? String(starter) : ''].some(
    (name) => name.startsWith('pull_request') || name === 'merge_group',
  );
}

/** Whether a tag stands for the newest of several versions (1.2, 1), so that it has to move with each release. */
export function movesWithReleases(tag: string, version: string): boolean {
  return tag !== version && semverTags(version).includes(tag);
}

/**
 * The version of what is built: the one that was asked for, or that of the git tag (1.2.3); else, for development builds, the
 * day of the commit (UTC) and the run's number: 20261121.7.
 * @throws Problem where what was asked for is no version.
 */
export function versionFor(
  asked: string,
  context: Pick<GitHubContext, 'refType' | 'refName'>,
  commitTime: Date,
  runNumber: string,
): string {
  if (asked !== '') {
    const version = semverOf(asked);
    if (version !== undefined) return version;
    throw new Problem({
      what: "input 'version'",
      seen: asked,
      cause: 'it is no semantic version',
      fix: 'Write MAJOR.MINOR.PATCH such as 1.2.3 or 1.3.0-rc.1, or leave it out',
    });
  }
  const tagged = context.refType === 'tag' ? semverOf(context.refName) : undefined;
  return tagged ?? `${commitTime.toISOString().slice(0, 10).replaceAll('-', '')}.${runNumber || '0'}`;
}

function slug(name: string): string {
  return name.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 120);
}
