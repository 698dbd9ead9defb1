import { describe, expect, test } from '@jest/globals';
import type { ServiceDeployment } from '../../../lib/ecs/api.ts';
import { failedHook, pausesOf, reached, STAGES, stageParts, type WaitFor } from './stages.ts';

const HOOK = 'arn:aws:lambda:eu-central-1:123456789012:function:smoke';
const at = (lifecycleStage: string, more: object = {}): ServiceDeployment => ({
  status: 'IN_PROGRESS',
  lifecycleStage: lifecycleStage as NonNullable<ServiceDeployment['lifecycleStage']>,
  ...more,
});
const paused = (stage: string, more: object = {}) =>
  at(stage, { lifecycleHookDetails: [{ hookId: 'h1', targetType: 'PAUSE', status: 'AWAITING_ACTION' }], ...more });

describe('how far a deployment has come', () => {
  test.each<[WaitFor, ServiceDeployment | undefined, string | undefined]>([
    ['completed', at('BAKE_TIME'), undefined],
    ['completed', paused('POST_SCALE_UP'), undefined],
    ['paused', at('BAKE_TIME'), undefined],
    ['paused', paused('POST_TEST_TRAFFIC_SHIFT'), 'POST_TEST_TRAFFIC_SHIFT'],
    ['BAKE_TIME', at('PRODUCTION_TRAFFIC_SHIFT'), undefined],
    ['BAKE_TIME', at('BAKE_TIME'), 'BAKE_TIME'],
    ['BAKE_TIME', at('CLEAN_UP'), 'CLEAN_UP'],
    ['BAKE_TIME', at('A_STAGE_OF_TOMORROW'), undefined],
    ['BAKE_TIME', undefined, undefined],
    ['healthy', at('POST_SCALE_UP'), undefined],
    ['healthy', paused('POST_PRODUCTION_TRAFFIC_SHIFT'), undefined],
    ['healthy', at('BAKE_TIME'), 'BAKE_TIME'],
    ['healthy', { status: 'IN_PROGRESS' }, undefined],
    ['PRE_SCALE_UP', { status: 'IN_PROGRESS' }, undefined],
    ['BAKE_TIME', paused('POST_SCALE_UP'), 'POST_SCALE_UP'],
    ['BAKE_TIME', at('BAKE_TIME', { status: 'ROLLBACK_IN_PROGRESS' }), undefined],
    ['paused', paused('BAKE_TIME', { status: 'ROLLBACK_REQUESTED' }), undefined],
  ])('waiting for %s at %j', (waitFor, deployment, expected) => {
    expect(reached(waitFor, deployment)?.stage).toBe(expected);
  });

  test('every stage is reached by itself and by all behind it, and by none before it', () => {
    for (const [i, wanted] of STAGES.entries())
      for (const [j, now] of STAGES.entries())
        expect([wanted, now, reached(wanted, at(now)) !== undefined]).toEqual([wanted, now, j >= i]);
  });
});

test.each<[string, ServiceDeployment, string[]]>([
  ['a rolling deployment has none', { status: 'IN_PROGRESS' }, []],
  [
    'weights',
    at('BAKE_TIME', { targetServiceRevision: { requestedProductionTrafficWeight: 100 } }),
    ['BAKE_TIME', '100 % of production traffic'],
  ],
  [
    'a step',
    at('PRODUCTION_TRAFFIC_SHIFT', {
      targetServiceRevision: { requestedProductionTrafficWeight: 0, requestedTestTrafficWeight: 100 },
    }),
    ['PRODUCTION_TRAFFIC_SHIFT', '0 % of production traffic', '100 % of test traffic'],
  ],
  ['a pause', paused('POST_SCALE_UP'), ['POST_SCALE_UP', 'paused for an answer']],
  [
    'a Lambda that runs, and one that is done',
    at('POST_SCALE_UP', {
      lifecycleHookDetails: [
        { targetType: 'AWS_LAMBDA', targetArn: HOOK, status: 'IN_PROGRESS' },
        { targetType: 'AWS_LAMBDA', targetArn: HOOK, status: 'SUCCEEDED' },
      ],
    }),
    ['POST_SCALE_UP', 'hook smoke in progress'],
  ],
])('what the line of progress says of %s', (_, deployment, expected) => {
  expect(stageParts(deployment)).toEqual(expected);
});

test.each<[object[], string]>([
  [[], ''],
  [[{ targetType: 'AWS_LAMBDA', targetArn: HOOK, status: 'SUCCEEDED' }], ''],
  [[{ targetType: 'AWS_LAMBDA', targetArn: HOOK, status: 'FAILED' }], 'the hook smoke at POST_SCALE_UP failed'],
  [[{ targetType: 'AWS_LAMBDA', targetArn: HOOK, status: 'TIMED_OUT' }], 'the hook smoke at POST_SCALE_UP timed out'],
  [[{ targetType: 'PAUSE', status: 'TIMED_OUT' }], 'nobody answered the pause at POST_SCALE_UP in time'],
])('which hook ended it: %j', (lifecycleHookDetails, expected) => {
  expect(failedHook(at('POST_SCALE_UP', { lifecycleHookDetails }))).toBe(expected);
});

test('only a pause of a deployment that goes forward can be answered', () => {
  expect(pausesOf(paused('BAKE_TIME')).map((p) => p.hookId)).toEqual(['h1']);
  expect(pausesOf(paused('BAKE_TIME', { status: 'ROLLBACK_IN_PROGRESS' }))).toEqual([]);
});
