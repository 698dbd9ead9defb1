import { describe, expect, test } from '@jest/globals';
import type { DeploymentConfiguration, Service } from '../../../lib/ecs/api.ts';
import { readInputs } from '../../../lib/inputs.ts';
import { defaults } from '../defaults.ts';
import { configurationChange } from './configuration.ts';
import { strategyFields } from './inputs.ts';
import { plannedMs } from './pace.ts';

const REF = { cluster: 'sample', service: 'web' };
const shifting: Service = {
  loadBalancers: [{ targetGroupArn: 'blue', advancedConfiguration: { alternateTargetGroupArn: 'green' } }],
};
const inputs = (given: Record<string, string>) => readInputs(strategyFields, (name) => given[name] ?? '');
const change = (current: DeploymentConfiguration | undefined, given: Record<string, string>, service = shifting) =>
  configurationChange(REF, inputs(given), { ...service, ...(current && { deploymentConfiguration: current }) });

describe('what is sent', () => {
  test.each<[string, DeploymentConfiguration | undefined, Record<string, string>, DeploymentConfiguration | undefined]>(
    [
      ['nothing asked', { maximumPercent: 150 }, {}, undefined],
      ['nothing asked of a service that tells nothing', undefined, {}, undefined],
      [
        'as it is already',
        { strategy: 'CANARY', bakeTimeInMinutes: 5 },
        { strategy: 'canary', 'bake-time': '5m' },
        undefined,
      ],
      ['rolling is the default', { maximumPercent: 150, bakeTimeInMinutes: 0 }, { strategy: 'rolling' }, undefined],
      [
        'to blue/green, everything else kept',
        {
          maximumPercent: 150,
          deploymentCircuitBreaker: { enable: true, rollback: true },
          earlySuccessCriteria: {} as never,
        },
        { strategy: 'blue-green', 'bake-time': '10m' },
        {
          maximumPercent: 150,
          deploymentCircuitBreaker: { enable: true, rollback: true },
          strategy: 'BLUE_GREEN',
          bakeTimeInMinutes: 10,
        },
      ],
      [
        'a canary by its percentage alone',
        { strategy: 'CANARY', canaryConfiguration: { canaryPercent: 5, canaryBakeTimeInMinutes: 7 } },
        { 'canary-percent': '12.5' },
        { strategy: 'CANARY', canaryConfiguration: { canaryPercent: 12.5, canaryBakeTimeInMinutes: 7 } },
      ],
      [
        'from linear to canary: what belongs to linear goes',
        { strategy: 'LINEAR', linearConfiguration: { stepPercent: 20 }, bakeTimeInMinutes: 3 },
        { strategy: 'canary', 'canary-bake-time': '1h' },
        { strategy: 'CANARY', canaryConfiguration: { canaryBakeTimeInMinutes: 60 }, bakeTimeInMinutes: 3 },
      ],
      [
        'back to rolling: bake time and steps go',
        { strategy: 'LINEAR', linearConfiguration: { stepPercent: 20 }, bakeTimeInMinutes: 3, maximumPercent: 200 },
        { strategy: 'rolling' },
        { strategy: 'ROLLING', maximumPercent: 200 },
      ],
      [
        'alarms and a pause',
        { strategy: 'BLUE_GREEN', bakeTimeInMinutes: 1 },
        {
          'rollback-alarms': 'errors, latency',
          'lifecycle-hooks':
            '[{targetType: PAUSE, lifecycleStages: [POST_TEST_TRAFFIC_SHIFT], timeoutConfiguration: {timeoutInMinutes: 30}}]',
        },
        {
          strategy: 'BLUE_GREEN',
          bakeTimeInMinutes: 1,
          alarms: { alarmNames: ['errors', 'latency'], enable: true, rollback: true },
          lifecycleHooks: [
            {
              targetType: 'PAUSE',
              lifecycleStages: ['POST_TEST_TRAFFIC_SHIFT'],
              timeoutConfiguration: { timeoutInMinutes: 30 },
            },
          ],
        },
      ],
      [
        'no hooks any more',
        { strategy: 'BLUE_GREEN', lifecycleHooks: [{ targetType: 'PAUSE', lifecycleStages: ['POST_SCALE_UP'] }] },
        { 'lifecycle-hooks': '[]' },
        { strategy: 'BLUE_GREEN', lifecycleHooks: [] },
      ],
    ],
  )('%s', (_, current, given, expected) => {
    expect(change(current, given)?.configuration).toEqual(expected);
  });

  test('is told as differences', () => {
    const lines = change({ strategy: 'ROLLING' }, { strategy: 'blue-green', 'bake-time': '5m' })?.differences;
    expect(lines).toEqual([
      { kind: 'added', path: 'deploymentConfiguration.bakeTimeInMinutes', after: '5' },
      { kind: 'changed', path: 'deploymentConfiguration.strategy', before: '"ROLLING"', after: '"BLUE_GREEN"' },
    ]);
  });
});

describe('what is refused', () => {
  test.each<[DeploymentConfiguration, Record<string, string>, Service, RegExp]>([
    [
      {},
      { 'canary-percent': '5' },
      shifting,
      /'canary-percent': it belongs to a canary deployment, and this one is ROLLING \(what/,
    ],
    [
      { strategy: 'CANARY' },
      { strategy: 'linear', 'canary-bake-time': '5m' },
      shifting,
      /belongs to a canary deployment, and this one is LINEAR;?/,
    ],
    [{}, { 'bake-time': '5m' }, shifting, /'bake-time'.*belongs to a blue\/green, linear or canary/],
    [{}, { strategy: 'blue-green' }, { loadBalancers: [{ targetGroupArn: 'blue' }] }, /no alternate target group/],
    [{}, { strategy: 'canary' }, {}, /neither a load balancer nor Service Connect/],
  ])('%j with %j', (current, given, service, expected) => {
    expect(() => change(current, given, service)).toThrow(expected);
  });

  test('blue/green needs no load balancer, and Service Connect is as good as one', () => {
    expect(change({}, { strategy: 'blue-green' }, {})?.configuration.strategy).toBe('BLUE_GREEN');
    const connected: Service = { deployments: [{ serviceConnectConfiguration: { enabled: true } }] };
    expect(change({}, { strategy: 'canary' }, connected)?.configuration.strategy).toBe('CANARY');
  });

  test.each<[Record<string, string>, RegExp]>([
    [{ strategy: 'BLUE_GREEN' }, /none of rolling, blue-green/],
    [{ 'bake-time': '90s' }, /whole minutes/],
    [{ 'bake-time': '25h' }, /up to 24h/],
    [{ 'linear-step-percent': '2' }, /from 3 to 100/],
    [{ 'canary-percent': '0.25' }, /steps of 0\.1/],
    [{ 'wait-for': 'stage' }, /none of completed, healthy, paused, RECONCILE_SERVICE/],
    [{ 'lifecycle-hooks': '[{targetType: PAUSE, lifecycleStages: [PRODUCTION_TRAFFIC_SHIFT]}]' }, /cannot pause at/],
    [{ 'lifecycle-hooks': '[{lifecycleStages: [POST_SCALE_UP]}]' }, /needs `hookTargetArn`/],
    [{ 'lifecycle-hooks': '[{targetType: PAUSE, lifecycleStages: [BAKE_TIME]}]' }, /no lifecycle stage/],
    [{ 'lifecycle-hooks': '[{targetType: PAUSE, lifecycleStages: []}]' }, /at least one/],
  ])('%j', (given, expected) => {
    expect(() => inputs(given)).toThrow(expected);
  });

  test('a stage may be written in lower case', () => {
    expect(inputs({ 'wait-for': 'bake-time' })['wait-for']).toBe('BAKE_TIME');
    expect(inputs({})['wait-for']).toBe('completed');
  });
});

test.each<[DeploymentConfiguration | undefined, number]>([
  [undefined, 0],
  [{ strategy: 'ROLLING', bakeTimeInMinutes: 5 }, 0],
  [{ strategy: 'BLUE_GREEN', bakeTimeInMinutes: 5 }, 5],
  [{ strategy: 'CANARY', bakeTimeInMinutes: 5 }, 15],
  [{ strategy: 'CANARY', canaryConfiguration: { canaryBakeTimeInMinutes: 0 } }, 0],
  [{ strategy: 'LINEAR', bakeTimeInMinutes: 1 }, 55],
  [{ strategy: 'LINEAR', linearConfiguration: { stepPercent: 30, stepBakeTimeInMinutes: 2 } }, 6],
  [{ strategy: 'LINEAR', linearConfiguration: { stepPercent: 100 } }, 0],
])('minutes that %j takes by plan', (configuration, expected) => {
  expect(plannedMs(configuration) / 60_000).toBe(expected);
});

test('the config file gives what the inputs take', () => {
  const hooks = [{ targetType: 'PAUSE', lifecycleStages: ['POST_SCALE_UP'] }];
  const deploy = {
    to: 'ecs',
    cluster: 'sample',
    service: 'web',
    strategy: 'linear',
    'linear-step-percent': 12.5,
    'linear-step-bake-time': '5m',
    'lifecycle-hooks': hooks,
    'rollback-alarms': ['errors', 'latency'],
  };
  const given = defaults({ component: { kind: 'service', deploy } } as never);
  expect(inputs(given as Record<string, string>)).toMatchObject({
    strategy: 'linear',
    'linear-step-percent': 12.5,
    'linear-step-bake-time': 5,
    'lifecycle-hooks': hooks,
    'rollback-alarms': ['errors', 'latency'],
  });
});
