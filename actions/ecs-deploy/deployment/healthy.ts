import type { Task } from '../../../lib/ecs/api.ts';
import { isObject, type JsonObject, objects } from '../../../lib/ecs/json.ts';
import type { TargetState } from '../evidence.ts';

export interface HealthFacts {
  /** Running tasks of the revision. */
  tasks: readonly Task[];
  /** How many there should be. */
  wanted: number;
  definition: JsonObject;
  /** The targets of each of the service's target groups. */
  groups: readonly (readonly TargetState[])[];
}

/** Whether every wanted task runs and passes every check that the service depends on. */
export function allHealthy({ tasks, wanted, definition, groups }: HealthFacts): boolean {
  if (tasks.length < wanted) return false;
  if (checksContainers(definition) && tasks.some((t) => t.healthStatus !== 'HEALTHY')) return false;
  return groups.every((targets) => targetsHealthy(tasks, targets));
}

/** Whether an essential container has a health check of its own: only then does a task get a healthStatus. */
export function checksContainers(definition: JsonObject): boolean {
  return objects(definition.containerDefinitions).some((c) => c.essential !== false && isObject(c.healthCheck));
}

function targetsHealthy(tasks: readonly Task[], targets: readonly TargetState[]): boolean {
  const addresses = tasks.map(addressOf);
  const healthy = targets.filter((t) => t.state === 'healthy');
  if (addresses.every((a) => a !== undefined))
    return addresses.every((address) => healthy.some((t) => t.target.split(':')[0] === address));
  // On a host's own network targets are hosts, which cannot be told apart by task: then all of them have to be well.
  return healthy.length >= tasks.length && targets.every((t) => t.state === 'healthy' || t.state === 'draining');
}

function addressOf(task: Task): string | undefined {
  const details = (task.attachments ?? []).flatMap((a) => a.details ?? []);
  return details.find((d) => d.name === 'privateIPv4Address')?.value;
}
