import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { recordingLog } from '../../lib/log.ts';
import { processes } from '../../lib/process.ts';
import { terraformBinary } from './binary.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-binary-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function program(name: string, version: string, noise = ''): void {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${noise}\necho '{"terraform_version":"${version}"}'\n`);
  chmodSync(path, 0o755);
}
const find = (tool: 'auto' | 'terraform' | 'tofu', version = '') =>
  terraformBinary(
    { tool, version, mirror: 'http://127.0.0.1:1' },
    {
      processes: processes(),
      log: recordingLog(),
      env: { PATH: folder, RUNNER_TOOL_CACHE: folder },
      signal: AbortSignal.timeout(60_000),
    },
  );

test.each(['terraform', 'tofu'] as const)(
  '%s is run itself where a wrapper of its setup action is on PATH',
  async (tool) => {
    // What the wrappers print makes the version unreadable.
    program(tool, '1.9.0', "echo '[command]/opt/bin'");
    program(`${tool}-bin`, '1.9.0');
    expect(await find(tool)).toBe(join(folder, `${tool}-bin`));
    expect(await find('auto', '1.9.0')).toBe(join(folder, `${tool}-bin`));
  },
);

test('without a wrapper it is the one on PATH, terraform before tofu', async () => {
  program('tofu', '1.10.0');
  expect(await find('auto')).toBe(join(folder, 'tofu'));
  program('terraform', '1.9.0');
  expect(await find('auto')).toBe(join(folder, 'terraform'));
  expect(await find('auto', '1.10.0')).toBe(join(folder, 'tofu'));
});
