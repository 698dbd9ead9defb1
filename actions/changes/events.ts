import type { GitHubContext } from '../../lib/context.ts';

/** Which commit an event is compared with, before git or an API is asked. */
export type EventBase =
  | { type: 'commit'; commit: string; why: string }
  /** First parent of a merge commit that GitHub made; where `merge` is none, as merge-base. */
  | { type: 'merged'; merge: string; into: string; head: string; why: string }
  /** Best common ancestor of `head` and a branch or commit. */
  | { type: 'merge-base'; with: { branch: string } | { commit: string }; head: string; why: string }
  /** The event says nothing of an earlier state. */
  | { type: 'unknown'; why: string }
  | { type: 'everything'; why: string }
  | { type: 'nothing'; why: string };

export interface EventPlan {
  /** The commit whose content is judged. */
  head: string;
  /** False where the event is about a proposal, which the ledger knows nothing of. */
  deploys: boolean;
  base: EventBase;
}

const ZEROS = /^0+$/;

type Part = Record<string, unknown>;

const part = (value: unknown, key: string): Part => {
  const inner = typeof value === 'object' && value !== null ? (value as Part)[key] : undefined;
  return typeof inner === 'object' && inner !== null ? (inner as Part) : {};
};
const word = (value: Part, key: string): string => (typeof value[key] === 'string' ? (value[key] as string) : '');

/**
 * What an event says about base and head; one row of the README's table for each case.
 * Payloads: GitHub documentation, "Events that trigger workflows" and "Webhook events and payloads".
 */
export function eventPlan(context: Pick<GitHubContext, 'eventName' | 'event' | 'sha' | 'ref' | 'refName'>): EventPlan {
  const { eventName, sha } = context;
  switch (eventName) {
    case 'push': {
      const base = pushBase(context);
      return { head: sha, deploys: base.type !== 'nothing', base };
    }
    case 'pull_request':
    case 'pull_request_target':
    case 'pull_request_review':
    case 'pull_request_review_comment':
      return pullRequestPlan(context);
    case 'merge_group': {
      const group = part(context.event, 'merge_group');
      const [base, head] = [word(group, 'base_sha'), word(group, 'head_sha') || sha];
      if (base === '') return { head, deploys: false, base: incomplete('merge_group', 'merge_group.base_sha') };
      const why = 'the merge group’s base: what the queue is about to merge into';
      return { head, deploys: false, base: { type: 'commit', commit: base, why } };
    }
    case 'workflow_run':
      return workflowRunPlan(context);
    default:
      return { head: sha, deploys: true, base: { type: 'unknown', why: silent(eventName) } };
  }
}

/**
 * The run that ended is about a commit of its own; GITHUB_SHA is merely where the default branch stands. What ran for a proposal deploys nothing,
 * and as it may come from a fork, its content is compared and never executed.
 */
function workflowRunPlan({ event, sha }: Pick<GitHubContext, 'event' | 'sha'>): EventPlan {
  const run = part(event, 'workflow_run');
  const head = word(run, 'head_sha');
  if (head === '') return { head: sha, deploys: true, base: incomplete('workflow_run', 'workflow_run.head_sha') };
  const cause = word(run, 'event');
  const deploys = !PROPOSALS.has(cause);
  const pulls = Array.isArray(run.pull_requests) ? (run.pull_requests as unknown[]) : [];
  const into = pulls.length === 1 ? word(part(pulls[0], 'base'), 'sha') : '';
  if (deploys || into === '') return { head, deploys, base: { type: 'unknown', why: silent('workflow_run') } };
  const why = 'where the pull request of the run that ended left its base branch';
  return { head, deploys, base: { type: 'merge-base', with: { commit: into }, head, why } };
}

const PROPOSALS: ReadonlySet<string> = new Set([
  'pull_request',
  'pull_request_target',
  'pull_request_review',
  'pull_request_review_comment',
  'merge_group',
]);

function silent(eventName: string): string {
  if (eventName === '') return 'no event is known (GITHUB_EVENT_NAME is not set)';
  return `a ${eventName} event names no earlier state`;
}

function incomplete(eventName: string, field: string): EventBase {
  return { type: 'unknown', why: `the payload of this ${eventName} event has no ${field}` };
}

function pushBase({ event, ref, refName, sha }: Pick<GitHubContext, 'event' | 'ref' | 'refName' | 'sha'>): EventBase {
  const tag = ref.startsWith('refs/tags/');
  if (event.deleted === true) return { type: 'nothing', why: `the push deleted its ${tag ? 'tag' : 'branch'}` };
  const before = word(event, 'before');
  if (tag) {
    if (before === '' || ZEROS.test(before)) return { type: 'unknown', why: 'a new tag names no earlier state' };
    return { type: 'commit', commit: before, why: 'where the tag stood before it was moved' };
  }
  if (before === '') return incomplete('push', 'before');
  if (!ZEROS.test(before)) {
    const why =
      event.forced === true
        ? 'where the branch stood before it was force-pushed'
        : 'where the branch stood before this push';
    return { type: 'commit', commit: before, why };
  }
  const branch = word(part(event, 'repository'), 'default_branch');
  if (branch === '') return incomplete('push', 'repository.default_branch');
  if (branch === refName) return { type: 'everything', why: `first push of ${refName}: nothing came before` };
  const why = `first push of this branch: where it left ${branch}`;
  return { type: 'merge-base', with: { branch }, head: sha, why };
}

function pullRequestPlan({ eventName, event, sha }: Pick<GitHubContext, 'eventName' | 'event' | 'sha'>): EventPlan {
  const pull = part(event, 'pull_request');
  const [head, into] = [word(part(pull, 'head'), 'sha'), word(part(pull, 'base'), 'sha')];
  if (head === '' || into === '') {
    return { head: sha, deploys: false, base: incomplete(eventName, 'pull_request.head.sha and base.sha') };
  }
  // With pull_request_target, GITHUB_SHA is the base branch; otherwise it is the merge that GitHub tries out. Once the pull request
  // is merged it is what the merge made: a squashed or rebased commit, of which no parent need be the state before.
  if (eventName !== 'pull_request_target' && pull.merged !== true && sha !== '' && sha !== head) {
    const why = 'what the pull request is merged into: the first parent of its merge commit';
    return { head: sha, deploys: false, base: { type: 'merged', merge: sha, into, head, why } };
  }
  const why = 'where the pull request left its base branch';
  return { head, deploys: false, base: { type: 'merge-base', with: { commit: into }, head, why } };
}
