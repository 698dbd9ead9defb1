import { describe, expect, test } from '@jest/globals';
import { type DeploymentFacts, judge } from './judge.ts';

const STATUSES = [
  'PENDING',
  'IN_PROGRESS',
  'STOP_REQUESTED',
  'ROLLBACK_REQUESTED',
  'ROLLBACK_IN_PROGRESS',
  'SUCCESSFUL',
  'STOPPED',
  'ROLLBACK_SUCCESSFUL',
  'ROLLBACK_FAILED',
  'SOMETHING_NEW',
];
const ended = (facts: DeploymentFacts) => {
  const j = judge(facts);
  return j.decided ? j.status : j.phase;
};

describe('a status alone', () => {
  test.each([
    ['PENDING', 'waiting'],
    ['IN_PROGRESS', 'rolling-out'],
    ['STOP_REQUESTED', 'stopping'],
    ['ROLLBACK_REQUESTED', 'rolling-back'],
    ['ROLLBACK_IN_PROGRESS', 'rolling-back'],
    ['SUCCESSFUL', 'succeeded'],
    ['STOPPED', 'stopped'],
    ['ROLLBACK_SUCCESSFUL', 'rolled-back'],
    ['ROLLBACK_FAILED', 'failed'],
    ['SOMETHING_NEW', 'unknown'],
  ])('%s is %s', (status, expected) => {
    expect(ended({ status })).toBe(expected);
  });
});

describe('every combination', () => {
  const rows = STATUSES.flatMap((status) =>
    (['off', 'watching', 'triggered'] as const).flatMap((breaker) =>
      [undefined, 'IN_PROGRESS', 'COMPLETED', 'FAILED'].flatMap((rollout) =>
        [undefined, 'deployment x (web:9)'].flatMap((supersededBy) =>
          [undefined, 'circuit breaker', 'alarm a', 'superseded by a newer deployment', 'stopped by user'].map(
            (statusReason): DeploymentFacts => ({ status, breaker, rollout, supersededBy, statusReason }),
          ),
        ),
      ),
    ),
  );

  test('is a success only when ECS says so, and a rollback never is', () => {
    for (const facts of rows) {
      const result = ended(facts);
      expect([facts, result === 'succeeded']).toEqual([facts, facts.status === 'SUCCESSFUL']);
      expect([facts, result === 'rolled-back']).toEqual([facts, facts.status === 'ROLLBACK_SUCCESSFUL']);
    }
  });

  test('with another deployment in charge is never waited for', () => {
    for (const facts of rows) if (facts.supersededBy) expect([facts, judge(facts).decided]).toEqual([facts, true]);
  });

  test('is the same for a first deployment, which is told to have nothing to go back to where it failed', () => {
    for (const facts of rows) {
      const first = { ...facts, first: true };
      expect([facts, ended(first)]).toEqual([facts, ended(facts)]);
      const result = judge(first);
      if (facts.status === 'STOPPED' && result.decided && result.status === 'failed')
        expect([facts, result.why]).toEqual([facts, expect.stringContaining('nothing to go back to')]);
    }
  });

  test('fails where an alarm went off and nothing was put back, and names it', () => {
    for (const facts of rows.filter((r) => r.status === 'STOPPED' && r.breaker !== 'triggered')) {
      const result = judge({ ...facts, triggeredAlarms: ['errors'] });
      expect(result).toMatchObject({ status: 'failed', why: expect.stringContaining('alarm errors went off') });
    }
  });

  test('has a reason unless it succeeded', () => {
    for (const facts of rows) {
      const result = judge(facts);
      if (result.decided && result.status !== 'succeeded') expect([facts, result.why]).not.toEqual([facts, '']);
    }
  });
});

describe('STOPPED', () => {
  test.each<[string, DeploymentFacts, string]>([
    ['by the breaker', { breaker: 'triggered' }, 'failed'],
    [
      'by the breaker, told in words',
      { statusReason: 'Service deployment stopped: ECS deployment circuit breaker was triggered' },
      'failed',
    ],
    ['by an alarm', { triggeredAlarms: ['latency'] }, 'failed'],
    ['because another took over', { supersededBy: 'deployment x' }, 'superseded'],
    ['because another took over, told in words', { statusReason: 'superseded by a newer deployment' }, 'superseded'],
    ['by a person', { statusReason: 'Stopped by user request' }, 'stopped'],
    ['without a word', {}, 'stopped'],
    ['by the breaker while another took over', { breaker: 'triggered', supersededBy: 'deployment x' }, 'failed'],
  ])('%s', (_, facts, expected) => {
    expect(ended({ status: 'STOPPED', ...facts })).toBe(expected);
  });

  test('of a first deployment says that there is nothing to go back to', () => {
    const result = judge({ status: 'STOPPED', breaker: 'triggered', first: true });
    expect(result.decided && result.why).toContain('nothing to go back to');
  });
});

describe('after this run told ECS to go back', () => {
  const givenUp = '3 tasks ended alike';
  test.each<[string, string]>([
    ['ROLLBACK_REQUESTED', 'rolling-back'],
    ['ROLLBACK_IN_PROGRESS', 'rolling-back'],
    ['ROLLBACK_SUCCESSFUL', 'rolled-back'],
    ['ROLLBACK_FAILED', 'failed'],
    ['STOPPED', 'failed'],
    ['SUCCESSFUL', 'succeeded'],
  ])('%s is %s, for the reason that this run had', (status, expected) => {
    const facts = {
      status,
      givenUp,
      statusReason: 'because of a stop service deployment request',
      breaker: 'off',
    } as const;
    expect(ended(facts)).toBe(expected);
    const result = judge(facts);
    if (result.decided && result.status !== 'succeeded') expect(result.why).toContain(givenUp);
  });
});

describe('without a record of the deployment', () => {
  test.each<[DeploymentFacts, string]>([
    [{}, 'waiting'],
    [{ rollout: 'IN_PROGRESS' }, 'rolling-out'],
    [{ rollout: 'COMPLETED' }, 'succeeded'],
    [{ rollout: 'FAILED', rolloutReason: 'tasks failed to start' }, 'failed'],
    [{ rollout: 'FAILED', rolloutReason: 'rolling back to deployment 1', supersededBy: 'web:1' }, 'rolled-back'],
    [{ rollout: 'IN_PROGRESS', supersededBy: 'web:9' }, 'superseded'],
  ])('%j is %s', (facts, expected) => {
    expect(ended(facts)).toBe(expected);
  });
});
