import {
  DescribeTasksCommand,
  ListServiceDeploymentsCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { isEnded } from './rollout.ts';
import { look, serving, startTestEcs, type TestEcs, until, webWorld } from './test-ecs.ts';

let local: TestEcs;

beforeAll(async () => {
  local = await startTestEcs(webWorld({ desiredCount: 1 }), { lag: 'real' });
  await local.ecs.ready(30_000);
  await until(
    () => look(local.client),
    ({ deployment }) => deployment.status === 'SUCCESSFUL',
  );
}, 60_000);
afterAll(() => local.stop(), 20_000);

test('with lags on, reads right after an update are stale, and become true', async () => {
  const before = await look(local.client);
  await local.client.send(new RegisterTaskDefinitionCommand({ family: 'web', containerDefinitions: [serving('v2')] }));
  const asked = new Date();
  const { service } = await local.client.send(
    new UpdateServiceCommand({ cluster: 'sample', service: 'web', taskDefinition: 'web' }),
  );
  const list = () =>
    local.client.send(
      new ListServiceDeploymentsCommand({
        cluster: 'sample',
        service: 'web',
        createdAt: { after: new Date(asked.getTime() - 1) },
      }),
    );
  expect(service?.currentServiceDeployment).toBe(before.deployment.serviceDeploymentArn);
  expect((await list()).serviceDeployments).toEqual([]);
  expect(service?.deployments?.[0]).toMatchObject({ status: 'PRIMARY', rolloutState: 'IN_PROGRESS', runningCount: 0 });
  const current = await until(
    () => look(local.client),
    ({ deployment }) => deployment.serviceDeploymentArn !== before.deployment.serviceDeploymentArn,
  );
  const listed = await until(list, ({ serviceDeployments }) => serviceDeployments?.length === 1);
  expect(listed.serviceDeployments?.[0]?.serviceDeploymentArn).toBe(current.deployment.serviceDeploymentArn);
  const end = await until(
    () => look(local.client),
    ({ deployment }) => isEnded(deployment.status ?? 'PENDING'),
  );
  expect(end.deployment.status).toBe('SUCCESSFUL');
  const { createdAt, startedAt } = end.deployment;
  expect((startedAt?.getTime() ?? 0) - (createdAt?.getTime() ?? 0)).toBeGreaterThanOrEqual(100);
}, 40_000);

test('with lags on, a task is described as it was a moment ago, its state and its dates alike', async () => {
  const { taskArns } = await local.client.send(new ListTasksCommand({ cluster: 'sample', serviceName: 'web' }));
  const states: string[] = [];
  await local.client.send(new UpdateServiceCommand({ cluster: 'sample', service: 'web', desiredCount: 0 }));
  await until(
    async () => {
      const { tasks } = await local.client.send(new DescribeTasksCommand({ cluster: 'sample', tasks: taskArns }));
      const [task] = tasks ?? [];
      if (states.at(-1) !== task?.lastStatus) states.push(task?.lastStatus ?? '');
      expect(task?.stoppedAt === undefined).toBe(task?.lastStatus !== 'STOPPED');
      expect(task?.stopCode === undefined).toBe(task?.lastStatus !== 'STOPPED');
      return task;
    },
    (task) => task?.lastStatus === 'STOPPED',
  );
  expect(states[0]).toBe('RUNNING');
}, 20_000);
