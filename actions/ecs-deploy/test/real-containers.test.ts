import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/clock.ts';
import { ecsApi } from '../../../lib/ecs/api.ts';
import { readInputs } from '../../../lib/inputs.ts';
import { recordingLog } from '../../../lib/log.ts';
import { LOCAL_ACCESS_KEY_ID, LOCAL_SECRET_ACCESS_KEY } from '../../../local/aws/credentials.ts';
import {
  look,
  serving,
  shellContainer,
  startTestEcs,
  type TestEcs,
  until,
  webWorld,
} from '../../../local/aws/ecs/test-ecs.ts';
import type { Evidence } from '../evidence.ts';
import { fields } from '../inputs.ts';
import { run } from '../run.ts';

// The local ECS runs every task as a container, with the lags of the real service; nothing here knows what comes next.
let local: TestEcs;

beforeAll(async () => {
  local = await startTestEcs(webWorld(), { lag: 'real' });
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: local.url,
    AWS_ACCESS_KEY_ID: LOCAL_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY: LOCAL_SECRET_ACCESS_KEY,
  });
  await until(
    () => look(local.client),
    ({ deployment }) => deployment.status === 'SUCCESSFUL',
  );
}, 60_000);

afterAll(async () => {
  await local?.stop();
}, 60_000);

const evidence: Evidence = {
  lastLines: async ({ group, stream }) => [`${group} ${stream}`],
  targetHealth: async () => [],
  platformDigests: async () => [],
};

async function deploy(container: unknown, more: Record<string, string> = {}) {
  const given: Record<string, string> = {
    cluster: 'sample',
    service: 'web',
    'task-definition': 'td.json',
    timeout: '60s',
    ...more,
  };
  const log = recordingLog();
  const signal = new AbortController().signal;
  const report = await run(
    readInputs(fields, (name) => given[name] ?? ''),
    {
      ecs: ecsApi({ region: local.context.region, action: 'test', signal }),
      evidence,
      clock: systemClock,
      log,
      signal,
      readText: async () => JSON.stringify({ family: 'web', containerDefinitions: [container] }),
    },
  );
  return { report, log };
}

test('a new revision, the same again, one that crashes, and back by hand', async () => {
  const first = await deploy(serving('v2'));
  expect(first.report.outcome).toEqual({ status: 'succeeded', cause: '' });

  const again = await deploy(serving('v2'));
  expect(again.report.outcome.status).toBe('unchanged');
  expect(again.report.outputs['release-fingerprint']).toBe(first.report.outputs['release-fingerprint']);

  const broken = await deploy(shellContainer('echo dying; exit 3', { portMappings: [{ containerPort: 8080 }] }));
  expect(broken.report.outcome.status).toBe('rolled-back');
  expect(broken.report.outcome.cause).toMatch(
    /web:3 did not come up and ECS put web:2 back: .*container app exited with code 3/,
  );

  const back = await deploy(serving('v2'), { operation: 'rollback' });
  expect(back.report.outcome.status).toBe('succeeded');
  expect(back.report.outputs['task-definition-arn']).toMatch(/web:1$/);

  const { report } = await deploy(serving('v2'), { operation: 'status' });
  expect(JSON.parse(report.outputs.status ?? '')).toMatchObject({ steady: true, counts: { running: 2 } });
}, 150_000);
