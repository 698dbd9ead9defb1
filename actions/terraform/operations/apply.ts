import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../../../lib/errors.ts';
import type { LegReport } from '../../../lib/leg/leg.ts';
import { isGood, type Outcome } from '../../../lib/outcome.ts';
import { hideIn } from '../messages.ts';
import { hasChanges } from '../plan/plan.ts';
import { findingsText } from '../report/comment-text.ts';
import { diagnosticsSection, outputsSection, planSection } from '../report/summary.ts';
import { checkPlan, openPlan } from '../saved/saved-plan.ts';
import { isSealed } from '../saved/seal.ts';
import { dropPlan, judge, type Made, makePlan, type Plan, readPlan } from './make-plan.ts';
import { outputsOf } from './output.ts';
import { limitProblem } from './plan.ts';
import { denied, refused, report } from './reporting.ts';
import type { RunPorts, Settings } from './settings.ts';
import { FINDINGS_ROOM, outcomeOfFindings } from './validate.ts';

/** Applies exactly one plan: the one that was approved, the one of an earlier step, or one made here a moment before. */
export async function change(settings: Settings, ports: RunPorts): Promise<LegReport> {
  const made = settings.plan === '' ? await makePlan(settings, ports, true) : await givenPlan(settings, ports);
  if ('report' in made) return made.report;
  try {
    return await applyPlan(made, settings, ports);
  } finally {
    if (made.file !== settings.plan) await dropPlan(made);
  }
}

async function givenPlan(settings: Settings, ports: RunPorts): Promise<Made> {
  const file = await readFile(settings.plan);
  if (!isSealed(file)) {
    if (settings.planDigest === '' && settings.planKey === '') return readPlan(settings.plan, [], ports);
    throw new Problem({
      what: "input 'plan'",
      cause: 'only a plan that was saved and approved is applied here, and this file is none that slipway has saved',
      fix: "Save it with 'save-plan'",
      kind: 'denied',
    });
  }
  const saved = openPlan(file, settings.planKey);
  const { terraform, identity, tempDir } = ports;
  const { environment, component, root } = settings;
  const { product, version } = terraform;
  const { repository, commit, runId, runAttempt } = identity;
  const now = {
    identity: { repository, environment, component, root, commit, runId, runAttempt, product, version },
    approved: settings.planDigest,
    state: (await terraform.state()).version,
    destroy: settings.operation === 'destroy',
    inputs: settings.planInputs,
  };
  checkPlan(file, saved, now, settings.planKey);
  const folder = await mkdtemp(join(tempDir, 'slipway-plan-'));
  const plain = join(folder, 'terraform.tfplan');
  await writeFile(plain, saved.plan, { mode: 0o600 });
  return readPlan(plain, [], ports).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
}

async function applyPlan(plan: Plan, settings: Settings, ports: RunPorts): Promise<LegReport> {
  const { terraform, log } = ports;
  const { summary, file, diagnostics } = plan;
  const problem = limitProblem(summary, settings);
  if (problem) return denied(settings, problem, summary, { diagnostics });
  const planned = planSection(summary, settings.values);
  // A plan that was approved has been through the policies; one that was made here has not.
  if (settings.plan === '' && settings.operation === 'apply') {
    const { findings } = await judge(plan, settings, ports);
    const policies = outcomeOfFindings(findings);
    const body = findingsText(findings, FINDINGS_ROOM) + planned;
    if (!isGood(policies)) return report(settings, policies, body, { plan: summary, diagnostics, findings });
  }
  if (!hasChanges(summary)) {
    const outputs = await outputsOf(ports);
    const outcome: Outcome = { status: 'unchanged', cause: 'nothing had to change' };
    const body = planned + outputsSection(outputs.plain, outputs.sensitive);
    return report(settings, outcome, body, { plan: summary, outputs, diagnostics });
  }
  const result = await log.group(`terraform ${settings.operation}`, () =>
    terraform.apply(file, settings.lockTimeoutMs).catch((error: unknown) => {
      throw error instanceof Problem && error.kind === 'cancelled' ? interrupted(settings) : error;
    }),
  );
  const all = [...diagnostics, ...result.diagnostics.map((one) => hideIn(one, summary.secrets))];
  if (!result.ok) return refused(settings, all, 'apply', { plan: summary, progress: result.progress });
  const outputs = await outputsOf(ports);
  const body = planned + diagnosticsSection(all) + outputsSection(outputs.plain, outputs.sensitive);
  return report(settings, { status: 'succeeded', cause: '' }, body, { plan: summary, outputs, diagnostics: all });
}

function interrupted({ operation, root }: Settings): Problem {
  return new Problem({
    what: `terraform ${operation} in ${root}`,
    cause: 'the run was cancelled, so it stopped after what it had begun',
    fix: 'Run it again: Terraform goes on from its state. Should that be locked, the run says by whom and how to release it',
    kind: 'cancelled',
  });
}
