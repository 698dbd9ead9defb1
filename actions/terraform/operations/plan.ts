import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, Problem } from '../../../lib/errors.ts';
import type { LegReport } from '../../../lib/leg/leg.ts';
import { isGood, type Outcome } from '../../../lib/outcome.ts';
import { code, escapeText, heading } from '../../../lib/summary.ts';
import { findComment, pullRequestNumber, pullRequestOf, writeComment } from '../github/comment.ts';
import type { GitHubPlace } from '../github/place.ts';
import { compareDeeds, decodeDeeds, deedsOf } from '../plan/digest.ts';
import { checkLimits } from '../plan/limits.ts';
import { hasChanges, type PlanSummary } from '../plan/plan.ts';
import { commentText, comparisonText, costText, findingsText } from '../report/comment-text.ts';
import { planSection } from '../report/summary.ts';
import { savePlan, sha256 } from '../saved/saved-plan.ts';
import { dropPlan, type Judged, judge, makePlan, type Plan } from './make-plan.ts';
import { denied, report } from './reporting.ts';
import { nameOf, type RunPorts, type Settings } from './settings.ts';
import { FINDINGS_ROOM, outcomeOfFindings } from './validate.ts';

/**
 * A plan for people to look at: as a comment on a pull request, or saved so that exactly it can be applied once approved. It
 * takes no lock: a plan that waits for its approval must neither wait for a deployment nor hold one up, and one that became
 * stale is refused.
 */
export async function planOnly(settings: Settings, ports: RunPorts): Promise<LegReport> {
  const made = await makePlan(settings, ports, false);
  if ('report' in made) {
    await tellFailure(settings, ports, made.report);
    return made.report;
  }
  let kept = '';
  try {
    const looked = await lookAt(made, settings, ports);
    kept = looked.outputs.plan ?? '';
    return looked;
  } finally {
    // It holds secrets: only the one that a later step is told of stays.
    if (kept !== made.file) await dropPlan(made);
  }
}

async function lookAt(plan: Plan, settings: Settings, ports: RunPorts): Promise<LegReport> {
  const judged = await judge(plan, settings, ports);
  const refusal = limitProblem(plan.summary, settings);
  if (settings.comment) await comment(settings, ports, plan.summary, { ...judged, refusal: refusal?.finding ?? '' });
  const facts = { plan: plan.summary, diagnostics: plan.diagnostics, findings: judged.findings };
  if (refusal) return denied(settings, refusal, plan.summary, facts);
  const body = [
    settings.savePlan === '' ? '' : await comparison(settings, ports, plan.summary),
    findingsText(judged.findings, FINDINGS_ROOM),
    costText(judged.cost),
    planSection(plan.summary, settings.values),
  ].join('');
  const policies = outcomeOfFindings(judged.findings);
  if (!isGood(policies)) return report(settings, policies, body, facts);
  if (settings.savePlan === '')
    return report(settings, planOutcome(plan.summary), body, { ...facts, planFile: plan.file });
  const digest = await save(plan, settings, ports);
  const note = `Saved for the approval: SHA-256 ${code(digest)}. Exactly this is applied, or nothing.\n\n`;
  return report(settings, planOutcome(plan.summary), note + body, {
    ...facts,
    planFile: settings.savePlan,
    planDigest: digest,
  });
}

function planOutcome(plan: PlanSummary): Outcome {
  return hasChanges(plan) ? { status: 'succeeded', cause: '' } : { status: 'unchanged', cause: 'nothing would change' };
}

/** Why slipway would not apply the plan; undefined when it would. */
export function limitProblem(plan: PlanSummary, { limits }: Pick<Settings, 'limits'>): Problem | undefined {
  try {
    checkLimits(plan, limits);
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

async function save(plan: Plan, settings: Settings, { terraform, identity, now }: RunPorts): Promise<string> {
  const { repository, commit, runId, runAttempt } = identity;
  const { product, version } = terraform;
  const { environment, component, root, planKey, planInputs: inputs } = settings;
  const at = new Date(now()).toISOString();
  const header = { repository, environment, component, root, commit, runId, runAttempt, product, version, at };
  const destroy = settings.operation === 'destroy';
  const file = savePlan(await readFile(plan.file), { header, destroy, inputs }, planKey);
  await mkdir(dirname(settings.savePlan), { recursive: true });
  await writeFile(settings.savePlan, file, { mode: 0o600 });
  return sha256(file);
}

/** The comment is information: where it cannot be written, the plan is still in the summary. */
async function comment(
  settings: Settings,
  ports: RunPorts,
  plan: PlanSummary,
  judged: Judged & { refusal: string },
): Promise<void> {
  const { terraform, identity } = ports;
  await post(settings, ports, (place) =>
    commentText({
      root: { name: nameOf(settings), environment: settings.environment },
      plan,
      values: settings.values,
      ...judged,
      sha: headOf(place) ?? identity.commit,
      runUrl: place.context.runUrl,
      tool: `${terraform.product} ${terraform.version}`,
    }),
  );
}

/**
 * A plan that failed replaces the one of the commit before, which would be taken for this commit's. Only what failed and where: details may
 * quote values, which the runner masks in logs and summaries and not in comments, and without a plan it is not known which are sensitive.
 */
async function tellFailure(settings: Settings, ports: RunPorts, { outcome }: LegReport): Promise<void> {
  if (!settings.comment) return;
  await post(settings, ports, (place) => {
    const head = heading(
      3,
      `Terraform plan: ${code(nameOf(settings))}${settings.environment ? ` (${escapeText(settings.environment)})` : ''}`,
    );
    const link = place.context.runUrl === '' ? '' : `\n[The run](${place.context.runUrl}) has the whole story.\n`;
    return `${head}❌ ${outcome.status}: ${escapeText(outcome.cause)}\n${link}`;
  });
}

async function post(
  settings: Settings,
  { github, log }: RunPorts,
  text: (place: GitHubPlace) => string,
): Promise<void> {
  const pull = github && pullRequestNumber(github.context.event);
  if (!github || pull === undefined) {
    log.info(github ? 'No comment: this run is about no pull request' : 'No comment: there is no token');
    return;
  }
  const root = { name: nameOf(settings), environment: settings.environment };
  try {
    log.info(`Comment: ${await writeComment(github, root, pull, text(github))}`);
  } catch (error) {
    if (error instanceof Problem && error.kind === 'cancelled') throw error;
    log.warning(`The plan could not be written into pull request #${pull} (${messageOf(error)}); the summary has it`);
  }
}

/** The pull request's own commit: the one of the run is a merge that nobody knows. */
function headOf({ context }: GitHubPlace): string | undefined {
  const { pull_request: pull } = context.event as { pull_request?: { head?: { sha?: unknown } } };
  return typeof pull?.head?.sha === 'string' ? pull.head.sha : undefined;
}

/**
 * How this plan differs from the one in the pull request. That one is somebody's text by now: it is compared for the eyes of the
 * reviewers, and nothing that is done depends on it.
 */
async function comparison(settings: Settings, { github, log }: RunPorts, plan: PlanSummary): Promise<string> {
  if (!github) return '';
  try {
    const pull = await pullRequestOf(github);
    if (pull === undefined) return 'No pull request brought this commit, so there is no plan to compare it with.\n\n';
    const root = { name: nameOf(settings), environment: settings.environment };
    const found = await findComment(github, root, pull);
    const before = found && decodeDeeds(found.body ?? '');
    if (!before) return `Pull request #${pull} holds no plan of this root and environment to compare it with.\n\n`;
    return comparisonText(pull, compareDeeds(deedsOf(plan), before));
  } catch (error) {
    if (error instanceof Problem && error.kind === 'cancelled') throw error;
    log.warning(`The plan could not be compared with the pull request's (${messageOf(error)})`);
    return 'It could not be compared with the plan of the pull request; the log says why.\n\n';
  }
}
