import { DescribeTasksCommand, ListTasksCommand } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/clock.ts';
import { ecsApi } from '../../../lib/ecs/api.ts';
import { readInputs } from '../../../lib/inputs.ts';
import { recordingLog } from '../../../lib/log.ts';
import { LOCAL_ACCESS_KEY_ID, LOCAL_SECRET_ACCESS_KEY } from '../../../local/aws/credentials.ts';
import { look, serving, startTestEcs, type TestEcs, until, webWorld } from '../../../local/aws/ecs/test-ecs.ts';
import { awsEvidence } from '../evidence.ts';
import { fields } from '../inputs.ts';
import { run } from '../run.ts';
import { awsTaskLogs } from './logs.ts';

// Tasks as containers of the engine, their logs in the local CloudWatch, one service with a network of its own.
let local: TestEcs;
const NETWORK = { awsvpcConfiguration: { subnets: ['subnet-0a1b2c3d4e5f60718'] } };

beforeAll(async () => {
  const world = webWorld({ desiredCount: 1 });
  const [cluster] = world.clusters ?? [];
  for (const definition of cluster?.taskDefinitions ?? []) definition.networkMode = 'awsvpc';
  for (const service of cluster?.services ?? []) service.networkConfiguration = NETWORK;
  local = await startTestEcs(world, { lag: 'real' });
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

interface Options {
  /** Cancels the run when the log says this. */
  cancelOn?: RegExp;
}

async function deploy(version: string, more: Record<string, string> = {}, { cancelOn }: Options = {}) {
  const definition = { family: 'web', networkMode: 'awsvpc', containerDefinitions: [serving(version)] };
  const given: Record<string, string> = {
    cluster: 'sample',
    service: 'web',
    'task-definition': 'td.json',
    timeout: '60s',
    ...more,
  };
  const log = recordingLog();
  const stop = new AbortController();
  const info = log.info;
  log.info = (message) => {
    info(message);
    if (cancelOn?.test(message)) stop.abort();
  };
  const { signal } = stop;
  const { region } = local.context;
  const report = await run(
    readInputs(fields, (name) => given[name] ?? ''),
    {
      ecs: ecsApi({ region, action: 'test', signal }),
      evidence: awsEvidence({ region, signal }),
      taskLogs: awsTaskLogs({ region, signal }),
      clock: systemClock,
      log,
      signal,
      readText: async () => JSON.stringify(definition),
    },
  );
  return { report, log: log.lines, index: (line: RegExp) => log.lines.findIndex((l) => line.test(l)) };
}

const shell = (name: string, script: string, timeout = '60s') =>
  JSON.stringify([{ name, command: [script], 'environment-variables': { STEP: name }, timeout }]);

async function stepTask() {
  const input = { cluster: 'sample', startedBy: 'slipway', desiredStatus: 'STOPPED' } as const;
  const { taskArns = [] } = await local.client.send(new ListTasksCommand(input));
  const { tasks = [] } = await local.client.send(new DescribeTasksCommand({ cluster: 'sample', tasks: taskArns }));
  return tasks.toSorted((a, b) => (b.createdAt?.getTime() ?? 0) - (a.createdAt?.getTime() ?? 0))[0];
}

test('commands run before and after, in the service’s network, with their log, and the deployment between them', async () => {
  const { report, index } = await deploy('v2', {
    before: shell('migrate', 'echo "migrating as $STEP"; echo token=hunter2; echo "::warning::not a command"; sleep 1'),
    after: shell('warm', 'echo warmed'),
  });
  expect(report.outcome).toEqual({ status: 'succeeded', cause: '' });
  const order = [
    / migrate \| migrating as migrate/,
    /migrate: done after/,
    /Setting the service to web:2/,
    / warm \| warmed/,
  ];
  const places = order.map(index);
  expect(places).not.toContain(-1);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(index(/hunter2/)).toBe(-1);
  expect(index(/^::warning::/)).toBe(-1);
  expect(JSON.parse(report.outputs['run-task-arn'] ?? '')).toHaveLength(2);
  expect(report.summary).toContain('Tasks beside the deployment');
}, 120_000);

test('a command that fails stops the deployment before the service is touched', async () => {
  const before = await look(local.client);
  const { report, index } = await deploy('v3', { before: shell('migrate', 'echo "no such column"; exit 3') });
  expect(report.outcome.status).toBe('failed');
  expect(report.outcome.cause).toMatch(
    /^the task migrate before the deployment: container app exited with code 3, stop code EssentialContainerExited; its last log line: no such column; the service was not touched$/,
  );
  expect(report.outputs.log).toContain('no such column');
  expect(report.summary).toContain('no such column');
  expect(index(/Setting the service/)).toBe(-1);
  const after = await look(local.client);
  expect(after.service.taskDefinition).toBe(before.service.taskDefinition);
  expect(after.deployment.serviceDeploymentArn).toBe(before.deployment.serviceDeploymentArn);
}, 120_000);

test('a command that takes too long is stopped, and so is the deployment', async () => {
  const { report, index } = await deploy('v3', { before: shell('migrate', 'echo waiting; exec sleep 300', '4s') });
  expect(report.outcome.status).toBe('timed-out');
  expect(report.outcome.cause).toMatch(/the task migrate .*did not end within 4\.0 s; it was stopped/);
  expect(index(/Setting the service/)).toBe(-1);
  expect(await stepTask()).toMatchObject({ lastStatus: 'STOPPED', stopCode: 'UserInitiated' });
}, 120_000);

test('a cancelled run stops the command', async () => {
  const { report, index } = await deploy(
    'v3',
    { before: shell('migrate', 'echo waiting; exec sleep 300') },
    { cancelOn: /migrate \| waiting/ },
  );
  expect(report.outcome.status).toBe('stopped');
  expect(report.outcome.cause).toMatch(/the run was cancelled; task \w+ was told to stop; the service was not touched/);
  expect(index(/Setting the service/)).toBe(-1);
  const task = await until(stepTask, (t) => t?.lastStatus === 'STOPPED');
  expect(task).toMatchObject({ stopCode: 'UserInitiated', stoppedReason: 'slipway: the run was cancelled' });
}, 120_000);

test('an image that is not there is told with ECS’s reason', async () => {
  const { report } = await deploy('v4', {
    image: `127.0.0.1:9/none@sha256:${'0'.repeat(64)}`,
    before: shell('migrate', 'true'),
  });
  expect(report.outcome.status).toBe('failed');
  expect(report.outcome.cause).toMatch(/its image cannot be pulled \(CannotPullContainerError.*TaskFailedToStart/);
}, 120_000);

test('a command that fails after the deployment takes it back, or says that the new revision serves', async () => {
  const before = (await look(local.client)).service.taskDefinition;
  const back = await deploy('v5', { after: shell('smoke', 'echo broken; exit 1') });
  expect(back.report.outcome.status).toBe('rolled-back');
  expect(back.report.outcome.cause).toMatch(/the task smoke after the deployment: .*code 1.*; web:\d+ serves again$/);
  expect((await look(local.client)).service.taskDefinition).toBe(before);

  const left = await deploy('v5', { after: shell('smoke', 'echo broken; exit 1'), 'rollback-on-failure': 'false' });
  expect(left.report.outcome.status).toBe('failed');
  expect(left.report.outcome.cause).toMatch(
    /the task smoke after the deployment: .*code 1.*; the new revision serves$/,
  );
  expect((await look(local.client)).service.taskDefinition).toBe(left.report.outputs['task-definition-arn']);
}, 120_000);
