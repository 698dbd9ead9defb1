import type { Clock } from '../clock.ts';
import { blockedBy, stillNeededBy } from '../config/graph.ts';
import type { Config } from '../config/load.ts';
import type { GitHubContext } from '../context.ts';
import { messageOf, Problem } from '../errors.ts';
import { type Ledger, type LedgerEntry, lastDeployed } from '../ledger/ledger.ts';
import type { Log } from '../log.ts';
import { isGood, type Outcome } from '../outcome.ts';
import type { Report } from '../report.ts';
import { type Result, readResults, writeResult } from '../result.ts';
import { escapeText, heading } from '../summary.ts';

/** One component's turn in a pipeline. */
export interface Leg {
  component: string;
  environment: string;
  stage: Result['stage'];
  /** Whether it changes what runs. Only then is it checked against the legs before it and recorded in the ledger. */
  deploys: boolean;
  /** Ship also where a newer commit was shipped. */
  force: boolean;
  /** It takes away what others may stand on: it waits for those that need it, not for what it needs. */
  destroys?: boolean;
}

/** What a leg's body hands back: the report, and what the ledger keeps of it. */
export interface LegReport extends Report {
  /** Non-sensitive outputs that other components may refer to. */
  componentOutputs?: Record<string, string>;
  /** Entry fields beyond who, where, when and how it ended. */
  entry?: Partial<LedgerEntry>;
}

export interface LegPorts {
  ledger: Ledger;
  clock: Clock;
  log: Log;
  context: Pick<GitHubContext, 'sha' | 'runUrl'>;
  /** Folder with the result files of the legs before, which gets this one's; '' for none. */
  resultDirectory: string;
  config(): Promise<Config>;
  /** Whether `a` is an ancestor of `b`. @throws Problem when that cannot be told: nothing goes back in time by mistake. */
  isAncestor(a: string, b: string): Promise<boolean>;
}

type LegOutcome = Result['outcome'];

/**
 * Runs a component's leg: not when something it needs has failed in this run, not when a newer commit is already there; and
 * what came of it goes to the ledger and into a result file, whatever happened.
 */
export async function runLeg(leg: Leg, ports: LegPorts, body: () => Promise<LegReport>): Promise<Report> {
  const startedAt = iso(ports.clock.now());
  const finish = (outcome: LegOutcome, report?: LegReport) => leaveResult(leg, ports, startedAt, outcome, report);
  try {
    const obstacle = leg.deploys ? await obstacleTo(leg, ports) : undefined;
    if (obstacle) {
      await finish(obstacle);
      return notRun(leg, obstacle);
    }
    const report = await body();
    if (leg.deploys && KEPT.has(report.outcome.status)) await ports.ledger.record(entryOf(leg, report, ports));
    await finish(report.outcome, report);
    return report;
  } catch (error) {
    await finish(outcomeOf(error));
    throw error;
  }
}

async function obstacleTo(leg: Leg, ports: LegPorts): Promise<LegOutcome | undefined> {
  if (ports.resultDirectory !== '') {
    const results = await readResults(ports.resultDirectory);
    const ended = new Map([...results].map(([name, { outcome }]) => [name, endedWell(outcome)]));
    const find = leg.destroys ? stillNeededBy : blockedBy;
    const [blocker] = find(await ports.config(), leg.component, ended);
    if (blocker !== undefined) {
      const { status, cause } = results.get(blocker)?.outcome ?? { status: 'failed', cause: '' };
      const why = cause ? `: ${cause}` : '';
      return {
        status: 'blocked',
        cause: `${leg.destroys ? `${blocker} needs it` : `it needs ${blocker}`}, which ended as ${status}${why}`,
        next: `Mend ${blocker} and run this again`,
      };
    }
  }
  return supersededBy(leg, ports);
}

function endedWell(outcome: LegOutcome): boolean {
  return outcome.status !== 'blocked' && isGood({ status: outcome.status });
}

async function supersededBy(
  { component, environment, force }: Leg,
  { ledger, context, isAncestor }: LegPorts,
): Promise<Outcome | undefined> {
  const last = lastDeployed((await ledger.read(environment, [component])).get(component));
  if (!last || last.commit === context.sha || force) return undefined;
  if (!(await isAncestor(context.sha, last.commit))) return undefined;
  return {
    status: 'superseded',
    cause: `${last.commit.slice(0, 12)}, which is newer than this run's ${context.sha.slice(0, 12)}, was shipped to ${environment} at ${last.at}`,
    next: 'Nothing has to be done; to go back on purpose, use rollback or force',
  };
}

function notRun({ component, environment }: Leg, { status, cause, next }: LegOutcome): Report {
  // The failed job is the one that needs mending: a blocked one, of which nothing changed, does not end red beside it.
  const outcome: Outcome =
    status === 'blocked'
      ? { status: 'unchanged', cause: `blocked: ${cause}; nothing was shipped` }
      : { status, cause, ...(next && { next }) };
  const summary = `${heading(3, `${component} (${environment}): ${status}`)}${escapeText(cause)}.\n\n`;
  return { outcome, outputs: {}, summary };
}

/** Ends that the ledger keeps: not those that touched nothing or that nobody can judge. */
const KEPT: ReadonlySet<Outcome['status']> = new Set(['succeeded', 'unchanged', 'failed', 'timed-out']);

function entryOf(leg: Leg, report: LegReport, { clock, context }: LegPorts): LedgerEntry {
  const good = isGood(report.outcome);
  const { componentOutputs } = report;
  return {
    component: leg.component,
    environment: leg.environment,
    commit: context.sha,
    state: good ? 'deployed' : 'failed',
    ...(good && componentOutputs && { outputs: componentOutputs }),
    ...(!good && report.outcome.cause !== '' && { cause: report.outcome.cause }),
    runUrl: context.runUrl,
    at: iso(clock.now()),
    ...report.entry,
  };
}

async function leaveResult(
  { component, environment, stage }: Leg,
  { clock, resultDirectory }: LegPorts,
  startedAt: string,
  outcome: LegOutcome,
  report?: LegReport,
): Promise<void> {
  if (resultDirectory === '') return;
  const outputs = report?.componentOutputs;
  const endedAt = iso(clock.now());
  const result = { component, environment, stage, outcome, startedAt, endedAt, ...(outputs && { outputs }) };
  await writeResult(resultDirectory, result);
}

function outcomeOf(error: unknown): Outcome {
  const kind = error instanceof Problem ? error.kind : undefined;
  const status = kind === 'cancelled' ? 'stopped' : kind === 'denied' ? 'denied' : 'failed';
  return { status, cause: messageOf(error) };
}

const iso = (ms: number) => new Date(ms).toISOString();

/** Whether a `force` input (names with commas, or "all") means this component. */
export function isForced(force: readonly string[], component: string): boolean {
  return force.includes('all') || force.includes(component);
}
