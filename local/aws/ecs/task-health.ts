import { isRunning, type Task } from './model.ts';

/** How a task stands with the health checks that its service depends on. */
export type TaskHealth =
  | { kind: 'healthy' }
  /** Not running yet, or a check has not come to a result. */
  | { kind: 'undecided' }
  | { kind: 'failed-container-check' }
  | { kind: 'failed-balancer-check'; targetGroupArn: string; port: number; reason: string };

/**
 * Judges one task: container health checks of its essential containers, and its targets' health. Failures do not count
 * during the service's grace period.
 * @param graceMs `healthCheckGracePeriodSeconds` in milliseconds
 * @param now milliseconds since the epoch
 */
export function taskHealth(task: Task, graceMs: number, now: number): TaskHealth {
  if (!isRunning(task)) return { kind: 'undecided' };
  const inGrace = now - (task.startedAt?.getTime() ?? now) < graceMs;
  const checked = task.containers.filter(({ essential, checksHealth }) => essential && checksHealth);
  if (checked.some(({ health }) => health === 'UNHEALTHY')) {
    return inGrace ? { kind: 'undecided' } : { kind: 'failed-container-check' };
  }
  const sick = task.targets.find(({ target }) => target?.health.state === 'unhealthy');
  if (sick) {
    if (inGrace) return { kind: 'undecided' };
    const reason = sick.target?.health.description ?? 'Health checks failed';
    return { kind: 'failed-balancer-check', targetGroupArn: sick.group, port: sick.port, reason };
  }
  const passed =
    checked.every(({ health }) => health === 'HEALTHY') &&
    task.targets.every(({ target }) => target?.health.state === 'healthy');
  return { kind: passed ? 'healthy' : 'undecided' };
}

/** healthStatus of a task: UNHEALTHY when one essential container is, HEALTHY when all that are checked are. */
export function healthStatus(task: Task): 'HEALTHY' | 'UNHEALTHY' | 'UNKNOWN' {
  const checked = task.containers.filter(({ essential, checksHealth }) => essential && checksHealth);
  if (checked.some(({ health }) => health === 'UNHEALTHY')) return 'UNHEALTHY';
  return checked.length > 0 && checked.every(({ health }) => health === 'HEALTHY') ? 'HEALTHY' : 'UNKNOWN';
}
