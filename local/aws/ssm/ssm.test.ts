import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CloudWatchLogsClient, GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import {
  CancelCommandCommand,
  CreateDocumentCommand,
  DescribeDocumentCommand,
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  GetParameterCommand,
  GetParameterHistoryCommand,
  GetParametersByPathCommand,
  GetParametersCommand,
  ListCommandInvocationsCommand,
  ListCommandsCommand,
  PutParameterCommand,
  SendCommandCommand,
  type SendCommandRequest,
  SSMClient,
  UpdateDocumentCommand,
} from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { tarOf } from '../../engine/tar.ts';
import { type Local, startLocal } from '../../start.ts';

const run = promisify(execFile);
const ONE = 'i-00000000000000001';
const TWO = 'i-00000000000000002';
const LOST = 'i-0000000000000000f';
let local: Local;
let work: string;
let ssm: SSMClient;
let settings: {
  endpoint: string;
  region: string;
  maxAttempts: number;
  credentials: { accessKeyId: string; secretAccessKey: string };
};

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'slipway-ssm-test-'));
  local = await startLocal({
    lag: 'real',
    seed: 3,
    world: {
      repositories: ['tool'],
      parameters: {
        '/app/token': { value: 'very secret', type: 'SecureString' },
        '/app/name': 'web',
        '/app/deep/er': 'x',
      },
      hosts: [
        { id: ONE, name: 'one', tags: { Role: 'docker-host', Zone: 'a' } },
        { id: TWO, name: 'two', tags: { Role: 'docker-host', Zone: 'b' } },
        { id: LOST, name: 'lost', tags: { Role: 'lost' }, online: false },
      ],
    },
  });
  const env = local.env();
  settings = {
    endpoint: local.endpoints.aws,
    region: 'eu-central-1',
    maxAttempts: 1,
    credentials: { accessKeyId: String(env.AWS_ACCESS_KEY_ID), secretAccessKey: String(env.AWS_SECRET_ACCESS_KEY) },
  };
  ssm = new SSMClient(settings);
}, 60_000);
afterAll(async () => {
  await local.stop();
  await rm(work, { recursive: true, force: true });
}, 20_000);

async function send(commands: string[], over: Partial<SendCommandRequest> = {}): Promise<string> {
  const { Command } = await ssm.send(
    new SendCommandCommand({
      DocumentName: 'AWS-RunShellScript',
      InstanceIds: over.Targets ? undefined : [ONE],
      Parameters: { commands },
      ...over,
    }),
  );
  return Command?.CommandId ?? '';
}

async function ended(id: string) {
  for (;;) {
    const { Commands } = await ssm.send(new ListCommandsCommand({ CommandId: id }));
    if (!['Pending', 'InProgress', 'Cancelling'].includes(Commands?.[0]?.Status ?? '')) return Commands?.[0];
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const result = (id: string, InstanceId = ONE) =>
  ssm.send(new GetCommandInvocationCommand({ CommandId: id, InstanceId }));

describe('a command', () => {
  test('does not exist for a moment, shows nothing while it runs, and then its output and exit code', async () => {
    const id = await send(['echo out; echo err >&2', 'sleep 2', 'exit 7']);
    await expect(result(id)).rejects.toMatchObject({ name: 'InvocationDoesNotExist' });
    let status = '';
    while (status !== 'InProgress') {
      const seen = await result(id).catch(() => undefined);
      status = seen?.Status ?? '';
      if (status === 'InProgress') expect(seen).toMatchObject({ StandardOutputContent: '', ResponseCode: -1 });
    }
    expect(await ended(id)).toMatchObject({ Status: 'Failed', TargetCount: 1, CompletedCount: 1, ErrorCount: 1 });
    expect(await result(id)).toMatchObject({
      Status: 'Failed',
      StatusDetails: 'Failed',
      ResponseCode: 7,
      StandardOutputContent: 'out\n',
      StandardErrorContent: 'err\nfailed to run commands: exit status 7',
      PluginName: 'aws:runShellScript',
    });
  }, 20_000);

  test('goes to every host with the tag; its output is cut as AWS cuts it and whole in the log', async () => {
    const id = await send(['i=0; while [ $i -lt 3000 ]; do echo "line $i xxxxxxxxxx"; i=$((i+1)); done'], {
      Targets: [{ Key: 'tag:Role', Values: ['docker-host'] }],
      CloudWatchOutputConfig: { CloudWatchOutputEnabled: true, CloudWatchLogGroupName: '/test' },
    });
    expect(await ended(id)).toMatchObject({ Status: 'Success', TargetCount: 2, CompletedCount: 2 });
    const invocations = await ssm.send(new ListCommandInvocationsCommand({ CommandId: id, Details: true }));
    expect(invocations.CommandInvocations?.map((i) => i.InstanceId).sort()).toEqual([ONE, TWO]);
    expect((await result(id, TWO)).StandardOutputContent).toHaveLength(24_000);
    const logs = new CloudWatchLogsClient(settings);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const page = await logs.send(
      new GetLogEventsCommand({
        logGroupName: '/test',
        logStreamName: `${id}/${TWO}/aws-runShellScript/stdout`,
        startFromHead: true,
      }),
    );
    expect(page.events).toHaveLength(3000);
    expect(page.events?.at(-1)?.message).toBe('line 2999 xxxxxxxxxx');
  }, 20_000);

  test('for a tag that nothing has succeeds with nobody', async () => {
    const id = await send(['true'], { Targets: [{ Key: 'tag:Role', Values: ['none'] }] });
    expect(await ended(id)).toMatchObject({ Status: 'Success', TargetCount: 0, CompletedCount: 0 });
  });

  test('ends at its time-out, and when it is cancelled, with all that it started', async () => {
    const late = await send(['echo before; sleep 60 & sleep 61'], {
      Parameters: { commands: ['echo before; sleep 60 & sleep 61'], executionTimeout: ['1'] },
    });
    expect(await ended(late)).toMatchObject({ Status: 'TimedOut', StatusDetails: 'ExecutionTimedOut' });
    expect(await result(late)).toMatchObject({
      Status: 'TimedOut',
      StatusDetails: 'ExecutionTimedOut',
      ResponseCode: -1,
      StandardOutputContent: 'before\n',
    });
    const id = await send(['sleep 62']);
    while ((await result(id).catch(() => undefined))?.Status !== 'InProgress')
      await new Promise((resolve) => setTimeout(resolve, 50));
    await ssm.send(new CancelCommandCommand({ CommandId: id }));
    expect(await ended(id)).toMatchObject({ Status: 'Cancelled' });
    const check = await send(['ps | grep -c "sleep 6[0-2]"; true']);
    await ended(check);
    expect((await result(check)).StandardOutputContent).toBe('0\n');
  }, 20_000);

  test('stops after as many errors as it may have', async () => {
    const id = await send(['exit 1'], { Targets: [{ Key: 'tag:Role', Values: ['docker-host'] }], MaxConcurrency: '1' });
    expect(await ended(id)).toMatchObject({ Status: 'Failed', ErrorCount: 1, CompletedCount: 2 });
    const list = await ssm.send(new ListCommandInvocationsCommand({ CommandId: id }));
    expect(list.CommandInvocations?.map((i) => i.StatusDetails)).toEqual(['Failed', 'Terminated']);
  }, 20_000);

  test.each([
    ['an instance that is not there', { InstanceIds: ['i-11111111111111111'] }, 'InvalidInstanceId'],
    ['an agent that is not online', { InstanceIds: [LOST] }, 'InvalidInstanceId'],
    ['a document that is not there', { DocumentName: 'None' }, 'InvalidDocument'],
    [
      'a parameter that the document does not have',
      { Parameters: { commands: ['x'], other: ['y'] } },
      'InvalidParameters',
    ],
    ['no parameter', { Parameters: {} }, 'InvalidParameters'],
    ['a short time-out', { TimeoutSeconds: 10 }, 'ValidationException'],
  ])('%s is refused', async (_name, over, name) => {
    await expect(send(['true'], over)).rejects.toMatchObject({ name });
  });
});

describe('a document of one’s own', () => {
  const content = (script: string) =>
    JSON.stringify({
      schemaVersion: '2.2',
      parameters: { payload: { type: 'String', allowedPattern: '^[A-Za-z0-9+/=]+$' } },
      mainSteps: [{ action: 'aws:runShellScript', name: 'step', inputs: { runCommand: [script] } }],
    });

  test('is filled in as text, after its pattern has been looked at', async () => {
    await ssm.send(
      new CreateDocumentCommand({ Name: 'Own', Content: content("echo '{{ payload }}'"), DocumentType: 'Command' }),
    );
    const id = await send([], { DocumentName: 'Own', Parameters: { payload: ['YWJj'] } });
    expect(await ended(id)).toMatchObject({ Status: 'Success' });
    expect(await result(id)).toMatchObject({ StandardOutputContent: 'YWJj\n', PluginName: 'step' });
    await expect(send([], { DocumentName: 'Own', Parameters: { payload: ["'; reboot; '"] } })).rejects.toMatchObject({
      name: 'InvalidParameters',
    });
    await ssm.send(
      new UpdateDocumentCommand({ Name: 'Own', Content: content('echo new'), DocumentVersion: '$LATEST' }),
    );
    const { Document } = await ssm.send(new DescribeDocumentCommand({ Name: 'Own' }));
    expect(Document).toMatchObject({ DefaultVersion: '1', LatestVersion: '2', Status: 'Active' });
    const again = new UpdateDocumentCommand({ Name: 'Own', Content: content('echo new'), DocumentVersion: '$LATEST' });
    await expect(ssm.send(again)).rejects.toMatchObject({ name: 'DuplicateDocumentContent' });
    const broken = new CreateDocumentCommand({ Name: 'Broken', Content: '{"schemaVersion":"2.2","mainSteps":[]}' });
    await expect(ssm.send(broken)).rejects.toMatchObject({ name: 'InvalidDocumentContent' });
  }, 20_000);
});

describe('a host', () => {
  test('has a docker of its own, with names, ports and disk apart from the other’s', async () => {
    const image = `${local.registry.host}/tool:1`;
    await local.engine.importImage(
      tarOf({ 'bin/busybox': { content: readFileSync('/usr/bin/busybox'), mode: 0o755 } }),
      image,
      ['CMD ["/bin/busybox","httpd","-f","-p","80","-h","/data"]'],
    );
    await run('docker', ['--config', await dockerConfig(), 'push', image]);
    await local.engine.removeImage(image);
    const id = await send(
      [
        'set -e',
        'mkdir -p /dev/shm/app; echo "$AWS_ACCESS_KEY_ID" > /dev/shm/app/index.html',
        `docker run -d --name app -p 8080:80 -v /dev/shm/app:/data:ro ${image} > /dev/null`,
        'docker ps --format "{{.Names}}"',
      ],
      { Targets: [{ Key: 'tag:Role', Values: ['docker-host'] }] },
    );
    expect(await ended(id)).toMatchObject({ Status: 'Success' });
    for (const instance of [ONE, TWO]) expect((await result(id, instance)).StandardOutputContent).toBe('app\n');
    const { Reservations } = await new EC2Client(settings).send(
      new DescribeInstancesCommand({
        Filters: [
          { Name: 'tag:Role', Values: ['docker-*'] },
          { Name: 'instance-state-name', Values: ['running'] },
        ],
      }),
    );
    const addresses = Reservations?.flatMap((r) => r.Instances ?? []).map((i) => i.PrivateIpAddress) ?? [];
    expect(new Set(addresses).size).toBe(2);
    const pages = await Promise.all(addresses.map(async (address) => (await fetch(`http://${address}:8080/`)).text()));
    expect(new Set(pages).size).toBe(2);
  }, 30_000);

  test('reads a secret with its role', async () => {
    const id = await send([
      'aws ssm get-parameter --name /app/token --with-decryption --query Parameter.Value --output text',
      'aws s3 ls || echo "exit $?"',
    ]);
    await ended(id);
    const { StandardOutputContent, StandardErrorContent } = await result(id);
    expect(StandardOutputContent).toBe('very secret\nexit 252\n');
    expect(StandardErrorContent).toContain("'s3 ls' is not on this local host");
    expect(local.requests().findLast((r) => r.operation === 'GetParameter')?.identity).toContain(
      `assumed-role/slipway-host/${ONE}`,
    );
  }, 20_000);

  test('is told of by the agents that are online', async () => {
    const online = async (Filters: { Key: string; Values: string[] }[]) =>
      (await ssm.send(new DescribeInstanceInformationCommand({ Filters }))).InstanceInformationList?.map(
        (i) => i.InstanceId,
      );
    expect(await online([{ Key: 'PingStatus', Values: ['Online'] }])).toEqual([ONE, TWO]);
    expect(await online([{ Key: 'tag:Zone', Values: ['b'] }])).toEqual([TWO]);
    expect(await online([{ Key: 'PingStatus', Values: ['ConnectionLost'] }])).toEqual([LOST]);
  });

  test('whose agent is away takes its command when it is back', async () => {
    await local.hosts.does(TWO, 'agent-offline');
    const id = await send(['echo back'], { Targets: [{ Key: 'tag:Zone', Values: ['b'] }], TimeoutSeconds: 30 });
    const lost = new DescribeInstanceInformationCommand({
      Filters: [{ Key: 'PingStatus', Values: ['ConnectionLost'] }],
    });
    expect((await ssm.send(lost)).InstanceInformationList?.map((i) => i.InstanceId).sort()).toEqual([TWO, LOST]);
    expect((await ssm.send(new ListCommandsCommand({ CommandId: id }))).Commands?.[0]?.Status).toBe('Pending');
    await local.hosts.does(TWO, 'agent-online');
    expect(await ended(id)).toMatchObject({ Status: 'Success', CompletedCount: 1 });
  }, 20_000);

  test('that loses its power leaves its command in progress until its time is over; its disk stays, its memory does not', async () => {
    await ended(await send(['echo kept > /var/lib/kept; echo gone > /run/gone'], { InstanceIds: [TWO] }));
    const id = await send(['sleep 60'], {
      InstanceIds: [TWO],
      Parameters: { commands: ['sleep 60'], executionTimeout: ['4'] },
    });
    const standing = () => result(id, TWO).then((r) => r.StatusDetails);
    while ((await standing().catch(() => '')) !== 'InProgress') await new Promise((done) => setTimeout(done, 50));
    await local.hosts.does(TWO, 'power-off');
    expect(await standing()).toBe('InProgress');
    expect(await ended(id)).toMatchObject({ Status: 'TimedOut' });
    expect(await standing()).toBe('ExecutionTimedOut');
    const ec2 = new EC2Client(settings);
    const stopped = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [TWO] }));
    expect(stopped.Reservations?.[0]?.Instances?.[0]?.State?.Name).toBe('stopped');
    await local.hosts.does(TWO, 'boot');
    const after = await send(['cat /var/lib/kept; ls /run/gone'], { InstanceIds: [TWO] });
    await ended(after);
    expect(await result(after, TWO)).toMatchObject({ StandardOutputContent: 'kept\n', ResponseCode: 1 });
  }, 30_000);
});

describe('parameters', () => {
  test('are read, kept encrypted without being asked, written with versions', async () => {
    const get = (Name: string, WithDecryption = false) => ssm.send(new GetParameterCommand({ Name, WithDecryption }));
    expect((await get('/app/name')).Parameter).toMatchObject({ Value: 'web', Type: 'String', Version: 1 });
    expect((await get('/app/token')).Parameter?.Value).not.toContain('secret');
    expect((await get('/app/token', true)).Parameter?.Value).toBe('very secret');
    await expect(get('/app/none')).rejects.toMatchObject({ name: 'ParameterNotFound' });
    const many = await ssm.send(new GetParametersCommand({ Names: ['/app/name', '/none'] }));
    expect(many.InvalidParameters).toEqual(['/none']);
    const flat = await ssm.send(new GetParametersByPathCommand({ Path: '/app' }));
    expect(flat.Parameters?.map((p) => p.Name)).toEqual(['/app/name', '/app/token']);
    const put = (Overwrite?: boolean) =>
      ssm.send(new PutParameterCommand({ Name: '/new', Value: 'v', Type: 'String', Overwrite }));
    expect((await put()).Version).toBe(1);
    await expect(put()).rejects.toMatchObject({ name: 'ParameterAlreadyExists' });
    expect((await put(true)).Version).toBe(2);
    expect(local.requests().findLast((r) => r.operation === 'PutParameter')?.input).toMatchObject({ Value: '***' });
  });

  test('remember their versions, and take the advanced tier where they have to', async () => {
    const put = (Value: string, more: object = {}) =>
      ssm.send(new PutParameterCommand({ Name: '/kept', Value, Type: 'String', Tier: 'Intelligent-Tiering', ...more }));
    expect(await put('one', { Tags: [{ Key: 'a', Value: 'b' }] })).toMatchObject({ Version: 1, Tier: 'Standard' });
    const overwrite = { Overwrite: true };
    await expect(put('two', { ...overwrite, Tags: [{ Key: 'a', Value: 'c' }] })).rejects.toMatchObject({
      name: 'ValidationException',
    });
    expect(await put('x'.repeat(5000), overwrite)).toMatchObject({ Version: 2, Tier: 'Advanced' });
    await expect(put('x'.repeat(8193), overwrite)).rejects.toThrow(/8192/);
    const history = await ssm.send(new GetParameterHistoryCommand({ Name: '/kept' }));
    expect(history.Parameters?.map((p) => [p.Version, p.Value?.length])).toEqual([
      [1, 3],
      [2, 5000],
    ]);
  });
});

test('the aws command line lists what ran', async () => {
  const { stdout } = await run('aws', ['ssm', 'list-command-invocations', '--output', 'json'], {
    env: { ...process.env, ...local.env() },
  });
  expect(JSON.parse(stdout).CommandInvocations.length).toBeGreaterThan(5);
}, 20_000);

/** A docker configuration that may push. */
async function dockerConfig(): Promise<string> {
  const { username, password, serveraddress } = local.registry.pullCredentials();
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  await writeFile(join(work, 'config.json'), JSON.stringify({ auths: { [serveraddress]: { auth } } }));
  return work;
}
