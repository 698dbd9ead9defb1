import { type Clock, humanDuration } from '../../../lib/clock.ts';
import type { EcsApi, Service, Task } from '../../../lib/ecs/api.ts';
import type { JsonObject } from '../../../lib/ecs/json.ts';
import type { ServiceRef } from '../../../lib/ecs/names.ts';
import type { Log } from '../../../lib/log.ts';
import { type FailedTask, failuresOf } from './failures.ts';
import { checksContainers } from './healthy.ts';
import { tolerable } from './tolerate.ts';

const UNCHECKED_MS = 30_000;

/**
 * How long tasks have to run before a rollout counts as done, in milliseconds. ECS takes a task for good as soon as it runs where
 * nothing checks its health: neither a load balancer nor a container health check.
 */
export function stableMs(asked: number | undefined, service: Service, definition: JsonObject): number {
  if (asked !== undefined) return asked;
  const balanced = (service.loadBalancers?.length ?? 0) > 0;
  return balanced || checksContainers(definition) ? 0 : UNCHECKED_MS;
}

export interface StableTarget {
  ref: ServiceRef;
  taskDefinition: string;
  /** The service's clock just before the deployment. */
  since: number;
  /** Running tasks of the revision as they were found last. */
  tasks: readonly Task[];
  /** How many there should be. */
  wanted: number;
  forMs: number;
}

export interface StablePorts {
  ecs: Pick<EcsApi, 'listTasks'>;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

const LOOK_EVERY_MS = 5_000;
const LEAST_MS = 500;
/** How long a last look that fails is tried again. */
const GIVEN_UP_AFTER_MS = 60_000;

/**
 * Watches until each task has run for so long. A look costs two requests, so there is one at the end and one every five seconds before.
 * @returns the tasks of the revision that ended by themselves since the youngest of the given ones began; none when all is well.
 */
export async function stayUp(target: StableTarget, { ecs, clock, log, signal }: StablePorts): Promise<FailedTask[]> {
  const { ref, taskDefinition, tasks, wanted, forMs } = target;
  const now = clock.now();
  // A start that is not told, or is still to come, counts from now.
  const starts = tasks.map((t) => t.startedAt?.getTime() ?? now);
  const begun = Math.max(...(tasks.length < wanted ? [now] : starts), target.since);
  const until = Math.min(begun, now) + forMs;
  if (until <= now) return [];
  log.info(
    `Nothing checks the health of its tasks: watching for another ${humanDuration(until - now)} that they stay up`,
  );
  const filter = { taskDefinition, since: Math.max(target.since, begun) };
  for (let wait = until - now; ; wait = until - clock.now()) {
    await clock.sleep(Math.min(LOOK_EVERY_MS, Math.max(LEAST_MS, wait)), signal);
    try {
      const failures = failuresOf(await ecs.listTasks(ref, 'STOPPED'), filter);
      if (failures.length > 0 || clock.now() >= until) return failures;
    } catch (error) {
      if (clock.now() >= until + GIVEN_UP_AFTER_MS) throw error;
      log.debug(tolerable(error).message);
    }
  }
}
