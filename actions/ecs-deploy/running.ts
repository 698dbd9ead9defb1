import type { Service, Task } from '../../lib/ecs/api.ts';
import { pinnedDigest, shortName } from '../../lib/ecs/names.ts';

/** Container name to the digests that the running tasks of a revision were started from. */
export type RunningDigests = ReadonlyMap<string, ReadonlySet<string>>;

export function runningDigests(tasks: readonly Task[], taskDefinition: string): RunningDigests {
  const found = new Map<string, Set<string>>();
  for (const task of tasks) {
    if (task.taskDefinitionArn !== taskDefinition) continue;
    for (const { name = '', imageDigest } of task.containers ?? []) {
      if (!imageDigest) continue;
      const digests = found.get(name) ?? new Set();
      found.set(name, digests.add(imageDigest));
    }
  }
  return found;
}

export interface WrongDigest {
  container: string;
  image: string;
  asked: string;
  /** What runs instead; empty when no task of the revision tells. */
  running: readonly string[];
}

/** The containers whose running tasks do not all have the digest that was asked for. Images named by tag cannot be checked. */
export function wrongDigests(images: ReadonlyMap<string, string>, running: RunningDigests): WrongDigest[] {
  return [...images].flatMap(([container, image]): WrongDigest[] => {
    const asked = pinnedDigest(image);
    if (asked === undefined) return [];
    const digests = [...(running.get(container) ?? [])];
    const fits = digests.length > 0 && digests.every((d) => d === asked);
    return fits ? [] : [{ container, image, asked, running: digests }];
  });
}

/** Whether CodeDeploy deploys the service, and not ECS itself. */
export function isCodeDeploy(service: Service): boolean {
  return service.deploymentController?.type === 'CODE_DEPLOY';
}

/** ARN of the task definition that serves. CodeDeploy moves a service by its task sets and leaves the service's own field alone. */
export function servingDefinition(service: Service): string {
  const primary = isCodeDeploy(service) ? service.taskSets?.find((set) => set.status === 'PRIMARY') : undefined;
  return primary?.taskDefinition ?? service.taskDefinition ?? '';
}

/** Why the service does not serve this revision, whole and settled; '' when it does. */
export function unsettled(service: Service, taskDefinition: string, desiredCount: number | undefined): string {
  if (isCodeDeploy(service)) return unsettledSets(service, taskDefinition, desiredCount);
  const name = shortName(taskDefinition);
  if (service.taskDefinition !== taskDefinition) return `the service is set to ${shortName(service.taskDefinition)}`;
  const deployments = service.deployments ?? [];
  const primary = deployments.find((d) => d.status === 'PRIMARY');
  if (!primary || deployments.length > 1 || (primary.rolloutState ?? 'COMPLETED') !== 'COMPLETED')
    return `a deployment of ${name} is under way or has failed`;
  const { runningCount = 0, desiredCount: desired = 0, pendingCount = 0 } = service;
  if (runningCount !== desired || pendingCount > 0) return `${runningCount} of ${desired} tasks run`;
  if (desiredCount !== undefined && desiredCount !== desired)
    return `${desired} tasks are wanted so far, not ${desiredCount}`;
  return '';
}

function unsettledSets(service: Service, taskDefinition: string, desiredCount: number | undefined): string {
  const serving = servingDefinition(service);
  if (serving !== taskDefinition) return `the service runs ${shortName(serving)}`;
  const [primary, ...others] = service.taskSets ?? [];
  if (!primary || others.length > 0) return `a deployment of ${shortName(taskDefinition)} is under way or has failed`;
  const { runningCount = 0, computedDesiredCount: desired = 0, stabilityStatus } = primary;
  if (runningCount !== desired || (stabilityStatus ?? 'STEADY_STATE') !== 'STEADY_STATE')
    return `${runningCount} of ${desired} tasks run`;
  if (desiredCount !== undefined && desiredCount !== service.desiredCount)
    return `${service.desiredCount ?? 0} tasks are wanted so far, not ${desiredCount}`;
  return '';
}
