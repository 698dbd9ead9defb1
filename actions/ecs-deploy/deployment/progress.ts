import type { Deployment, Service, ServiceDeployment } from '../../../lib/ecs/api.ts';
import { shortName } from '../../../lib/ecs/names.ts';

/** Tasks of the revision that is rolled out, as the last answer counted them. */
export interface Counts {
  requested: number;
  running: number;
  pending: number;
  failed: number;
  /** Running tasks of the revisions before. */
  old: number;
}

export const NO_COUNTS: Counts = { requested: 0, running: 0, pending: 0, failed: 0, old: 0 };

/** The entry of DescribeServices that is the rollout of this revision: the primary one, where a forced deployment has two. */
export function ownEntry(service: Service | undefined, taskDefinition: string): Deployment | undefined {
  const own = service?.deployments?.filter((d) => d.taskDefinition === taskDefinition);
  return own?.find((d) => d.status === 'PRIMARY') ?? own?.[0];
}

export function countsOfDeployment({
  targetServiceRevision: to,
  sourceServiceRevisions = [],
  deploymentCircuitBreaker,
}: ServiceDeployment): Counts {
  return {
    requested: to?.requestedTaskCount ?? 0,
    running: to?.runningTaskCount ?? 0,
    pending: to?.pendingTaskCount ?? 0,
    failed: deploymentCircuitBreaker?.failureCount ?? 0,
    old: sourceServiceRevisions.reduce((n, r) => n + (r.runningTaskCount ?? 0), 0),
  };
}

/** Undefined where the service does not show the revision (yet). */
export function countsOfService(service: Service, taskDefinition: string): Counts | undefined {
  const own = ownEntry(service, taskDefinition);
  if (!own) return undefined;
  const others = (service.deployments ?? []).filter((d) => d !== own);
  return {
    requested: own.desiredCount ?? 0,
    running: own.runningCount ?? 0,
    pending: own.pendingCount ?? 0,
    failed: own.failedTasks ?? 0,
    old: others.reduce((n, d) => n + (d.runningCount ?? 0), 0),
  };
}

/** Nothing is missing any more but that ECS calls it done. */
export function isEnding({ requested, running, pending, old }: Counts): boolean {
  return running >= requested && requested > 0 && pending === 0 && old === 0;
}

/** One line that says where a deployment stands. */
export function progressLine(taskDefinition: string, counts: Counts, state: readonly string[]): string {
  const { requested, running, pending, failed, old } = counts;
  return [
    `${shortName(taskDefinition)} ${running}/${requested} running`,
    pending > 0 ? `${pending} pending` : '',
    failed > 0 ? `${failed} failed` : '',
    old > 0 ? `${old} of the old revision` : '',
    ...state,
  ]
    .filter(Boolean)
    .join(', ');
}
