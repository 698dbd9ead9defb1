import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

export interface WorkingCopy {
  folder: string;
  remove(): void;
}

/** A copy without what earlier runs left: `terraform init` writes into the folder. */
export function workingCopy(source: string): WorkingCopy {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-terraform-'));
  cpSync(source, folder, { recursive: true, filter: (path) => basename(path) !== '.terraform' });
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface TerraformResult {
  status: number;
  stdout: string;
  /** What a person would have seen. */
  output: string;
}

/** Settings of the machine that would send terraform elsewhere, or make it ask. */
const OURS = {
  TF_CLI_CONFIG_FILE: '/dev/null',
  TF_IN_AUTOMATION: '1',
  CHECKPOINT_DISABLE: '1',
  AWS_EC2_METADATA_DISABLED: 'true',
};

/** @returns a function that runs terraform in the folder and waits for it, whatever its exit code */
export function terraformIn(folder: string, env: Readonly<Record<string, string>> = {}) {
  return (argv: readonly string[]): Promise<TerraformResult> =>
    new Promise((resolve, reject) => {
      const child = execFile(
        'terraform',
        [`-chdir=${folder}`, ...argv, '-no-color'],
        { env: { ...process.env, ...OURS, ...env }, maxBuffer: 64 << 20 },
        (error, stdout, stderr) => {
          if (error && typeof error.code !== 'number') reject(error);
          else resolve({ status: child.exitCode ?? 1, stdout, output: stdout + stderr });
        },
      );
    });
}
