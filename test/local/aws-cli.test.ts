import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ContainerDefinition, Service, Task } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Local, startLocal } from '../../local/start.ts';
import { pushScript } from '../support/image.ts';

const execFileAsync = promisify(execFile);
const ONE = 'i-00000000000000001';
const TWO = 'i-00000000000000002';
const CLUSTER = ['--cluster', 'sample'];

// Two programs that know nothing of this project, side by side: what the aws command line says, and what docker says.
let local: Local;
let image: string;
let digest: string;

async function aws<T>(args: string[], env: Record<string, string> = {}): Promise<T> {
  const { AWS_ENDPOINT_URL: _, ...rest } = local.env();
  const given = ['--endpoint-url', local.endpoints.aws, '--output', 'json', ...args];
  const options = { env: { ...process.env, ...rest, AWS_PAGER: '', ...env }, timeout: 60_000 };
  const { stdout } = await execFileAsync('aws', given, options);
  return (stdout.trim() === '' ? {} : JSON.parse(stdout)) as T;
}

async function docker(...args: string[]): Promise<string> {
  const { stdout } = await execFileAsync('docker', args, { timeout: 60_000 });
  return stdout.trim();
}

async function until<T>(look: () => Promise<T>, isSo: (seen: T) => boolean, seconds = 60): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (isSo(seen) || Date.now() > end) return seen;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

const container = (): ContainerDefinition => ({
  name: 'web',
  image,
  memory: 64,
  stopTimeout: 2,
  portMappings: [{ containerPort: 8080 }],
});

async function service(): Promise<Service> {
  const { services } = await aws<{ services: Service[] }>([
    ...['ecs', 'describe-services', '--services', 'web', ...CLUSTER],
  ]);
  return services[0] ?? {};
}

async function tasks(status: 'RUNNING' | 'STOPPED' = 'RUNNING'): Promise<Task[]> {
  const { taskArns } = await aws<{ taskArns: string[] }>([
    ...['ecs', 'list-tasks', '--service-name', 'web', '--desired-status', status, ...CLUSTER],
  ]);
  if (taskArns.length === 0) return [];
  return (await aws<{ tasks: Task[] }>(['ecs', 'describe-tasks', '--tasks', ...taskArns, ...CLUSTER])).tasks;
}

/** Ids of the running containers that this local pipeline has made with the label, by docker. */
async function byDocker(label: string): Promise<string[]> {
  const filters = [`label=slipway.local=${local.instance}`, `label=${label}`].flatMap((filter) => ['--filter', filter]);
  return (await docker('ps', '--no-trunc', '--quiet', ...filters)).split('\n').filter(Boolean).sort();
}
const running = () => byDocker('slipway.ecs.cluster=sample');
const runtimeIds = (list: Task[]) => list.map((task) => task.containers?.[0]?.runtimeId).sort();

beforeAll(async () => {
  local = await startLocal({
    world: {
      repositories: ['web'],
      roles: [{ name: 'auditor' }],
      clusters: [
        {
          name: 'sample',
          taskDefinitions: [{ family: 'web', containerDefinitions: [{ name: 'web', image: 'none', memory: 64 }] }],
          services: [{ serviceName: 'web', taskDefinition: 'web', desiredCount: 0 }],
        },
      ],
      hosts: [
        { id: ONE, tags: { Role: 'docker-host' } },
        { id: TWO, tags: { Role: 'docker-host' } },
      ],
    },
  });
  image = await pushScript(local, 'web:1', 'mkdir /www; echo one > /www/index.html\nexec httpd -f -p 8080 -h /www\n');
  digest = image.split('@')[1] ?? '';
}, 90_000);
afterAll(() => local?.stop(), 30_000);

describe('ecs', () => {
  test('a service that was told to run two tasks has two containers, and both sides name the same', async () => {
    const registered = await aws<{ taskDefinition: { taskDefinitionArn: string } }>([
      ...['ecs', 'register-task-definition', '--family', 'web'],
      ...['--container-definitions', JSON.stringify([container()])],
    ]);
    const arn = registered.taskDefinition.taskDefinitionArn;
    const update = ['ecs', 'update-service', '--service', 'web', '--desired-count', '2', ...CLUSTER];
    await aws([...update, '--task-definition', arn]);
    const seen = await until(service, (s) => s.runningCount === 2 && s.deployments?.[0]?.rolloutState === 'COMPLETED');
    expect(seen).toMatchObject({
      status: 'ACTIVE',
      desiredCount: 2,
      runningCount: 2,
      pendingCount: 0,
      taskDefinition: arn,
    });
    const list = await tasks();
    expect(list).toHaveLength(2);
    for (const task of list) {
      expect(task).toMatchObject({ lastStatus: 'RUNNING', taskDefinitionArn: arn });
      expect(task.containers).toMatchObject([{ name: 'web', lastStatus: 'RUNNING', image, imageDigest: digest }]);
    }
    expect(runtimeIds(list)).toEqual(await running());
  }, 120_000);

  test('a container that docker kills is told of with its exit code, and replaced', async () => {
    const [victim = ''] = await running();
    await docker('kill', victim);
    const stopped = await until(
      () => tasks('STOPPED'),
      (list) => list.some((task) => task.containers?.[0]?.runtimeId === victim && task.lastStatus === 'STOPPED'),
    );
    expect(stopped.find((task) => task.containers?.[0]?.runtimeId === victim)).toMatchObject({
      lastStatus: 'STOPPED',
      stopCode: 'EssentialContainerExited',
      stoppedReason: 'Essential container in task exited',
      containers: [{ exitCode: 137 }],
    });
    await until(service, (s) => s.runningCount === 2);
    const now = await running();
    expect([now.length, now.includes(victim)]).toEqual([2, false]);
    expect(runtimeIds(await tasks())).toEqual(now);
  }, 120_000);

  test('what is missing is told as AWS tells it', async () => {
    const { failures } = await aws<{ failures: unknown[] }>([
      ...['ecs', 'describe-services', '--services', 'none', ...CLUSTER],
    ]);
    expect(failures).toEqual([{ arn: expect.stringMatching(/:service\/sample\/none$/), reason: 'MISSING' }]);
    await expect(aws(['ecs', 'list-tasks', '--cluster', 'none'])).rejects.toThrow(/ClusterNotFoundException/);
  }, 60_000);
});

test('ecr describe-images names what was pushed, by the digest and size that docker has for it', async () => {
  const [details, ...others] = (
    await aws<{ imageDetails: Record<string, unknown>[] }>(['ecr', 'describe-images', '--repository-name', 'web'])
  ).imageDetails;
  expect(others).toEqual([]);
  expect(details).toMatchObject({
    registryId: '123456789012',
    repositoryName: 'web',
    imageDigest: digest,
    imageTags: ['1'],
    imageManifestMediaType: 'application/vnd.docker.distribution.manifest.v2+json',
  });
  // What the tasks pulled, as docker knows it.
  expect(JSON.parse(await docker('image', 'inspect', '--format', '{{json .RepoDigests}}', image))).toContain(image);
  const { username, password } = local.registry.pullCredentials();
  const response = await fetch(`http://${local.endpoints.registry}/v2/web/manifests/${digest}`, {
    headers: {
      authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
      accept: String(details?.imageManifestMediaType),
    },
  });
  const { layers } = (await response.json()) as { layers: { size: number }[] };
  expect(details?.imageSizeInBytes).toBe(layers.reduce((sum, { size }) => sum + size, 0));
}, 60_000);

test('ssm list-command-invocations answers what the hosts’ own shells and docker said', async () => {
  const run = `docker run --detach --name app --publish 8080:8080 ${image} > /dev/null && docker ps --no-trunc --quiet && echo careful >&2`;
  const sent = await aws<{ Command: { CommandId: string } }>([
    ...['ssm', 'send-command', '--document-name', 'AWS-RunShellScript'],
    ...['--targets', 'Key=tag:Role,Values=docker-host', '--parameters', JSON.stringify({ commands: [run] })],
  ]);
  interface Invocation {
    InstanceId: string;
    Status: string;
    CommandPlugins: { ResponseCode: number; Output: string }[];
  }
  const list = async () =>
    (
      await aws<{ CommandInvocations: Invocation[] }>([
        ...['ssm', 'list-command-invocations', '--details', '--command-id', sent.Command.CommandId],
      ])
    ).CommandInvocations;
  const ended = await until(list, (all) => all.length === 2 && all.every((i) => i.Status === 'Success'));
  expect(ended.map((i) => i.InstanceId).sort()).toEqual([ONE, TWO]);
  for (const { InstanceId, CommandPlugins } of ended) {
    const ids = await byDocker(`slipway.host=${InstanceId}`);
    expect(ids).toHaveLength(1);
    expect(CommandPlugins).toMatchObject([{ ResponseCode: 0, Output: expect.stringContaining(ids.join()) }]);
    expect(CommandPlugins[0]?.Output).toContain('careful');
  }
}, 120_000);

test('sts get-caller-identity tells who signed: the user, then the role that it took', async () => {
  expect(await aws(['sts', 'get-caller-identity'])).toEqual({
    UserId: expect.stringMatching(/^AIDA[A-Z2-7]{16}$/),
    Account: '123456789012',
    Arn: 'arn:aws:iam::123456789012:user/local',
  });
  const role = 'arn:aws:iam::123456789012:role/auditor';
  const { Credentials: keys } = await aws<{ Credentials: Record<string, string> }>([
    ...['sts', 'assume-role', '--role-arn', role, '--role-session-name', 'by-hand'],
  ]);
  const session = {
    AWS_ACCESS_KEY_ID: keys.AccessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: keys.SecretAccessKey ?? '',
    AWS_SESSION_TOKEN: keys.SessionToken ?? '',
  };
  expect(await aws(['sts', 'get-caller-identity'], session)).toMatchObject({
    Arn: 'arn:aws:sts::123456789012:assumed-role/auditor/by-hand',
  });
  const forged = { ...session, AWS_SECRET_ACCESS_KEY: 'not-the-key' };
  await expect(aws(['sts', 'get-caller-identity'], forged)).rejects.toThrow(/SignatureDoesNotMatch/);
}, 60_000);
