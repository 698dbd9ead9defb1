import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/clock.ts';
import { ecsApi } from '../../../lib/ecs/api.ts';
import { readInputs } from '../../../lib/inputs.ts';
import { recordingLog } from '../../../lib/log.ts';
import { LOCAL_ACCESS_KEY_ID, LOCAL_SECRET_ACCESS_KEY } from '../../../local/aws/credentials.ts';
import { prober, serving, shiftingWorld, startTestEcs, type TestEcs } from '../../../local/aws/ecs/test-ecs.ts';
import { fields } from '../inputs.ts';
import { run } from '../run.ts';

// Blue/green, canary and pauses as a workflow goes through them, on real containers behind the local balancer, with lags.
let local: TestEcs;
let site: string;

beforeAll(async () => {
  local = await startTestEcs(shiftingWorld(), { lag: 'real', minuteMs: 2_000 });
  site = `${local.balancers[0]?.url}/health`;
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: local.url,
    AWS_ACCESS_KEY_ID: LOCAL_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY: LOCAL_SECRET_ACCESS_KEY,
  });
  await local.ecs.ready(40_000);
}, 60_000);

afterAll(() => local?.stop(), 60_000);

async function act(version: string, more: Record<string, string>) {
  const given: Record<string, string> = { cluster: 'sample', service: 'web', timeout: '60s', ...more };
  const log = recordingLog();
  const signal = new AbortController().signal;
  const report = await run(
    readInputs(fields, (name) => given[name] ?? ''),
    {
      ecs: ecsApi({ region: local.context.region, action: 'test', signal }),
      evidence: { lastLines: async () => [], targetHealth: async () => [], platformDigests: async () => [] },
      clock: systemClock,
      log,
      signal,
      readText: async () => JSON.stringify({ family: 'web', containerDefinitions: [serving(version)] }),
    },
  );
  return { report, log: log.lines.join('\n') };
}

/** Eight seconds here: each stage lasts longer than the pause between two looks. */
const BAKE = '4m';
const definition = { 'task-definition': 'td.json' };
const pause = '[{targetType: PAUSE, lifecycleStages: [POST_TEST_TRAFFIC_SHIFT]}]';
const version = async (url: string | undefined) => (await (await fetch(url ?? '')).text()).trim();

test('pause, check on the test listener, go on; then a canary that is turned back by its alarm', async () => {
  const probe = prober(site, 30);
  const paused = await act('v2', {
    ...definition,
    strategy: 'blue-green',
    'bake-time': BAKE,
    'lifecycle-hooks': pause,
    'wait-for': 'paused',
  });
  expect(paused.report.outcome).toMatchObject({ status: 'succeeded' });
  expect(paused.report.outputs).toMatchObject({ paused: 'true', stage: 'POST_TEST_TRAFFIC_SHIFT' });
  expect([await version(site), await version(local.balancers[0]?.testUrl)]).toEqual(['v1', 'v2']);

  const gone = await act('', { operation: 'continue', deployment: paused.report.outputs['deployment-arn'] ?? '' });
  expect(gone.report.outcome).toEqual({ status: 'succeeded', cause: '' });
  expect(gone.log).toMatch(/BAKE_TIME, 100 % of production traffic/);
  expect(await version(site)).toBe('v2');

  const again = await act('v2', { ...definition, strategy: 'blue-green', 'bake-time': BAKE });
  expect(again.report.outcome.status).toBe('unchanged');

  local.context.faults.add({ service: 'ecs', match: { service: 'web' }, after: 20, effect: { ecs: 'alarm' } });
  const canary = await act('v3', {
    ...definition,
    strategy: 'canary',
    'canary-percent': '20',
    'canary-bake-time': '1h',
    'lifecycle-hooks': '[]',
    'rollback-alarms': 'errors',
  });
  local.context.faults.clear();
  expect(canary.report.outcome.status).toBe('rolled-back');
  expect(canary.report.outcome.cause).toMatch(/^web:3 did not .* and ECS put web:2 back: alarm errors went off/);
  const seen = await probe.stop();
  expect(seen.failures).toEqual([]);
  expect(await version(site)).toBe('v2');
}, 150_000);

test('a pause that is answered with rollback ends as rolled-back', async () => {
  const paused = await act('v4', {
    ...definition,
    strategy: 'blue-green',
    'lifecycle-hooks': pause,
    'wait-for': 'paused',
  });
  expect(paused.report.outputs.paused).toBe('true');
  const back = await act('', { operation: 'continue', answer: 'rollback' });
  expect(back.report.outcome.status).toBe('rolled-back');
  expect(back.report.outcome.cause).toMatch(/web:\d did not get past POST_TEST_TRAFFIC_SHIFT and ECS put web:2 back/);
  expect(await version(site)).toBe('v2');
}, 100_000);
