import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { recordingLog } from '../../../lib/log.ts';
import { processes } from '../../../lib/process.ts';
import { infracost, readInfracost } from './infracost.ts';
import { checkov, conftest, policyKinds, readCheckov, readConftest } from './policy.ts';
import { readTflint, tflint } from './tflint.ts';
import type { ToolPorts } from './tool.ts';

const base = mkdtempSync(join(tmpdir(), 'slipway-checks-'));
let folder = '';
let count = 0;
beforeEach(() => {
  folder = join(base, String(++count));
  mkdirSync(join(folder, 'policy'), { recursive: true });
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** A program of that name that notes its arguments, prints a text and ends with a code. */
function program(name: string, prints: string, code = 0): void {
  const path = join(folder, name);
  writeFileSync(join(folder, `${name}.out`), prints);
  writeFileSync(path, `#!/bin/sh\nprintf '%s\\n' "$@" > '${path}.args'\ncat '${path}.out'\nexit ${code}\n`);
  chmodSync(path, 0o755);
}
const given = (name: string) =>
  readFileSync(join(folder, `${name}.args`), 'utf8')
    .trim()
    .split('\n');

function ports(installed: string[] = [], env: NodeJS.ProcessEnv = {}): ToolPorts & { lines: string[] } {
  const log = recordingLog();
  return {
    processes: processes(),
    log,
    lines: log.lines,
    env: { PATH: process.env.PATH, ...env },
    signal: new AbortController().signal,
    find: async (tool) => (installed.includes(tool) ? join(folder, tool) : undefined),
  };
}

describe('tflint', () => {
  const OUTPUT = {
    issues: [
      {
        rule: { name: 'aws_bad_type', severity: 'error' },
        message: 'no such type',
        range: { filename: 'main.tf', start: { line: 4 } },
      },
      {
        rule: { name: 'terraform_naming', severity: 'notice' },
        message: 'name it',
        range: { filename: '', start: { line: 1 } },
      },
    ],
    errors: [{ summary: 'plugin', message: 'not installed' }],
  };
  test('is read with its places from the root of the repository', () => {
    expect(readTflint(OUTPUT, 'infra')).toEqual([
      { tool: 'tflint', rule: 'error', level: 'error', message: 'plugin: not installed' },
      { tool: 'tflint', rule: 'aws_bad_type', level: 'error', message: 'no such type', file: 'infra/main.tf', line: 4 },
      { tool: 'tflint', rule: 'terraform_naming', level: 'warning', message: 'name it', line: 1 },
    ]);
  });
  test('is run where it is installed, and a finding is no failure of the program', async () => {
    expect(await tflint(folder, 'infra', ports())).toEqual([]);
    program('tflint', JSON.stringify(OUTPUT), 2);
    expect(await tflint(folder, 'infra', ports(['tflint']))).toHaveLength(3);
    expect(given('tflint')).toEqual(['--format=json', '--no-color']);
    // The settings of the whole repository, and nearer ones of a root; nothing from outside of the repository.
    const root = join(folder, 'infra/app');
    mkdirSync(root, { recursive: true });
    writeFileSync(join(folder, '.tflint.hcl'), '');
    await tflint(root, 'infra/app', ports(['tflint']));
    expect(given('tflint')).toContain('--config=../../.tflint.hcl');
    writeFileSync(join(root, '.tflint.hcl'), '');
    await tflint(root, 'infra/app', ports(['tflint']));
    expect(given('tflint')).toContain('--config=.tflint.hcl');
    rmSync(join(root, '.tflint.hcl'));
    await tflint(root, 'app', ports(['tflint']));
    expect(given('tflint')).toEqual(['--format=json', '--no-color']);
  });
  test('that prints no findings has not looked, which is an error', async () => {
    program('tflint', 'Failed to initialize plugins', 1);
    await expect(tflint(folder, 'infra', ports(['tflint']))).rejects.toThrow(
      /tflint: it ended with 1 and printed no JSON: Failed/,
    );
  });
});

describe('policies', () => {
  test('are told apart by what they are written in', async () => {
    await expect(policyKinds(join(folder, 'nowhere'))).rejects.toThrow(/no such folder/);
    await expect(policyKinds(join(folder, 'policy'))).rejects.toThrow(/holds no policies/);
    mkdirSync(join(folder, 'policy/aws'));
    writeFileSync(join(folder, 'policy/aws/a.rego'), '');
    mkdirSync(join(folder, 'policy/fixtures'));
    writeFileSync(join(folder, 'policy/fixtures/x.yaml'), '');
    expect(await policyKinds(join(folder, 'policy'))).toEqual(['conftest']);
    writeFileSync(join(folder, 'policy/b.yaml'), '');
    expect(await policyKinds(join(folder, 'policy'))).toEqual(['conftest', 'checkov']);
  });

  test('of conftest: denials are errors, and what is not installed is no pass', async () => {
    const output = [
      {
        namespace: 'aws.rds',
        failures: [{ msg: 'public', metadata: { policy: 'no-public' } }],
        warnings: [{ msg: 'old' }],
        successes: 3,
      },
      { namespace: 'main', failures: null },
    ];
    expect(readConftest(output)).toEqual([
      { tool: 'conftest', rule: 'no-public', level: 'error', message: 'public' },
      { tool: 'conftest', rule: 'aws.rds', level: 'warning', message: 'old' },
    ]);
    await expect(conftest('policy', 'plan.json', folder, ports())).rejects.toThrow(/conftest, which is not installed/);
    program('conftest', JSON.stringify(output), 1);
    expect(await conftest('policy', 'plan.json', folder, ports(['conftest']))).toHaveLength(2);
    expect(given('conftest')).toEqual(['test', '--output=json', '--all-namespaces', '--policy=policy', 'plan.json']);
    mkdirSync(join(folder, 'policy/data'));
    await conftest('policy', 'plan.json', folder, ports(['conftest']));
    expect(given('conftest')).toContain('--data=policy/data');
  });

  test('of checkov: failed checks and files that it could not read', async () => {
    const report = {
      results: {
        failed_checks: [
          { check_id: 'CKV_1', check_name: 'Encrypt', resource: 'a.b', file_path: '/main.tf', file_line_range: [3, 9] },
        ],
        parsing_errors: ['/bad.tf'],
      },
    };
    const expected = [
      { tool: 'checkov', rule: 'CKV_1', level: 'error', message: 'a.b: Encrypt', file: 'infra/main.tf', line: 3 },
      {
        tool: 'checkov',
        rule: 'parsing',
        level: 'error',
        message: expect.stringMatching(/nothing in it/),
        file: 'infra/bad.tf',
      },
    ];
    expect(readCheckov([report], 'infra')).toEqual(expected);
    program('checkov', JSON.stringify(report), 1);
    expect(await checkov('../policy', folder, 'infra', ports(['checkov']))).toEqual(expected);
  });
});

describe('costs', () => {
  const OUTPUT = {
    currency: 'EUR',
    totalMonthlyCost: '120.5',
    pastTotalMonthlyCost: '100',
    diffTotalMonthlyCost: '20.5',
  };
  test('are read, also where there are none', () => {
    expect(readInfracost(OUTPUT)).toEqual({ before: '100.00', after: '120.50', difference: '+20.50', currency: 'EUR' });
    expect(readInfracost({ diffTotalMonthlyCost: '-3' })).toEqual({
      before: '0.00',
      after: '0.00',
      difference: '-3.00',
      currency: 'USD',
    });
  });
  test('are asked for only with a key, and their absence refuses nothing', async () => {
    program('infracost', JSON.stringify(OUTPUT));
    expect(await infracost('plan.json', folder, ports(['infracost']))).toBeUndefined();
    expect(await infracost('plan.json', folder, ports([], { INFRACOST_API_KEY: 'k' }))).toBeUndefined();
    const withKey = ports(['infracost'], { INFRACOST_API_KEY: 'k' });
    expect(await infracost('plan.json', folder, withKey)).toMatchObject({ after: '120.50' });
    program('infracost', 'no network', 1);
    expect(await infracost('plan.json', folder, withKey)).toBeUndefined();
    expect(withKey.lines.join()).toMatch(/What the plan costs is not known: infracost: it ended with 1/);
  });
});
