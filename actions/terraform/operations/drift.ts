import type { LegReport } from '../../../lib/leg/leg.ts';
import type { Outcome } from '../../../lib/outcome.ts';
import { keepDriftIssue } from '../github/drift-issue.ts';
import { countChanges, hasChanges, type PlanSummary, sayCounts } from '../plan/plan.ts';
import { planText } from '../report/plan-text.ts';
import { planSection } from '../report/summary.ts';
import { dropPlan, makePlan } from './make-plan.ts';
import { report } from './reporting.ts';
import { nameOf, type RunPorts, type Settings } from './settings.ts';

/** What is there against what the configuration says: a plan that nobody will apply. A plan that fails says nothing about drift, so the issue stays as it is. */
export async function drift(settings: Settings, ports: RunPorts): Promise<LegReport> {
  const made = await makePlan(settings, ports, false);
  if ('report' in made) return made.report;
  const { summary: plan, diagnostics } = made;
  await dropPlan(made);
  const outcome = driftOutcome(plan, settings.failOnDrift);
  const url = settings.issue ? await keepIssue(settings, ports, plan) : '';
  const link = url === '' ? '' : `Told in [an issue](${url}).\n\n`;
  return report(settings, outcome, link + planSection(plan, settings.values), { plan, diagnostics, url });
}

export function driftOutcome(plan: PlanSummary, fail: boolean): Outcome {
  if (!hasChanges(plan)) return { status: 'unchanged', cause: 'what is there is what the configuration says' };
  const next = 'Apply to put it back, or bring the change into the configuration';
  return fail ? { status: 'failed', cause: sayDrift(plan), next } : { status: 'succeeded', cause: '' };
}

export function sayDrift(plan: PlanSummary): string {
  const outside = plan.drifted.length > 0 ? `, ${plan.drifted.length} changed outside of Terraform` : '';
  return `what is there differs from the configuration: ${sayCounts(countChanges(plan))}${outside}`;
}

/** GitHub's limit on an issue's text is a comment's; some is kept for the words around the plan. */
const ISSUE_ROOM = 60_000;

async function keepIssue(settings: Settings, { github, identity, log }: RunPorts, plan: PlanSummary): Promise<string> {
  if (!github) {
    log.warning("No issue about drift: there is no token. Pass 'token'");
    return '';
  }
  const { runUrl } = github.context;
  const rest = runUrl === '' ? 'see the summary of the run' : `see the [summary of the run](${runUrl})`;
  const body = [
    'What is there differs from what the configuration says. Apply to put it back, or bring the change into the configuration; ',
    'this issue is kept up to date and closed by itself when the drift is gone.\n\n',
    planText(plan, { room: ISSUE_ROOM, values: settings.values, rest }),
    `<sub>Found at commit ${identity.commit.slice(0, 12)}${runUrl === '' ? '' : ` by [this run](${runUrl})`}.</sub>\n`,
  ].join('');
  const root = { name: nameOf(settings), environment: settings.environment };
  return keepDriftIssue(github, root, hasChanges(plan) ? body : '');
}
