/** States of a target as DescribeTargetHealth names them. */
export type TargetState = 'initial' | 'healthy' | 'unhealthy' | 'draining' | 'unused';

export interface TargetHealth {
  state: TargetState;
  /** Reason code, left out while healthy. */
  reason?: string;
  description?: string;
}

/** A target's health and what the next check is counted against. */
export interface Watched extends TargetHealth {
  successes: number;
  failures: number;
}

/** What one health check request came back with. */
export type CheckResult = { status: number } | { error: 'timeout' | 'failed' };

export interface Thresholds {
  healthy: number;
  unhealthy: number;
  /** Status codes that count as success: "200", "200-299", "200,302". */
  matcher: string;
}

export const REGISTERING: Watched = {
  state: 'initial',
  reason: 'Elb.RegistrationInProgress',
  description: 'Target registration is in progress',
  successes: 0,
  failures: 0,
};

export const CHECKING: Watched = {
  state: 'initial',
  reason: 'Elb.InitialHealthChecking',
  description: 'Initial health checks in progress',
  successes: 0,
  failures: 0,
};

export const DRAINING: TargetHealth = {
  state: 'draining',
  reason: 'Target.DeregistrationInProgress',
  description: 'Target deregistration is in progress',
};

/**
 * A target's health after one more check: a new target needs one success, an unhealthy one as many in a row as the healthy
 * threshold says, and a failure counts only when the unhealthy threshold is reached.
 * Source: Elastic Load Balancing, "Health checks for Application Load Balancer target groups".
 */
export function afterCheck(before: Watched, result: CheckResult, thresholds: Thresholds): Watched {
  if (before.state === 'draining' || before.state === 'unused') return before;
  if ('status' in result && matches(thresholds.matcher, result.status)) {
    const successes = before.successes + 1;
    const needed = before.state === 'initial' ? 1 : thresholds.healthy;
    if (before.state === 'healthy' || successes >= needed) return { state: 'healthy', successes, failures: 0 };
    return { ...before, successes, failures: 0 };
  }
  const failures = before.failures + 1;
  if (before.state === 'unhealthy' || failures >= thresholds.unhealthy) {
    return { state: 'unhealthy', ...why(result), successes: 0, failures };
  }
  return { ...before, successes: 0, failures };
}

/** Whether a status code is one of those that the matcher lists. */
export function matches(matcher: string, status: number): boolean {
  return matcher.split(',').some((part) => {
    const [from, to] = part.trim().split('-').map(Number);
    return from !== undefined && status >= from && status <= (to ?? from);
  });
}

function why(result: CheckResult): { reason: string; description: string } {
  if ('status' in result) {
    return {
      reason: 'Target.ResponseCodeMismatch',
      description: `Health checks failed with these codes: [${result.status}]`,
    };
  }
  return result.error === 'timeout'
    ? { reason: 'Target.Timeout', description: 'Request timed out' }
    : { reason: 'Target.FailedHealthChecks', description: 'Health checks failed' };
}

/**
 * The targets that take the next request: the healthy ones, or, when there is none, every unhealthy one (an Application Load
 * Balancer fails open). Targets that are still registering or that drain take none.
 */
export function eligible<T extends { health: TargetHealth }>(targets: readonly T[]): readonly T[] {
  const healthy = targets.filter(({ health }) => health.state === 'healthy');
  return healthy.length > 0 ? healthy : targets.filter(({ health }) => health.state === 'unhealthy');
}
