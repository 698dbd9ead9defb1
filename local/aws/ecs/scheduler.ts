/** What the scheduler sees of one task that is not yet stopped. */
export interface ScheduledTask {
  id: string;
  /** Of the deployment that is being rolled out (PRIMARY), as opposed to one that is being replaced. */
  primary: boolean;
  phase: 'pending' | 'running' | 'stopping';
  /** Passed every health check that it depends on. */
  healthy: boolean;
  /** Failed one of them: it is to be replaced. */
  unhealthy: boolean;
}

export interface ScheduleInput {
  desired: number;
  minimumHealthyPercent: number;
  maximumPercent: number;
  /** A deployment that the circuit breaker has failed starts nothing any more. */
  mayStart: boolean;
  /** Oldest first. */
  tasks: readonly ScheduledTask[];
}

export interface Schedule {
  start: number;
  /** Of those started, how many stand in for tasks that failed their health checks. */
  replacements: number;
  stop: readonly { id: string; why: 'unhealthy' | 'replaced' }[];
}

/**
 * What a rolling service starts and stops next.
 *
 * RUNNING and PENDING tasks together stay within maximumPercent of the desired count, rounded down; healthy ones do not
 * fall below minimumHealthyPercent of it, rounded up. A task of an older deployment goes when a healthy one of the new
 * deployment has taken its place, or earlier when there would be no room for the new one and the minimum allows it.
 * Source: Amazon ECS API reference, DeploymentConfiguration.
 */
export function schedule(input: ScheduleInput): Schedule {
  const live = input.tasks.filter(({ phase }) => phase !== 'stopping');
  const unhealthy = live.filter((task) => task.unhealthy);
  const sound = live.filter((task) => !task.unhealthy);
  const fresh = sound.filter((task) => task.primary);
  const old = sound.filter((task) => !task.primary);
  const needed = input.mayStart ? Math.max(0, input.desired - fresh.length) : 0;
  // What is already broken takes no room: it goes at once, as it carries no load that the minimum protects.
  const room = Math.max(0, Math.floor((input.desired * input.maximumPercent) / 100) - sound.length);
  const start = Math.min(needed, room);
  const stop = [
    ...unhealthy.map(({ id }) => ({ id, why: 'unhealthy' as const })),
    ...surplus(input, fresh).map(({ id }) => ({ id, why: 'replaced' as const })),
    ...retired(input, old, fresh, needed - start).map(({ id }) => ({ id, why: 'replaced' as const })),
  ];
  return { start, replacements: Math.min(start, unhealthy.filter(({ primary }) => primary).length), stop };
}

/** Tasks of the new deployment above the desired count: what is not healthy yet first, the youngest first. */
function surplus({ desired }: ScheduleInput, fresh: readonly ScheduledTask[]): readonly ScheduledTask[] {
  const excess = fresh.length - desired;
  if (excess <= 0) return [];
  const byNeed = [...fresh].reverse().sort((a, b) => Number(a.healthy) - Number(b.healthy));
  return byNeed.slice(0, excess);
}

/** Tasks of older deployments that may go now. Those that are not healthy protect nothing, so they go without asking. */
function retired(
  { desired, minimumHealthyPercent }: ScheduleInput,
  old: readonly ScheduledTask[],
  fresh: readonly ScheduledTask[],
  noRoomFor: number,
): readonly ScheduledTask[] {
  const idle = old.filter((task) => !task.healthy);
  const serving = old.filter((task) => task.healthy);
  const healthyFresh = fresh.filter((task) => task.healthy).length;
  const replaced = Math.max(0, Math.min(desired, healthyFresh) + serving.length - desired);
  const toMakeRoom = Math.max(0, noRoomFor - idle.length);
  const minimum = Math.ceil((desired * minimumHealthyPercent) / 100);
  const allowed = Math.max(0, healthyFresh + serving.length - minimum);
  const count = Math.min(Math.max(replaced, toMakeRoom), allowed);
  return [...idle, ...serving.slice(0, count)];
}

/** Whether nothing is left to do: every task is of the new deployment, as many as desired, all healthy. */
export function isSteady({ desired, tasks }: Pick<ScheduleInput, 'desired' | 'tasks'>): boolean {
  return tasks.length === desired && tasks.every((task) => task.primary && task.healthy && task.phase === 'running');
}

/**
 * Milliseconds to hold the next start back after so many failed starts in a row: none after the first two, then doubling.
 * ECS does the same with minutes; here a person is waiting.
 */
export function backOff(failedStarts: number): number {
  return failedStarts < 3 ? 0 : Math.min(10_000, 250 * 2 ** (failedStarts - 3));
}
