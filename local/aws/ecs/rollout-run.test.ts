import {
  type ContainerDefinition,
  DescribeServiceDeploymentsCommand,
  DescribeServiceRevisionsCommand,
  DescribeTasksCommand,
  ListServiceDeploymentsCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  StopServiceDeploymentCommand,
  type Task,
  UpdateServiceCommand,
  type UpdateServiceCommandInput,
} from '@aws-sdk/client-ecs';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { isEnded } from './rollout.ts';
import { look, prober, serving, shellContainer, startTestEcs, type TestEcs, until, webWorld } from './test-ecs.ts';

let local: TestEcs;
let site: string;

beforeAll(async () => {
  local = await startTestEcs(webWorld());
  site = `${local.balancers[0]?.url}/health`;
  await local.ecs.ready(20_000);
}, 60_000);
afterAll(() => local.stop(), 20_000);
afterEach(() => local.context.faults.clear());

async function deploy(container: ContainerDefinition, more: Partial<UpdateServiceCommandInput> = {}): Promise<string> {
  const { taskDefinition } = await local.client.send(
    new RegisterTaskDefinitionCommand({ family: 'web', containerDefinitions: [container] }),
  );
  const { service } = await local.client.send(
    new UpdateServiceCommand({
      cluster: 'sample',
      service: 'web',
      taskDefinition: taskDefinition?.taskDefinitionArn,
      ...more,
    }),
  );
  return service?.currentServiceDeployment ?? '';
}

async function ended() {
  return until(
    () => look(local.client),
    ({ deployment }) => isEnded(deployment.status ?? 'PENDING'),
  );
}

async function stoppedTasks(family = 'web'): Promise<Task[]> {
  const { taskArns } = await local.client.send(
    new ListTasksCommand({ cluster: 'sample', family, desiredStatus: 'STOPPED' }),
  );
  if (!taskArns || taskArns.length === 0) return [];
  const { tasks } = await local.client.send(new DescribeTasksCommand({ cluster: 'sample', tasks: taskArns }));
  return tasks ?? [];
}

async function version(): Promise<string> {
  return (await (await fetch(site)).text()).trim();
}

const BREAKER = {
  minimumHealthyPercent: 100,
  maximumPercent: 200,
  deploymentCircuitBreaker: { enable: true, rollback: true },
};

test('a good rollout replaces both tasks without costing one of fifty requests a second', async () => {
  const probe = prober(site, 50);
  const before = (await look(local.client)).service;
  const arn = await deploy(serving('v2'));
  const { service, deployment, events } = await ended();
  const seen = await probe.stop();
  expect(seen.failures).toEqual([]);
  expect(seen.bodies).toEqual(['v1', 'v2']);
  expect(deployment).toMatchObject({
    serviceDeploymentArn: arn,
    status: 'SUCCESSFUL',
    targetServiceRevision: { requestedTaskCount: 2, runningTaskCount: 2, pendingTaskCount: 0 },
    deploymentCircuitBreaker: { status: 'MONITORING_COMPLETE', failureCount: 0, threshold: 3 },
  });
  expect(deployment.sourceServiceRevisions?.map(({ arn: source }) => source)).toEqual(
    before.currentServiceRevisions?.map(({ arn: source }) => source),
  );
  expect(service.deployments).toHaveLength(1);
  expect(service.deployments?.[0]).toMatchObject({
    status: 'PRIMARY',
    rolloutState: 'COMPLETED',
    runningCount: 2,
    failedTasks: 0,
  });
  expect(events.slice(0, 2)).toEqual([
    '(service web) has reached a steady state.',
    `(service web) (deployment ${service.deployments?.[0]?.id}) deployment completed.`,
  ]);
  const old = (await stoppedTasks()).filter(({ startedBy }) => startedBy === before.deployments?.[0]?.id);
  expect(old.map(({ stopCode, stoppedReason }) => [stopCode, stoppedReason])).toEqual(
    Array.from({ length: 2 }, () => [
      'ServiceSchedulerInitiated',
      `Scaling activity initiated by (deployment ${service.deployments?.[0]?.id})`,
    ]),
  );
  const target = deployment.targetServiceRevision?.arn ?? '';
  const revisions = await local.client.send(new DescribeServiceRevisionsCommand({ serviceRevisionArns: [target] }));
  expect(revisions.serviceRevisions?.[0]).toMatchObject({
    taskDefinition: service.taskDefinition,
    containerImages: [{ containerName: 'app' }],
  });
}, 30_000);

test('a crash loop trips the breaker, which goes back to the revision that serves all the while', async () => {
  const before = (await look(local.client)).service;
  const probe = prober(site, 20);
  const arn = await deploy(shellContainer('echo about to fail; exit 3', { portMappings: [{ containerPort: 8080 }] }));
  const { service, deployment, events } = await ended();
  expect((await probe.stop()).failures).toEqual([]);
  const oldId = before.deployments?.[0]?.id ?? '';
  const reason = 'Service deployment rolled back because the circuit breaker threshold was exceeded.';
  expect(deployment).toMatchObject({
    serviceDeploymentArn: arn,
    status: 'ROLLBACK_SUCCESSFUL',
    statusReason: reason,
    rollback: { reason, serviceRevisionArn: before.currentServiceRevisions?.[0]?.arn },
    deploymentCircuitBreaker: { status: 'TRIGGERED', threshold: 3 },
    targetServiceRevision: { requestedTaskCount: 0, runningTaskCount: 0, pendingTaskCount: 0 },
  });
  expect(deployment.deploymentCircuitBreaker?.failureCount).toBeGreaterThanOrEqual(3);
  expect(service).toMatchObject({ taskDefinition: before.taskDefinition, runningCount: 2 });
  expect(service.deployments?.map(({ id, rolloutState }) => [id, rolloutState])).toEqual([[oldId, 'COMPLETED']]);
  expect(events).toEqual(expect.arrayContaining([`(service web) rolling back to deployment ${oldId}.`]));
  expect(
    events.some((text) => /\(deployment ecs-svc\/\d+\) deployment failed: tasks failed to start\.$/.test(text)),
  ).toBe(true);
  const failed = (await stoppedTasks()).filter(({ stopCode }) => stopCode === 'EssentialContainerExited');
  expect(failed[0]).toMatchObject({
    lastStatus: 'STOPPED',
    stoppedReason: 'Essential container in task exited',
    containers: [{ name: 'app', exitCode: 3, lastStatus: 'STOPPED' }],
  });
  const stream = `app/app/${failed[0]?.taskArn?.split('/').at(-1)}`;
  const log = local.context.logs.group('/ecs/test')?.streams.get(stream);
  expect(log?.events.map(({ message }) => message)).toEqual(['about to fail']);
}, 30_000);

test('while it fails and rolls back, both deployments tell so', async () => {
  const deaf = "trap '' TERM; sleep 60 & wait; sleep 60";
  await deploy(shellContainer(deaf, { portMappings: [{ containerPort: 8080 }], linuxParameters: {} }));
  const during = await until(
    () => look(local.client),
    ({ deployment }) => deployment.status === 'ROLLBACK_IN_PROGRESS',
  );
  expect(
    during.service.deployments?.map(({ status, rolloutState, rolloutStateReason }) => [
      status,
      rolloutState,
      rolloutStateReason,
    ]),
  ).toEqual([
    [
      'PRIMARY',
      'IN_PROGRESS',
      `ECS deployment circuit breaker: rolling back to deploymentId ${during.service.deployments?.[0]?.id}.`,
    ],
    [expect.stringMatching(/ACTIVE|DRAINING/), 'FAILED', 'ECS deployment circuit breaker: tasks failed to start.'],
  ]);
  expect((await ended()).deployment.status).toBe('ROLLBACK_SUCCESSFUL');
}, 30_000);

test('tasks that never get healthy are stopped for it, and the old version keeps serving', async () => {
  local.context.faults.add({ service: 'ecs', effect: { ecs: 'never-healthy' }, match: { service: 'web' } });
  const probe = prober(site, 20);
  await deploy(serving('v3'));
  const { deployment, events } = await ended();
  expect((await probe.stop()).failures).toEqual([]);
  expect(deployment.status).toBe('ROLLBACK_SUCCESSFUL');
  const sick = (await stoppedTasks()).filter(({ stoppedReason }) => stoppedReason?.startsWith('Task failed ELB'));
  expect(sick[0]).toMatchObject({ stopCode: 'ServiceSchedulerInitiated' });
  expect(sick[0]?.stoppedReason).toMatch(
    /^Task failed ELB health checks in \(target-group arn:aws:.*targetgroup\/web\/[0-9a-f]{16}\)$/,
  );
  expect(
    events.some((text) =>
      /\(port 8080\) is unhealthy in \(target-group .*\) due to \(reason Health checks failed\)\./.test(text),
    ),
  ).toBe(true);
  expect(events.some((text) => /Amazon ECS replaced \d tasks due to an unhealthy status\.$/.test(text))).toBe(true);
}, 30_000);

test('a missing image fails without a breaker for ever, until a newer deployment takes over', async () => {
  local.context.faults.add({ service: 'ecs', effect: { ecs: 'image-missing' }, times: 4 });
  const first = await deploy(serving('missing'), {
    deploymentConfiguration: { ...BREAKER, deploymentCircuitBreaker: { enable: false, rollback: false } },
  });
  const failing = await until(
    () => look(local.client),
    ({ service }) => (service.deployments?.[0]?.failedTasks ?? 0) >= 4,
  );
  expect(failing.deployment).toMatchObject({ status: 'IN_PROGRESS', deploymentCircuitBreaker: { status: 'DISABLED' } });
  expect(failing.events.some((text) => /unable to place a task\. Reason: CannotPullContainerError/.test(text))).toBe(
    true,
  );
  expect(failing.events.some((text) => text.includes('is unable to consistently start tasks successfully'))).toBe(true);
  const [unpulled] = (await stoppedTasks()).filter(({ stopCode }) => stopCode === 'TaskFailedToStart');
  expect(unpulled?.stoppedReason).toMatch(
    /^CannotPullContainerError: pull image manifest has been retried 1 time\(s\): failed to resolve ref .*: not found$/,
  );
  expect(unpulled?.containers?.[0]?.exitCode).toBeUndefined();
  await deploy(serving('v4'), { deploymentConfiguration: BREAKER });
  expect((await ended()).deployment.status).toBe('SUCCESSFUL');
  expect(await version()).toBe('v4');
  const { serviceDeployments } = await local.client.send(
    new DescribeServiceDeploymentsCommand({ serviceDeploymentArns: [first] }),
  );
  expect(serviceDeployments?.[0]).toMatchObject({
    status: 'STOPPED',
    statusReason: expect.stringContaining('newer service deployment'),
  });
  expect(serviceDeployments?.[0]?.stoppedAt).toBeInstanceOf(Date);
}, 30_000);

test('a breaker without rollback stops the deployment and leaves the old tasks', async () => {
  await deploy(shellContainer('exit 1', { portMappings: [{ containerPort: 8080 }] }), {
    deploymentConfiguration: { ...BREAKER, deploymentCircuitBreaker: { enable: true, rollback: false } },
  });
  const { service, deployment } = await ended();
  expect(deployment).toMatchObject({
    status: 'STOPPED',
    statusReason: expect.stringContaining('circuit breaker threshold'),
  });
  expect(deployment.rollback).toBeUndefined();
  expect(service.deployments?.map(({ rolloutState, runningCount }) => [rolloutState, runningCount])).toEqual([
    ['FAILED', 0],
    ['COMPLETED', 2],
  ]);
  expect(await version()).toBe('v4');
  await deploy(serving('v5'), { deploymentConfiguration: BREAKER });
  expect((await ended()).deployment.status).toBe('SUCCESSFUL');
}, 30_000);

test('a deployment that is stopped by hand rolls back, and history keeps all', async () => {
  local.context.faults.add({ service: 'ecs', effect: { ecs: 'never-healthy' } });
  const arn = await deploy(serving('v6'), { healthCheckGracePeriodSeconds: 60 });
  await until(
    () => look(local.client),
    ({ service }) => service.deployments?.[0]?.runningCount === 2,
  );
  await local.client.send(new StopServiceDeploymentCommand({ serviceDeploymentArn: arn, stopType: 'ROLLBACK' }));
  const { deployment } = await ended();
  expect(deployment).toMatchObject({ status: 'ROLLBACK_SUCCESSFUL', deploymentCircuitBreaker: { failureCount: 0 } });
  expect(await version()).toBe('v5');
  await expect(
    local.client.send(new StopServiceDeploymentCommand({ serviceDeploymentArn: arn })),
  ).rejects.toMatchObject({ name: 'ConflictException' });
  const listed = await local.client.send(
    new ListServiceDeploymentsCommand({ cluster: 'sample', service: 'web', status: ['ROLLBACK_SUCCESSFUL'] }),
  );
  expect(listed.serviceDeployments?.[0]?.serviceDeploymentArn).toBe(arn);
  expect(listed.serviceDeployments?.length).toBeGreaterThanOrEqual(3);
}, 30_000);

test('scaling changes the number of tasks and begins no deployment', async () => {
  const before = await look(local.client);
  await local.client.send(new UpdateServiceCommand({ cluster: 'sample', service: 'web', desiredCount: 1 }));
  const { service, deployment } = await until(
    () => look(local.client),
    (seen) => seen.service.runningCount === 1,
  );
  expect(deployment.serviceDeploymentArn).toBe(before.deployment.serviceDeploymentArn);
  expect(service.deployments?.[0]?.id).toBe(before.service.deployments?.[0]?.id);
}, 20_000);
