/** The program that tells CloudWatch of a host's memory and disk, run here: real df and awk, and an `aws` that notes what it was asked. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';

const folder = mkdtempSync(join(tmpdir(), 'host-metrics-'));
afterAll(() => rmSync(folder, { recursive: true }));

// As templatefile() fills it.
const userData = readFileSync(join(import.meta.dirname, '../../terraform/modules/docker-host/user-data.sh'), 'utf8')
  .replaceAll(
    /(?<!\$)\$\{(group|region)\}/g,
    (_all, name: string) => ({ group: 'sample-dev-docker-host', region: 'eu-central-1' })[name] ?? '',
  )
  .replaceAll('$${', '${');

test('memory and disk, of the group', () => {
  const [, program = ''] = /<< 'PROGRAM'\n([\s\S]*?)\nPROGRAM\n/.exec(userData) ?? [];
  const [file, aws, asked] = ['slipway-metrics', 'aws', 'asked'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(file, program);
  writeFileSync(aws, `#!/bin/sh\nprintf '%s\\0' "$@" > '${asked}'\n`);
  for (const one of [file, aws]) chmodSync(one, 0o755);
  execFileSync('bash', [file], { env: { ...process.env, PATH: `${folder}:${process.env.PATH}`, LANG: 'de_DE.UTF-8' } });

  const words = readFileSync(asked, 'utf8').split('\0').slice(0, -1);
  expect(words.slice(0, -1)).toEqual([
    'cloudwatch',
    'put-metric-data',
    '--region',
    'eu-central-1',
    '--namespace',
    'Slipway/Hosts',
    '--metric-data',
  ]);
  const data = JSON.parse(words.at(-1) ?? '') as { MetricName: string; Value: number }[];
  expect(data.map(({ MetricName }) => MetricName)).toEqual(['memory_used_percent', 'disk_used_percent']);
  for (const { Value } of data) expect(Value > 0 && Value <= 100).toBe(true);
  expect(data[0]).toMatchObject({
    Unit: 'Percent',
    Dimensions: [{ Name: 'AutoScalingGroupName', Value: 'sample-dev-docker-host' }],
  });
});

test('what the first start runs is shell without faults', () => {
  const file = join(folder, 'user-data.sh');
  writeFileSync(file, userData);
  execFileSync('shellcheck', ['--severity', 'style', file], { stdio: 'pipe' });
  const [, program = ''] = /<< 'PROGRAM'\n([\s\S]*?)\nPROGRAM\n/.exec(userData) ?? [];
  writeFileSync(file, `${program}\n`);
  execFileSync('shellcheck', ['--severity', 'style', file], { stdio: 'pipe' });
});
