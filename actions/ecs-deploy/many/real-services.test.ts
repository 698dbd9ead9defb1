import { DescribeTaskDefinitionCommand } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/clock.ts';
import { ecsApi } from '../../../lib/ecs/api.ts';
import { readInputs } from '../../../lib/inputs.ts';
import { recordingLog } from '../../../lib/log.ts';
import { LOCAL_ACCESS_KEY_ID, LOCAL_SECRET_ACCESS_KEY } from '../../../local/aws/credentials.ts';
import { look, shellContainer, startTestEcs, type TestEcs, until } from '../../../local/aws/ecs/test-ecs.ts';
import { awsEvidence } from '../evidence.ts';
import { fields } from '../inputs.ts';
import { run } from '../run.ts';
import { wavesOf } from './services.ts';

const NAMES = ['worker', 'web'];
const sleeps = (version: string) => shellContainer(`echo ${version}; exec sleep 600`);
const CRASHES = shellContainer('echo dying; exit 3');
let local: TestEcs;

beforeAll(async () => {
  local = await startTestEcs({
    clusters: [
      {
        name: 'sample',
        taskDefinitions: NAMES.map((family) => ({ family, containerDefinitions: [sleeps('v1')] })),
        services: NAMES.map((serviceName) => ({
          serviceName,
          taskDefinition: `${serviceName}:1`,
          desiredCount: 1,
          deploymentConfiguration: { deploymentCircuitBreaker: { enable: true, rollback: true } },
        })),
      },
    ],
  });
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: local.url,
    AWS_ACCESS_KEY_ID: LOCAL_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY: LOCAL_SECRET_ACCESS_KEY,
  });
  for (const name of NAMES)
    await until(
      () => look(local.client, name),
      ({ deployment }) => deployment.status === 'SUCCESSFUL',
    );
}, 60_000);
afterAll(async () => {
  await local?.stop();
}, 60_000);

async function act(given: Record<string, string>, files: Record<string, object>) {
  const log = recordingLog();
  const { signal } = new AbortController();
  const { region } = local.context;
  const report = await run(
    readInputs(fields, (name) => given[name] ?? ''),
    {
      ecs: ecsApi({ region, action: 'test', signal }),
      evidence: awsEvidence({ region, signal }),
      clock: systemClock,
      log,
      signal,
      readText: async (path) => JSON.stringify(files[path]),
    },
  );
  return { report, log: log.lines };
}

interface Result {
  outcome: string;
  cause: string;
}

async function deploy(web: object, worker: object, more: Record<string, string> = {}) {
  const services = [
    { service: 'worker', 'task-definition': 'worker.json', wave: 1 },
    { service: 'web', 'task-definition': 'web.json', wave: 2 },
  ];
  const files = {
    'web.json': { family: 'web', containerDefinitions: [web] },
    'worker.json': { family: 'worker', containerDefinitions: [worker] },
  };
  const given = { cluster: 'sample', services: JSON.stringify(services), timeout: '60s', ...more };
  const { report, log } = await act(given, files);
  return { report, log, results: JSON.parse(report.outputs.services ?? '{}') as Record<string, Result> };
}

const runs = async (name: string) => (await look(local.client, name)).service.taskDefinition?.split('/').at(-1);

test('waves are in the order of their numbers', () => {
  const of = (service: string, wave?: number) => ({ service, ...(wave !== undefined && { wave }) });
  const waves = wavesOf([of('c', 2), of('a'), of('b', 2), of('d', 10)]);
  expect(waves.map((wave) => wave.map((s) => s.service))).toEqual([['a'], ['c', 'b'], ['d']]);
});

describe('several services', () => {
  test('are deployed wave after wave, and each tells its own outcome', async () => {
    const { report, log, results } = await deploy(sleeps('v2'), sleeps('v2'));
    expect(report.outcome).toEqual({ status: 'succeeded', cause: '' });
    expect(results).toMatchObject({ worker: { outcome: 'succeeded' }, web: { outcome: 'succeeded' } });
    expect([await runs('worker'), await runs('web')]).toEqual(['worker:2', 'web:2']);
    const began = (name: string) => log.findIndex((line) => line.startsWith(`[${name}] Setting the service`));
    expect(began('worker')).toBeLessThan(began('web'));
    const again = await deploy(sleeps('v2'), sleeps('v2'));
    expect(again.report.outcome.status).toBe('unchanged');
  }, 120_000);

  test('all or nothing: one that fails takes the others back', async () => {
    const { report, results } = await deploy(CRASHES, sleeps('v3'), { 'all-or-nothing': 'true' });
    expect(report.outcome.status).toBe('rolled-back');
    expect(report.outcome.cause).toMatch(/^web ended as rolled-back: web:3 did not come up.*; put back: worker$/);
    expect(results).toMatchObject({ worker: { outcome: 'rolled-back' }, web: { outcome: 'rolled-back' } });
    expect([await runs('worker'), await runs('web')]).toEqual(['worker:2', 'web:2']);
    expect(report.summary).toContain('All or nothing was asked for');
  }, 120_000);

  test('a wave with a failure is the last', async () => {
    const { report, results } = await deploy(sleeps('v4'), CRASHES);
    expect(report.outcome.cause).toMatch(/worker ended as rolled-back: .*; not tried: web$/);
    expect(results.web).toEqual({ outcome: 'skipped', cause: 'an earlier wave failed' });
    expect(await runs('web')).toBe('web:2');
  }, 120_000);

  test.each([
    [{ services: '[{service: a}, {service: a}]', cluster: 'sample' }, /listed twice/],
    [{ services: '[{service: a}]' }, /in which cluster/],
    [{ services: '[{service: a}]', cluster: 'sample', service: 'b' }, /both are given/],
    [{ services: '[]', cluster: 'sample' }, /the list is empty/],
    [{ services: '[{servise: a}]', cluster: 'sample' }, /input 'services'/],
  ])('%j is refused', async (given, message) => {
    await expect(act(given as never, {})).rejects.toThrow(message);
  });
});

describe('a revision without a service', () => {
  const register = (container: object, script: string) =>
    act(
      {
        operation: 'register',
        cluster: 'sample',
        'task-definition': 'job.json',
        before: JSON.stringify([{ name: 'check', command: [script] }]),
      },
      { 'job.json': { family: 'job', containerDefinitions: [container] } },
    );
  const newest = async () => {
    const { taskDefinition } = await local.client.send(new DescribeTaskDefinitionCommand({ taskDefinition: 'job' }));
    return taskDefinition?.revision;
  };

  test('is the family’s newest once it has proved itself, and is taken back when it does not', async () => {
    const first = await register(sleeps('v1'), 'exit 0');
    expect(first.report.outcome).toEqual({ status: 'succeeded', cause: '' });
    expect(await newest()).toBe(1);
    expect((await register(sleeps('v1'), 'exit 9')).report.outcome.status).toBe('unchanged');

    const { report } = await register(sleeps('v2'), 'echo wrong schema; exit 9');
    expect(report.outcome.status).toBe('rolled-back');
    expect(report.outcome.cause).toMatch(
      /the task check of job:2: container app exited with code 9.*; job:2 was deregistered; job:1 is the family's newest again$/,
    );
    expect(await newest()).toBe(1);
  }, 60_000);

  test('tells what the family’s newest is', async () => {
    const files = { 'job.json': { family: 'job', containerDefinitions: [sleeps('v1')] } };
    const { report } = await act({ operation: 'status', 'task-definition': 'job.json' }, files);
    expect(JSON.parse(report.outputs.status ?? '')).toMatchObject({ steady: true, service: '', trouble: '' });
    expect(report.outputs['task-definition-arn']).toMatch(/job:1$/);
  });

  test('can be an old one, registered again as it was', async () => {
    await register(sleeps('v3'), 'exit 0');
    const { report } = await act({ operation: 'register', 'task-definition': 'job:1', cluster: 'sample' }, {});
    expect(report.outcome.status).toBe('succeeded');
    const { taskDefinition } = await local.client.send(new DescribeTaskDefinitionCommand({ taskDefinition: 'job' }));
    expect(taskDefinition?.containerDefinitions?.[0]?.command?.[0]).toContain('v1');
  }, 60_000);
});
