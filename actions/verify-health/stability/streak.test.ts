import { describe, expect, test } from '@jest/globals';
import type { Failure, FailureReason } from '../failure.ts';
import { pauseAfter } from './backoff.ts';
import { Rota } from './instance.ts';
import { count, explain, isStable, type Look, NEW_STREAK, type Rules } from './streak.ts';

const fails = (reason: FailureReason, cause: string): Failure => ({ reason, cause, final: false });
const OLD = fails('version-mismatch', 'another version answers: json.revision is "a"');
const SICK = fails('status', 'it answered 500, expected 2xx');

/** Letters: + passes, x is sick, o is the old version; a digit behind it names the instance. */
function play(story: string) {
  const looks = [...story.matchAll(/([+xo])(\d?)/g)].map(([, what, instance]): Look => {
    const failure = what === 'x' ? SICK : what === 'o' ? OLD : undefined;
    return { failure, identity: {}, stable: {}, instance: instance || undefined };
  });
  return looks.reduce(count, NEW_STREAK);
}

test.each<[story: string, rules: Rules, stable: boolean]>([
  ['+++', { successes: 3 }, true],
  ['++', { successes: 3 }, false],
  ['++x++', { successes: 3 }, false],
  ['++x+++', { successes: 3 }, true],
  ['+1+2+3', { successes: 3, instances: 3 }, true],
  ['+1+2+1+2', { successes: 3, instances: 3 }, false],
  ['+1+2o3+1+2', { successes: 2, instances: 3 }, false],
  ['+1+2o3+1+2+3', { successes: 2, instances: 3 }, true],
  ['+1+2+3', { successes: 5, instances: 3 }, false],
])('%s by %p is stable: %p', (story, rules, stable) => {
  expect(isStable(play(story), rules)).toBe(stable);
});

test.each<[story: string, rules: Rules, reason: FailureReason, cause: RegExp]>([
  ['', { successes: 1 }, 'timeout', /^no attempt was over in time$/],
  ['oooo', { successes: 3 }, 'version-mismatch', /^another version answers/],
  ['ooxx', { successes: 3 }, 'status', /^it answered 500/],
  ['++xxx', { successes: 3 }, 'status', /500, expected 2xx, after it had passed before$/],
  ['+o+o+o', { successes: 3 }, 'flapping', /^it passed and failed again 3 times; last version-mismatch: another/],
  ['oo++', { successes: 3 }, 'timeout', /^only 2 of 3 answers in a row came in time$/],
  ['+1+2+1+2', { successes: 3, instances: 3 }, 'version-mismatch', /^only 2 of 3 instances have reported it \(1, 2\)$/],
  ['+1x2+3+1x2+3+1x2', { successes: 3, instances: 3 }, 'status', /^1 of 3 instances \(2\): it answered 500/],
  ['+1o2o3+1o2o3', { successes: 3, instances: 3 }, 'version-mismatch', /^2 of 3 instances \(2, 3\): another version/],
  [
    'o4o4+1+2+1+2',
    { successes: 2, instances: 3 },
    'version-mismatch',
    /^only 2 of 3 instances have reported it \(1, 2\)$/,
  ],
  ['+x+x++++', { successes: 3, instances: 2, by: 'header:x' }, 'version-mismatch', /^no answer says which instance/],
  ['+1x1+2x2+1x1', { successes: 3, instances: 2 }, 'flapping', /^it passed and failed again 3 times/],
])('%s ends for the reason %p %s', (story, rules, reason, cause) => {
  const failure = explain(play(story), rules);
  expect([failure.reason, failure.cause]).toEqual([reason, expect.stringMatching(cause)]);
});

describe('a value that is to stay the same', () => {
  const says = (version: number): Look => ({ identity: {}, stable: { 'json.version': version } });
  test('begins the row anew when it changes, and the answer that shows it is the first', () => {
    const streak = [says(1), says(1), says(2)].reduce(count, NEW_STREAK);
    expect(streak).toMatchObject({
      inARow: 1,
      drops: 1,
      last: { reason: 'flapping', cause: 'json.version changed from 1 to 2' },
    });
    expect(isStable(count(streak, says(2)), { successes: 2 })).toBe(true);
  });
  test('that never settles is flapping', () => {
    const streak = [1, 2, 1, 2, 1].map(says).reduce(count, NEW_STREAK);
    expect(explain(streak, { successes: 2 })).toMatchObject({
      reason: 'flapping',
      cause: 'it passed and failed again 4 times; last json.version changed from 2 to 1',
    });
  });
});

test('after failures the pause is random below a limit that doubles and ends', () => {
  const pace = { intervalMs: 1000, maxIntervalMs: 5000 };
  const limits = [0, 1, 2, 3, 4, 50].map((failures) => pauseAfter(failures, pace, () => 1));
  expect(limits).toEqual([1000, 1000, 2000, 4000, 5000, 5000]);
  expect(pauseAfter(3, pace, () => 0)).toBe(0);
  expect(pauseAfter(2, { intervalMs: 9000, maxIntervalMs: 5000 }, () => 1)).toBe(9000);
});

test('addresses take turns, also when some come and go', () => {
  const rota = new Rota();
  const turns = [
    ['a', 'b'],
    ['a', 'b'],
    ['a', 'b'],
    ['a', 'b', 'c'],
    ['b', 'c', 'a'],
  ].map(rota.choose);
  expect([turns, rota.size]).toEqual([['a', 'b', 'a', 'c', 'b'], 3]);
});
