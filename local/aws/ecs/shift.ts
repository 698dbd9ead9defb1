import type { DeploymentConfiguration, ServiceDeploymentLifecycleStage } from '@aws-sdk/client-ecs';

export type Stage = ServiceDeploymentLifecycleStage | 'PRE_PRODUCTION_TRAFFIC_SHIFT';

/** How a deployment moves its traffic, worked out from its configuration. */
export interface ShiftPlan {
  /** Percentage of production traffic that the new revision has after each step; the last is 100. */
  steps: readonly number[];
  /** Minutes to wait after each step but the last. */
  stepBakeMinutes: number;
  /** Minutes after the last step in which both revisions run. */
  bakeMinutes: number;
  testListener: boolean;
}

export interface ShiftState {
  stage: Stage;
  /** Index of the step that is due or under way. */
  step: number;
  /** Percentage of the traffic that the new revision has; test undefined: there is no test listener. */
  production: number;
  test: number | undefined;
}

export interface ShiftFacts {
  /** The new revision has all its tasks, and all are healthy. */
  greenReady: boolean;
  /** No task is left of any revision but the new one and the one it replaces. */
  othersGone: boolean;
  /** Every hook of this stage is through; true for a stage without one. */
  hooksDone: boolean;
  minutesInStage: number;
}

type Strategic = { deploymentConfiguration?: DeploymentConfiguration | undefined };

export function isShifting({ deploymentConfiguration }: Strategic): boolean {
  return (deploymentConfiguration?.strategy ?? 'ROLLING') !== 'ROLLING';
}

/**
 * The plan of a deployment. Defaults: ECS API reference, LinearConfiguration and CanaryConfiguration. A service's first
 * deployment has nothing to share its traffic with and moves it in one step (assumed).
 */
export function shiftPlan(
  configuration: DeploymentConfiguration,
  { testListener, first }: { testListener: boolean; first: boolean },
): ShiftPlan {
  const bakeMinutes = configuration.bakeTimeInMinutes ?? 0;
  const whole = { steps: [100], stepBakeMinutes: 0, bakeMinutes, testListener };
  if (first) return whole;
  switch (configuration.strategy) {
    case 'LINEAR': {
      const { stepPercent = 10, stepBakeTimeInMinutes = 6 } = configuration.linearConfiguration ?? {};
      const count = Math.ceil(100 / stepPercent - 1e-9);
      const steps = Array.from({ length: count }, (_, i) => Math.min(100, Math.round((i + 1) * stepPercent * 10) / 10));
      return { ...whole, steps, stepBakeMinutes: stepBakeTimeInMinutes };
    }
    case 'CANARY': {
      const { canaryPercent = 5, canaryBakeTimeInMinutes = 10 } = configuration.canaryConfiguration ?? {};
      const steps = canaryPercent < 100 ? [canaryPercent, 100] : [100];
      return { ...whole, steps, stepBakeMinutes: canaryBakeTimeInMinutes };
    }
    default:
      return whole;
  }
}

/** @param reconcile more than one revision was active when it was asked for */
export function firstState(reconcile: boolean, plan: ShiftPlan): ShiftState {
  const test = plan.testListener ? 0 : undefined;
  return { stage: reconcile ? 'RECONCILE_SERVICE' : 'PRE_SCALE_UP', step: 0, production: 0, test };
}

/**
 * The next stage, or undefined while this one goes on. CLEAN_UP is the last: it ends with the deployment. Source: ECS API
 * reference, ServiceDeployment (`lifecycleStage`): a linear or canary deployment passes the two stages of the production
 * shift once a step; the wait between steps is in PRODUCTION_TRAFFIC_SHIFT (assumed).
 */
export function nextState(state: ShiftState, plan: ShiftPlan, facts: ShiftFacts): ShiftState | undefined {
  const { hooksDone, minutesInStage } = facts;
  const to = (stage: Stage, more: Partial<ShiftState> = {}): ShiftState => ({ ...state, stage, ...more });
  const last = state.step >= plan.steps.length - 1;
  switch (state.stage) {
    case 'RECONCILE_SERVICE':
      return facts.othersGone && hooksDone ? to('PRE_SCALE_UP') : undefined;
    case 'PRE_SCALE_UP':
      return hooksDone ? to('SCALE_UP') : undefined;
    case 'SCALE_UP':
      return facts.greenReady ? to('POST_SCALE_UP') : undefined;
    case 'POST_SCALE_UP':
      return hooksDone ? to('TEST_TRAFFIC_SHIFT', plan.testListener ? { test: 100 } : {}) : undefined;
    case 'TEST_TRAFFIC_SHIFT':
      return hooksDone ? to('POST_TEST_TRAFFIC_SHIFT') : undefined;
    case 'POST_TEST_TRAFFIC_SHIFT':
      return hooksDone ? to('PRE_PRODUCTION_TRAFFIC_SHIFT') : undefined;
    case 'PRE_PRODUCTION_TRAFFIC_SHIFT':
      return hooksDone ? to('PRODUCTION_TRAFFIC_SHIFT', { production: plan.steps[state.step] ?? 100 }) : undefined;
    case 'PRODUCTION_TRAFFIC_SHIFT':
      if (!hooksDone) return undefined;
      if (last) return to('POST_PRODUCTION_TRAFFIC_SHIFT');
      return minutesInStage >= plan.stepBakeMinutes
        ? to('PRE_PRODUCTION_TRAFFIC_SHIFT', { step: state.step + 1 })
        : undefined;
    case 'POST_PRODUCTION_TRAFFIC_SHIFT':
      return hooksDone ? to('BAKE_TIME') : undefined;
    case 'BAKE_TIME':
      return minutesInStage >= plan.bakeMinutes ? to('CLEAN_UP') : undefined;
    default:
      return undefined;
  }
}
