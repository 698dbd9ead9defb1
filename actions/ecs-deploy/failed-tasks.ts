import type { Service } from '../../lib/ecs/api.ts';
import type { JsonObject } from '../../lib/ecs/json.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { FailedTask } from './deployment/failures.ts';
import { type Evidence, logPlaces, type TargetState } from './evidence.ts';
import type { LogTail } from './explain.ts';

interface EvidencePorts {
  evidence: Evidence;
  log: Log;
}

/** Logs of so many tasks are shown with an outcome. */
export const TAILS = 2;
const LINES = 20;
const PLACES = 4;

/** The last lines of the containers of these tasks. A log that cannot be read is told as such, and never an error. */
export async function readLogs(
  tasks: readonly FailedTask[],
  definition: JsonObject,
  { evidence }: EvidencePorts,
): Promise<LogTail[]> {
  const wanted = tasks.flatMap((task) => logPlaces(definition, task).map((place) => ({ task: task.id, place })));
  return Promise.all(
    wanted.slice(0, PLACES).map(async ({ task, place }): Promise<LogTail> => {
      try {
        const lines = await evidence.lastLines(place, LINES);
        return { task, container: place.container, lines };
      } catch (error) {
        return { task, container: place.container, lines: [], trouble: messageOf(error) };
      }
    }),
  );
}

/** The targets of the service's target groups; none where they cannot be read. */
export async function readHealth(
  service: Service | undefined,
  { evidence, log }: EvidencePorts,
): Promise<TargetState[]> {
  const groups = (service?.loadBalancers ?? []).flatMap((lb) => lb.targetGroupArn ?? []);
  const states = await Promise.all(
    groups.map((arn) =>
      evidence.targetHealth(arn).catch((error: unknown) => {
        log.debug(messageOf(error));
        return [];
      }),
    ),
  );
  return states.flat();
}

/** Of tasks that ended alike one is enough: the last. */
export function distinct(failures: readonly FailedTask[]): FailedTask[] {
  return [...new Map(failures.map((f) => [f.sentence, f])).values()];
}

/** Everything known of one failed task, as lines for the log. */
export function taskLines(task: FailedTask, logs: readonly LogTail[], health: readonly TargetState[]): string[] {
  const sick = health.filter((t) => t.state !== 'healthy');
  return [
    `  stop code ${task.stopCode || 'unknown'}: ${task.stoppedReason || 'ECS gave no reason'}`,
    ...task.containers.map((c) => `  container ${c.name}: ${containerEnd(c)}`),
    ...logs.flatMap(({ container, lines, trouble }) =>
      trouble === undefined
        ? lines.map((line) => `  ${container} | ${line}`)
        : [`  the log of ${container} cannot be read: ${trouble}`],
    ),
    ...sick.map((t) => `  target ${t.target} is ${t.state}${t.reason === '' ? '' : `: ${t.reason}`}`),
  ];
}

function containerEnd({ exitCode, reason }: FailedTask['containers'][number]): string {
  const code = exitCode === undefined ? 'no exit code' : `exit code ${exitCode}`;
  return reason ? `${code}, ${reason}` : code;
}
