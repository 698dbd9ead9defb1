import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type ContainerDefinition,
  ContinueServiceDeploymentCommand,
  type DeploymentConfiguration,
  DescribeServiceRevisionsCommand,
  RegisterTaskDefinitionCommand,
  type ServiceDeployment,
  StopServiceDeploymentCommand,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { isEnded } from './rollout.ts';
import { look, prober, serving, shellContainer, shiftingWorld, startTestEcs, type TestEcs, until } from './test-ecs.ts';

let local: TestEcs;
let site: string;
let testSite: string;
let functionUrl: string;
/** What the function answers, by stage; it succeeds at all others. */
const answers = new Map<string, object>();
const asked: { lifecycleStage: string; resourceArn: string }[] = [];
const lambda = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const event = JSON.parse(Buffer.concat(chunks).toString()) as (typeof asked)[number];
  asked.push(event);
  response.end(JSON.stringify(answers.get(event.lifecycleStage) ?? { hookStatus: 'SUCCEEDED' }));
});

/** A minute of a bake time lasts this long here. */
const MINUTE_MS = 1500;

beforeAll(async () => {
  await new Promise<void>((resolve) => lambda.listen(0, '127.0.0.1', resolve));
  functionUrl = `http://127.0.0.1:${(lambda.address() as AddressInfo).port}`;
  local = await startTestEcs({ ...shiftingWorld(), functions: { smoke: functionUrl } }, { minuteMs: MINUTE_MS });
  site = `${local.balancers[0]?.url}/health`;
  testSite = `${local.balancers[0]?.testUrl}/health`;
  await local.ecs.ready(20_000);
}, 60_000);
afterAll(async () => {
  lambda.close();
  await local?.stop();
}, 20_000);
afterEach(() => {
  local.context.faults.clear();
  answers.clear();
  asked.length = 0;
});

async function deploy(
  container: ContainerDefinition,
  deploymentConfiguration?: DeploymentConfiguration,
): Promise<string> {
  const { taskDefinition } = await local.client.send(
    new RegisterTaskDefinitionCommand({ family: 'web', containerDefinitions: [container] }),
  );
  const input = { cluster: 'sample', service: 'web', taskDefinition: taskDefinition?.taskDefinitionArn };
  const { service } = await local.client.send(
    new UpdateServiceCommand({ ...input, ...(deploymentConfiguration && { deploymentConfiguration }) }),
  );
  return service?.currentServiceDeployment ?? '';
}

const at = (holds: (deployment: ServiceDeployment) => boolean) =>
  until(
    () => look(local.client),
    ({ deployment }) => holds(deployment),
  );
const ended = () => at(({ status }) => isEnded(status ?? 'PENDING'));
const version = async (url = site) => (await (await fetch(url)).text()).trim();
const share = async (of: string, requests = 40) => {
  const seen = await Promise.all(Array.from({ length: requests }, () => version()));
  return seen.filter((v) => v === of).length / requests;
};

/** Every stage that the local ECS tells of while it works, from here on. */
function stages() {
  const seen: string[] = [];
  const stop = local.context.bus.subscribe(({ kind, data }) => {
    if (kind === 'ecs.stage') seen.push(`${data?.stage}:${data?.production}`);
  });
  return { seen, stop };
}

test('blue/green: tests see the new revision first, then everybody, and no request is lost', async () => {
  const probe = prober(site, 50);
  const told = stages();
  const pause = { targetType: 'PAUSE' as const, lifecycleStages: ['POST_TEST_TRAFFIC_SHIFT' as const] };
  const arn = await deploy(serving('v2'), { strategy: 'BLUE_GREEN', bakeTimeInMinutes: 1, lifecycleHooks: [pause] });
  const paused = await at(({ lifecycleHookDetails }) => lifecycleHookDetails?.[0]?.status === 'AWAITING_ACTION');
  expect(paused.deployment).toMatchObject({
    serviceDeploymentArn: arn,
    status: 'IN_PROGRESS',
    lifecycleStage: 'POST_TEST_TRAFFIC_SHIFT',
    targetServiceRevision: {
      runningTaskCount: 2,
      requestedProductionTrafficWeight: 0,
      requestedTestTrafficWeight: 100,
    },
    sourceServiceRevisions: [
      { runningTaskCount: 2, requestedProductionTrafficWeight: 100, requestedTestTrafficWeight: 0 },
    ],
    lifecycleHookDetails: [{ targetType: 'PAUSE', timeoutAction: 'ROLLBACK' }],
  });
  expect([await version(), await version(testSite)]).toEqual(['v1', 'v2']);
  expect(paused.service.deployments?.map(({ rolloutState }) => rolloutState)).toEqual([undefined, undefined]);

  const hookId = paused.deployment.lifecycleHookDetails?.[0]?.hookId;
  await local.client.send(new ContinueServiceDeploymentCommand({ serviceDeploymentArn: arn, hookId }));
  await expect(
    local.client.send(new ContinueServiceDeploymentCommand({ serviceDeploymentArn: arn, hookId })),
  ).rejects.toMatchObject({ name: 'InvalidParameterException' });
  const baking = await at(({ lifecycleStage }) => lifecycleStage === 'BAKE_TIME');
  expect(await version()).toBe('v2');
  expect(baking.deployment.sourceServiceRevisions?.[0]?.runningTaskCount).toBe(2);
  const { deployment, service } = await ended();
  const seen = await probe.stop();
  told.stop();
  expect(seen.failures).toEqual([]);
  expect(seen.bodies).toEqual(['v1', 'v2']);
  expect(deployment.status).toBe('SUCCESSFUL');
  expect(service.deployments).toHaveLength(1);
  expect(service.runningCount).toBe(2);
  expect(told.seen).toEqual([
    'PRE_SCALE_UP:0',
    'SCALE_UP:0',
    'POST_SCALE_UP:0',
    'TEST_TRAFFIC_SHIFT:0',
    'POST_TEST_TRAFFIC_SHIFT:0',
    'PRE_PRODUCTION_TRAFFIC_SHIFT:0',
    'PRODUCTION_TRAFFIC_SHIFT:100',
    'POST_PRODUCTION_TRAFFIC_SHIFT:100',
    'BAKE_TIME:100',
    'CLEAN_UP:100',
  ]);
  const revisions = await local.client.send(
    new DescribeServiceRevisionsCommand({ serviceRevisionArns: [deployment.targetServiceRevision?.arn ?? ''] }),
  );
  expect(revisions.serviceRevisions?.[0]?.resolvedConfiguration?.loadBalancers?.[0]?.targetGroupArn).toContain(
    '/green/',
  );
}, 60_000);

test('a canary gets its share, and an alarm in it takes the traffic back without losing a request', async () => {
  const probe = prober(site, 50);
  await deploy(serving('v3'), {
    strategy: 'CANARY',
    canaryConfiguration: { canaryPercent: 25, canaryBakeTimeInMinutes: 100 },
    alarms: { alarmNames: ['errors', 'latency'], enable: true, rollback: true },
    lifecycleHooks: [],
  });
  await at(({ targetServiceRevision }) => targetServiceRevision?.requestedProductionTrafficWeight === 25);
  const before = await share('v3');
  expect(before).toBeGreaterThan(0.1);
  expect(before).toBeLessThan(0.4);
  local.context.faults.add({ service: 'ecs', match: { service: 'web', alarm: 'latency' }, effect: { ecs: 'alarm' } });
  const { deployment } = await ended();
  expect(deployment).toMatchObject({
    status: 'ROLLBACK_SUCCESSFUL',
    alarms: { status: 'TRIGGERED', alarmNames: ['errors', 'latency'], triggeredAlarmNames: ['latency'] },
    rollback: { reason: expect.stringContaining('alarms') },
  });
  expect(await share('v2')).toBe(1);
  const seen = await probe.stop();
  expect(seen.failures).toEqual([]);
  expect(seen.bodies.sort()).toEqual(['v2', 'v3']);
}, 60_000);

test('linear moves in steps; stopping it while it bakes goes back without losing a request', async () => {
  const probe = prober(site, 50);
  const told = stages();
  const arn = await deploy(serving('v4'), {
    strategy: 'LINEAR',
    linearConfiguration: { stepPercent: 50, stepBakeTimeInMinutes: 1 },
    bakeTimeInMinutes: 100,
  });
  await at(({ lifecycleStage }) => lifecycleStage === 'BAKE_TIME');
  expect(await version()).toBe('v4');
  await local.client.send(new StopServiceDeploymentCommand({ serviceDeploymentArn: arn, stopType: 'ROLLBACK' }));
  const { deployment } = await ended();
  told.stop();
  expect(deployment.status).toBe('ROLLBACK_SUCCESSFUL');
  expect(deployment.targetServiceRevision?.requestedProductionTrafficWeight).toBe(0);
  const seen = await probe.stop();
  expect(seen.failures).toEqual([]);
  expect(seen.bodies[0]).toBe('v2');
  expect(await version()).toBe('v2');
  expect(told.seen.filter((s) => s.startsWith('PRODUCTION'))).toEqual([
    'PRODUCTION_TRAFFIC_SHIFT:50',
    'PRODUCTION_TRAFFIC_SHIFT:100',
  ]);
}, 60_000);

const hook = (
  lifecycleStages: NonNullable<DeploymentConfiguration['lifecycleHooks']>[number]['lifecycleStages'],
  more = {},
) => ({
  strategy: 'BLUE_GREEN' as const,
  bakeTimeInMinutes: 0,
  lifecycleHooks: [
    {
      hookTargetArn: 'arn:aws:lambda:eu-central-1:123456789012:function:smoke',
      roleArn: 'arn:aws:iam::123456789012:role/hook',
      lifecycleStages,
      ...more,
    },
  ],
});

test('a function that fails at its stage turns the deployment back; one that is not ready is asked again', async () => {
  answers.set('PRE_SCALE_UP', { hookStatus: 'IN_PROGRESS', callBackDelay: 0.1, hookDetails: { try: 2 } });
  answers.set('POST_SCALE_UP', { hookStatus: 'FAILED' });
  const arn = await deploy(serving('v5'), hook(['PRE_SCALE_UP', 'POST_SCALE_UP']));
  await until(
    async () => asked.length,
    (count) => count >= 3,
  );
  answers.delete('PRE_SCALE_UP');
  const { deployment } = await ended();
  expect(deployment).toMatchObject({
    status: 'ROLLBACK_SUCCESSFUL',
    statusReason:
      'Service deployment rolled back because POST_SCALE_UP lifecycle hook(s) failed. Lifecycle hook target arn:aws:lambda:eu-central-1:123456789012:function:smoke returned FAILED status.',
    lifecycleHookDetails: [{ targetType: 'AWS_LAMBDA', status: 'FAILED' }],
  });
  expect(asked.at(-1)).toMatchObject({ lifecycleStage: 'POST_SCALE_UP', resourceArn: arn });
  expect(asked[1]).toMatchObject({ hookDetails: { try: 2 } });
  expect(await version()).toBe('v2');
}, 60_000);

test('a pause that nobody answers in time turns back, and so does the answer ROLLBACK', async () => {
  const pause = (timeoutInMinutes: number) => ({
    strategy: 'BLUE_GREEN' as const,
    bakeTimeInMinutes: 0,
    lifecycleHooks: [
      {
        targetType: 'PAUSE' as const,
        lifecycleStages: ['PRE_SCALE_UP' as const],
        timeoutConfiguration: { timeoutInMinutes },
      },
    ],
  });
  await deploy(serving('v6'), pause(1));
  const late = await ended();
  expect(late.deployment).toMatchObject({
    status: 'ROLLBACK_SUCCESSFUL',
    statusReason: expect.stringContaining('timed out'),
    lifecycleHookDetails: [{ status: 'TIMED_OUT' }],
  });
  const arn = await deploy(serving('v7'), pause(1000));
  const { deployment } = await at(
    ({ lifecycleHookDetails }) => lifecycleHookDetails?.[0]?.status === 'AWAITING_ACTION',
  );
  const hookId = deployment.lifecycleHookDetails?.[0]?.hookId;
  await local.client.send(
    new ContinueServiceDeploymentCommand({ serviceDeploymentArn: arn, hookId, action: 'ROLLBACK' }),
  );
  const asked = await ended();
  expect(asked.deployment.status).toBe('ROLLBACK_SUCCESSFUL');
  expect(await version()).toBe('v2');
}, 60_000);

test('tasks that cannot run trip the breaker while nobody but the tests was sent to them', async () => {
  const probe = prober(site, 20);
  await deploy(shellContainer('exit 3', { portMappings: [{ containerPort: 8080 }] }), {
    strategy: 'BLUE_GREEN',
    deploymentCircuitBreaker: { enable: true, rollback: true },
    lifecycleHooks: [],
  });
  const { deployment } = await ended();
  expect(deployment).toMatchObject({ status: 'ROLLBACK_SUCCESSFUL', lifecycleStage: 'SCALE_UP' });
  expect(await probe.stop()).toEqual({ failures: [], bodies: ['v2'] });
}, 60_000);

test('a newer deployment reconciles first, and takes over without losing a request', async () => {
  const probe = prober(site, 50);
  await deploy(serving('v8'), {
    strategy: 'CANARY',
    canaryConfiguration: { canaryPercent: 50, canaryBakeTimeInMinutes: 100 },
    lifecycleHooks: [],
  });
  await at(({ targetServiceRevision }) => targetServiceRevision?.requestedProductionTrafficWeight === 50);
  const told = stages();
  const arn = await deploy(serving('v9'), { strategy: 'BLUE_GREEN', bakeTimeInMinutes: 0, lifecycleHooks: [] });
  const { deployment, service } = await ended();
  told.stop();
  expect(deployment).toMatchObject({ serviceDeploymentArn: arn, status: 'SUCCESSFUL' });
  expect(told.seen[0]).toBe('RECONCILE_SERVICE:0');
  expect((await probe.stop()).failures).toEqual([]);
  expect(await version()).toBe('v9');
  expect(service.runningCount).toBe(2);
}, 60_000);

test('back to rolling: the new revision registers where the old one serves', async () => {
  const probe = prober(site, 50);
  await deploy(serving('v10'), { strategy: 'ROLLING' });
  const { deployment } = await ended();
  expect(deployment.status).toBe('SUCCESSFUL');
  expect(deployment.lifecycleStage).toBeUndefined();
  expect((await probe.stop()).failures).toEqual([]);
  expect(await version()).toBe('v10');
}, 60_000);

test.each<[string, DeploymentConfiguration, string]>([
  ['a step below 3 %', { strategy: 'LINEAR', linearConfiguration: { stepPercent: 2 } }, 'InvalidParameterException'],
  ['a canary setting for blue/green', { strategy: 'BLUE_GREEN', canaryConfiguration: {} }, 'InvalidParameterException'],
  [
    'a pause at a traffic shift',
    { strategy: 'BLUE_GREEN', lifecycleHooks: [{ targetType: 'PAUSE', lifecycleStages: ['TEST_TRAFFIC_SHIFT'] }] },
    'InvalidParameterException',
  ],
  [
    'a function that the world does not know',
    {
      strategy: 'BLUE_GREEN',
      lifecycleHooks: [
        { hookTargetArn: 'arn:aws:lambda:eu-central-1:1:function:x', lifecycleStages: ['PRE_SCALE_UP'] },
      ],
    },
    'UnsupportedFeatureException',
  ],
])('%s is refused', async (_, deploymentConfiguration, name) => {
  await expect(
    local.client.send(new UpdateServiceCommand({ cluster: 'sample', service: 'web', deploymentConfiguration })),
  ).rejects.toMatchObject({ name });
});
