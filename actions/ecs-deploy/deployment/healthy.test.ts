import { describe, expect, test } from '@jest/globals';
import type { Task } from '../../../lib/ecs/api.ts';
import type { JsonObject } from '../../../lib/ecs/json.ts';
import { allHealthy, type HealthFacts } from './healthy.ts';
import { stableMs } from './stable.ts';

const definition = (healthCheck: boolean, essential = true): JsonObject => ({
  containerDefinitions: [{ name: 'web', essential, ...(healthCheck && { healthCheck: { command: ['CMD', 'true'] } }) }],
});
const task = (ip?: string, healthStatus: Task['healthStatus'] = 'UNKNOWN'): Task => ({
  healthStatus,
  ...(ip && {
    attachments: [{ type: 'ElasticNetworkInterface', details: [{ name: 'privateIPv4Address', value: ip }] }],
  }),
});
const target = (target: string, state = 'healthy') => ({ target, state, reason: '' });

describe('whether all tasks are healthy', () => {
  test.each<[string, Partial<HealthFacts>, boolean]>([
    ['as many as wanted run, and nothing checks them', {}, true],
    ['one is missing', { tasks: [task()] }, false],
    ['the container check has no result yet', { definition: definition(true) }, false],
    [
      'the container check passes',
      { definition: definition(true), tasks: [task('', 'HEALTHY'), task('', 'HEALTHY')] },
      true,
    ],
    ['only a sidecar that may end is checked', { definition: definition(true, false) }, true],
    [
      'their targets are healthy, while the old ones drain',
      {
        tasks: [task('10.0.0.1'), task('10.0.0.2')],
        groups: [[target('10.0.0.1:80'), target('10.0.0.2:80'), target('10.0.0.9:80', 'draining')]],
      },
      true,
    ],
    [
      'one target is still initial, and an old one healthy',
      {
        tasks: [task('10.0.0.1'), task('10.0.0.2')],
        groups: [[target('10.0.0.1:80'), target('10.0.0.2:80', 'initial'), target('10.0.0.9:80')]],
      },
      false,
    ],
    [
      'tasks share their host’s address, and every target is well',
      { groups: [[target('i-1:80'), target('i-2:81')]] },
      true,
    ],
    [
      'tasks share their host’s address, and one is not',
      { groups: [[target('i-1:80'), target('i-2:81', 'unhealthy')]] },
      false,
    ],
  ])('%s', (_, over, expected) => {
    const facts = { tasks: [task(), task()], wanted: 2, definition: definition(false), groups: [], ...over };
    expect(allHealthy(facts)).toBe(expected);
  });
});

describe('how long tasks have to stay up', () => {
  const balanced = { loadBalancers: [{ targetGroupArn: 'x' }] };
  test.each([
    ['30 s where nothing checks them', undefined, {}, definition(false), 30_000],
    ['not at all behind a load balancer', undefined, balanced, definition(false), 0],
    ['not at all with a container health check', undefined, {}, definition(true), 0],
    ['as long as asked', 5_000, balanced, definition(true), 5_000],
    ['not at all when that is asked', 0, {}, definition(false), 0],
  ])('%s', (_, asked, service, of, expected) => {
    expect(stableMs(asked, service, of)).toBe(expected);
  });
});
