import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { byTwos, folders, TERRAFORM } from './folders.ts';

/** stdout and stderr in one, whatever the exit code. */
function lint(program: string, argv: readonly string[], cwd: string): Promise<{ status: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, argv, { cwd, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error);
      else resolve({ status: child.exitCode ?? 1, output: (stdout + stderr).trim() });
    });
  });
}

/** An example is one file that is read from top to bottom; which versions it needs, the module that it calls says. */
const NOT_FOR_EXAMPLES = [
  'terraform_required_providers',
  'terraform_required_version',
  'terraform_standard_module_structure',
];
const optionsFor = (folder: string) =>
  /(^|\/)examples\//.test(folder) ? NOT_FOR_EXAMPLES.map((rule) => `--disable-rule=${rule}`) : [];

test('tflint finds nothing', async () => {
  const config = join(TERRAFORM, '.tflint.hcl');
  const results = await byTwos(folders(), async (folder) => {
    const { status, output } = await lint(
      'tflint',
      ['--no-color', '--format=compact', '--config', config, ...optionsFor(folder)],
      join(TERRAFORM, folder),
    );
    return [folder, status, output];
  });
  expect(results).toEqual(folders().map((folder) => [folder, 0, '']));
}, 120_000);

describe('checkov', () => {
  test('finds nothing', async () => {
    const { status, output } = await lint(
      'checkov',
      ['--config-file', '.checkov.yaml', '--directory', '.', '--output', 'json'],
      TERRAFORM,
    );
    const report = JSON.parse(output) as {
      summary: { passed: number; failed: number; parsing_errors: number };
      results: {
        failed_checks: { check_id: string; resource: string; file_path: string; file_line_range: number[] }[];
      };
    };
    const failed = report.results.failed_checks.map(
      ({ check_id, resource, file_path, file_line_range }) =>
        `${file_path}:${file_line_range[0]} ${check_id} ${resource}`,
    );
    expect(failed).toEqual([]);
    expect([status, report.summary.parsing_errors, report.summary.passed > 0]).toEqual([0, 0, true]);
  }, 120_000);

  test('what is skipped is skipped where it stands, with a reason', () => {
    const skips = readdirSync(TERRAFORM, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.tf') && !name.includes('.terraform/'))
      .flatMap((name) =>
        [...readFileSync(join(TERRAFORM, name), 'utf8').matchAll(/(?:checkov|tflint)[:-](?:skip|ignore).*/g)].map(
          ([line]) => `${name}: ${line}`,
        ),
      );
    expect(
      skips.filter((skip) => !/checkov:skip=CKV2?_\w+:\S+ \S+|tflint-ignore: \w+ # \S+ \S+|As above/.test(skip)),
    ).toEqual([]);
    expect(readFileSync(join(TERRAFORM, '.checkov.yaml'), 'utf8')).not.toMatch(/skip-check|soft-fail/);
  });
});
