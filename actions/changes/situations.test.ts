import { beforeAll, describe, expect, test } from '@jest/globals';
import { githubContext } from '../../lib/context.ts';
import { openLedger } from '../../lib/ledger/open.ts';
import { api, at, changes, DEPTHS, type Given, repository, TOKEN, useWorld, workspaceAt, ZERO } from './test/world.ts';

useWorld();

const id = (name: string) => at[name] ?? '';
const pull = (head: string, base: string, more = {}) => ({
  pull_request: { head: { sha: at[head] }, base: { sha: at[base] }, ...more },
  repository,
});
/** Where actions/checkout would be, which is GITHUB_SHA. */
const checkedOut = (given: Given, depth: (typeof DEPTHS)[number]) => workspaceAt(given.head, depth);

describe.each(DEPTHS)('an event that names its base (%s)', (depth) => {
  type Row = [name: string, given: () => Given, ships: string[], base: string, why: RegExp, head?: string];
  const rows: Row[] = [
    [
      'a tag that was moved',
      () => ({ head: id('web'), ref: 'refs/tags/latest', event: { before: at.start, forced: true, repository } }),
      ['web'],
      'start',
      /where the tag stood before it was moved/,
    ],
    [
      'an annotated tag that was moved',
      () => ({ head: id('bot'), ref: 'refs/tags/v1', event: { before: at.tag, forced: true, repository } }),
      ['web', 'bot'],
      'tag',
      /where the tag stood/,
    ],
    [
      'a re-run of an old push',
      () => ({ head: id('web'), event: { before: at.start, repository } }),
      ['web'],
      'start',
      /before this push/,
    ],
    [
      'a push to a long-lived branch that took main in',
      () => ({ head: id('release2'), ref: 'refs/heads/release', event: { before: at.release, repository } }),
      ['ami', 'infra', 'web', 'bot'],
      'release',
      /before this push/,
    ],
    [
      'the first push of a long-lived branch that took main in',
      () => ({ head: id('release2'), ref: 'refs/heads/release', event: { before: ZERO, repository } }),
      ['web', 'bot'],
      'ami',
      /where it left main/,
    ],
    [
      'a pull request of a long-lived branch',
      () => ({ head: id('releaseMerge'), eventName: 'pull_request', event: pull('release2', 'docs') }),
      ['web', 'bot'],
      'docs',
      /first parent/,
    ],
    [
      'a pull request whose base branch moved on since the event',
      () => ({ head: id('merge'), eventName: 'pull_request', event: pull('topic2', 'bot') }),
      ['infra', 'bot'],
      'docs',
      /first parent/,
    ],
    [
      'a pull request from a fork',
      () => ({ head: id('forkMerge'), eventName: 'pull_request', event: pull('fork', 'docs') }),
      ['bot'],
      'docs',
      /first parent/,
    ],
    [
      'pull_request_target from a fork',
      () => ({ head: id('docs'), eventName: 'pull_request_target', event: pull('fork', 'docs') }),
      ['bot'],
      'web',
      /left its base branch/,
      'fork',
    ],
    [
      'a pull request that was merged by squashing',
      () => ({ head: id('setting'), eventName: 'pull_request', event: pull('topic2', 'docs', { merged: true }) }),
      ['infra', 'bot'],
      'web',
      /left its base branch/,
      'topic2',
    ],
    [
      'workflow_run after a pull request',
      () => ({
        head: id('docs'),
        eventName: 'workflow_run',
        event: {
          workflow_run: { event: 'pull_request', head_sha: at.topic2, pull_requests: [{ base: { sha: at.docs } }] },
        },
      }),
      ['infra', 'bot'],
      'web',
      /the pull request of the run that ended/,
      'topic2',
    ],
  ];
  test.each(rows)('%s', async (_, given, ships, base, why, head = '') => {
    const answer = await changes(checkedOut(given(), depth), given());
    expect(answer.ships).toEqual(ships);
    expect(answer.report.outputs).toMatchObject({ base: at[base], head: head ? at[head] : given().head });
    expect(answer.reasons.web?.baseWhy).toMatch(why);
    expect(answer.fetches).toBeLessThanOrEqual(1);
    expect(answer.calls).toBeLessThanOrEqual(depth === 'no git' ? 5 : 1);
  });
});

/** Events that say nothing of an earlier state: only a ledger can. */
const SILENT: [name: string, given: () => Given, why: RegExp][] = [
  [
    'push of a new tag',
    () => ({ head: id('docs'), ref: 'refs/tags/v2', event: { before: ZERO, created: true, repository } }),
    /a new tag names no earlier state/,
  ],
  ...['release', 'schedule', 'workflow_dispatch', 'repository_dispatch', 'deployment'].map(
    (eventName): (typeof SILENT)[number] => [
      eventName,
      () => ({ head: id('docs'), eventName, event: { repository } }),
      new RegExp(`a ${eventName} event names no earlier state`),
    ],
  ),
  [
    'workflow_run after a push, when main has moved on',
    () => ({
      head: id('setting'),
      eventName: 'workflow_run',
      event: { workflow_run: { event: 'push', head_sha: at.docs, pull_requests: [] } },
    }),
    /a workflow_run event names no earlier state/,
  ],
  [
    'push of a branch, forced, whose old commit is gone',
    () => ({ head: id('docs'), event: { before: 'f'.repeat(40), forced: true, repository } }),
    /neither in the clone nor on the remote/,
  ],
];

describe.each(DEPTHS)('an event that names no base (%s)', (depth) => {
  beforeAll(async () => {
    const context = githubContext({
      GITHUB_REPOSITORY: 'acme/sample',
      GITHUB_API_URL: api.url,
      GITHUB_GRAPHQL_URL: api.graphqlUrl,
    });
    const ledger = openLedger({ kind: 'github', token: TOKEN, context });
    for (const component of ['ami', 'infra', 'web', 'bot']) {
      const entry = { component, environment: 'dev', commit: id('web'), state: 'deployed' as const, runUrl: '' };
      await ledger.record({ ...entry, at: '2026-11-20T10:00:00Z' });
    }
  });

  test.each(SILENT)('%s: everything ships, and it says why', async (_, given, why) => {
    const { ships, reasons, report } = await changes(checkedOut(given(), depth), given());
    expect(ships).toEqual(['ami', 'infra', 'web', 'bot']);
    expect(reasons.web).toMatchObject({ status: 'unknown', reason: expect.stringMatching(why) });
    expect(report.outputs).toMatchObject({ base: '', head: at.docs });
  });

  test.each(SILENT)('%s: the last deployment is the base where the ledger has one', async (_, given) => {
    const deploying = { ...given(), inputs: { environment: 'dev' } };
    const { ships, reasons, report, fetches, calls } = await changes(checkedOut(deploying, depth), deploying);
    expect(fetches).toBeLessThanOrEqual(1);
    // Without git: ledger, trees, the config file, and what lies between.
    expect(calls).toBeLessThanOrEqual(depth === 'no git' ? 6 : 2);
    expect(ships).toEqual(['ami', 'infra', 'bot']);
    expect(reasons.web?.reason).toMatch(/^unchanged since .* \(deployed to dev 2026-11-20 10:00 UTC\)$/);
    expect(report.outputs).toMatchObject({ base: at.web, head: at.docs });
  });

  test('a push that deletes a branch ships nothing, though the ledger would tell of a difference', async () => {
    const given = { head: id('docs'), event: { before: at.web, deleted: true }, inputs: { environment: 'dev' } };
    const { ships, reasons } = await changes(checkedOut(given, depth), given);
    expect([ships, reasons.bot?.reason]).toEqual([[], 'the push deleted its branch']);
  });
});
