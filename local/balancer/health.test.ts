import { expect, test } from '@jest/globals';
import { afterCheck, CHECKING, type CheckResult, eligible, matches, type TargetState, type Watched } from './health.ts';

const thresholds = { healthy: 3, unhealthy: 2, matcher: '200-299,302' };
const ok: CheckResult = { status: 200 };
const bad: CheckResult = { status: 500 };

test.each<[string, CheckResult[], TargetState, string | undefined]>([
  ['no check yet', [], 'initial', 'Elb.InitialHealthChecking'],
  ['one success makes a new target healthy', [ok], 'healthy', undefined],
  ['one failure of a new target is not enough', [bad], 'initial', 'Elb.InitialHealthChecking'],
  ['failures in a row', [bad, bad], 'unhealthy', 'Target.ResponseCodeMismatch'],
  ['a success between failures starts the count again', [ok, bad, ok, bad], 'healthy', undefined],
  ['a healthy target falls at the threshold', [ok, bad, bad], 'unhealthy', 'Target.ResponseCodeMismatch'],
  ['recovery needs the healthy threshold', [bad, bad, ok, ok], 'unhealthy', 'Target.ResponseCodeMismatch'],
  ['recovery at the healthy threshold', [bad, bad, ok, ok, ok], 'healthy', undefined],
  ['time-out', [{ error: 'timeout' }, { error: 'timeout' }], 'unhealthy', 'Target.Timeout'],
  ['refused', [{ error: 'failed' }, { error: 'failed' }], 'unhealthy', 'Target.FailedHealthChecks'],
  ['the reason is the latest one', [{ error: 'failed' }, bad], 'unhealthy', 'Target.ResponseCodeMismatch'],
])('target health: %s', (_, checks, state, reason) => {
  const end = checks.reduce<Watched>((watched, check) => afterCheck(watched, check, thresholds), CHECKING);
  expect({ state: end.state, reason: end.reason }).toEqual({ state, reason });
});

test('a draining target stays so whatever its checks say', () => {
  const draining: Watched = { state: 'draining', successes: 0, failures: 0 };
  expect(afterCheck(draining, ok, thresholds)).toBe(draining);
});

test.each([
  ['200', 200, true],
  ['200', 201, false],
  ['200-299', 204, true],
  ['200,302', 302, true],
  ['200-204, 301', 301, true],
  ['200-204,301', 300, false],
])('matcher %s and status %i: %s', (matcher, status, expected) => {
  expect(matches(matcher, status)).toBe(expected);
});

test.each<[TargetState[], TargetState[]]>([
  [['healthy', 'unhealthy', 'initial', 'draining'], ['healthy']],
  [
    ['unhealthy', 'unhealthy', 'initial', 'draining'],
    ['unhealthy', 'unhealthy'],
  ],
  [['initial', 'draining'], []],
])('of targets %j requests go to %j', (states, expected) => {
  const targets = states.map((state) => ({ health: { state } }));
  expect(eligible(targets).map(({ health }) => health.state)).toEqual(expected);
});
