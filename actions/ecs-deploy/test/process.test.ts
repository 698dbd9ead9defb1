import { spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/clock.ts';
import { DIGEST, type ScriptedEcs, scriptedEcs } from './scripted-ecs.ts';

// The action as the runner starts and cancels it: inputs in the environment, one SIGINT to the process.
const MAIN = new URL('../main.ts', import.meta.url).pathname;
let ecs: ScriptedEcs;

beforeAll(async () => {
  ecs = await scriptedEcs(systemClock, { deployment: () => ({ status: 'IN_PROGRESS', pending: 2 }) });
});

afterAll(() => ecs.close());

function start(inputs: Record<string, string>) {
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    AWS_ENDPOINT_URL: ecs.url,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
  for (const [name, value] of Object.entries(inputs)) env[`INPUT_${name.toUpperCase()}`] = value;
  const child = spawn(process.execPath, [MAIN], { env });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
  }
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { child, ended, log: () => log };
}

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!holds() && Date.now() < end) await systemClock.sleep(20);
}

test('a cancelled run rolls back, tells it, and is gone within 5 s', async () => {
  const image = `registry.test/sample-web@${DIGEST}`;
  const { child, ended, log } = start({ cluster: 'sample', service: 'web', image, 'on-cancel': 'rollback' });
  await until(() => ecs.count('DescribeServiceDeployments') > 0);
  const began = Date.now();
  child.kill('SIGINT');
  expect(await ended).toBe(1);
  expect(Date.now() - began).toBeLessThan(5_000);
  expect(ecs.count('StopServiceDeployment')).toBe(1);
  expect(log()).toMatch(/name=outcome::stopped/);
  expect(log()).toMatch(/::error::stopped: the run was cancelled; ECS was told to go back from web:2 to web:1/);
}, 40_000);

test('a missing input is one clear error without a stack', async () => {
  const { ended, log } = start({ cluster: 'sample' });
  expect(await ended).toBe(1);
  expect(log()).toMatch(/::error::input 'service': it is required and was not given/);
  expect(log()).not.toMatch(/^\s+at /m);
}, 20_000);
