import { join } from 'node:path';
import type { Problem } from '../../../lib/errors.ts';
import type { LegReport } from '../../../lib/leg/leg.ts';
import { isGood, type Outcome } from '../../../lib/outcome.ts';
import type { Annotation } from '../../../lib/report.ts';
import { type Finding, annotationOf as findingAnnotation } from '../checks/finding.ts';
import { explainLock, lockHolder } from '../lock.ts';
import type { Diagnostic } from '../messages.ts';
import { outputTexts, type TerraformOutputs } from '../outputs.ts';
import { countChanges, type PlanSummary } from '../plan/plan.ts';
import type { Progress } from '../progress.ts';
import { diagnosticsSection, planSection, progressSection, title } from '../report/summary.ts';
import type { Settings } from './settings.ts';

export interface Facts {
  plan?: PlanSummary;
  planFile?: string;
  /** SHA-256 of the file that the plan was saved to. */
  planDigest?: string;
  outputs?: TerraformOutputs;
  diagnostics?: readonly Diagnostic[];
  findings?: readonly Finding[];
  lockId?: string;
  url?: string;
}

export function report(settings: Settings, outcome: Outcome, body: string, facts: Facts): LegReport {
  const {
    plan,
    planFile = '',
    planDigest = '',
    outputs,
    diagnostics = [],
    findings = [],
    lockId = '',
    url = '',
  } = facts;
  return {
    outcome,
    outputs: {
      changes: plan ? JSON.stringify(countChanges(plan)) : '',
      plan: planFile,
      'plan-digest': planDigest,
      outputs: JSON.stringify(outputs?.plain ?? {}),
      'lock-id': lockId,
      url,
    },
    componentOutputs: outputTexts(outputs?.plain ?? {}),
    ...(settings.operation === 'destroy' && isGood(outcome) && { entry: { state: 'destroyed', cause: 'destroyed' } }),
    summary: title(settings.operation, settings.root, settings.environment) + body,
    annotations: [...diagnostics.map((one) => annotationOf(one, settings.root)), ...findings.map(findingAnnotation)],
  };
}

function annotationOf(one: Diagnostic, root: string): Annotation {
  const about = one.address === undefined ? '' : `${one.address}: `;
  return {
    level: one.severity,
    title: `Terraform: ${one.summary}`,
    message: about + (one.detail || one.summary),
    ...(one.file !== undefined && { file: join(root, one.file).replaceAll('\\', '/') }),
    line: one.line,
    column: one.column,
  };
}

/** The report on a plan that slipway itself refuses to apply; it shows the plan all the same. */
export function denied(settings: Settings, problem: Problem, plan: PlanSummary, facts: Facts = {}): LegReport {
  const outcome: Outcome = { status: 'denied', cause: problem.finding, next: problem.parts.fix };
  return report(settings, outcome, planSection(plan, settings.values), { ...facts, plan });
}

const DENIED = /AccessDenied|UnauthorizedOperation|not authorized to perform|ExpiredToken|No valid credential sources/;

/** The report on a call that Terraform refused or could not finish. */
export function refused(
  settings: Settings,
  diagnostics: readonly Diagnostic[],
  step: string,
  done: { plan?: PlanSummary; progress?: Progress } = {},
): LegReport {
  const errors = diagnostics.filter((one) => one.severity === 'error');
  const body = [
    diagnosticsSection(diagnostics),
    done.progress ? progressSection(done.progress) : '',
    done.plan ? planSection(done.plan, settings.values) : '',
  ].join('');
  const facts = { diagnostics, ...(done.plan && { plan: done.plan }) };
  const holder = lockHolder(errors);
  if (holder) {
    const { cause, next } = explainLock(holder, settings);
    return report(settings, { status: 'failed', cause, next }, body, { ...facts, lockId: holder.id });
  }
  const [first] = errors;
  const place = first?.file === undefined ? '' : ` (${join(settings.root, first.file)}:${first.line ?? 1})`;
  const resource = first?.address === undefined ? '' : ` in ${first.address}`;
  const more = errors.length > 1 ? `, and ${errors.length - 1} more` : '';
  const applied = done.progress?.done.length ?? 0;
  const after = applied > 0 ? ` after ${applied} resource${applied === 1 ? ' was' : 's were'} changed` : '';
  const cause = `terraform ${step} failed${after}: ${first?.summary ?? 'no reason given'}${resource}${place}${more}`;
  const isDenied = errors.some((one) => DENIED.test(`${one.summary} ${one.detail}`));
  return report(
    settings,
    { status: isDenied ? 'denied' : 'failed', cause, next: nextStep(first, isDenied, step) },
    body,
    facts,
  );
}

function nextStep(first: Diagnostic | undefined, isDenied: boolean, step: string): string {
  if (isDenied) return 'Give the role of this run the right that the message names, or check that setup-aws ran before';
  if (/saved plan is stale/i.test(first?.summary ?? ''))
    return 'The state has moved since the plan was made: plan again and apply that';
  if (step === 'apply') return 'Correct it and run this again: Terraform goes on from what its state says was done';
  return first?.detail.split('\n').find((line) => line.trim() !== '') ?? 'See the log of this step';
}
