import type { ServiceDeployment } from '../../../lib/ecs/api.ts';
import { shortName } from '../../../lib/ecs/names.ts';

/**
 * The stages of a deployment that shifts traffic, in their order. Source: ECS API reference, ServiceDeployment
 * (`lifecycleStage`). A linear or canary deployment passes PRE_PRODUCTION_TRAFFIC_SHIFT and PRODUCTION_TRAFFIC_SHIFT once
 * for each step.
 */
export const STAGES = [
  'RECONCILE_SERVICE',
  'PRE_SCALE_UP',
  'SCALE_UP',
  'POST_SCALE_UP',
  'TEST_TRAFFIC_SHIFT',
  'POST_TEST_TRAFFIC_SHIFT',
  'PRE_PRODUCTION_TRAFFIC_SHIFT',
  'PRODUCTION_TRAFFIC_SHIFT',
  'POST_PRODUCTION_TRAFFIC_SHIFT',
  'BAKE_TIME',
  'CLEAN_UP',
] as const;
export type Stage = (typeof STAGES)[number];

/** Stages that can have a hook. Source: ECS API reference, DeploymentLifecycleHook. */
export const LIFECYCLE_STAGES = [
  'RECONCILE_SERVICE',
  'PRE_SCALE_UP',
  'POST_SCALE_UP',
  'TEST_TRAFFIC_SHIFT',
  'POST_TEST_TRAFFIC_SHIFT',
  'PRE_PRODUCTION_TRAFFIC_SHIFT',
  'PRODUCTION_TRAFFIC_SHIFT',
  'POST_PRODUCTION_TRAFFIC_SHIFT',
] as const satisfies readonly Stage[];

/** The two stages that shift traffic take Lambda hooks only. */
export function isPauseStage(stage: string): boolean {
  return stage !== 'TEST_TRAFFIC_SHIFT' && stage !== 'PRODUCTION_TRAFFIC_SHIFT';
}

/** A PAUSE hook that waits for ContinueServiceDeployment. */
export interface Pause {
  hookId: string;
  stage: string;
  /** When ECS stops waiting; undefined where it does not say. */
  expiresAt: Date | undefined;
  /** What it does then. */
  timeoutAction: string;
}

/** The hooks that a deployment waits at for an answer; none while it is stopping or rolling back. */
export function pausesOf(deployment: ServiceDeployment | undefined): Pause[] {
  if (deployment?.status !== 'IN_PROGRESS') return [];
  return (deployment.lifecycleHookDetails ?? [])
    .filter((hook) => hook.targetType === 'PAUSE' && hook.status === 'AWAITING_ACTION' && hook.hookId !== undefined)
    .map((hook) => ({
      hookId: hook.hookId ?? '',
      stage: deployment.lifecycleStage ?? '',
      expiresAt: hook.expiresAt,
      timeoutAction: hook.timeoutAction ?? 'ROLLBACK',
    }));
}

/** Where a deployment stands among its stages, for the line of progress: stage, traffic of the new revision, hooks. */
export function stageParts(deployment: ServiceDeployment | undefined): string[] {
  if (!deployment?.lifecycleStage) return [];
  const { requestedProductionTrafficWeight: production, requestedTestTrafficWeight: test } =
    deployment.targetServiceRevision ?? {};
  const hooks = (deployment.lifecycleHookDetails ?? []).flatMap(({ targetType, targetArn, status }) => {
    if (status === undefined || status === 'SUCCEEDED') return [];
    if (targetType === 'PAUSE')
      return [status === 'AWAITING_ACTION' ? 'paused for an answer' : `pause ${words(status)}`];
    return [`hook ${lambdaName(targetArn)} ${words(status)}`];
  });
  return [
    deployment.lifecycleStage,
    production === undefined ? '' : `${production} % of production traffic`,
    test ? `${test} % of test traffic` : '',
    ...hooks,
  ].filter(Boolean);
}

/** "hook check timed out": the hook that ended a deployment, as far as ECS still shows it; '' when none did. */
export function failedHook(deployment: ServiceDeployment | undefined): string {
  const failed = deployment?.lifecycleHookDetails?.find(({ status }) => status === 'FAILED' || status === 'TIMED_OUT');
  if (!failed) return '';
  const name = failed.targetType === 'PAUSE' ? 'pause' : `hook ${lambdaName(failed.targetArn)}`;
  const at = deployment?.lifecycleStage ? ` at ${deployment.lifecycleStage}` : '';
  if (failed.status === 'FAILED') return `the ${name}${at} failed`;
  return failed.targetType === 'PAUSE' ? `nobody answered the ${name}${at} in time` : `the ${name}${at} timed out`;
}

/** What a run waits for. */
export type WaitFor = 'completed' | 'healthy' | 'paused' | Stage;

export interface Reached {
  stage: string;
  /** The pause it waits at, where it does. */
  pause?: Pause | undefined;
  /** So many tasks, all that are wanted, are healthy: what was waited for. */
  healthy?: number | undefined;
}

/**
 * Whether a deployment under way has come as far as the run wants to wait. A pause ends every wait that names a stage as
 * well: behind it nothing moves until somebody answers. A stage that was passed between two looks counts as reached. Where
 * traffic is shifted, `healthy` is when the new revision has all of it, which a pause is not.
 */
export function reached(
  waitFor: WaitFor,
  deployment: ServiceDeployment | undefined,
  answered: ReadonlySet<string> = new Set(),
): Reached | undefined {
  if (waitFor === 'completed' || deployment?.status !== 'IN_PROGRESS' || !deployment.lifecycleStage) return undefined;
  const stage = deployment.lifecycleStage;
  // Right after an answer ECS may still show the pause.
  const pauses = pausesOf(deployment);
  const pause = pauses.find(({ hookId }) => !answered.has(hookId));
  if (pause && waitFor !== 'healthy') return { stage, pause };
  if (waitFor === 'paused') return undefined;
  if (pauses.length > 0 && waitFor !== 'healthy') return undefined;
  const wanted = STAGES.indexOf(waitFor === 'healthy' ? 'BAKE_TIME' : waitFor);
  return STAGES.indexOf(stage as Stage) >= wanted ? { stage } : undefined;
}

/** Whether the new revision has all its tasks from this stage on. */
export function isScaledUp(stage: string): boolean {
  return STAGES.indexOf(stage as Stage) >= STAGES.indexOf('POST_SCALE_UP');
}

function words(status: string): string {
  return status.toLowerCase().replaceAll('_', ' ');
}

/** arn:aws:lambda:REGION:ACCOUNT:function:NAME: the name says enough. */
function lambdaName(arn: string | undefined): string {
  return shortName(arn).split(':').at(-1) ?? '';
}
