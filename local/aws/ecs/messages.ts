/** The messages of service events, in the words of ECS. Source: ECS Developer Guide, "Viewing Amazon ECS service event messages". */

const named = (ids: readonly string[]): string => ids.map((id) => `(task ${id})`).join(' ');

export const MESSAGES = {
  steady: (service: string) => `(service ${service}) has reached a steady state.`,
  started: (service: string, ids: readonly string[], replaced: number) =>
    `(service ${service}) has started ${ids.length} tasks: ${named(ids)}.` +
    (replaced > 0 ? ` Amazon ECS replaced ${replaced} tasks due to an unhealthy status.` : ''),
  stoppedRunning: (service: string, ids: readonly string[]) =>
    `(service ${service}) has stopped ${ids.length} running tasks: ${named(ids)}.`,
  stoppedPending: (service: string, count: number) => `(service ${service}) stopped ${count} pending tasks.`,
  registered: (service: string, group: string) =>
    `(service ${service}) registered 1 targets in (target-group ${group})`,
  deregistered: (service: string, group: string) =>
    `(service ${service}) deregistered 1 targets in (target-group ${group})`,
  draining: (service: string) => `(service ${service}) has begun draining connections on 1 tasks.`,
  unplaced: (service: string, reason: string) => `(service ${service}) was unable to place a task. Reason: ${reason}.`,
  inconsistent: (service: string) =>
    `(service ${service}) is unable to consistently start tasks successfully. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.`,
  failedContainerCheck: (service: string, task: string) =>
    `(service ${service}) (task ${task}) failed container health checks.`,
  failedBalancerCheck: (service: string, task: string, port: number, group: string, reason: string) =>
    `(service ${service}) (task ${task}) (port ${port}) is unhealthy in (target-group ${group}) due to (reason ${reason}).`,
  completed: (service: string, deployment: string) =>
    `(service ${service}) (deployment ${deployment}) deployment completed.`,
  failed: (service: string, deployment: string) =>
    `(service ${service}) (deployment ${deployment}) deployment failed: tasks failed to start.`,
  rollingBack: (service: string, deployment: string) =>
    `(service ${service}) rolling back to deployment ${deployment}.`,
} as const;
