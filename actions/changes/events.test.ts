import { expect, test } from '@jest/globals';
import { type EventBase, eventPlan } from './events.ts';

const SHA = 'a'.repeat(40);
const HEAD = 'b'.repeat(40);
const BASE = 'c'.repeat(40);
const ZERO = '0'.repeat(40);
const repository = { default_branch: 'main' };
const pull_request = { head: { sha: HEAD }, base: { sha: BASE } };

type Row = [
  name: string,
  eventName: string,
  event: Record<string, unknown>,
  ref: string,
  base: Partial<EventBase>,
  head?: string,
  deploys?: boolean,
];

const rows: Row[] = [
  [
    'a push',
    'push',
    { before: BASE, repository },
    'refs/heads/main',
    { type: 'commit', commit: BASE, why: 'where the branch stood before this push' },
  ],
  [
    'a forced push',
    'push',
    { before: BASE, forced: true, repository },
    'refs/heads/x',
    { type: 'commit', commit: BASE, why: 'where the branch stood before it was force-pushed' },
  ],
  [
    'the first push of a branch',
    'push',
    { before: ZERO, repository },
    'refs/heads/x',
    { type: 'merge-base', with: { branch: 'main' }, head: SHA },
  ],
  [
    'the first push of the default branch',
    'push',
    { before: ZERO, repository },
    'refs/heads/main',
    { type: 'everything', why: 'first push of main: nothing came before' },
  ],
  [
    'a first push without a default branch',
    'push',
    { before: ZERO },
    'refs/heads/main',
    { type: 'unknown', why: 'the payload of this push event has no repository.default_branch' },
  ],
  ['a push without before', 'push', {}, 'refs/heads/main', { type: 'unknown' }],
  [
    'a deleted branch',
    'push',
    { before: BASE, after: ZERO, deleted: true },
    'refs/heads/x',
    { type: 'nothing' },
    SHA,
    false,
  ],
  [
    'a tag',
    'push',
    { before: ZERO, repository },
    'refs/tags/v1',
    { type: 'unknown', why: 'a new tag names no earlier state' },
  ],
  [
    'a tag that was moved',
    'push',
    { before: BASE, forced: true, repository },
    'refs/tags/v1',
    { type: 'commit', commit: BASE, why: 'where the tag stood before it was moved' },
  ],
  [
    'a deleted tag',
    'push',
    { before: BASE, deleted: true },
    'refs/tags/v1',
    { type: 'nothing', why: 'the push deleted its tag' },
    SHA,
    false,
  ],
  [
    'a pull request',
    'pull_request',
    { pull_request },
    'refs/pull/1/merge',
    { type: 'merged', merge: SHA, into: BASE, head: HEAD },
    SHA,
    false,
  ],
  [
    'a pull request run at its own head',
    'pull_request',
    { pull_request: { head: { sha: SHA }, base: { sha: BASE } } },
    'refs/pull/1/merge',
    { type: 'merge-base', with: { commit: BASE }, head: SHA },
    SHA,
    false,
  ],
  [
    'pull_request_target',
    'pull_request_target',
    { pull_request },
    'refs/heads/main',
    { type: 'merge-base', with: { commit: BASE }, head: HEAD },
    HEAD,
    false,
  ],
  [
    'a pull request that was merged, however that was done',
    'pull_request',
    { pull_request: { ...pull_request, merged: true } },
    'refs/heads/main',
    { type: 'merge-base', with: { commit: BASE }, head: HEAD },
    HEAD,
    false,
  ],
  ['a pull request without a payload', 'pull_request', {}, 'refs/pull/1/merge', { type: 'unknown' }, SHA, false],
  [
    'a merge group',
    'merge_group',
    { merge_group: { base_sha: BASE, head_sha: HEAD } },
    'refs/heads/gh-readonly-queue/main/pr-1',
    { type: 'commit', commit: BASE },
    HEAD,
    false,
  ],
  [
    'a workflow_run after a push: its own head',
    'workflow_run',
    { workflow_run: { event: 'push', head_sha: HEAD, pull_requests: [] } },
    'refs/heads/main',
    { type: 'unknown', why: 'a workflow_run event names no earlier state' },
    HEAD,
  ],
  [
    'a workflow_run after a pull request deploys nothing',
    'workflow_run',
    { workflow_run: { event: 'pull_request', head_sha: HEAD, pull_requests: [{ base: { sha: BASE } }] } },
    'refs/heads/main',
    { type: 'merge-base', with: { commit: BASE }, head: HEAD },
    HEAD,
    false,
  ],
  [
    'a workflow_run after a pull request from a fork, which the payload does not name',
    'workflow_run',
    { workflow_run: { event: 'pull_request', head_sha: HEAD, pull_requests: [] } },
    'refs/heads/main',
    { type: 'unknown' },
    HEAD,
    false,
  ],
  ['a workflow_run without a payload', 'workflow_run', {}, 'refs/heads/main', { type: 'unknown' }],
  [
    'a schedule',
    'schedule',
    {},
    'refs/heads/main',
    { type: 'unknown', why: 'a schedule event names no earlier state' },
  ],
  ['a dispatch', 'workflow_dispatch', { inputs: {} }, 'refs/heads/main', { type: 'unknown' }],
  ['a payload of another shape', 'push', { before: 7, repository: 'x' }, 'refs/heads/main', { type: 'unknown' }],
  ['no event', '', {}, '', { type: 'unknown', why: 'no event is known (GITHUB_EVENT_NAME is not set)' }],
];

test.each(rows)('%s', (_, eventName, event, ref, base, head = SHA, deploys = true) => {
  const plan = eventPlan({ eventName, event, sha: SHA, ref, refName: ref.replace(/^refs\/(heads|tags)\//, '') });
  expect(plan).toMatchObject({ head, deploys, base });
});
