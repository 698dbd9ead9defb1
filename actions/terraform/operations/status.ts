import type { LedgerEntry } from '../../../lib/ledger/ledger.ts';
import type { LegReport } from '../../../lib/leg/leg.ts';
import type { Outcome } from '../../../lib/outcome.ts';
import { code, details, table } from '../../../lib/summary.ts';
import { hasChanges, type PlanSummary } from '../plan/plan.ts';
import { planSection } from '../report/summary.ts';
import type { StateContents } from '../terraform.ts';
import { sayDrift } from './drift.ts';
import { dropPlan, makePlan } from './make-plan.ts';
import { report } from './reporting.ts';
import type { RunPorts, Settings } from './settings.ts';

/** What is deployed, since when, and whether it still is what the configuration says. Nothing is changed and nothing locked. */
export async function status(settings: Settings, ports: RunPorts): Promise<LegReport> {
  const state = await ports.terraform.state();
  const last = await ports.lastApplied();
  const overview = overviewOf(state, last);
  const made = await makePlan(settings, ports, false);
  if ('report' in made) {
    return { ...made.report, summary: made.report.summary + overview };
  }
  const { summary: plan, diagnostics } = made;
  await dropPlan(made);
  const body = overview + (hasChanges(plan) ? planSection(plan, settings.values) : 'No drift.\n\n');
  return report(settings, outcomeOf(state, plan), body, { plan, diagnostics });
}

function outcomeOf(state: StateContents, plan: PlanSummary): Outcome {
  const count = total(state);
  if (count === 0) return { status: 'succeeded', cause: 'nothing is deployed' };
  const deployed = `${count} resource${count === 1 ? ' is' : 's are'} deployed`;
  return { status: 'succeeded', cause: `${deployed}; ${hasChanges(plan) ? sayDrift(plan) : 'no drift'}` };
}

function total({ counts }: StateContents): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function overviewOf(state: StateContents, last: LedgerEntry | undefined): string {
  const { version, counts, writtenBy } = state;
  const rows = [
    ['Resources', String(total(state))],
    ['State', version.lineage === '' ? 'never written' : `serial ${version.serial}, lineage ${code(version.lineage)}`],
    ...(writtenBy === '' ? [] : [['Written by', `Terraform ${code(writtenBy)}`]]),
    ['Last applied', last ? `commit ${code(last.commit.slice(0, 12))} at ${code(last.at)}` : 'not by the pipeline'],
  ];
  const types = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
  const list = types.map(([type, count]) => [code(type), String(count)]);
  return (
    table(['', ''], rows) +
    (list.length === 0 ? '' : details(`By type (${list.length})`, table(['Type', 'Resources'], list.slice(0, 300))))
  );
}
