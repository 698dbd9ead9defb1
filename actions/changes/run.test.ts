import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { EXAMPLE } from '../../lib/config/example.ts';
import { githubContext } from '../../lib/context.ts';
import { type Fixture, fixture } from '../../lib/git/fixture.ts';
import { openGit } from '../../lib/git/repository.ts';
import { github } from '../../lib/github/client.ts';
import { readInputs } from '../../lib/inputs.ts';
import type { LedgerEntry } from '../../lib/ledger/ledger.ts';
import { openLedger } from '../../lib/ledger/open.ts';
import { recordingLog } from '../../lib/log.ts';
import { processes } from '../../lib/process.ts';
import { createGithub, type Github } from '../../local/github/server.ts';
import { fields } from './inputs.ts';
import { compareByApi } from './resolve-base.ts';
import { run } from './run.ts';

const FILE = '.github/slipway.yml';
const ZERO = '0'.repeat(40);
const TOKEN = 'token';
const repository = { default_branch: 'main' };

let origin: Fixture;
let api: Github;
const temp = mkdtempSync(join(tmpdir(), 'slipway-changes-'));
/** Commits by what they did. */
const at: Record<string, string> = {};

beforeAll(async () => {
  origin = fixture();
  at.start = origin.commit({ [FILE]: EXAMPLE, 'web/a': '1', 'bot/a': '1', 'infra/main.tf': '1', 'infra/ami/x': '1' });
  at.web = origin.commit({ 'web/a': '2' });
  at.bot = origin.commit({ 'bot/a': '2' });
  at.ami = origin.commit({ 'infra/ami/x': '2' });
  at.docs = origin.commit({ 'README.md': 'x' });
  at.setting = origin.commit({ [FILE]: EXAMPLE.replace('container: web }', 'container: web, desired-count: 3 }') });
  origin.git('checkout', '--quiet', '-b', 'topic', at.web);
  at.topic = origin.commit({ 'bot/b': '1' });
  at.topic2 = origin.commit({ 'infra/main.tf': '2' });
  origin.git('checkout', '--quiet', '-b', 'merged', at.docs);
  origin.git('merge', '--quiet', '--no-ff', '--message', 'merge', at.topic2);
  at.merge = origin.git('rev-parse', 'HEAD');
  origin.git('checkout', '--quiet', '-b', 'gone', at.web);
  at.gone = origin.commit({ 'web/gone': '1' });
  origin.git('checkout', '--quiet', 'main');
  origin.git('branch', '--quiet', '-D', 'gone');
  api = await createGithub({
    repositories: [{ owner: 'acme', name: 'sample', gitDir: join(origin.folder, '.git') }],
    tokens: { [TOKEN]: { login: 'github-actions[bot]' } },
  });
});

afterAll(async () => {
  await api.close();
  origin.remove();
  rmSync(temp, { recursive: true });
});

const DEPTHS = ['full', 'depth 1', 'no checkout'] as const;

/** A workspace as actions/checkout leaves it at a commit, or an empty one. */
function workspaceAt(commit: string, depth: (typeof DEPTHS)[number]): string {
  if (depth === 'no checkout') return mkdtempSync(join(temp, 'empty-'));
  const clone = origin.clone('--no-checkout', ...(depth === 'depth 1' ? ['--depth=1'] : []));
  if (depth === 'depth 1') {
    // A clone of one commit and nothing else: no branch of another depth is left to help.
    clone.git('fetch', '--quiet', '--depth=1', 'origin', commit);
    for (const ref of clone.git('for-each-ref', '--format=%(refname)').split('\n')) clone.git('update-ref', '-d', ref);
  }
  clone.git('checkout', '--quiet', '--detach', commit);
  if (depth === 'depth 1') clone.git('prune', '--expire=now');
  return clone.folder;
}

interface Given {
  head: string;
  eventName?: string;
  event?: Record<string, unknown>;
  ref?: string;
  inputs?: Record<string, string>;
  token?: string;
}

async function changes(
  workspace: string,
  { head, eventName = 'push', event = {}, ref = 'refs/heads/main', inputs = {}, token = TOKEN }: Given,
) {
  const context = {
    ...githubContext({
      GITHUB_REPOSITORY: 'acme/sample',
      GITHUB_SHA: head,
      GITHUB_REF: ref,
      GITHUB_REF_NAME: ref.replace('refs/heads/', ''),
      GITHUB_EVENT_NAME: eventName,
      GITHUB_API_URL: api.url,
      GITHUB_GRAPHQL_URL: api.graphqlUrl,
      GITHUB_WORKSPACE: workspace,
      RUNNER_TEMP: temp,
    }),
    event,
  };
  const given = readInputs(fields, (name) => ({ config: FILE, token, ...inputs })[name] ?? '');
  const git: string[][] = [];
  const real = processes();
  const report = await run(given, {
    git: openGit({
      processes: {
        run: (argv, o) => {
          git.push([...argv]);
          return real.run(argv, o);
        },
      },
      workspace,
      tempDir: temp,
      origin: { url: origin.url },
    }),
    ledger: async () => openLedger({ kind: given.ledger, token, context }),
    compare: compareByApi(token ? github({ context, token }) : undefined, context.repository, recordingLog()),
    readFile: async (path) => {
      try {
        return readFileSync(join(workspace, path), 'utf8');
      } catch {
        return undefined;
      }
    },
    context,
    log: recordingLog(),
  });
  const reasons = JSON.parse(report.outputs.reasons ?? '{}') as Record<
    string,
    { status: string; reason: string; baseWhy: string }
  >;
  return {
    report,
    reasons,
    ships: JSON.parse(report.outputs.components ?? '[]') as string[],
    fetches: git.filter((argv) => argv[1] === 'fetch').length,
  };
}

const pullRequest = () => ({ pull_request: { head: { sha: at.topic2 }, base: { sha: at.docs } }, repository });

describe('events', () => {
  type Row = [name: string, given: () => Given, ships: string[], base: string, why: RegExp];
  const rows: Row[] = [
    [
      'push',
      () => ({ head: at.web ?? '', event: { before: at.start, repository } }),
      ['web'],
      'start',
      /before this push/,
    ],
    [
      'push of several commits',
      () => ({ head: at.ami ?? '', event: { before: at.start, repository } }),
      ['ami', 'infra', 'web', 'bot'],
      'start',
      /before this push/,
    ],
    [
      'push of nothing that ships',
      () => ({ head: at.docs ?? '', event: { before: at.ami, repository } }),
      [],
      'ami',
      /before this push/,
    ],
    [
      'push of a setting',
      () => ({ head: at.setting ?? '', event: { before: at.docs, repository } }),
      ['web'],
      'docs',
      /before this push/,
    ],
    [
      'forced push whose old commit is on no branch',
      () => ({ head: at.bot ?? '', event: { before: at.gone, forced: true, repository } }),
      ['web', 'bot'],
      'gone',
      /force-pushed/,
    ],
    [
      'first push of a branch',
      () => ({ head: at.topic2 ?? '', ref: 'refs/heads/topic', event: { before: ZERO, repository } }),
      ['infra', 'bot'],
      'web',
      /first push of this branch: where it left main/,
    ],
    [
      'pull_request',
      () => ({ head: at.merge ?? '', eventName: 'pull_request', event: pullRequest() }),
      ['infra', 'bot'],
      'docs',
      /first parent/,
    ],
    [
      'pull_request_target',
      () => ({ head: at.docs ?? '', eventName: 'pull_request_target', event: pullRequest() }),
      ['infra', 'bot'],
      'web',
      /left its base branch/,
    ],
    [
      'merge_group',
      () => ({
        head: at.merge ?? '',
        eventName: 'merge_group',
        event: { merge_group: { base_sha: at.docs, head_sha: at.merge } },
      }),
      ['infra', 'bot'],
      'docs',
      /merge group/,
    ],
    [
      'a commit as base',
      () => ({ head: at.bot ?? '', eventName: 'workflow_dispatch', inputs: { base: at.web ?? '' } }),
      ['bot'],
      'web',
      /input `base`/,
    ],
  ];
  for (const depth of DEPTHS) {
    test.each(rows)(`%s (${depth})`, async (_, given, ships, base, why) => {
      const { head } = given();
      const answer = await changes(workspaceAt(head, depth), given());
      expect(answer.ships).toEqual(ships);
      expect(answer.report.outputs.base).toBe(at[base]);
      expect(answer.reasons.web?.baseWhy).toMatch(why);
      if (depth === 'full') expect(answer.fetches).toBe(base === 'gone' ? 1 : 0);
      if (depth === 'depth 1') expect(answer.fetches).toBe(1);
      // The config file itself has to be fetched first.
      if (depth === 'no checkout') expect(answer.fetches).toBe(2);
    });
  }

  test.each([
    [
      'a forced push whose old commit is gone',
      { before: 'f'.repeat(40), forced: true, repository },
      'push',
      /neither in the clone nor on the remote/,
    ],
    ['the first push of the default branch', { before: ZERO, repository }, 'push', /first push of main/],
    ['a schedule', {}, 'schedule', /a schedule event names no earlier state/],
    ['a tag', { before: ZERO, repository }, 'tag', /a tag names no earlier state/],
  ])('%s: everything ships, and it says why', async (_, event, eventName, why) => {
    const given = {
      head: at.web ?? '',
      event,
      eventName: eventName === 'schedule' ? eventName : 'push',
      ref: eventName === 'tag' ? 'refs/tags/v1' : 'refs/heads/main',
    };
    const { ships, reasons } = await changes(workspaceAt(given.head, 'depth 1'), given);
    expect(ships).toEqual(['ami', 'infra', 'web', 'bot']);
    expect(reasons.web?.reason).toMatch(why);
  });

  test('on-unknown: error fails instead, and says what to do', async () => {
    const given = { head: at.web ?? '', eventName: 'schedule', inputs: { 'on-unknown': 'error' } };
    await expect(changes(workspaceAt(given.head, 'full'), given)).rejects.toThrow(
      /not known for ami, infra, web, bot.*Give a commit as `base`/,
    );
  });

  test('without a token the first push of a branch in a shallow clone counts everything, and says why', async () => {
    const given = { head: at.topic2 ?? '', ref: 'refs/heads/topic', event: { before: ZERO, repository }, token: '' };
    const { ships, reasons } = await changes(workspaceAt(given.head, 'depth 1'), given);
    expect(ships).toHaveLength(4);
    expect(reasons.web?.reason).toContain('neither the clone nor GitHub could tell the common ancestor with main');
  });
});

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
    ];
    // The ledger in git refs is read through the checkout's remote.
    for (const depth of kind === 'git' ? DEPTHS.slice(0, 2) : DEPTHS) {
      test.each(rows)(`%s (${depth})`, async (_, entries, head, before, ships, reason) => {
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
      });
    }
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

describe('outputs', () => {
  test('names, booleans, matrices, reasons and a summary', async () => {
    const given = { head: at.ami ?? '', event: { before: at.start, repository } };
    const { report } = await changes(workspaceAt(given.head, 'full'), given);
    expect(report.outcome).toEqual({ status: 'succeeded', cause: '' });
    expect(report.outputs).toMatchObject({
      any: 'true',
      components: '["ami","infra","web","bot"]',
      web: 'true',
      'matrix-ami': '["ami"]',
      'matrix-terraform': '["infra"]',
      'matrix-app-1': '["web"]',
      'matrix-app-2': '[]',
      'matrix-app-3': '[]',
      'matrix-bot-1': '["bot"]',
      base: at.start,
      head: at.ami,
    });
    expect(report.summary).toContain('### Changes: 4 of 4 components ship');
    expect(report.summary).toContain('| `web` | 🚢 ships | web/a matches web/\\*\\*');
  });

  test('nothing ships is a good end that says why', async () => {
    const given = { head: at.docs ?? '', event: { before: at.ami, repository } };
    const { report } = await changes(workspaceAt(given.head, 'full'), given);
    expect(report.outcome).toEqual({ status: 'unchanged', cause: 'nothing differs from its base' });
    expect(report.outputs).toMatchObject({ any: 'false', components: '[]', web: 'false' });
  });

  test('filters put what changed into the first matrix', async () => {
    const given = {
      head: at.web ?? '',
      event: { before: at.start, repository },
      inputs: { filters: 'site: web/**\nrest: [bot/**]' },
    };
    const { report } = await changes(workspaceAt(given.head, 'depth 1'), given);
    expect(report.outputs).toMatchObject({
      site: 'true',
      rest: 'false',
      'matrix-app-1': '["site"]',
      'matrix-ami': '[]',
    });
  });
});

describe('bad input', () => {
  test.each<[string, Record<string, string>, RegExp]>([
    [
      'an unknown component',
      { force: 'web,wep' },
      /input 'force' is "wep": no component has this name\. Did you mean 'web'\?/,
    ],
    [
      'a short commit',
      { base: 'abc1234' },
      /input 'base' is "abc1234": it is neither ledger, event nor a full commit id/,
    ],
    ['an unknown environment', { environment: 'pord' }, /no environment of this name.*Did you mean 'prod'\?/],
    ['filters that are none', { filters: '[a]' }, /input 'filters': it is not a map/],
    ['filters that are no YAML', { filters: 'a: [' }, /input 'filters': it is not YAML/],
    [
      'a filter named as an output',
      { filters: 'any: [a]' },
      /input 'filters' is "any": a filter has the name of an output/,
    ],
    ['a filter that only excludes', { filters: "web: ['!web/**']" }, /filter 'web' includes nothing/],
    [
      'a missing config file',
      { config: 'none.yml' },
      /config file is "none\.yml": there is no such file; looked for it in/,
    ],
  ])('%s', async (_, inputs, message) => {
    const given = { head: at.web ?? '', event: { before: at.start, repository }, inputs };
    await expect(changes(workspaceAt(given.head, 'full'), given)).rejects.toThrow(message);
  });
});

test('nothing is left behind in the folder for temporary files', () => {
  mkdirSync(join(temp, 'x'));
  expect(readdirSync(temp).filter((name) => name.startsWith('slipway-git-'))).toEqual([]);
});
