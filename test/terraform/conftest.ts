import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { TERRAFORM } from './folders.ts';

interface ConftestResult {
  failures?: { msg: string; metadata?: { policy?: string; address?: string } }[] | null;
  warnings?: { msg: string }[] | null;
}

export interface Verdict {
  failures: { msg: string; policy: string; address: string }[];
  warnings: string[];
}

/** What the policies say of a plan. @param plan `terraform show -json` @param data a folder of settings, ours by default */
export async function judge(plan: string, data = join(TERRAFORM, 'policy/data')): Promise<Verdict> {
  const argv = ['test', '--policy', join(TERRAFORM, 'policy'), '--data', data, '--output', 'json', '--no-color', '-'];
  const stdout = await new Promise<string>((resolve, reject) => {
    const child = execFile('conftest', argv, { maxBuffer: 64 << 20 }, (error, out, err) => {
      // 1: something was denied, and what it was is on stdout.
      if (error && (error.code !== 1 || out === '')) reject(new Error(`conftest: ${err || error.message}`));
      else resolve(out);
    });
    child.stdin?.end(plan);
  });
  const [result] = JSON.parse(stdout) as ConftestResult[];
  return {
    failures: (result?.failures ?? []).map(({ msg, metadata }) => ({
      msg,
      policy: metadata?.policy ?? '',
      address: metadata?.address ?? '',
    })),
    warnings: (result?.warnings ?? []).map(({ msg }) => msg),
  };
}

/** Every denial and every warning, in words. */
export async function conftest(plan: string): Promise<string[]> {
  const { failures, warnings } = await judge(plan);
  return [...failures.map(({ msg }) => msg), ...warnings];
}
