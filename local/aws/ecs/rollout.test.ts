import type { ServiceDeploymentStatus, ThresholdConfiguration } from '@aws-sdk/client-ecs';
import { expect, test } from '@jest/globals';
import { breakerThreshold, failureCount, type TaskFate } from './breaker.ts';
import { REASONS, type RolloutFact, rolloutText, step } from './rollout.ts';

test.each<[number, ThresholdConfiguration | undefined, number]>([
  [0, undefined, 3],
  [1, undefined, 3],
  [5, undefined, 3],
  [6, undefined, 3],
  [7, undefined, 4],
  [25, undefined, 13],
  [400, undefined, 200],
  [4000, undefined, 200],
  [2, { type: 'COUNT', value: 1 }, 1],
  [2, { type: 'BOUNDED_PERCENT', value: 100 }, 3],
  [50, { type: 'BOUNDED_PERCENT', value: 20 }, 10],
  [4, { type: 'UNBOUNDED_PERCENT', value: 50 }, 2],
  [1, { type: 'UNBOUNDED_PERCENT', value: 10 }, 1],
  [1000, { type: 'UNBOUNDED_PERCENT', value: 50 }, 500],
])('the breaker of %i tasks with %j trips at %i', (desired, configured, expected) => {
  expect(breakerThreshold(desired, configured)).toBe(expected);
});

test.each<[string, number, TaskFate, boolean, boolean | undefined, number]>([
  ['it dies before it was healthy', 1, 'died', false, undefined, 2],
  ['it dies after it was healthy', 1, 'died', true, undefined, 1],
  ['it fails a health check', 1, 'unhealthy', false, undefined, 2],
  ['it fails a health check after it was healthy', 1, 'unhealthy', true, undefined, 2],
  ['somebody stops it', 1, 'stopped', false, undefined, 1],
  ['it becomes healthy', 2, 'healthy', false, undefined, 0],
  ['it becomes healthy and nothing is reset', 2, 'healthy', false, false, 2],
])('the failure count when %s', (_, before, fate, wasHealthy, resetOnHealthyTask, expected) => {
  const breaker = { enable: true, rollback: true, ...(resetOnHealthyTask === undefined ? {} : { resetOnHealthyTask }) };
  expect(failureCount(before, fate, wasHealthy, breaker)).toBe(expected);
});

const breaker = (rollback: boolean, candidate: boolean): RolloutFact => ({ kind: 'breaker', rollback, candidate });

test.each<
  [ServiceDeploymentStatus, RolloutFact, ServiceDeploymentStatus | undefined, string | undefined, string | undefined]
>([
  ['PENDING', { kind: 'begun' }, 'IN_PROGRESS', undefined, 'go-on'],
  ['IN_PROGRESS', { kind: 'begun' }, undefined, undefined, undefined],
  ['PENDING', { kind: 'steady' }, undefined, undefined, undefined],
  ['IN_PROGRESS', { kind: 'steady' }, 'SUCCESSFUL', undefined, 'complete'],
  ['SUCCESSFUL', { kind: 'steady' }, undefined, undefined, undefined],
  ['ROLLBACK_REQUESTED', { kind: 'steady' }, undefined, undefined, undefined],
  ['ROLLBACK_IN_PROGRESS', { kind: 'steady' }, 'ROLLBACK_SUCCESSFUL', undefined, 'complete'],
  ['IN_PROGRESS', breaker(true, true), 'ROLLBACK_IN_PROGRESS', REASONS.breakerRollback, 'roll-back'],
  ['IN_PROGRESS', breaker(true, false), 'ROLLBACK_FAILED', REASONS.noCandidate, 'fail'],
  ['IN_PROGRESS', breaker(false, true), 'STOPPED', REASONS.breakerStop, 'fail'],
  ['ROLLBACK_IN_PROGRESS', breaker(true, true), 'ROLLBACK_FAILED', REASONS.rollbackBroke, 'fail'],
  ['ROLLBACK_FAILED', breaker(true, true), undefined, undefined, undefined],
  ['PENDING', { kind: 'stop', candidate: true }, 'ROLLBACK_REQUESTED', REASONS.userRollback, 'go-on'],
  ['IN_PROGRESS', { kind: 'stop', candidate: true }, 'ROLLBACK_REQUESTED', REASONS.userRollback, 'go-on'],
  ['IN_PROGRESS', { kind: 'stop', candidate: false }, 'ROLLBACK_FAILED', REASONS.noCandidate, 'fail'],
  ['ROLLBACK_IN_PROGRESS', { kind: 'stop', candidate: true }, undefined, undefined, undefined],
  [
    'IN_PROGRESS',
    { kind: 'alarm', rollback: true, candidate: true },
    'ROLLBACK_IN_PROGRESS',
    REASONS.alarmRollback,
    'roll-back',
  ],
  ['IN_PROGRESS', { kind: 'alarm', rollback: true, candidate: false }, 'ROLLBACK_FAILED', REASONS.noCandidate, 'fail'],
  ['IN_PROGRESS', { kind: 'alarm', rollback: false, candidate: true }, 'STOPPED', REASONS.alarmStop, 'fail'],
  ['ROLLBACK_IN_PROGRESS', { kind: 'alarm', rollback: true, candidate: true }, undefined, undefined, undefined],
  ['IN_PROGRESS', { kind: 'hook', reason: 'why', candidate: true }, 'ROLLBACK_IN_PROGRESS', 'why', 'roll-back'],
  ['IN_PROGRESS', { kind: 'hook', reason: 'why', candidate: false }, 'ROLLBACK_FAILED', REASONS.noCandidate, 'fail'],
  ['ROLLBACK_REQUESTED', { kind: 'hook', reason: 'why', candidate: true }, undefined, undefined, undefined],
  ['ROLLBACK_REQUESTED', { kind: 'rollback-begun' }, 'ROLLBACK_IN_PROGRESS', undefined, 'roll-back'],
  ['IN_PROGRESS', { kind: 'superseded' }, 'STOP_REQUESTED', REASONS.superseded, 'go-on'],
  ['ROLLBACK_IN_PROGRESS', { kind: 'superseded' }, 'STOP_REQUESTED', REASONS.superseded, 'go-on'],
  ['STOP_REQUESTED', { kind: 'replaced' }, 'STOPPED', undefined, 'end'],
  ['STOP_REQUESTED', { kind: 'steady' }, undefined, undefined, undefined],
  ['IN_PROGRESS', { kind: 'replaced' }, undefined, undefined, undefined],
  ['SUCCESSFUL', { kind: 'superseded' }, undefined, undefined, undefined],
  ['STOPPED', { kind: 'stop', candidate: true }, undefined, undefined, undefined],
])('a deployment that is %s and %j becomes %s (%s), then: %s', (status, fact, expected, reason, next) => {
  const result = step(status, fact);
  expect([result?.status, result?.statusReason, result?.next]).toEqual([expected, reason, next]);
});

test('the rollout is told in the words of ECS', () => {
  expect(rolloutText('ecs-svc/1', 'completed')).toEqual({
    rolloutState: 'COMPLETED',
    rolloutStateReason: 'ECS deployment ecs-svc/1 completed.',
  });
  expect(rolloutText('ecs-svc/1', 'rolling-back').rolloutStateReason).toBe(
    'ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.',
  );
});
