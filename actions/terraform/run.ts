import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Problem } from '../../lib/errors.ts';
import type { LegReport } from '../../lib/leg/leg.ts';
import type { Log } from '../../lib/log.ts';
import { isGood, type Outcome } from '../../lib/outcome.ts';
import type { Annotation } from '../../lib/report.ts';
import type { Operation } from './inputs.ts';
import { explainLock, lockHolder } from './lock.ts';
import type { Diagnostic } from './messages.ts';
import { outputTexts, readOutputs, type TerraformOutputs } from './outputs.ts';
import { countChanges, hasChanges, type PlanSummary, sayCounts, summarisePlan } from './plan.ts';
import { diagnosticsSection, outputsSection, planSection, title } from './summary.ts';
import type { Terraform } from './terraform.ts';

export interface Settings {
  operation: Operation;
  /** Folder of the root, relative to the workspace: how messages name it. */
  root: string;
  environment: string;
  varFiles: readonly string[];
  backendConfig: readonly string[];
  /** A saved plan to apply; '' makes one. */
  plan: string;
  confirm: string;
  lockTimeoutMs: number;
  failOnDrift: boolean;
}

export interface RunPorts {
  terraform: Terraform;
  log: Log;
  /** Where plans are kept; they hold secrets, so nobody else's folder. */
  tempDir: string;
}

/**
 * Runs one operation in one root.
 * @throws Problem for a wrong input, a cancellation and a Terraform that cannot be run; what Terraform refuses is a report.
 */
export async function run(settings: Settings, ports: RunPorts): Promise<LegReport> {
  checkConfirmation(settings);
  const { terraform, log } = ports;
  log.info(`${terraform.product} ${terraform.version}: ${settings.operation} in ${settings.root}`);
  const backend = settings.operation !== 'validate';
  const init = await log.group('terraform init', () =>
    terraform.init({ backend, backendConfig: settings.backendConfig }),
  );
  if (!init.ok) return refused(settings, init.diagnostics, 'init');
  switch (settings.operation) {
    case 'validate':
      return validate(settings, ports);
    case 'output':
      return output(settings, ports);
    case 'plan':
    case 'drift':
      return planOnly(settings, ports);
    default:
      return change(settings, ports);
  }
}

function checkConfirmation({ operation, confirm, environment }: Settings): void {
  if (operation !== 'destroy') return;
  if (environment !== '' && confirm === environment) return;
  throw new Problem({
    what: "input 'confirm'",
    seen: confirm,
    cause:
      environment === '' ? 'there is no environment to destroy' : `it is not the environment's name, '${environment}'`,
    fix: environment === '' ? "Set 'environment', and 'confirm' to the same" : `Type ${environment} to destroy it`,
  });
}

async function validate(settings: Settings, { terraform }: RunPorts): Promise<LegReport> {
  const { ok, diagnostics } = await terraform.validate();
  if (!ok) return refused(settings, diagnostics, 'validate');
  const unformatted = await terraform.unformatted();
  const formatting = unformatted.map(
    (file): Diagnostic => ({
      severity: 'warning',
      summary: 'Not formatted',
      detail: 'run: terraform fmt -recursive',
      file,
      line: 1,
    }),
  );
  const all = [...diagnostics, ...formatting];
  return report(settings, { status: 'succeeded', cause: '' }, diagnosticsSection(all) || 'Valid and formatted.\n\n', {
    diagnostics: all,
  });
}

async function output(settings: Settings, ports: RunPorts): Promise<LegReport> {
  const outputs = await outputsOf(ports);
  const body = outputsSection(outputs.plain, outputs.sensitive) || 'No outputs.\n\n';
  return report(settings, { status: 'succeeded', cause: '' }, body, { outputs });
}

async function outputsOf({ terraform, log }: RunPorts): Promise<TerraformOutputs> {
  const outputs = readOutputs(await terraform.output());
  for (const secret of outputs.secrets) log.mask(secret);
  return outputs;
}

async function planOnly(settings: Settings, ports: RunPorts): Promise<LegReport> {
  const made = await makePlan(settings, ports, false);
  if ('report' in made) return made.report;
  const { plan, file, diagnostics } = made;
  const isDrift = settings.operation === 'drift';
  if (isDrift) await rm(dirname(file), { recursive: true, force: true });
  return report(settings, isDrift ? driftOutcome(plan, settings.failOnDrift) : planOutcome(plan), planSection(plan), {
    plan,
    diagnostics,
    ...(isDrift ? {} : { planFile: file }),
  });
}

function planOutcome(plan: PlanSummary): Outcome {
  return hasChanges(plan) ? { status: 'succeeded', cause: '' } : { status: 'unchanged', cause: 'nothing would change' };
}

function driftOutcome(plan: PlanSummary, fail: boolean): Outcome {
  if (!hasChanges(plan)) return { status: 'unchanged', cause: 'what is there is what the configuration says' };
  const outside = plan.drifted.length > 0 ? `, ${plan.drifted.length} changed outside of Terraform` : '';
  const cause = `what is there differs from the configuration: ${sayCounts(countChanges(plan))}${outside}`;
  const next = 'Apply to put it back, or bring the change into the configuration';
  return fail ? { status: 'failed', cause, next } : { status: 'succeeded', cause: '' };
}

type MadePlan = { plan: PlanSummary; file: string; diagnostics: Diagnostic[] } | { report: LegReport };

async function makePlan(settings: Settings, { terraform, log, tempDir }: RunPorts, lock: boolean): Promise<MadePlan> {
  const folder = await mkdtemp(join(tempDir, 'slipway-plan-'));
  const file = join(folder, 'terraform.tfplan');
  const { varFiles, lockTimeoutMs, operation } = settings;
  const { ok, diagnostics } = await log.group('terraform plan', () =>
    terraform.plan({ out: file, varFiles, lock, lockTimeoutMs, destroy: operation === 'destroy' }),
  );
  if (!ok) {
    await rm(folder, { recursive: true, force: true });
    return { report: refused(settings, diagnostics, 'plan') };
  }
  const plan = summarisePlan(await terraform.show(file));
  log.info(`Plan: ${sayCounts(countChanges(plan))}`);
  return { plan, file, diagnostics };
}

/** Applies exactly one saved plan: the one given, or one made here a moment before. */
async function change(settings: Settings, ports: RunPorts): Promise<LegReport> {
  const { terraform, log } = ports;
  const given = settings.plan !== '';
  const made: MadePlan = given
    ? { plan: summarisePlan(await terraform.show(settings.plan)), file: settings.plan, diagnostics: [] }
    : await makePlan(settings, ports, true);
  if ('report' in made) return made.report;
  const { plan, file, diagnostics } = made;
  try {
    if (!hasChanges(plan)) {
      const outputs = await outputsOf(ports);
      const outcome: Outcome = { status: 'unchanged', cause: 'nothing had to change' };
      const body = planSection(plan) + outputsSection(outputs.plain, outputs.sensitive);
      return report(settings, outcome, body, { plan, outputs, diagnostics });
    }
    const result = await log.group(`terraform ${settings.operation}`, () =>
      terraform.apply(file, settings.lockTimeoutMs).catch((error: unknown) => {
        throw error instanceof Problem && error.kind === 'cancelled' ? interrupted(settings) : error;
      }),
    );
    const all = [...diagnostics, ...result.diagnostics];
    if (!result.ok) return refused(settings, all, 'apply', { plan, applied: result.applied });
    const outputs = await outputsOf(ports);
    const body = planSection(plan) + diagnosticsSection(all) + outputsSection(outputs.plain, outputs.sensitive);
    return report(settings, { status: 'succeeded', cause: '' }, body, { plan, outputs, diagnostics: all });
  } finally {
    if (!given) await rm(dirname(file), { recursive: true, force: true });
  }
}

function interrupted({ operation, root }: Settings): Problem {
  return new Problem({
    what: `terraform ${operation} in ${root}`,
    cause: 'the run was cancelled, so it stopped after what it had begun',
    fix: 'Run it again: Terraform goes on from its state. Should that be locked, the run says by whom and how to release it',
    kind: 'cancelled',
  });
}

interface Facts {
  plan?: PlanSummary;
  planFile?: string;
  outputs?: TerraformOutputs;
  diagnostics?: readonly Diagnostic[];
}

function report(settings: Settings, outcome: Outcome, body: string, facts: Facts): LegReport {
  const { plan, planFile = '', outputs, diagnostics = [] } = facts;
  return {
    outcome,
    outputs: {
      changes: plan ? JSON.stringify(countChanges(plan)) : '',
      plan: planFile,
      outputs: JSON.stringify(outputs?.plain ?? {}),
    },
    componentOutputs: outputTexts(outputs?.plain ?? {}),
    ...(settings.operation === 'destroy' && isGood(outcome) && { entry: { state: 'destroyed', cause: 'destroyed' } }),
    summary: title(settings.operation, settings.root, settings.environment) + body,
    annotations: diagnostics.map((one) => annotationOf(one, settings.root)),
  };
}

function annotationOf(one: Diagnostic, root: string): Annotation {
  return {
    level: one.severity,
    title: `Terraform: ${one.summary}`,
    message: one.detail || one.summary,
    ...(one.file !== undefined && { file: join(root, one.file).replaceAll('\\', '/') }),
    line: one.line,
    column: one.column,
  };
}

const DENIED = /AccessDenied|UnauthorizedOperation|not authorized to perform|ExpiredToken|No valid credential sources/;

/** The report on a call that Terraform refused or could not finish. */
function refused(
  settings: Settings,
  diagnostics: readonly Diagnostic[],
  step: string,
  done: { plan?: PlanSummary; applied?: number } = {},
): LegReport {
  const errors = diagnostics.filter((one) => one.severity === 'error');
  const body = (done.plan ? planSection(done.plan) : '') + diagnosticsSection(diagnostics);
  const facts = { diagnostics, ...(done.plan && { plan: done.plan }) };
  const holder = lockHolder(errors);
  if (holder) {
    const { cause, next } = explainLock(holder);
    return report(settings, { status: 'failed', cause, next }, body, facts);
  }
  const [first] = errors;
  const place = first?.file === undefined ? '' : ` (${join(settings.root, first.file)}:${first.line ?? 1})`;
  const more = errors.length > 1 ? `, and ${errors.length - 1} more` : '';
  const applied = done.applied
    ? ` after ${done.applied} resource${done.applied === 1 ? ' was' : 's were'} changed`
    : '';
  const cause = `terraform ${step} failed${applied}: ${first?.summary ?? 'no reason given'}${place}${more}`;
  const denied = errors.some((one) => DENIED.test(`${one.summary} ${one.detail}`));
  return report(
    settings,
    { status: denied ? 'denied' : 'failed', cause, next: nextStep(first, denied, step) },
    body,
    facts,
  );
}

function nextStep(first: Diagnostic | undefined, denied: boolean, step: string): string {
  if (denied) return 'Give the role of this run the right that the message names, or check that setup-aws ran before';
  if (/saved plan is stale/i.test(first?.summary ?? ''))
    return 'The state has moved since the plan was made: plan again and apply that';
  if (step === 'apply') return 'Correct it and run this again: Terraform goes on from what its state says was done';
  return first?.detail.split('\n').find((line) => line.trim() !== '') ?? 'See the log of this step';
}
