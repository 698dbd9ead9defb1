import { randomBytes, randomUUID } from 'node:crypto';
import type {
  DeploymentLifecycleHook,
  DeploymentLifecycleHookAction,
  DeploymentLifecycleHookDetail,
  DeploymentLifecycleHookStatus,
} from '@aws-sdk/client-ecs';
import { messageOf } from '../../../lib/errors.ts';
import type { Stage } from './shift.ts';

/** One run of a hook at one stage. */
export interface HookRun {
  readonly id: string;
  readonly hook: DeploymentLifecycleHook;
  status: DeploymentLifecycleHookStatus;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly timeoutAction: DeploymentLifecycleHookAction;
  /** When the function is asked next; undefined while it is being asked. */
  callAt: number | undefined;
  /** What the function answered with IN_PROGRESS, given back to it with the next call. */
  state: unknown;
  /** Why the deployment has to turn back. */
  failure: string | undefined;
}

const DAY_MINUTES = 1440;
const CALL_AGAIN_SECONDS = 30;

/** The hooks that are configured for a stage, begun. Defaults: ECS API reference, DeploymentLifecycleHookTimeoutConfiguration. */
export function hooksOf(
  hooks: readonly DeploymentLifecycleHook[],
  stage: Stage,
  { now, minuteMs }: { now: number; minuteMs: number },
): HookRun[] {
  return hooks
    .filter(({ lifecycleStages }) => (lifecycleStages as readonly string[] | undefined)?.includes(stage))
    .map((hook) => {
      const pause = hook.targetType === 'PAUSE';
      const { timeoutInMinutes = DAY_MINUTES, action = 'ROLLBACK' } = hook.timeoutConfiguration ?? {};
      return {
        id: `ecs-${pause ? 'pause' : 'lambda'}-${randomBytes(32).toString('base64url')}`,
        hook,
        status: pause ? 'AWAITING_ACTION' : 'IN_PROGRESS',
        expiresAt: now + timeoutInMinutes * minuteMs,
        timeoutAction: action,
        callAt: pause ? undefined : now,
        state: hook.hookDetails,
        failure: undefined,
      };
    });
}

/** As DescribeServiceDeployments shows it. */
export function hookView({ id, hook, status, expiresAt, timeoutAction }: HookRun): DeploymentLifecycleHookDetail {
  return {
    hookId: id,
    targetType: hook.targetType ?? 'AWS_LAMBDA',
    ...(hook.hookTargetArn ? { targetArn: hook.hookTargetArn } : {}),
    status,
    expiresAt: new Date(expiresAt),
    timeoutAction,
  };
}

/** Ends the hooks whose time is up, as they are configured. */
export function expire(runs: readonly HookRun[], stage: Stage, now: number): void {
  for (const run of runs) {
    if (!isOpen(run) || now < run.expiresAt) continue;
    run.status = 'TIMED_OUT';
    if (run.timeoutAction === 'ROLLBACK')
      run.failure = `Service deployment rolled back because ${stage} lifecycle hook(s) timed out.`;
  }
}

export function isOpen({ status }: HookRun): boolean {
  return status === 'AWAITING_ACTION' || status === 'IN_PROGRESS';
}

export interface HookCall {
  serviceArn: string;
  serviceDeploymentArn: string;
  targetServiceRevisionArn: string;
  stage: Stage;
  /** URL that plays the function. */
  url: string;
}

const ANSWER_WITHIN_MS = 10_000;

/**
 * Asks a function once, with the event that ECS sends and the answers that it takes. Source: ECS Developer Guide, "Lambda
 * hooks for Amazon ECS service deployments".
 */
export async function callFunction(run: HookRun, call: HookCall, now: () => number): Promise<void> {
  run.callAt = undefined;
  try {
    const response = await fetch(call.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      body: JSON.stringify({
        executionId: randomUUID(),
        lifecycleStage: call.stage,
        resourceArn: call.serviceDeploymentArn,
        executionDetails: { serviceArn: call.serviceArn, targetServiceRevisionArn: call.targetServiceRevisionArn },
        ...(run.state === undefined ? {} : { hookDetails: run.state }),
      }),
    });
    take(run, (await response.json()) as Record<string, unknown>, call.stage, now());
  } catch (error) {
    fail(run, call.stage, `could not be invoked: ${messageOf(error)}`);
  }
}

function take(run: HookRun, answer: Record<string, unknown>, stage: Stage, now: number): void {
  if (!isOpen(run)) return;
  switch (answer.hookStatus) {
    case 'SUCCEEDED':
      run.status = 'SUCCEEDED';
      return;
    case 'IN_PROGRESS':
      run.callAt = now + Number(answer.callBackDelay ?? CALL_AGAIN_SECONDS) * 1000;
      run.state = answer.hookDetails ?? run.state;
      return;
    case 'FAILED':
      fail(run, stage, 'returned FAILED status.');
      return;
    default:
      fail(run, stage, 'gave no valid hookStatus.');
  }
}

function fail(run: HookRun, stage: Stage, what: string): void {
  if (!isOpen(run)) return;
  run.status = 'FAILED';
  run.failure = `Service deployment rolled back because ${stage} lifecycle hook(s) failed. Lifecycle hook target ${run.hook.hookTargetArn} ${what}`;
}
