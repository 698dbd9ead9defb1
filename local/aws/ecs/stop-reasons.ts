import { messageOf } from '../../../lib/errors.ts';
import { EngineError } from '../../engine/engine.ts';

/** Why a container did not start or ended, in the words of ECS. Source: ECS Developer Guide, "Stopped task error messages". */

/** The reason for an image that could not be pulled. */
export function cannotPull(image: string, error: unknown): string {
  const text = messageOf(error);
  if (!(error instanceof EngineError)) return `CannotPullContainerError: ${text}`;
  const retried = 'CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref';
  if (error.status === 404) return `${retried} ${image}: ${image}: not found`;
  if (error.status === 403) return `${retried} ${image}: unexpected status from HEAD request: 403 Forbidden`;
  return `CannotPullContainerError: ${text}`;
}

export function missingImage(image: string): EngineError {
  return new EngineError(`${image}: not found`, 404);
}

/** The reason for a container that the engine refused to start: no such command, a port in use. */
export function cannotStart(error: unknown): string {
  return `CannotStartContainerError: Error response from daemon: ${messageOf(error)}`;
}

export function cannotReadSecret(valueFrom: string, cause: string): string {
  return `ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secrets from ssm: ${valueFrom}: ${cause}`;
}

/** A container's own reason after it ended; most have none. */
export function exitReason(oomKilled: boolean): string | undefined {
  return oomKilled ? 'OutOfMemoryError: Container killed due to memory usage' : undefined;
}

export const ESSENTIAL_EXITED = {
  code: 'EssentialContainerExited',
  reason: 'Essential container in task exited',
} as const;

export const FAILED_CONTAINER_CHECK = {
  code: 'ServiceSchedulerInitiated',
  reason: 'Task failed container health checks',
} as const;

export function failedBalancerCheck(targetGroupArn: string): { code: 'ServiceSchedulerInitiated'; reason: string } {
  return {
    code: 'ServiceSchedulerInitiated',
    reason: `Task failed ELB health checks in (target-group ${targetGroupArn})`,
  };
}

export function scaledIn(deploymentId: string): { code: 'ServiceSchedulerInitiated'; reason: string } {
  return { code: 'ServiceSchedulerInitiated', reason: `Scaling activity initiated by (deployment ${deploymentId})` };
}
