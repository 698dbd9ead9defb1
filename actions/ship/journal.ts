import type { Clock } from '../../lib/clock.ts';
import { messageOf, Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { isGood, type Outcome, outcomeLabel } from '../../lib/outcome.ts';
import type { Report } from '../../lib/report.ts';

/** One step as it went. */
export interface Entry {
  name: string;
  outcome: Outcome;
  /** Milliseconds since the epoch. */
  startedAt: number;
  endedAt: number;
  summary: string;
}

/** The outcome of an error that a step threw. */
export function outcomeOf(error: unknown): Outcome {
  const problem = error instanceof Problem ? error : undefined;
  const status = problem?.kind === 'cancelled' ? 'stopped' : problem?.kind === 'denied' ? 'denied' : 'failed';
  return problem ? { status, cause: problem.finding, next: problem.parts.fix } : { status, cause: messageOf(error) };
}

/** Runs the steps of a shipment and remembers how each went, in order. */
export class Journal {
  readonly entries: Entry[] = [];
  readonly startedAt: number;
  private readonly clock: Clock;
  private readonly log: Log;

  constructor(clock: Clock, log: Log) {
    this.clock = clock;
    this.log = log;
    this.startedAt = clock.now();
  }

  /** Runs one step; what it throws becomes its outcome. */
  async step(name: string, f: () => Promise<Report>): Promise<Report> {
    this.log.info(`── ${name}`);
    const startedAt = this.clock.now();
    const report = await f().catch(
      (error: unknown): Report => ({ outcome: outcomeOf(error), outputs: {}, summary: '' }),
    );
    const { outcome, summary } = report;
    this.entries.push({ name, outcome, startedAt, endedAt: this.clock.now(), summary });
    this.log.info(`${outcomeLabel(outcome.status)}${outcome.cause === '' ? '' : `: ${outcome.cause}`}`);
    return report;
  }

  /** The name of the step that went wrong first. */
  get failed(): string | undefined {
    return this.entries.find((e) => !isGood(e.outcome))?.name;
  }
}
