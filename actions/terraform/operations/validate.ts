import { relative } from 'node:path';
import type { LegReport } from '../../../lib/leg/leg.ts';
import { isGood, type Outcome } from '../../../lib/outcome.ts';
import type { Finding } from '../checks/finding.ts';
import { checkov, policyKinds } from '../checks/policy.ts';
import { tflint } from '../checks/tflint.ts';
import type { Diagnostic } from '../messages.ts';
import { findingsText } from '../report/comment-text.ts';
import { diagnosticsSection } from '../report/summary.ts';
import { refused, report } from './reporting.ts';
import type { RunPorts, Settings } from './settings.ts';

/** Bytes that findings may take of a summary. */
export const FINDINGS_ROOM = 100_000;

/** Everything that can be said without credentials: validity, format, lint, policies on the configuration. */
export async function validate(settings: Settings, { terraform, tools }: RunPorts): Promise<LegReport> {
  const { ok, diagnostics } = await terraform.validate();
  if (!ok) return refused(settings, diagnostics, 'validate');
  const unformatted = await terraform.unformatted();
  const formatting = unformatted.map(
    (file): Diagnostic => ({
      severity: 'error',
      summary: 'Not formatted',
      detail: `run: ${terraform.product === 'OpenTofu' ? 'tofu' : 'terraform'} fmt -recursive`,
      file,
      line: 1,
    }),
  );
  const findings = [
    ...(settings.lint ? await tflint(settings.folder, settings.root, tools) : []),
    ...(await configurationPolicies(settings, tools)),
  ];
  const all = [...diagnostics, ...formatting];
  const body = diagnosticsSection(all) + findingsText(findings, FINDINGS_ROOM) || 'Valid and formatted.\n\n';
  const outcome = worst(outcomeOfFormat(unformatted), outcomeOfFindings(findings));
  return report(settings, outcome, body, { diagnostics: all, findings });
}

async function configurationPolicies(settings: Settings, tools: RunPorts['tools']): Promise<Finding[]> {
  const { policy, folder, root } = settings;
  if (policy === '' || !(await policyKinds(policy)).includes('checkov')) return [];
  return checkov(relative(folder, policy), folder, root, tools);
}

function outcomeOfFormat(files: readonly string[]): Outcome {
  if (files.length === 0) return { status: 'succeeded', cause: '' };
  const more = files.length > 1 ? ` and ${files.length - 1} more` : '';
  return { status: 'failed', cause: `${files[0]}${more} is not formatted`, next: 'Run terraform fmt -recursive' };
}

/** Errors of linters and policies refuse; warnings are only told. */
export function outcomeOfFindings(findings: readonly Finding[]): Outcome {
  const errors = findings.filter(({ level }) => level === 'error');
  const [first] = errors;
  if (!first) return { status: 'succeeded', cause: '' };
  const more = errors.length > 1 ? `, and ${errors.length - 1} more` : '';
  const next = 'Correct what it names, or change the policy in a commit of its own';
  return { status: 'denied', cause: `${first.tool} ${first.rule}: ${first.message}${more}`, next };
}

function worst(a: Outcome, b: Outcome): Outcome {
  return isGood(a) ? b : a;
}
