import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Problem } from '../../../lib/errors.ts';
import type { Finding } from './finding.ts';
import { jsonOf, nearestFile, type ToolPorts } from './tool.ts';

/** What a folder of policies is written for. */
export type PolicyKind = 'conftest' | 'checkov';

/** Which programs a folder of policies needs: Rego is conftest's, Python and YAML are checkov's. @throws Problem for a folder with neither. */
export async function policyKinds(folder: string): Promise<PolicyKind[]> {
  const files = await readdir(folder, { recursive: true }).catch(() => undefined);
  const kinds: PolicyKind[] = [];
  const policies = files?.filter((file) => !NO_POLICIES.test(file));
  if (policies?.some((file) => file.endsWith('.rego'))) kinds.push('conftest');
  if (policies?.some((file) => /\.(py|ya?ml)$/.test(file))) kinds.push('checkov');
  if (kinds.length > 0) return kinds;
  throw new Problem({
    what: "input 'policy'",
    seen: folder,
    cause: files ? 'it holds no policies (.rego for conftest, .py or .yaml for checkov)' : 'there is no such folder',
    fix: 'Write it relative to the root of the repository',
  });
}

/** Folders beside policies: their data, and what their tests read. */
const NO_POLICIES = /(?:^|[\\/])(?:data|fixtures|tests?)[\\/]/;

/** Policies in Rego on a plan; a folder `data` inside of theirs is their data. @param planJson file with `show -json` of the plan; it holds secrets. */
export async function conftest(policy: string, planJson: string, folder: string, ports: ToolPorts): Promise<Finding[]> {
  const program = await installed('conftest', policy, ports);
  const data = join(policy, 'data');
  const settings = existsSync(resolve(folder, data)) ? [`--data=${data}`] : [];
  const argv = ['test', '--output=json', '--all-namespaces', `--policy=${policy}`, ...settings, planJson];
  return readConftest(await jsonOf([program, ...argv], folder, ports));
}

interface ConftestResult {
  namespace?: string;
  warnings?: ConftestMessage[] | null;
  failures?: ConftestMessage[] | null;
}

interface ConftestMessage {
  msg?: string;
  /** What a rule adds to its message; the name of the policy, where it says one. */
  metadata?: { policy?: unknown };
}

/** Source: open-policy-agent/conftest, output/result.go. */
export function readConftest(json: unknown): Finding[] {
  return (json as ConftestResult[]).flatMap(({ namespace = 'main', warnings, failures }) => {
    const findings = (messages: ConftestMessage[] | null | undefined, level: Finding['level']): Finding[] =>
      (messages ?? []).map(({ msg = '', metadata }) => ({
        tool: 'conftest',
        rule: typeof metadata?.policy === 'string' ? metadata.policy : namespace,
        level,
        message: msg,
      }));
    return [...findings(failures, 'error'), ...findings(warnings, 'warning')];
  });
}

/** Policies of checkov on the configuration of a root, together with checkov's own. */
export async function checkov(policy: string, folder: string, root: string, ports: ToolPorts): Promise<Finding[]> {
  const program = await installed('checkov', policy, ports);
  const config = nearestFile('.checkov.yaml', folder, root) ?? nearestFile('.checkov.yml', folder, root);
  const settings = config === undefined ? [] : ['--config-file', config];
  const argv = ['--directory', '.', '--framework', 'terraform', '--external-checks-dir', policy, ...settings];
  const json = await jsonOf([program, ...argv, '--output', 'json', '--quiet', '--compact'], folder, ports);
  return readCheckov(json, root);
}

interface CheckovReport {
  results?: { failed_checks?: CheckovCheck[]; parsing_errors?: string[] };
}

interface CheckovCheck {
  check_id?: string;
  check_name?: string;
  resource?: string;
  file_path?: string;
  file_line_range?: number[];
}

/** Source: bridgecrewio/checkov, common/output/report.py; one report, or a list of one for each framework. */
export function readCheckov(json: unknown, root: string): Finding[] {
  const reports = (Array.isArray(json) ? json : [json]) as CheckovReport[];
  const file = (path: string) => join(root, path).replaceAll('\\', '/');
  return reports.flatMap(({ results }) => [
    ...(results?.failed_checks ?? []).map(
      (one): Finding => ({
        tool: 'checkov',
        rule: one.check_id ?? '',
        level: 'error',
        message: [one.resource, one.check_name].filter(Boolean).join(': '),
        ...(one.file_path && { file: file(one.file_path) }),
        ...(one.file_line_range?.[0] !== undefined && { line: one.file_line_range[0] }),
      }),
    ),
    ...(results?.parsing_errors ?? []).map(
      (path): Finding => ({
        tool: 'checkov',
        rule: 'parsing',
        level: 'error',
        message: 'it could not be read, so nothing in it was checked',
        file: file(path),
      }),
    ),
  ]);
}

async function installed(tool: PolicyKind, policy: string, ports: ToolPorts): Promise<string> {
  const program = await ports.find(tool);
  if (program !== undefined) return program;
  throw new Problem({
    what: "input 'policy'",
    seen: policy,
    cause: `its policies are for ${tool}, which is not installed, and a policy that nobody looks at is no policy`,
    fix: `Install ${tool} in a step before this one, or take 'policy' away`,
    kind: 'environment',
  });
}
