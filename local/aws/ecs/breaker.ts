import type { DeploymentCircuitBreaker, ThresholdConfiguration } from '@aws-sdk/client-ecs';

const LEAST = 3;
const MOST = 200;

/**
 * How many failed tasks the circuit breaker tolerates before it fails a deployment: half the desired count, at least 3, at
 * most 200, unless configured otherwise. Source: ECS API reference, ThresholdConfiguration; Developer Guide, "How the Amazon ECS
 * deployment circuit breaker detects failures" (0.5 × 25 tasks is 13: rounded up).
 */
export function breakerThreshold(desired: number, configured?: ThresholdConfiguration): number {
  const { type, value } = configured ?? {};
  const amount = value ?? 50;
  if (type === 'COUNT') return Math.max(1, amount);
  const share = Math.ceil((desired * amount) / 100);
  return type === 'UNBOUNDED_PERCENT' ? Math.max(1, share) : Math.min(MOST, Math.max(LEAST, share));
}

/** What became of a task of the deployment that is rolled out. */
export type TaskFate =
  /** It runs and has passed every health check that it depends on. */
  | 'healthy'
  /** It stopped by itself, or could not be started. */
  | 'died'
  /** It failed a container or load balancer health check. */
  | 'unhealthy'
  /** Somebody, or the scheduler, stopped it. */
  | 'stopped';

/**
 * The failure count after one more task has met its fate. A task that was healthy once and dies later is no failure of the
 * deployment; a failed health check always is. One healthy task sets the count back to 0 unless that is switched off.
 */
export function failureCount(
  before: number,
  fate: TaskFate,
  wasHealthy: boolean,
  breaker?: DeploymentCircuitBreaker,
): number {
  if (fate === 'healthy') return breaker?.resetOnHealthyTask === false ? before : 0;
  if (fate === 'unhealthy' || (fate === 'died' && !wasHealthy)) return before + 1;
  return before;
}
