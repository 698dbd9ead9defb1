import type { Clock } from '../../lib/clock.ts';
import type { GitHubContext } from '../../lib/context.ts';
import { messageOf, Problem } from '../../lib/errors.ts';
import type { Ledger } from '../../lib/ledger/ledger.ts';
import { isGood, type Outcome } from '../../lib/outcome.ts';
import type { Report } from '../../lib/report.ts';
import { writeResult } from '../../lib/result.ts';
import type { Operation } from './inputs.ts';
import { outputTexts } from './outputs.ts';
import type { TerraformReport } from './run.ts';

export interface RecordPorts {
  ledger: Ledger;
  clock: Clock;
  context: Pick<GitHubContext, 'sha' | 'runUrl'>;
  /** Where the result file goes; '' for none. */
  resultDirectory: string;
}

export interface Recorded {
  component: string;
  environment: string;
  operation: Operation;
}

/** What later stages and runs must know of: an apply goes to the ledger, everything leaves a result file. */
export async function recorded(
  target: Recorded,
  ports: RecordPorts,
  body: () => Promise<TerraformReport>,
): Promise<Report> {
  const startedAt = iso(ports.clock.now());
  let report: TerraformReport;
  try {
    report = await body();
    await toLedger(target, report, ports);
  } catch (error) {
    await toFile(target, startedAt, outcomeOf(error), {}, ports);
    throw error;
  }
  await toFile(target, startedAt, report.outcome, outputTexts(report.plainOutputs), ports);
  return report;
}

async function toLedger(
  target: Recorded,
  report: TerraformReport,
  { ledger, clock, context }: RecordPorts,
): Promise<void> {
  if (target.operation !== 'apply' && target.operation !== 'destroy') return;
  const { status, cause } = report.outcome;
  const there = target.operation === 'apply' && isGood(report.outcome);
  const why = there ? '' : target.operation === 'destroy' && isGood({ status }) ? 'destroyed' : cause;
  await ledger.record({
    component: target.component,
    environment: target.environment,
    commit: context.sha,
    state: there ? 'deployed' : 'failed',
    ...(there && { outputs: outputTexts(report.plainOutputs) }),
    runUrl: context.runUrl,
    at: iso(clock.now()),
    ...(why !== '' && { cause: why }),
  });
}

async function toFile(
  { component, environment }: Recorded,
  startedAt: string,
  outcome: Outcome,
  outputs: Record<string, string>,
  { clock, resultDirectory }: RecordPorts,
): Promise<void> {
  if (resultDirectory === '') return;
  const endedAt = iso(clock.now());
  await writeResult(resultDirectory, {
    component,
    environment,
    stage: 'terraform',
    outcome,
    outputs,
    startedAt,
    endedAt,
  });
}

function outcomeOf(error: unknown): Outcome {
  const kind = error instanceof Problem ? error.kind : undefined;
  const status = kind === 'cancelled' ? 'stopped' : kind === 'denied' ? 'denied' : 'failed';
  return { status, cause: messageOf(error) };
}

const iso = (ms: number) => new Date(ms).toISOString();
