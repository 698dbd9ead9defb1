import { describe, expect, test } from '@jest/globals';
import { named } from '../../../test/support/named.ts';
import { comparison } from '../soak/soak.ts';
import { countsFrom } from './cloudwatch.ts';
import { type BalancerCounts, dimensionsOf, judgeBalancer, settledCounts } from './metrics.ts';

const ARN = 'arn:aws:elasticloadbalancing:eu-central-1:123456789012';

test.each([
  [{ name: `${ARN}:loadbalancer/app/web/1a2b` }, { loadBalancer: 'app/web/1a2b' }],
  [
    { name: 'app/web/1a2b', 'target-group': `${ARN}:targetgroup/blue/3c` },
    { loadBalancer: 'app/web/1a2b', targetGroup: 'targetgroup/blue/3c' },
  ],
])('%j is known to CloudWatch as %j', (config, dimensions) => {
  expect(dimensionsOf(config)).toEqual(dimensions);
});
test.each([
  [{ name: 'web' }, /name is "web": it is not an Application Load Balancer/],
  [{ name: `${ARN}:loadbalancer/net/web/1` }, /not an Application Load Balancer/],
  [{ name: 'app/web/1', 'target-group': 'blue' }, /it is not a target group/],
])('%j is refused', (config, message) => {
  expect(() => dimensionsOf(config)).toThrow(message);
});

describe('the load balancer’s count', () => {
  const rules = { mostPercent: 1, by: comparison({}) };
  test.each(
    named<[what: string, now: BalancerCounts, before: BalancerCounts | undefined, cause?: RegExp]>([
      ['few errors', { requests: 1000, errors: 5 }, undefined],
      [
        'too many errors',
        { requests: 1000, errors: 20 },
        undefined,
        /counted 20 5xx answers to 1000 requests \(2 %\), expected 1 % or less/,
      ],
      ['only errors, and no target to count a request for', { requests: 0, errors: 9 }, undefined, /\(100 %\)/],
      [
        'nothing at all proves nothing',
        { requests: 0, errors: 0 },
        undefined,
        /no request of the load balancer in this time/,
      ],
      [
        'a metric that could not be read',
        { requests: 1000, errors: 0, unread: 'target is InternalError' },
        undefined,
        /could not read .*target is InternalError/,
      ],
      [
        'more than before',
        { requests: 10_000, errors: 60 },
        { requests: 10_000, errors: 5 },
        /\(0\.6 ?0? %\), 0\.05 % before/,
      ],
      ['no more than before', { requests: 10_000, errors: 60 }, { requests: 10_000, errors: 61 }],
    ]),
  )('%s', (_name, [, now, before, cause]) => {
    const { failure } = judgeBalancer(now, before, rules);
    expect(failure === undefined).toBe(cause === undefined);
    if (failure && cause) expect(failure.cause).toMatch(cause);
  });
});

test('the last minute is waited for, and not for ever', async () => {
  let now = 120_000;
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  const asked: number[] = [];
  const lookAt = (readyAt: number) => ({
    clock,
    signal: new AbortController().signal,
    metrics: {
      counts: async (_: unknown, from: number, to: number) => {
        asked.push(now);
        expect([from, to]).toEqual([60_000, 180_000]);
        return now >= readyAt
          ? { requests: 9, errors: 0, lastMinute: 120_000 }
          : { requests: 4, errors: 0, lastMinute: 60_000 };
      },
    },
  });
  const time = { from: 70_000, to: 130_000 };
  expect((await settledCounts({ loadBalancer: 'x' }, time, '3m', lookAt(200_000))).requests).toBe(9);
  expect(asked.at(-1)).toBe(200_000);
  expect((await settledCounts({ loadBalancer: 'x' }, time, '30s', lookAt(900_000))).requests).toBe(4);
  expect(now).toBe(210_000);
});

test('an answer of CloudWatch in which a metric failed is not one in which it counted nothing', () => {
  const queries = [{ Id: 'requests' }, { Id: 'target' }];
  const minute = new Date(60_000);
  const requests = { Id: 'requests', StatusCode: 'Complete' as const, Timestamps: [minute], Values: [9] };
  const target = { Id: 'target', StatusCode: 'Complete' as const, Timestamps: [], Values: [] };
  expect(countsFrom([requests, target], queries)).toEqual({ requests: 9, errors: 0, lastMinute: 60_000 });
  expect(countsFrom([requests, { ...target, StatusCode: 'InternalError' }], queries).unread).toBe(
    'target is InternalError',
  );
  expect(countsFrom([requests], queries).unread).toBe('target is missing');
});
