import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { EXAMPLE } from '../../lib/config/example.ts';
import { runAction } from '../../test/support/action.ts';
import {
  api,
  at,
  changes,
  DEPTHS,
  type Given,
  origin,
  pullRequest,
  repository,
  TOKEN,
  temp,
  useWorld,
  workspaceAt,
  ZERO,
} from './test/world.ts';

useWorld();

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
      else expect(answer.fetches).toBe(depth === 'no git' ? 0 : 1);
      expect(answer.calls).toBeLessThanOrEqual(depth === 'no git' ? 5 : 1);
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
    ['a tag', { before: ZERO, repository }, 'tag', /a new tag names no earlier state/],
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
      'matrix-terraform-1': '["infra"]',
      'matrix-terraform-2': '[]',
      'matrix-terraform-3': '[]',
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

test('a config file named with a dot first is compared all the same', async () => {
  const inputs = { config: './.github/slipway.yml' };
  const given = { head: at.setting ?? '', event: { before: at.docs, repository }, inputs };
  expect((await changes(workspaceAt(given.head, 'full'), given)).ships).toEqual(['web']);
});

test('a config file named by its absolute path is compared all the same', async () => {
  const workspace = workspaceAt(at.setting ?? '', 'full');
  const inputs = { config: join(workspace, '.github/slipway.yml') };
  const given = { head: at.setting ?? '', event: { before: at.docs, repository }, inputs };
  expect((await changes(workspace, given)).ships).toEqual(['web']);
});

test.each(['made.yml', 'app/.github/slipway.yml'])(
  'a config file that is in no commit, %s: its changes cannot be seen, so everything ships and it says why',
  async (config) => {
    const workspace = workspaceAt(at.docs ?? '', 'full');
    mkdirSync(join(workspace, dirname(config)), { recursive: true });
    writeFileSync(join(workspace, config), EXAMPLE);
    const given = { head: at.docs ?? '', event: { before: at.ami, repository }, inputs: { config } };
    const { ships, reasons } = await changes(workspace, given);
    expect(ships).toHaveLength(4);
    expect(reasons.web?.reason).toMatch(/^.*slipway.yml is in no commit under this name|^made.yml is in no commit/);
  },
);

describe('a sparse checkout, which has no .github', () => {
  test.each([[''], ['--depth=1'], ['--filter=blob:none'], ['--filter=tree:0']])('%s', async (option) => {
    const clone = origin.clone('--no-checkout', '--sparse', ...option.split(' ').filter(Boolean));
    clone.git('checkout', '--quiet', '--detach', 'origin/main');
    expect(existsSync(join(clone.folder, '.github'))).toBe(false);
    const given = { head: at.setting ?? '', event: { before: at.bot, repository } };
    expect((await changes(clone.folder, given)).ships).toEqual(['ami', 'infra', 'web']);
  });
});

test('without a checkout, a commit that cannot be had is told, and not taken for a missing config file', async () => {
  const given = { head: 'e'.repeat(40), event: { before: at.start, repository } };
  const cause =
    /config file is .* there is no checkout, and it could not be read from the commit: eeeeeeeeee is neither/;
  await expect(changes(workspaceAt('', 'no checkout'), given)).rejects.toThrow(cause);
});

describe('what ships without a commit to compare with lists all of its files', () => {
  const filters = "web: ['web/**']\nmoved:\n  - added: 'bot/**'\n  - deleted: 'infra/**'";
  const inputs = { filters, 'list-files': 'json' };
  test.each(DEPTHS)('%s', async (depth) => {
    const given = { head: at.web ?? '', eventName: 'schedule', inputs };
    const { report } = await changes(workspaceAt(given.head, depth), given);
    expect(JSON.parse(report.outputs.files ?? '')).toEqual({ web: ['web/a'], moved: ['bot/a'] });
  });

  test('forced, and only what is forced', async () => {
    const given = {
      head: at.web ?? '',
      event: { before: at.web, repository },
      inputs: { ...inputs, force: 'web' },
    };
    const { report } = await changes(workspaceAt(given.head, 'depth 1'), given);
    expect(JSON.parse(report.outputs.files ?? '')).toEqual({ web: ['web/a'], moved: [] });
  });
});

test('the action itself, on a machine that has no git', async () => {
  const event = join(temp, 'event.json');
  writeFileSync(event, JSON.stringify({ before: at.start, repository }));
  const env = {
    PATH: '/nowhere',
    GITHUB_REPOSITORY: 'acme/sample',
    GITHUB_SHA: at.bot ?? '',
    GITHUB_REF: 'refs/heads/main',
    GITHUB_EVENT_NAME: 'push',
    GITHUB_EVENT_PATH: event,
    GITHUB_API_URL: api.url,
    GITHUB_GRAPHQL_URL: api.graphqlUrl,
    GITHUB_WORKSPACE: workspaceAt('', 'no checkout'),
  };
  const { code, outputs, log } = await runAction('changes', { token: TOKEN }, { env });
  expect(log).toContain('There is no git on PATH');
  expect([code, outputs.components]).toEqual([0, '["web","bot"]']);
  const without = await runAction('changes', {}, { env });
  expect(without.code).toBe(1);
  expect(without.log).toContain("program 'git': it was not found on PATH");
});

test('nothing is left behind in the folder for temporary files', () => {
  mkdirSync(join(temp, 'x'));
  expect(readdirSync(temp).filter((name) => name.startsWith('slipway-git-'))).toEqual([]);
});
