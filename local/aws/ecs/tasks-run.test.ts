import {
  CreateServiceCommand,
  DeleteServiceCommand,
  DescribeServicesCommand,
  DescribeTasksCommand,
  RegisterTaskDefinitionCommand,
  type RegisterTaskDefinitionCommandInput,
  RunTaskCommand,
  type RunTaskCommandInput,
  StopTaskCommand,
  type Task,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { answering, asking, look, serving, shellContainer, startTestEcs, type TestEcs, until } from './test-ecs.ts';

let local: TestEcs;

beforeAll(async () => {
  local = await startTestEcs({ clusters: [{ name: 'sample' }] });
}, 60_000);
afterAll(() => local.stop(), 20_000);

async function run(
  definition: Omit<RegisterTaskDefinitionCommandInput, 'family'>,
  more: Partial<RunTaskCommandInput> = {},
): Promise<string> {
  await local.client.send(new RegisterTaskDefinitionCommand({ family: 'job', ...definition }));
  const { tasks } = await local.client.send(new RunTaskCommand({ cluster: 'sample', taskDefinition: 'job', ...more }));
  expect(tasks?.[0]).toMatchObject({ lastStatus: 'PROVISIONING', desiredStatus: 'RUNNING' });
  return tasks?.[0]?.taskArn ?? '';
}

async function describe(arn: string): Promise<Task> {
  const { tasks } = await local.client.send(new DescribeTasksCommand({ cluster: 'sample', tasks: [arn] }));
  return tasks?.[0] ?? {};
}

function stopped(arn: string): Promise<Task> {
  return until(
    () => describe(arn),
    ({ lastStatus }) => lastStatus === 'STOPPED',
  );
}

function logOf(task: Task, container = 'app'): string[] {
  const id = task.taskArn?.split('/').at(-1);
  const stream = local.context.logs.group('/ecs/test')?.streams.get(`app/${container}/${id}`);
  return (stream?.events ?? []).map(({ message }) => message);
}

test('a task runs to its end: exit code, log, overrides, dates', async () => {
  const arn = await run(
    { containerDefinitions: [shellContainer('exit 9', { environment: [{ name: 'A', value: 'from-definition' }] })] },
    {
      startedBy: 'a-test',
      tags: [{ key: 'run', value: '7' }],
      overrides: {
        containerOverrides: [
          {
            name: 'app',
            command: ['echo "$A $B"; echo "$AWS_REGION" >&2; exit 4'],
            environment: [{ name: 'B', value: 'and override' }],
          },
        ],
      },
    },
  );
  const task = await stopped(arn);
  expect(task).toMatchObject({
    stopCode: 'EssentialContainerExited',
    stoppedReason: 'Essential container in task exited',
    group: 'family:job',
    startedBy: 'a-test',
    containers: [{ exitCode: 4, lastStatus: 'STOPPED' }],
  });
  expect(logOf(task).sort()).toEqual(['eu-central-1', 'from-definition and override']);
  const dates = [
    task.createdAt,
    task.pullStartedAt,
    task.pullStoppedAt,
    task.startedAt,
    task.stoppingAt,
    task.stoppedAt,
  ];
  expect(dates.filter((date) => date === undefined)).toEqual([]);
}, 20_000);

test('a task that uses more memory than it may is killed, and says so', async () => {
  const task = await stopped(
    await run({
      containerDefinitions: [shellContainer('exec node -e "Buffer.alloc(4e8, 1)"', { memory: 64 })],
    }),
  );
  expect(task).toMatchObject({
    stopCode: 'EssentialContainerExited',
    containers: [{ exitCode: 137, reason: 'OutOfMemoryError: Container killed due to memory usage' }],
  });
}, 20_000);

test.each([
  [
    'a command that does not exist',
    shellContainer('', { entryPoint: ['/no/such'], linuxParameters: {} }),
    /^CannotStartContainerError: Error response from daemon: .*no such file or directory/,
  ],
  [
    'an image nowhere to be had',
    shellContainer('', { image: '127.0.0.1:9/none:1' }),
    /^CannotPullContainerError: .*127\.0\.0\.1:9/,
  ],
  [
    'a secret that is not there',
    shellContainer('', { secrets: [{ name: 'TOKEN', valueFrom: '/sample/token' }] }),
    /^ResourceInitializationError: unable to pull secrets or registry auth: .*\/sample\/token/,
  ],
])(
  'a task does not start for %s',
  async (_, container, reason) => {
    const task = await stopped(await run({ containerDefinitions: [container] }));
    expect(task.stopCode).toBe('TaskFailedToStart');
    expect(task.stoppedReason).toMatch(reason);
    expect(task.containers?.[0]?.reason).toMatch(reason);
    expect(task.startedAt).toBeUndefined();
  },
  20_000,
);

test('a task is stopped by its user, gracefully', async () => {
  const script = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.1; done";
  const arn = await run({ containerDefinitions: [shellContainer(script)] });
  await until(
    () => describe(arn),
    (task) => logOf(task).includes('up'),
  );
  await local.client.send(new StopTaskCommand({ cluster: 'sample', task: arn, reason: 'enough' }));
  const task = await stopped(arn);
  expect(task).toMatchObject({ stopCode: 'UserInitiated', stoppedReason: 'enough', containers: [{ exitCode: 0 }] });
  expect(logOf(task)).toEqual(['up', 'bye']);
}, 20_000);

test('containers of one task share an address, wait for each other, and end with the essential one', async () => {
  const port = (name: string, number: number, text: string) =>
    shellContainer(answering(number, text), { name, portMappings: [{ containerPort: number }] });
  const arn = await run({
    containerDefinitions: [
      shellContainer(
        `cat /shared/ready && ${asking('http://127.0.0.1:8081/')} && ${asking('http://127.0.0.1:8082/')}`,
        {
          name: 'app',
          dependsOn: [
            { containerName: 'first', condition: 'SUCCESS' },
            { containerName: 'side', condition: 'HEALTHY' },
            { containerName: 'other', condition: 'START' },
          ],
          mountPoints: [{ sourceVolume: 'data', containerPath: '/shared' }],
        },
      ),
      shellContainer('echo prepared > /shared/ready', {
        name: 'first',
        essential: false,
        mountPoints: [{ sourceVolume: 'data', containerPath: '/shared' }],
      }),
      {
        ...port('side', 8081, 'from-side'),
        essential: false,
        healthCheck: { command: ['CMD-SHELL', asking('http://127.0.0.1:8081/')], interval: 5 },
      },
      { ...port('other', 8082, 'from-other'), essential: false },
    ],
    volumes: [{ name: 'data' }],
  });
  const task = await stopped(arn);
  const byName = new Map(task.containers?.map((container) => [container.name, container]));
  expect(task.stoppedReason).toBe('Essential container in task exited');
  expect(byName.get('app')).toMatchObject({ exitCode: 0 });
  expect(byName.get('first')).toMatchObject({ exitCode: 0 });
  expect(byName.get('side')?.networkBindings?.map(({ containerPort }) => containerPort)).toEqual([8081]);
  expect(logOf(task)).toEqual(['prepared', 'from-side', 'from-other']);
}, 25_000);

test('a service without balancer is judged by its container health check, and its tasks die with it', async () => {
  const healthy = { command: ['CMD-SHELL', asking('http://127.0.0.1:8080/health')], interval: 5, retries: 2 };
  await local.client.send(
    new RegisterTaskDefinitionCommand({
      family: 'worker',
      containerDefinitions: [serving('w1', { healthCheck: healthy })],
    }),
  );
  const deploymentConfiguration = {
    deploymentCircuitBreaker: {
      enable: true,
      rollback: true,
      thresholdConfiguration: { type: 'COUNT' as const, value: 1 },
    },
  };
  await local.client.send(
    new CreateServiceCommand({
      cluster: 'sample',
      serviceName: 'worker',
      taskDefinition: 'worker',
      desiredCount: 1,
      deploymentConfiguration,
    }),
  );
  await until(
    () => look(local.client, 'worker'),
    ({ deployment }) => deployment.status === 'SUCCESSFUL',
  );
  await local.client.send(
    new RegisterTaskDefinitionCommand({
      family: 'worker',
      containerDefinitions: [serving('w2', { healthCheck: { ...healthy, command: ['CMD-SHELL', 'exit 1'] } })],
    }),
  );
  await local.client.send(new UpdateServiceCommand({ cluster: 'sample', service: 'worker', taskDefinition: 'worker' }));
  const { deployment, events } = await until(
    () => look(local.client, 'worker'),
    (seen) => seen.deployment.status === 'ROLLBACK_SUCCESSFUL',
  );
  expect(deployment.deploymentCircuitBreaker).toMatchObject({ status: 'TRIGGERED', failureCount: 1, threshold: 1 });
  expect(
    events.some((text) => /^\(service worker\) \(task [0-9a-f]{32}\) failed container health checks\.$/.test(text)),
  ).toBe(true);
  await local.client.send(new DeleteServiceCommand({ cluster: 'sample', service: 'worker', force: true }));
  await until(
    () => local.client.send(new DescribeServicesCommand({ cluster: 'sample', services: ['worker'] })),
    ({ services }) => services?.[0]?.status === 'INACTIVE' && services[0].runningCount === 0,
  );
}, 30_000);

test('a first deployment that fails has nothing to go back to, and a worker that dies at once never counts as running', async () => {
  await local.client.send(
    new RegisterTaskDefinitionCommand({ family: 'dying', containerDefinitions: [shellContainer('sleep 0.3; exit 1')] }),
  );
  const deploymentConfiguration = { deploymentCircuitBreaker: { enable: true, rollback: true } };
  await local.client.send(
    new CreateServiceCommand({
      cluster: 'sample',
      serviceName: 'dying',
      taskDefinition: 'dying',
      desiredCount: 3,
      deploymentConfiguration,
    }),
  );
  const { deployment, service } = await until(
    () => look(local.client, 'dying'),
    (seen) => seen.deployment.finishedAt !== undefined,
  );
  expect(deployment).toMatchObject({
    status: 'ROLLBACK_FAILED',
    statusReason: 'No rollback candidate was found to run the rollback.',
  });
  expect(service.deployments?.[0]).toMatchObject({ rolloutState: 'FAILED', failedTasks: 3 });
}, 20_000);

test('nothing is left when it stops', async () => {
  await local.ecs.stop();
  expect(await local.engine.list()).toEqual([]);
}, 10_000);
