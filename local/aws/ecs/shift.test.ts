import type { DeploymentConfiguration } from '@aws-sdk/client-ecs';
import { describe, expect, test } from '@jest/globals';
import { firstState, nextState, type ShiftFacts, type ShiftPlan, shiftPlan } from './shift.ts';

const plan = (configuration: DeploymentConfiguration, more: { testListener?: boolean; first?: boolean } = {}) =>
  shiftPlan(configuration, { testListener: false, first: false, ...more });

test.each<[DeploymentConfiguration, readonly number[], number]>([
  [{ strategy: 'BLUE_GREEN' }, [100], 0],
  [{ strategy: 'CANARY' }, [5, 100], 10],
  [{ strategy: 'CANARY', canaryConfiguration: { canaryPercent: 0.1, canaryBakeTimeInMinutes: 0 } }, [0.1, 100], 0],
  [{ strategy: 'CANARY', canaryConfiguration: { canaryPercent: 100 } }, [100], 10],
  [{ strategy: 'LINEAR' }, [10, 20, 30, 40, 50, 60, 70, 80, 90, 100], 6],
  [
    { strategy: 'LINEAR', linearConfiguration: { stepPercent: 33.3, stepBakeTimeInMinutes: 1 } },
    [33.3, 66.6, 99.9, 100],
    1,
  ],
  [{ strategy: 'LINEAR', linearConfiguration: { stepPercent: 40 } }, [40, 80, 100], 6],
])('the steps of %j', (configuration, steps, minutes) => {
  expect(plan(configuration)).toMatchObject({ steps, stepBakeMinutes: minutes });
});

test('a first deployment has nothing to share its traffic with', () => {
  expect(plan({ strategy: 'LINEAR' }, { first: true }).steps).toEqual([100]);
});

const done: ShiftFacts = { greenReady: true, othersGone: true, hooksDone: true, minutesInStage: 10_000 };

/** Every stage that is passed, with the traffic of the new revision. */
function walk(shifts: ShiftPlan, reconcile = false): string[] {
  const seen: string[] = [];
  let state: ReturnType<typeof nextState> = firstState(reconcile, shifts);
  for (; state; state = nextState(state, shifts, done))
    seen.push(`${state.stage} ${state.production} ${state.test ?? '-'}`);
  return seen;
}

describe('the way through the stages', () => {
  test('blue/green with a test listener', () => {
    expect(walk(plan({ strategy: 'BLUE_GREEN' }, { testListener: true }))).toEqual([
      'PRE_SCALE_UP 0 0',
      'SCALE_UP 0 0',
      'POST_SCALE_UP 0 0',
      'TEST_TRAFFIC_SHIFT 0 100',
      'POST_TEST_TRAFFIC_SHIFT 0 100',
      'PRE_PRODUCTION_TRAFFIC_SHIFT 0 100',
      'PRODUCTION_TRAFFIC_SHIFT 100 100',
      'POST_PRODUCTION_TRAFFIC_SHIFT 100 100',
      'BAKE_TIME 100 100',
      'CLEAN_UP 100 100',
    ]);
  });

  test('linear passes the production shift once a step', () => {
    const stages = walk(plan({ strategy: 'LINEAR', linearConfiguration: { stepPercent: 50 } }), true);
    expect(stages[0]).toBe('RECONCILE_SERVICE 0 -');
    expect(stages.filter((s) => s.includes('PRODUCTION_TRAFFIC_SHIFT'))).toEqual([
      'PRE_PRODUCTION_TRAFFIC_SHIFT 0 -',
      'PRODUCTION_TRAFFIC_SHIFT 50 -',
      'PRE_PRODUCTION_TRAFFIC_SHIFT 50 -',
      'PRODUCTION_TRAFFIC_SHIFT 100 -',
      'POST_PRODUCTION_TRAFFIC_SHIFT 100 -',
    ]);
  });
});

describe('what holds a stage', () => {
  const canary = plan({ strategy: 'CANARY', bakeTimeInMinutes: 5 });
  test.each<[string, number, Partial<ShiftFacts>, boolean]>([
    ['RECONCILE_SERVICE', 0, { othersGone: false }, true],
    ['PRE_SCALE_UP', 0, { hooksDone: false }, true],
    ['PRE_SCALE_UP', 0, { greenReady: false }, false],
    ['SCALE_UP', 0, { greenReady: false }, true],
    ['POST_SCALE_UP', 0, { hooksDone: false }, true],
    ['TEST_TRAFFIC_SHIFT', 0, { hooksDone: false }, true],
    ['POST_TEST_TRAFFIC_SHIFT', 0, { hooksDone: false }, true],
    ['PRE_PRODUCTION_TRAFFIC_SHIFT', 0, { hooksDone: false }, true],
    ['PRODUCTION_TRAFFIC_SHIFT', 0, { hooksDone: false }, true],
    ['PRODUCTION_TRAFFIC_SHIFT', 0, { minutesInStage: 9.9 }, true],
    ['PRODUCTION_TRAFFIC_SHIFT', 0, { minutesInStage: 10 }, false],
    ['PRODUCTION_TRAFFIC_SHIFT', 1, { minutesInStage: 0 }, false],
    ['POST_PRODUCTION_TRAFFIC_SHIFT', 1, { hooksDone: false }, true],
    ['BAKE_TIME', 1, { minutesInStage: 4.9 }, true],
    ['BAKE_TIME', 1, { minutesInStage: 5 }, false],
    ['CLEAN_UP', 1, {}, true],
  ])('%s in step %i with %j: %s', (stage, step, facts, holds) => {
    const state = { stage: stage as 'BAKE_TIME', step, production: 0, test: undefined };
    expect(nextState(state, canary, { ...done, ...facts }) === undefined).toBe(holds);
  });
});
