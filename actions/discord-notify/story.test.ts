import { describe, expect, test } from '@jest/globals';
import { githubContext } from '../../lib/context.ts';
import type { LedgerEntry } from '../../lib/ledger/ledger.ts';
import type { Result } from '../../lib/result.ts';
import { basesOf, commitsOfEvent } from './commits.ts';
import { streakOfLedger, streakOfRuns } from './history.ts';
import { type Stage, type StageState, stagesOf, stateOf } from './story.ts';

describe('the state of a run', () => {
  const stage = (state: StageState): Stage => ({ name: 'web', state });
  test.each([
    [[], {}, 'started'],
    [[stage('succeeded'), stage('unchanged')], {}, 'succeeded'],
    [[stage('succeeded'), stage('rolled-back')], {}, 'failed'],
    [[stage('succeeded')], { infra: { result: 'failure' } }, 'failed'],
    [[stage('succeeded'), stage('cancelled')], {}, 'cancelled'],
    [[], { infra: { result: 'cancelled' } }, 'cancelled'],
    [[], { infra: { result: 'success' } }, 'succeeded'],
  ] as const)('%j %j is %s', (stages, needs, state) => {
    expect(stateOf(stages, needs)).toBe(state);
  });
});

describe('the stages of a run', () => {
  const at = { startedAt: '2026-01-02T03:04:05Z', endedAt: '2026-01-02T03:05:05Z' };
  const result = (component: string, more: Partial<Result> = {}): Result => ({
    component,
    environment: 'dev',
    stage: 'service',
    outcome: { status: 'succeeded', cause: '' },
    ...at,
    ...more,
  });
  const of = (parts: Partial<Parameters<typeof stagesOf>[0]>) =>
    stagesOf({ needs: {}, results: [], planned: [], underWay: false, ...parts });

  test('are components in the order of the plan, those that have not ended waiting', () => {
    const results = [result('bot'), result('infra')];
    const planned = ['infra', 'web', 'bot'];
    const states = (running: string[]) =>
      of({ results, planned, underWay: true, running }).map(({ name, state }) => [name, state]);
    expect(states([])).toEqual([
      ['infra', 'succeeded'],
      ['web', 'waiting'],
      ['bot', 'succeeded'],
    ]);
    expect(states(['web', 'bot'])).toContainEqual(['web', 'running']);
    expect(states(['web', 'bot'])).toContainEqual(['bot', 'succeeded']);
  });

  test('a component that was planned and left nothing failed, unless the run was cancelled', () => {
    const [lost] = of({ planned: ['web'], needs: { app: { result: 'success' } } });
    expect(lost).toMatchObject({ name: 'web', state: 'failed', cause: expect.stringMatching(/left no result/) });
    expect(of({ planned: ['web'], needs: { app: { result: 'cancelled' } } })[0]).toMatchObject({ state: 'cancelled' });
  });

  test('tell what a result holds', () => {
    const outcome = { status: 'rolled-back' as const, cause: 'unhealthy', next: 'look' };
    const more = { outcome, digest: 'sha256:ab', revision: 'c0ffee', url: 'https://x.test', log: ['a'] };
    expect(of({ results: [result('web', more)] })).toEqual([
      {
        name: 'web',
        state: 'rolled-back',
        ms: 60_000,
        digest: 'sha256:ab',
        revision: 'c0ffee',
        url: 'https://x.test',
        cause: 'unhealthy',
        next: 'look',
        log: ['a'],
      },
    ]);
  });

  test('are the jobs where there are no components, with what they put out', () => {
    const needs = {
      test: { result: 'success' },
      deploy: { result: 'failure', outputs: { cause: 'no health', digest: 'sha256:1', unrelated: 'x' } },
      later: { result: 'skipped' },
    };
    expect(of({ needs })).toEqual([
      { name: 'test', state: 'succeeded' },
      { name: 'deploy', state: 'failed', cause: 'no health', digest: 'sha256:1' },
      { name: 'later', state: 'skipped' },
    ]);
  });

  test('a job that died without a result is reported by its name', () => {
    const needs = { 'app-1': { result: 'failure' }, infra: { result: 'success' } };
    expect(of({ needs, results: [result('infra')] }).map(({ name, state }) => [name, state])).toEqual([
      ['infra', 'succeeded'],
      ['app-1', 'failed'],
    ]);
    const failed = result('web', { outcome: { status: 'failed', cause: 'x' } });
    expect(of({ needs, results: [failed] }).map(({ name }) => name)).toEqual(['web']);
  });
});

describe('commits', () => {
  const context = { ...githubContext({ GITHUB_REPOSITORY: 'o/r', GITHUB_SHA: 'b'.repeat(40), GITHUB_ACTOR: 'ada' }) };
  const pushed = (digit: string, name: string) => ({
    id: digit.repeat(40),
    message: `Change ${digit}\n\nbody`,
    author: { name, username: name.toLowerCase() },
  });

  test('of a push come from its event', () => {
    const commits = [pushed('a', 'Bob'), pushed('b', 'Ada')];
    const event = { before: '9'.repeat(40), compare: 'https://x.test/c', head_commit: commits[1], commits };
    expect(commitsOfEvent({ ...context, event })).toMatchObject({
      head: {
        sha: 'b'.repeat(40),
        subject: 'Change b',
        author: 'ada',
        url: `https://github.com/o/r/commit/${'b'.repeat(40)}`,
      },
      base: '9'.repeat(40),
      count: 2,
      list: [{ subject: 'Change b' }, { subject: 'Change a' }],
      authors: ['ada', 'bob'],
      url: 'https://x.test/c',
    });
  });

  test.each([
    ['a dispatch', {}],
    ['a strange event', { head_commit: 'x', commits: 7, before: null }],
  ])('of %s are the commit that runs, by the one who started it', (_, event) => {
    expect(commitsOfEvent({ ...context, event })).toMatchObject({
      head: { sha: 'b'.repeat(40), subject: '', author: 'ada' },
      base: '',
      count: 0,
    });
  });

  test.each([
    ['', []],
    ['a'.repeat(40), ['a'.repeat(40)]],
    [`{"web":{"base":"${'a'.repeat(40)}","head":"x"},"bot":{"base":""},"db":null}`, ['a'.repeat(40)]],
    ['{"web":', []],
    ['0'.repeat(40), []],
    ['main', []],
  ])('bases of %j are %j', (text, wanted) => expect(basesOf(text)).toEqual(wanted));
});

describe('failures in a row', () => {
  const run = (id: string, conclusion: string, minute: number) => ({
    id,
    conclusion,
    endedAt: `2026-01-02T03:${String(minute).padStart(2, '0')}:00Z`,
  });
  const since = (minute: number) => Date.UTC(2026, 0, 2, 3, minute);

  test.each([
    ['none', [run('4', 'success', 4)], undefined],
    ['this run is not one of them', [run('5', 'failure', 5), run('4', 'success', 4)], undefined],
    [
      'back to the last success',
      [
        run('4', 'failure', 4),
        run('3', 'cancelled', 3),
        run('2', 'timed_out', 2),
        run('1', 'success', 1),
        run('0', 'failure', 0),
      ],
      { failures: 2, since: since(2) },
    ],
    ['there never was a success', [run('4', 'failure', 4)], { failures: 1, since: since(4) }],
  ])('of runs: %s', (_, runs, wanted) => expect(streakOfRuns(runs, '5')).toEqual(wanted));

  test('of a ledger: a run that failed two components counts once', () => {
    const entry = (component: string, state: LedgerEntry['state'], n: number): LedgerEntry => ({
      component,
      environment: 'dev',
      commit: 'a',
      state,
      runUrl: `run ${n}`,
      at: `2026-01-02T03:0${n}:00Z`,
    });
    const entries = new Map([
      [
        'web',
        [entry('web', 'deployed', 5), entry('web', 'held', 4), entry('web', 'failed', 2), entry('web', 'deployed', 1)],
      ],
      [
        'bot',
        [
          entry('bot', 'deployed', 5),
          entry('bot', 'failed', 4),
          entry('bot', 'deployed', 3),
          entry('bot', 'failed', 2),
        ],
      ],
      ['other', [entry('other', 'failed', 4), entry('other', 'failed', 3)]],
    ]);
    expect(streakOfLedger(entries, ['web', 'bot'], 'run 5')).toEqual({ failures: 2, since: since(2) });
    expect(streakOfLedger(entries, ['bot', 'new'], 'run 5')).toEqual({ failures: 1, since: since(4) });
    expect(streakOfLedger(new Map(), ['web'], 'run 5')).toBeUndefined();
  });
});
