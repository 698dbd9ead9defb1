import type { DeploymentRolloutState, ServiceDeploymentStatus } from '@aws-sdk/client-ecs';

/** Something that happened to a service deployment. */
export type RolloutFact =
  | { kind: 'begun' }
  /** Every task is of the target revision, healthy, and no other is left. */
  | { kind: 'steady' }
  /** The circuit breaker's threshold was reached. */
  | { kind: 'breaker'; rollback: boolean; candidate: boolean }
  /** An alarm of the deployment went off. */
  | { kind: 'alarm'; rollback: boolean; candidate: boolean }
  /** A lifecycle hook, its time-out or the answer to a pause turns it back, whatever is configured. */
  | { kind: 'hook'; reason: string; candidate: boolean }
  /** StopServiceDeployment with stopType ROLLBACK. */
  | { kind: 'stop'; candidate: boolean }
  /** The rollback that was asked for is taken up. */
  | { kind: 'rollback-begun' }
  /** A newer deployment of the service was asked for, or the service was deleted. */
  | { kind: 'superseded' }
  /** What superseded it has begun. */
  | { kind: 'replaced' };

/** What follows from it. `statusReason` undefined leaves the reason as it is. */
export interface RolloutStep {
  status: ServiceDeploymentStatus;
  statusReason?: string;
  /** What happens to the deployment that is rolled out. */
  next: 'go-on' | 'complete' | 'roll-back' | 'fail' | 'end';
}

export const REASONS = {
  breakerRollback: 'Service deployment rolled back because the circuit breaker threshold was exceeded.',
  breakerStop: 'Service deployment stopped because the circuit breaker threshold was exceeded.',
  alarmRollback: 'Service deployment rolled back because CloudWatch alarms were detected.',
  alarmStop: 'Service deployment stopped because CloudWatch alarms were detected.',
  userRollback: 'Service deployment rolled back because of a stop service deployment request.',
  continuedRollback: 'Service deployment rolled back because of a continue service deployment request.',
  noCandidate: 'No rollback candidate was found to run the rollback.',
  rollbackBroke: 'Service deployment rollback failed because the circuit breaker threshold was exceeded.',
  superseded: 'Service deployment stopped because of a newer service deployment.',
} as const;

const ENDED: readonly ServiceDeploymentStatus[] = ['SUCCESSFUL', 'STOPPED', 'ROLLBACK_SUCCESSFUL', 'ROLLBACK_FAILED'];

/** Whether a service deployment has ended, one way or the other. */
export function isEnded(status: ServiceDeploymentStatus): boolean {
  return ENDED.includes(status);
}

/**
 * The state machine of a service deployment. Returns undefined when the fact changes nothing in this state.
 * Source: ECS Developer Guide, "View service history using Amazon ECS service deployments" and "Stopping Amazon ECS service deployments".
 */
export function step(status: ServiceDeploymentStatus, fact: RolloutFact): RolloutStep | undefined {
  if (isEnded(status)) return undefined;
  const rollingBack = status === 'ROLLBACK_REQUESTED' || status === 'ROLLBACK_IN_PROGRESS';
  if (status === 'STOP_REQUESTED' && fact.kind !== 'replaced') return undefined;
  switch (fact.kind) {
    case 'begun':
      return status === 'PENDING' ? { status: 'IN_PROGRESS', next: 'go-on' } : undefined;
    case 'steady':
      if (status === 'IN_PROGRESS') return { status: 'SUCCESSFUL', next: 'complete' };
      return status === 'ROLLBACK_IN_PROGRESS' ? { status: 'ROLLBACK_SUCCESSFUL', next: 'complete' } : undefined;
    case 'breaker':
      if (rollingBack) return { status: 'ROLLBACK_FAILED', statusReason: REASONS.rollbackBroke, next: 'fail' };
      if (!fact.rollback) return { status: 'STOPPED', statusReason: REASONS.breakerStop, next: 'fail' };
      if (!fact.candidate) return { status: 'ROLLBACK_FAILED', statusReason: REASONS.noCandidate, next: 'fail' };
      return { status: 'ROLLBACK_IN_PROGRESS', statusReason: REASONS.breakerRollback, next: 'roll-back' };
    case 'alarm':
      if (rollingBack) return undefined;
      if (!fact.rollback) return { status: 'STOPPED', statusReason: REASONS.alarmStop, next: 'fail' };
      if (!fact.candidate) return { status: 'ROLLBACK_FAILED', statusReason: REASONS.noCandidate, next: 'fail' };
      return { status: 'ROLLBACK_IN_PROGRESS', statusReason: REASONS.alarmRollback, next: 'roll-back' };
    case 'hook':
      if (rollingBack) return undefined;
      if (!fact.candidate) return { status: 'ROLLBACK_FAILED', statusReason: REASONS.noCandidate, next: 'fail' };
      return { status: 'ROLLBACK_IN_PROGRESS', statusReason: fact.reason, next: 'roll-back' };
    case 'stop':
      if (rollingBack) return undefined;
      if (!fact.candidate) return { status: 'ROLLBACK_FAILED', statusReason: REASONS.noCandidate, next: 'fail' };
      return { status: 'ROLLBACK_REQUESTED', statusReason: REASONS.userRollback, next: 'go-on' };
    case 'rollback-begun':
      return status === 'ROLLBACK_REQUESTED' ? { status: 'ROLLBACK_IN_PROGRESS', next: 'roll-back' } : undefined;
    case 'superseded':
      return { status: 'STOP_REQUESTED', statusReason: REASONS.superseded, next: 'go-on' };
    case 'replaced':
      return status === 'STOP_REQUESTED' ? { status: 'STOPPED', next: 'end' } : undefined;
  }
}

/** rolloutState and rolloutStateReason of one entry of `deployments`, in ECS's words. */
export function rolloutText(
  id: string,
  state: 'in-progress' | 'completed' | 'failed' | 'stopped' | 'rolling-back',
): {
  rolloutState: DeploymentRolloutState;
  rolloutStateReason: string;
} {
  switch (state) {
    case 'in-progress':
      return { rolloutState: 'IN_PROGRESS', rolloutStateReason: `ECS deployment ${id} in progress.` };
    case 'completed':
      return { rolloutState: 'COMPLETED', rolloutStateReason: `ECS deployment ${id} completed.` };
    case 'failed':
      return { rolloutState: 'FAILED', rolloutStateReason: 'ECS deployment circuit breaker: tasks failed to start.' };
    case 'stopped':
      return { rolloutState: 'FAILED', rolloutStateReason: `ECS deployment ${id} stopped.` };
    case 'rolling-back':
      return {
        rolloutState: 'IN_PROGRESS',
        rolloutStateReason: `ECS deployment circuit breaker: rolling back to deploymentId ${id}.`,
      };
  }
}
