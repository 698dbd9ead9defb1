import * as v from 'valibot';
import type { GitHubContext } from '../../lib/context.ts';
import type { Commit, Commits } from './story.ts';

const person = v.optional(v.nullable(v.object({ name: v.optional(v.string()), username: v.optional(v.string()) })));
const pushed = v.object({ id: v.string(), message: v.string(), author: person });
// The parts of a push event that are read here; every other event has none of them.
const pushEvent = v.object({
  before: v.optional(v.string(), ''),
  compare: v.optional(v.string(), ''),
  head_commit: v.optional(v.nullable(pushed)),
  commits: v.optional(v.array(pushed), []),
});

type Pushed = v.InferOutput<typeof pushed>;

const NOTHING = /^0*$/;
const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/** What the event tells of the run's commits, without asking anybody. Source: GitHub documentation, webhook payload of `push`. */
export function commitsOfEvent(context: GitHubContext): Commits {
  const parsed = v.safeParse(pushEvent, context.event);
  const event = parsed.success ? parsed.output : v.parse(pushEvent, {});
  const { sha } = context;
  const list = event.commits.map((one) => commitOf(one, context)).reverse();
  const head = event.head_commit ? commitOf(event.head_commit, context) : { ...unknown(context), sha };
  return {
    head,
    base: NOTHING.test(event.before) ? '' : event.before,
    count: list.length,
    list,
    authors: authorsOf(list.length > 0 ? list : [head]),
    url: list.length > 1 ? event.compare : '',
  };
}

/** The authors of commits, each once, in order. */
export function authorsOf(commits: readonly Pick<Commit, 'author'>[]): string[] {
  return [...new Set(commits.map(({ author }) => author).filter((author) => author !== ''))];
}

/** First line of a commit message. */
export function subjectOf(message: string): string {
  return message.trimStart().split('\n')[0]?.trim() ?? '';
}

/**
 * The commits that an input names as bases: one or several ids, or the output `bases` of the action changes. A component that was
 * never deployed has none.
 */
export function basesOf(text: string): string[] {
  const found = text.match(/[0-9a-f]{40,64}/g) ?? [];
  const given = text.trimStart().startsWith('{') ? basesOfJson(text) : found;
  return [...new Set(given.filter((one) => COMMIT.test(one) && !NOTHING.test(one)))];
}

function basesOfJson(text: string): string[] {
  try {
    return Object.values(JSON.parse(text) as Record<string, { base?: unknown } | null>).map((one) =>
      String(one?.base ?? ''),
    );
  } catch {
    return [];
  }
}

function commitOf({ id, message, author }: Pushed, context: GitHubContext): Commit {
  const name = author?.username || author?.name || '';
  return { sha: id, subject: subjectOf(message), author: name, url: commitUrl(id, context) };
}

function unknown(context: GitHubContext): Commit {
  return { sha: context.sha, subject: '', author: context.actor, url: commitUrl(context.sha, context) };
}

function commitUrl(sha: string, { serverUrl, repository }: GitHubContext): string {
  return sha === '' || repository.slug === '' ? '' : `${serverUrl}/${repository.slug}/commit/${sha}`;
}
