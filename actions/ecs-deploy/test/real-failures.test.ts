import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ECSClient, RegisterTaskDefinitionCommand, UpdateServiceCommand } from '@aws-sdk/client-ecs';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { serving, shellContainer, WEB_GROUP } from '../../../local/aws/ecs/test-ecs.ts';
import { type Local, startLocal } from '../../../local/start.ts';
import type { WorldInput } from '../../../local/world.ts';
import { type ActionOptions, runAction } from '../../../test/support/action.ts';

// The action as a process of its own, against an ECS that runs each task as a container, with the lags of the real one. What goes
// wrong really does: a container that exits, one that takes more memory than it may, an image that is not in the registry.
let local: Local;
let folder: string;
let client: ECSClient;

const port = { portMappings: [{ containerPort: 8080 }] };
const worker = (script: string) => shellContainer(`trap 'exit 0' TERM; ${script}`, { name: 'app' });
const waits = 'while true; do sleep 0.2; done';
const breaker = (enable: boolean) => ({
  minimumHealthyPercent: 100,
  maximumPercent: 200,
  deploymentCircuitBreaker: { enable, rollback: enable },
});

const ROLE = 'arn:aws:iam::123456789012:role/slipway-dev';

const world: WorldInput = {
  roles: [{ name: 'slipway-dev', subjects: ['repo:acme/sample:environment:dev'] }],
  github: { identity: { repository: 'acme/sample', environment: 'dev' } },
  clusters: [
    {
      name: 'sample',
      taskDefinitions: [
        { family: 'web', containerDefinitions: [serving('v1')] },
        { family: 'worker', containerDefinitions: [worker(waits)] },
      ],
      services: [
        {
          serviceName: 'web',
          taskDefinition: 'web:1',
          desiredCount: 1,
          loadBalancers: [{ targetGroupArn: 'web', containerName: 'app', containerPort: 8080 }],
          deploymentConfiguration: breaker(true),
        },
        // Neither a load balancer, nor a health check, nor a circuit breaker.
        { serviceName: 'worker', taskDefinition: 'worker:1', desiredCount: 1, deploymentConfiguration: breaker(false) },
      ],
    },
  ],
  balancers: [{ name: 'web', targetGroups: [WEB_GROUP] }],
};

beforeAll(async () => {
  local = await startLocal({ world, lag: 'real', seed: 7 });
  folder = mkdtempSync(join(tmpdir(), 'slipway-failures-'));
  const env = local.env();
  client = new ECSClient({
    endpoint: local.endpoints.aws,
    region: env.AWS_REGION ?? '',
    credentials: { accessKeyId: env.AWS_ACCESS_KEY_ID ?? '', secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? '' },
  });
  for (const service of ['web', 'worker']) await runStatusUntilSteady(service);
}, 120_000);

afterEach(() => local.faults.clear());

afterAll(async () => {
  client?.destroy();
  await local?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
}, 60_000);

const action = (inputs: Record<string, string>, options: ActionOptions = {}) =>
  runAction(
    'ecs-deploy',
    { cluster: 'sample', ...inputs },
    {
      cwd: folder,
      ...options,
      env: { ...local.env(), GITHUB_WORKSPACE: folder, ...options.env },
    },
  );

function deploy(service: string, container: unknown, inputs: Record<string, string> = {}, options: ActionOptions = {}) {
  writeFileSync(join(folder, 'td.json'), JSON.stringify({ family: service, containerDefinitions: [container] }));
  return action({ service, 'task-definition': 'td.json', timeout: '90s', ...inputs }, options);
}

async function runStatusUntilSteady(service: string): Promise<void> {
  const end = Date.now() + 60_000;
  for (;;) {
    const { outputs } = await action({ operation: 'status', service });
    if (JSON.parse(outputs.status || '{}').steady || Date.now() > end) return;
  }
}

test('a service without a breaker whose container exits at its start is turned back, with code and last words', async () => {
  const run = await deploy('worker', worker('echo no database; exit 3'));
  expect([run.code, run.outputs.outcome]).toEqual([1, 'rolled-back']);
  expect(run.outputs.cause).toMatch(
    /^worker:2 did not come up and ECS put worker:1 back: \d tasks ended alike.*; \d tasks stopped: container app exited with code 3$/,
  );
  expect(run.outputs.log).toContain('no database');
  expect(run.log).toMatch(
    /stop code EssentialContainerExited: Essential container in task exited\n.*container app: exit code 3\n.*app \| no database/,
  );
  await runStatusUntilSteady('worker');
}, 150_000);

test('an image that is not in the registry is told as such', async () => {
  const image = `${local.endpoints.registry}/missing@sha256:${'d'.repeat(64)}`;
  const run = await deploy('worker', { ...worker(waits), image });
  expect([run.code, run.outputs.outcome]).toEqual([1, 'rolled-back']);
  expect(run.outputs.cause).toMatch(
    /\d tasks stopped: container app: its image cannot be pulled \(CannotPullContainerError: .*not found\)$/,
  );
  await runStatusUntilSteady('worker');
}, 150_000);

test('a worker that dies after ten seconds does not pass for deployed, and the old one is put back', async () => {
  const run = await deploy('worker', worker('echo started; sleep 10; echo lost the queue; exit 5'));
  expect([run.code, run.outputs.outcome]).toEqual([1, 'rolled-back']);
  expect(run.outputs.cause).toMatch(
    /^worker:\d did not stay up, though ECS calls the deployment successful: a task stopped: container app exited with code 5; worker:1 was put back and serves again$/,
  );
  expect(run.outputs.log).toContain('lost the queue');
  await runStatusUntilSteady('worker');
}, 180_000);

test('out of memory is told as that', async () => {
  const eats = shellContainer('node -e "Buffer.alloc(4e8, 1)"', { memory: 64 });
  const run = await deploy('worker', eats);
  expect([run.code, run.outputs.outcome]).toEqual([1, 'rolled-back']);
  expect(run.outputs.cause).toMatch(/\d tasks stopped: container app: it ran out of memory \(OutOfMemoryError/);
  await runStatusUntilSteady('worker');
}, 150_000);

test('a web server that never answers its health check: the breaker goes back, with the target’s state', async () => {
  const run = await deploy('web', shellContainer(waits, port));
  expect([run.code, run.outputs.outcome]).toEqual([1, 'rolled-back']);
  expect(run.outputs.cause).toMatch(
    /web:2 did not come up and ECS put web:1 back: the deployment circuit breaker.*never passed its health checks/,
  );
  await runStatusUntilSteady('web');
}, 150_000);

test('what passes does not end a deployment: throttling, failures inside AWS, cut connections, and an update whose answer is lost', async () => {
  const fault = (operation: string, effect: Parameters<Local['faults']['add']>[0]['effect'], times: number) =>
    local.faults.add({ service: 'ecs', operation, effect, times });
  fault('DescribeServiceDeployments', { throttle: true }, 3);
  fault('ListTasks', { status: 503 }, 2);
  fault('ListServiceDeployments', { cut: 'before' }, 1);
  fault('UpdateService', { cut: 'after' }, 1);
  const run = await deploy('web', serving('v3'));
  expect([run.code, run.outputs.outcome, run.outputs.cause]).toEqual([0, 'succeeded', '']);
  expect(local.faults.list().map(({ struck, times }) => struck === times)).toEqual([true, true, true, true]);
}, 150_000);

test('credentials of setup-aws that are about to end are taken anew, here from some that STS does not know any more', async () => {
  const session = {
    role: ROLE,
    audience: 'sts.amazonaws.com',
    sessionName: 'slipway-1',
    durationSeconds: 900,
    expires: new Date(Date.now() + 60_000).toISOString(),
    accessKeyId: 'ASIAENDED',
  };
  const run = await runAction(
    'ecs-deploy',
    { operation: 'status', cluster: 'sample', service: 'web' },
    {
      env: {
        ...local.env({ credentials: false }),
        AWS_ACCESS_KEY_ID: 'ASIAENDED',
        AWS_SECRET_ACCESS_KEY: 'x',
        AWS_SESSION_TOKEN: 'x',
        SLIPWAY_AWS_SESSION: JSON.stringify(session),
      },
    },
  );
  expect([run.code, run.outputs.outcome]).toEqual([0, 'succeeded']);
  expect(run.log).toContain(`Took role ${ROLE} again`);
  expect(local.requests().at(-1)?.identity).toContain('assumed-role/slipway-dev/slipway-1');
}, 60_000);

test('a permission that is missing ends it at once', async () => {
  local.faults.add({ service: 'ecs', operation: 'DescribeServiceDeployments', effect: { denied: true } });
  local.faults.add({ service: 'ecs', operation: 'ListServiceDeployments', effect: { denied: true } });
  const run = await deploy('web', serving('v4'));
  expect([run.code, run.outputs.outcome]).toEqual([1, 'denied']);
  expect(run.outputs.cause).toMatch(
    /^the deployment of web:\d goes on in ECS, but cannot be watched: ecs:(?:Describe|List)ServiceDeployments on /,
  );
  expect(run.log).toMatch(/Allow ecs:(?:Describe|List)ServiceDeployments/);
  local.faults.clear();
  await runStatusUntilSteady('web');
}, 120_000);

test('another deployment that takes over is superseded', async () => {
  const slow = serving('v5', {
    healthCheck: { command: ['CMD-SHELL', 'exit 1'], interval: 5, retries: 10, startPeriod: 300 },
  });
  let take: () => void = () => undefined;
  const taken = new Promise<void>((resolve) => {
    take = resolve;
  });
  const running = deploy('web', slow, {}, { interruptOn: /$^/ });
  const other = (async () => {
    const { taskDefinition } = await client.send(
      new RegisterTaskDefinitionCommand({ family: 'web', containerDefinitions: [serving('v6')] }),
    );
    while (!local.requests().some((r) => r.operation === 'DescribeServiceDeployments' && r.at > begun))
      await pause(200);
    await client.send(
      new UpdateServiceCommand({
        cluster: 'sample',
        service: 'web',
        taskDefinition: taskDefinition?.taskDefinitionArn,
      }),
    );
    take();
  })();
  const begun = Date.now();
  const [run] = await Promise.all([running, other, taken]);
  expect([run.code, run.outputs.outcome]).toEqual([1, 'superseded']);
  expect(run.outputs.cause).toMatch(/^web:\d was not rolled out to the end: deployment \S+ \(web:\d\) took over/);
  await runStatusUntilSteady('web');
}, 150_000);

test('cancelled, it goes back within seconds, and the post step sees that through', async () => {
  const run = await deploy(
    'web',
    shellContainer(waits, port),
    { 'on-cancel': 'rollback' },
    { interruptOn: /0\/1 running|1\/1 running/ },
  );
  expect([run.code, run.outputs.outcome]).toEqual([1, 'stopped']);
  expect(run.outputs.cause).toMatch(/^the run was cancelled; ECS was told to go back from web:\d to web:\d$/);
  expect(run.endedInMs).toBeLessThan(5_000);
  const post = await action({}, { env: { STATE_rollout: run.state.rollout ?? '' } });
  expect(post.outputs.outcome).toBe('rolled-back');
  expect(post.outputs.cause).toMatch(/^the run was cut while web:\d was rolled out; web:\d serves again$/);
}, 120_000);

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
