import { humanDuration } from '../../../lib/clock.ts';
import { shortName } from '../../../lib/ecs/names.ts';
import type { Outcome } from '../../../lib/outcome.ts';
import { isGood } from '../../../lib/outcome.ts';
import { code, codeBlock, escapeCell, heading, table } from '../../../lib/summary.ts';
import { type RequestContext, requestOf } from './request.ts';
import { type RunTaskPorts, runTask, type TaskEnd } from './run-task.ts';
import type { TaskStep } from './step.ts';

export interface StepsEnd {
  ends: TaskEnd[];
  /** Undefined when all ended well. */
  failed: TaskEnd | undefined;
}

/**
 * Runs the tasks one after the other; the first that does not end well is the last.
 * @throws Problem before any is started when one of them cannot be: a later step must not be found wrong after an earlier one ran.
 */
export async function runSteps(
  steps: readonly TaskStep[],
  context: RequestContext,
  ports: RunTaskPorts,
): Promise<StepsEnd> {
  const requests = steps.map((step) => ({ step, request: requestOf(step, context) }));
  const ends: TaskEnd[] = [];
  for (const { step, request } of requests) {
    const end = await runTask(step, request, context.definition, ports);
    ends.push(end);
    if (!isGood(end.outcome)) return { ends, failed: end };
    ports.log.info(
      `${step.name}: ${step.wait ? `done after ${humanDuration(end.durationMs)}` : 'started, not waited for'}`,
    );
  }
  return { ends, failed: undefined };
}

/**
 * The outcome of what a task that failed belongs to.
 * @param when as the sentence goes on: "before the deployment"
 * @param consequence what that means for the service; '' where somebody else tells
 */
export function failedStep(end: TaskEnd, when: string, consequence: string): Outcome {
  const { status, cause, next } = end.outcome;
  const last = status === 'stopped' ? undefined : end.lines.at(-1)?.slice(0, LINE_SHOWN);
  const parts = [cause, last === undefined ? '' : `its last log line: ${last}`, consequence].filter((p) => p !== '');
  return { status, cause: `the task ${end.name} ${when}: ${parts.join('; ')}`, ...(next && { next }) };
}

const LINE_SHOWN = 200;

/** The tasks in the job summary. */
export function tasksSummary(ends: readonly TaskEnd[]): string {
  if (ends.length === 0) return '';
  const rows = ends.map((end) => [
    escapeCell(end.name),
    end.outcome.status,
    end.exitCode === undefined ? '' : String(end.exitCode),
    humanDuration(end.durationMs),
    end.arn === '' ? '' : code(shortName(end.arn).slice(0, 12)),
  ]);
  const failed = ends.find((end) => !isGood(end.outcome) && end.lines.length > 0);
  return (
    heading(4, 'Tasks beside the deployment') +
    table(['Task', 'End', 'Exit code', 'Took', 'Id'], rows) +
    (failed ? `Last lines of ${code(failed.name)}:\n\n${codeBlock(failed.lines.join('\n'))}\n` : '')
  );
}
