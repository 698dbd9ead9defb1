import { humanDuration } from '../../../lib/clock.ts';
import type { Task } from '../../../lib/ecs/api.ts';
import type { JsonObject } from '../../../lib/ecs/json.ts';
import { shortName } from '../../../lib/ecs/names.ts';
import type { TaskRequest } from '../../../lib/ecs/tasks.ts';
import { messageOf, Problem } from '../../../lib/errors.ts';
import type { Outcome } from '../../../lib/outcome.ts';
import { printable } from '../../../lib/printable.ts';
import { logPlaces } from '../evidence.ts';
import type { EcsDeployPorts } from '../ports.ts';
import { explainPlacement } from './placement-failures.ts';
import type { TaskStep } from './step.ts';
import { judgeTask, type Verdict } from './verdict.ts';

/** How a task that ran beside the deployment ended. */
export interface TaskEnd {
  name: string;
  /** ARN; '' when none was started. */
  arn: string;
  outcome: Outcome;
  exitCode?: number | undefined;
  /** Its last log lines, secrets hidden. */
  lines: string[];
  durationMs: number;
}

export type RunTaskPorts = Pick<EcsDeployPorts, 'ecs' | 'clock' | 'log' | 'signal' | 'taskLogs'>;

const FAST_MS = 2_000;
const SLOW_MS = 5_000;
const QUIET_MS = 60_000;
const LINES_KEPT = 20;
/** The runner kills 10 s after its first signal. */
const CANCEL_MS = 4_000;
/** Time that a task has to stop after it was told to: SIGKILL follows SIGTERM after 30 s. Source: ECS, stopTimeout. */
const STOP_MS = 40_000;
/** Lines of a container arrive in CloudWatch a moment after it has ended. */
const LATE_LOOKS = 4;
const LATE_MS = 1_000;

/** Starts the step's task and sees it to its end, with its log as it is written. Every end is told as an outcome. */
export async function runTask(
  step: TaskStep,
  request: TaskRequest,
  definition: JsonObject,
  ports: RunTaskPorts,
): Promise<TaskEnd> {
  const run = new Run(step, request, definition, ports);
  const outcome = await run.toItsEnd();
  return {
    name: step.name,
    arn: run.arn,
    outcome,
    exitCode: run.exitCode,
    lines: run.lines,
    durationMs: run.elapsed(),
  };
}

class Run {
  arn = '';
  exitCode: number | undefined;
  readonly lines: string[] = [];
  private task: Task | undefined;
  private line = '';
  private logTrouble = '';
  private readonly tokens = new Map<string, string | undefined>();
  private readonly startedAt: number;
  private readonly step: TaskStep;
  private readonly request: TaskRequest;
  private readonly definition: JsonObject;
  private readonly ports: RunTaskPorts;

  constructor(step: TaskStep, request: TaskRequest, definition: JsonObject, ports: RunTaskPorts) {
    this.step = step;
    this.request = request;
    this.definition = definition;
    this.ports = ports;
    this.startedAt = ports.clock.now();
  }

  elapsed(): number {
    return this.ports.clock.now() - this.startedAt;
  }

  async toItsEnd(): Promise<Outcome> {
    const { step, ports } = this;
    try {
      const { task, failures } = await ports.ecs.runTask(this.request);
      if (!task?.taskArn) {
        const { cause, fix } = explainPlacement(failures);
        return { status: 'failed', cause, next: fix };
      }
      this.task = task;
      this.arn = task.taskArn;
      ports.log.info(`${step.name}: started task ${shortName(this.arn)}`);
      if (!step.wait) return { status: 'succeeded', cause: '' };
      return await this.follow();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return error.kind === 'cancelled' ? this.cancelled() : this.lost(error);
    }
  }

  private async follow(): Promise<Outcome> {
    const { step, ports } = this;
    const deadline = this.startedAt + step.timeoutMs;
    for (let changedAt = this.startedAt; ; ) {
      const left = deadline - ports.clock.now();
      if (left <= 0) return this.timedOut();
      const pause = ports.clock.now() - changedAt > QUIET_MS ? SLOW_MS : FAST_MS;
      await ports.clock.sleep(Math.min(pause, left), ports.signal);
      const verdict = await this.look();
      if (verdict.decided) return this.end(verdict);
      if (this.progress()) changedAt = ports.clock.now();
    }
  }

  /** One look at the task and its log. What the next look may mend is no end. */
  private async look(): Promise<Verdict> {
    try {
      this.task = (await this.ports.ecs.describeTask(this.request.cluster ?? '', this.arn)) ?? this.task;
    } catch (error) {
      if (!(error instanceof Problem) || !['throttled', 'network', 'service'].includes(error.kind)) throw error;
      this.ports.log.debug(error.message);
      return { decided: false };
    }
    if (this.task?.lastStatus !== 'PROVISIONING') await this.readLogs();
    return judgeTask(this.task, this.definition, this.step.container);
  }

  private progress(): boolean {
    const status = this.task?.lastStatus ?? '';
    if (status === this.line) return false;
    this.line = status;
    this.ports.log.info(`${humanDuration(this.elapsed()).padStart(12)}  ${this.step.name}: ${status.toLowerCase()}`);
    return true;
  }

  private async end(verdict: Exclude<Verdict, { decided: false }>): Promise<Outcome> {
    await this.readLateLogs(verdict.ok);
    if (verdict.ok) {
      this.exitCode = 0;
      return { status: 'succeeded', cause: '' };
    }
    this.exitCode = verdict.exitCode;
    return { status: 'failed', cause: verdict.cause, next: verdict.fix };
  }

  private async timedOut(): Promise<Outcome> {
    const { step, ports } = this;
    const limit = humanDuration(step.timeoutMs);
    await ports.ecs.stopTask(this.request.cluster ?? '', this.arn, `slipway: ${step.name} did not end within ${limit}`);
    const end = ports.clock.now() + STOP_MS;
    let verdict: Verdict = { decided: false };
    while (!verdict.decided && ports.clock.now() < end) {
      await ports.clock.sleep(FAST_MS, ports.signal);
      verdict = await this.look();
    }
    if (verdict.decided) await this.readLateLogs(false);
    const state = verdict.decided ? 'it was stopped' : 'it was told to stop and has not yet';
    return {
      status: 'timed-out',
      cause: `it did not end within ${limit}; ${state}`,
      next: 'Raise `timeout` of the step, or find in its log what it waited for',
    };
  }

  private async cancelled(): Promise<Outcome> {
    if (this.arn === '') return { status: 'stopped', cause: 'the run was cancelled before it was started' };
    const id = shortName(this.arn);
    try {
      const ecs = this.ports.ecs.within(AbortSignal.timeout(CANCEL_MS));
      await ecs.stopTask(this.request.cluster ?? '', this.arn, 'slipway: the run was cancelled');
      return { status: 'stopped', cause: `the run was cancelled; task ${id} was told to stop` };
    } catch (error) {
      return {
        status: 'stopped',
        cause: `the run was cancelled, and task ${id} could not be stopped: ${messageOf(error)}`,
        next: `Stop task ${id} by hand`,
      };
    }
  }

  private lost(error: Problem): Outcome {
    const status = error.kind === 'denied' ? 'denied' : 'failed';
    if (this.arn === '') return { status, cause: error.finding, next: error.parts.fix };
    return {
      status,
      cause: `task ${shortName(this.arn)} goes on in ECS, but cannot be watched: ${error.finding}`,
      next: error.parts.fix,
    };
  }

  /** @returns how many lines were new */
  private async readLogs(): Promise<number> {
    const { taskLogs, log } = this.ports;
    if (!taskLogs || !this.task || this.logTrouble !== '') return 0;
    const containers = (this.task.containers ?? []).map((c) => ({ name: c.name ?? '', runtimeId: c.runtimeId }));
    const places = logPlaces(this.definition, { id: shortName(this.arn), containers });
    const several = places.length > 1;
    let count = 0;
    for (const place of places) {
      try {
        const page = await taskLogs.next(place, this.tokens.get(place.stream));
        this.tokens.set(place.stream, page.token);
        count += page.lines.length;
        for (const line of page.lines) {
          log.info(`  ${this.step.name}${several ? ` (${place.container})` : ''} | ${printable(line)}`);
          this.lines.push(line);
        }
      } catch (error) {
        if (error instanceof Problem && error.kind === 'cancelled') throw error;
        // The task does its work whether or not its log can be read.
        if (error instanceof Problem && ['throttled', 'network', 'service'].includes(error.kind))
          log.debug(error.message);
        else {
          this.logTrouble = messageOf(error);
          log.warning(`The log of ${this.step.name} cannot be shown: ${this.logTrouble}`);
        }
      }
    }
    this.lines.splice(0, Math.max(0, this.lines.length - LINES_KEPT));
    return count;
  }

  private async readLateLogs(ok: boolean): Promise<void> {
    for (let look = 0; look < LATE_LOOKS; look++) {
      await this.ports.clock.sleep(LATE_MS, this.ports.signal);
      const fresh = await this.readLogs();
      if (fresh === 0 && (ok || this.lines.length > 0 || this.logTrouble !== '')) return;
    }
  }
}
