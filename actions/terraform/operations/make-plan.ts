import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { suggestion } from '../../../lib/config/suggest.ts';
import type { LegReport } from '../../../lib/leg/leg.ts';
import type { Finding } from '../checks/finding.ts';
import { type Cost, infracost } from '../checks/infracost.ts';
import { conftest, policyKinds } from '../checks/policy.ts';
import { type Diagnostic, hideIn } from '../messages.ts';
import { covers } from '../plan/limits.ts';
import { countChanges, type PlanSummary, sayCounts, summarisePlan } from '../plan/plan.ts';
import { refused } from './reporting.ts';
import type { RunPorts, Settings } from './settings.ts';

/** A plan that is there, as a file that only this user reads. */
export interface Plan {
  summary: PlanSummary;
  file: string;
  diagnostics: readonly Diagnostic[];
  /** What Terraform says of it, with every secret; never printed. */
  json: unknown;
}

export type Made = Plan | { report: LegReport };

/** @returns the plan, or the report on why there is none */
export async function makePlan(
  settings: Settings,
  { terraform, log, tempDir }: RunPorts,
  lock: boolean,
): Promise<Made> {
  const folder = await mkdtemp(join(tempDir, 'slipway-plan-'));
  const file = join(folder, 'terraform.tfplan');
  const { varFiles, lockTimeoutMs, operation } = settings;
  try {
    const { ok, diagnostics } = await log.group('terraform plan', () =>
      terraform.plan({ out: file, varFiles, lock, lockTimeoutMs, destroy: operation === 'destroy' }),
    );
    if (!ok) {
      await dropPlan({ file });
      return { report: refused(settings, diagnostics, 'plan') };
    }
    const plan = await readPlan(file, diagnostics, { terraform, log });
    for (const warning of misnamed(plan.json, settings)) log.warning(warning);
    return plan;
  } catch (error) {
    await dropPlan({ file });
    throw error;
  }
}

/**
 * Names that are set and that the root does not know. Terraform ignores a TF_VAR of an unknown variable without a word, and a guard with a typo
 * guards nothing. Source: "JSON Output Format"; resource_changes names what stays as it is, too.
 */
function misnamed(json: unknown, { planInputs, limits, root, operation }: Settings): string[] {
  const { configuration, resource_changes = [] } = json as {
    configuration?: { root_module?: { variables?: Record<string, unknown> } };
    resource_changes?: { address?: string; previous_address?: string }[];
  };
  const declared = Object.keys(configuration?.root_module?.variables ?? {});
  const variables = Object.keys(planInputs).flatMap((name) => /^variable (.*)$/.exec(name)?.[1] ?? []);
  const addresses = resource_changes.flatMap(({ address = '', previous_address = '' }) => [address, previous_address]);
  const unused = (pattern: string) => !addresses.some((address) => covers(pattern, address));
  return [
    ...variables
      .filter((name) => !declared.includes(name))
      .map(
        (name) =>
          `'${name}' is no variable of ${root}, so Terraform ignores it. ${suggestion(name, declared, 'variable')}`,
      ),
    // A root that is gone already has nothing to protect.
    ...(operation === 'destroy' && addresses.length === 0 ? [] : limits.protected.filter(unused)).map(
      (pattern) => `'protected' has ${pattern}, and no resource of ${root} has that address: it protects nothing`,
    ),
  ];
}

export async function readPlan(
  file: string,
  diagnostics: readonly Diagnostic[],
  { terraform, log }: Pick<RunPorts, 'terraform' | 'log'>,
): Promise<Plan> {
  const json = await terraform.show(file);
  const summary = summarisePlan(json);
  for (const secret of summary.secrets.marked) log.mask(secret);
  log.info(`Plan: ${sayCounts(countChanges(summary))}`);
  return { summary, file, diagnostics: diagnostics.map((one) => hideIn(one, summary.secrets)), json };
}

/** Removes a plan that makePlan() made. */
export async function dropPlan({ file }: Pick<Plan, 'file'>): Promise<void> {
  await rm(dirname(file), { recursive: true, force: true });
}

export interface Judged {
  findings: Finding[];
  cost: Cost | undefined;
}

/** What policies say about a plan, and what it costs. The plan's JSON is on the disk only while they read it. */
export async function judge(plan: Plan, settings: Settings, { tools }: RunPorts): Promise<Judged> {
  const { policy, folder } = settings;
  const wanted = policy !== '' && (await policyKinds(policy)).includes('conftest');
  const priced = tools.env.INFRACOST_API_KEY !== undefined;
  if (!wanted && !priced) return { findings: [], cost: undefined };
  const file = join(dirname(plan.file), 'plan.json');
  await writeFile(file, JSON.stringify(plan.json), { mode: 0o600 });
  try {
    const found = wanted ? await conftest(policy, file, folder, tools) : [];
    // A policy's words may quote what it has found.
    const findings = found.map((one) => ({ ...one, message: plan.summary.secrets.hide(one.message) }));
    return { findings, cost: await infracost(file, folder, tools) };
  } finally {
    await rm(file, { force: true });
  }
}
