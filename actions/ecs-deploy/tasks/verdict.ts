import type { Task } from '../../../lib/ecs/api.ts';
import { type JsonObject, objects, textOf } from '../../../lib/ecs/json.ts';
import { failedTask } from '../deployment/failures.ts';

export type Verdict =
  | { decided: false }
  | { decided: true; ok: true }
  | {
      decided: true;
      ok: false;
      /** Why, in a sentence without the task's name. */
      cause: string;
      fix: string;
      exitCode?: number | undefined;
    };

/** SIGKILL and SIGTERM: how ECS ends the other containers once an essential one has exited. */
const STOPPED_BY_ECS = new Set([137, 143]);

/**
 * What became of a task that had something to do. It did it when the container with the work exited with 0, and no other
 * essential container ended by itself with an error: that would have stopped the work half-way. Without a container of its
 * own the work is that of all essential containers.
 */
export function judgeTask(task: Task | undefined, definition: JsonObject, container: string): Verdict {
  if (task?.lastStatus !== 'STOPPED') return { decided: false };
  const essential = new Set(
    objects(definition.containerDefinitions)
      .filter((c) => c.essential !== false)
      .map((c) => textOf(c.name)),
  );
  const working = container === '' ? essential : new Set([container]);
  const containers = task.containers ?? [];
  const work = containers.filter((c) => working.has(c.name ?? ''));
  const others = containers.filter((c) => essential.has(c.name ?? '') && !working.has(c.name ?? ''));
  // Of several with the work, those that ECS stopped after the first had finished say nothing.
  const finished = work.filter((c) => work.length === 1 || !STOPPED_BY_ECS.has(c.exitCode ?? 0));
  const done = finished.length > 0 && finished.every((c) => c.exitCode === 0);
  const broken = others.find((c) => (c.exitCode ?? 0) !== 0 && !STOPPED_BY_ECS.has(c.exitCode ?? 0));
  const toldToStop = task.stopCode === 'UserInitiated' || task.stopCode === 'SpotInterruption';
  if (done && !broken && !(toldToStop && !exitedByItself(task))) return { decided: true, ok: true };
  return { decided: true, ok: false, ...causeOf(task, work, broken) };
}

/** A task that was told to stop can still have been done before: its first container had exited by then. */
function exitedByItself(task: Task): boolean {
  return task.executionStoppedAt !== undefined && task.stoppingAt !== undefined
    ? task.executionStoppedAt < task.stoppingAt
    : false;
}

type Container = NonNullable<Task['containers']>[number];

function causeOf(task: Task, work: readonly Container[], broken: Container | undefined) {
  const stop = `stop code ${task.stopCode ?? 'unknown'}`;
  if (broken) {
    return {
      cause: `container ${broken.name} exited with code ${broken.exitCode} before the work was done (${stop})`,
      fix: LOG_FIX,
      exitCode: broken.exitCode,
    };
  }
  const failed = work.find((c) => (c.exitCode ?? 0) !== 0) ?? work[0];
  const { sentence, stoppedReason, hint } = failedTask(task);
  if (task.stopCode === 'UserInitiated' || task.stopCode === 'SpotInterruption')
    return {
      cause: `it was stopped before it had finished: ${stoppedReason || stop}`,
      fix: 'Run it again',
      exitCode: failed?.exitCode,
    };
  if (failed?.exitCode === undefined) {
    const reason =
      failed?.reason && !sentence.includes(failed.reason) ? `; container ${failed.name}: ${failed.reason}` : '';
    return { cause: `${sentence}${reason} (${stop})`, fix: hint };
  }
  // What ECS says of a killed container (out of memory) tells more than its exit code.
  const told = failed.exitCode !== 0 && !/exited with code/.test(sentence) ? `${sentence}, ` : '';
  const why = failed.reason && told === '' ? ` (${failed.reason})` : '';
  return {
    cause: `${told}container ${failed.name} exited with code ${failed.exitCode}${why}, ${stop}`,
    fix: told === '' ? LOG_FIX : hint,
    exitCode: failed.exitCode,
  };
}

const LOG_FIX = 'Its last log lines say why';
