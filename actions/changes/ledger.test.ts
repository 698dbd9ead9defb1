import { describe, expect, test } from '@jest/globals';
import { githubContext } from '../../lib/context.ts';
import type { LedgerEntry } from '../../lib/ledger/ledger.ts';
import { openLedger } from '../../lib/ledger/open.ts';
import {
  api,
  at,
  changes,
  DEPTHS,
  origin,
  pullRequest,
  repository,
  TOKEN,
  useWorld,
  workspaceAt,
} from './test/world.ts';

useWorld();

describe('the ledger', () => {
  const kinds = ['github', 'git'] as const;
  let count = 0;
  /** An environment of its own for each test, added to the example's config in the workspace. */
  async function deployed(
    kind: (typeof kinds)[number],
    entries: [component: string, commit: string, state?: LedgerEntry['state']][],
  ) {
    const environment = `env-${kind}-${count++}`;
    const workspace = origin.clone().folder;
    const context = githubContext({
      GITHUB_REPOSITORY: 'acme/sample',
      GITHUB_API_URL: api.url,
      GITHUB_GRAPHQL_URL: api.graphqlUrl,
      GITHUB_WORKSPACE: workspace,
    });
    const ledger = openLedger({ kind, token: TOKEN, context });
    for (const [component, commit, state = 'deployed'] of entries) {
      await ledger.record({
        component,
        environment,
        commit: at[commit] ?? '',
        state,
        runUrl: '',
        at: new Date(Date.UTC(2026, 10, 20, 10, count)).toISOString(),
      });
    }
    return { environment, ledger: kind };
  }
  const ofConfig = (environment: string) => ({
    filters: "ami: ['infra/ami/**']\ninfra: ['infra/**', '!infra/ami/**']\nweb: ['web/**']\nbot: ['bot/**']",
    environment,
  });

  describe.each(kinds)('%s', (kind) => {
    type Row = [
      name: string,
      entries: Parameters<typeof deployed>[1],
      head: string,
      before: string,
      ships: string[],
      reason: Record<string, RegExp>,
    ];
    const rows: Row[] = [
      [
        'a failed deployment is not lost',
        [
          ['web', 'start'],
          ['web', 'web', 'failed'],
          ['bot', 'start'],
        ],
        'bot',
        'web',
        ['web', 'bot'],
        { web: /web\/a matches web\/\*\*, since .* \(deployed to env-/ },
      ],
      [
        'one component’s failure strands no other',
        [
          ['web', 'web'],
          ['bot', 'start'],
        ],
        'docs',
        'ami',
        ['bot'],
        { web: /unchanged since .* \(deployed to env-/ },
      ],
      [
        'without an entry the event decides',
        [['web', 'web']],
        'bot',
        'web',
        ['bot'],
        { bot: /where the branch stood before this push/ },
      ],
      [
        'never succeeded',
        [['web', 'start', 'failed']],
        'bot',
        'web',
        ['web', 'bot'],
        { web: /no deployment to env-.* has succeeded yet/ },
      ],
      [
        'held',
        [
          ['web', 'start'],
          ['web', 'web', 'held'],
          ['bot', 'bot'],
        ],
        'docs',
        'bot',
        [],
        { web: /the same content, at .*, was rolled back from env-/ },
      ],
      [
        'no longer held',
        [
          ['web', 'web'],
          ['web', 'start', 'held'],
          ['bot', 'start'],
        ],
        'bot',
        'web',
        ['bot'],
        {},
      ],
      [
        'superseded: the re-run of an old run',
        [
          ['web', 'docs'],
          ['bot', 'docs'],
        ],
        'start',
        'start',
        [],
        { web: /is deployed already and is newer than this run/ },
      ],
      [
        'superseded for one of two: each component has its own newest deployment',
        [
          ['web', 'start'],
          ['bot', 'docs'],
        ],
        'web',
        'start',
        ['web'],
        { bot: /is newer than this run/ },
      ],
      [
        'superseded though another component was rolled back to an old commit after that',
        [
          ['bot', 'docs'],
          ['web', 'start'],
        ],
        'web',
        'start',
        ['web'],
        { bot: /is newer than this run/ },
      ],
      [
        'superseded by a deployment from a branch beside the newest',
        [
          ['bot', 'docs'],
          ['web', 'topic2'],
        ],
        'start',
        'start',
        [],
        { web: /is newer than this run/, bot: /is newer than this run/ },
      ],
    ];
    // The ledger in git refs is read through the checkout's remote.
    for (const depth of kind === 'git' ? DEPTHS.slice(0, 2) : DEPTHS) {
      test.each(rows)(`%s (${depth})`, async (name, entries, head, before, ships, reason) => {
        const { environment, ledger } = await deployed(kind, entries);
        const workspace = workspaceAt(at[head] ?? '', depth);
        const inputs = { ...ofConfig(environment), ledger };
        const answer = await changes(workspace, {
          head: at[head] ?? '',
          event: { before: at[before], repository },
          inputs,
        });
        expect(answer.ships.filter((n) => n === 'web' || n === 'bot')).toEqual(ships);
        for (const [name, words] of Object.entries(reason)) expect(answer.reasons[name]?.reason).toMatch(words);
        // One for the ledger, one for what lies between; a branch beside that line costs one more.
        const most = name.includes('beside') ? 3 : 2;
        expect(answer.calls).toBeLessThanOrEqual(depth === 'no git' ? most + 6 : most);
      });
    }
  });

  test('a run that nobody can place is not held back, and it says so', async () => {
    const { environment, ledger } = await deployed('git', [['web', 'docs']]);
    const event = { before: at.start, repository };
    const given = { head: at.start ?? '', event, token: '', inputs: { ...ofConfig(environment), ledger } };
    const { ships, report } = await changes(workspaceAt(given.head, 'depth 1'), given);
    expect(ships).toContain('web');
    expect(report.annotations?.[0]).toMatchObject({
      level: 'warning',
      message: expect.stringMatching(
        /^Whether .*, which is deployed, is newer than this run could not be told.*Pass `token`/,
      ),
    });
  });

  test('a pull request does not ask the ledger', async () => {
    const { environment } = await deployed('github', [['web', 'start']]);
    const given = {
      head: at.merge ?? '',
      eventName: 'pull_request',
      event: pullRequest(),
      inputs: ofConfig(environment),
    };
    expect((await changes(workspaceAt(given.head, 'depth 1'), given)).ships).toEqual(['infra', 'bot']);
  });

  test('an unreadable ledger counts everything and warns, or fails where that is asked for', async () => {
    const given = {
      head: at.web ?? '',
      event: { before: at.start, repository },
      token: 'wrong',
      inputs: { environment: 'dev' },
    };
    const { ships, report } = await changes(workspaceAt(given.head, 'full'), given);
    expect(ships).toHaveLength(4);
    expect(report.annotations?.[0]).toMatchObject({
      level: 'warning',
      message: expect.stringContaining('The ledger could not be read'),
    });
    const strict = { ...given, inputs: { ...given.inputs, 'on-unknown': 'error' } };
    await expect(changes(workspaceAt(given.head, 'full'), strict)).rejects.toThrow(/Bad credentials/);
  });

  test('force needs neither ledger nor history, and lifts held and superseded', async () => {
    const { environment } = await deployed('github', [['web', 'docs']]);
    const given = {
      head: at.start ?? '',
      event: {},
      token: 'wrong',
      inputs: { ...ofConfig(environment), force: 'all' },
    };
    const { ships, fetches } = await changes(workspaceAt(given.head, 'depth 1'), given);
    expect([ships.length, fetches]).toEqual([4, 0]);
  });
});
