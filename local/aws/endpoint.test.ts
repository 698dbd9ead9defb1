import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { DescribeRepositoriesCommand, ECRClient } from '@aws-sdk/client-ecr';
import { DescribeServicesCommand, ECSClient, RegisterTaskDefinitionCommand } from '@aws-sdk/client-ecs';
import { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import {
  AssumeRoleCommand,
  AssumeRoleWithWebIdentityCommand,
  GetCallerIdentityCommand,
  GetFederationTokenCommand,
  STSClient,
} from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../lib/clock.ts';
import { createBus } from '../bus.ts';
import { createFaults } from '../faults.ts';
import { createOidc, type Oidc } from '../oidc/server.ts';
import { createWorld } from '../world.ts';
import { createCredentialStore, LOCAL_ACCESS_KEY_ID, LOCAL_SECRET_ACCESS_KEY } from './credentials.ts';
import { type AwsEndpoint, createAwsEndpoint } from './endpoint.ts';
import type { AwsService } from './service.ts';
import { createSts } from './sts.ts';

const run = promisify(execFile);
const account = '123456789012';
const region = 'eu-central-1';
const faults = createFaults(1);
let offset = 0;
const clock = { ...systemClock, now: () => Date.now() + offset };
const credentials = createCredentialStore({ account, now: clock.now });
const seen: unknown[] = [];
let oidc: Oidc;
let aws: AwsEndpoint;

/** Stand-ins for the protocol's sake: each answers from its input. */
const services: AwsService[] = [
  {
    id: 'ecs',
    lossless: ['RegisterTaskDefinition'],
    operations: {
      DescribeServices: (input: object) => {
        seen.push(input);
        return {
          services: [{ serviceName: 'web', createdAt: new Date(1_700_000_000_123), desiredCount: 2 }],
          failures: [],
        };
      },
      RegisterTaskDefinition: (input: { family?: string }) => {
        seen.push(input);
        return { taskDefinition: { ...input, revision: 1 } };
      },
      ListClusters: () => ({ clusterArms: [] }),
    },
  },
  {
    id: 'elasticloadbalancing',
    operations: {
      DescribeTargetHealth: (input: object) => {
        seen.push(input);
        return {
          TargetHealthDescriptions: [{ Target: { Id: 'a<&>"', Port: 80 }, TargetHealth: { State: 'healthy' } }],
        };
      },
    },
  },
  {
    id: 'ec2',
    operations: {
      DescribeInstances: (input: object) => {
        seen.push(input);
        const instance = {
          InstanceId: 'i-1',
          Tags: [{ Key: 'Role', Value: 'x' }],
          LaunchTime: new Date(1_700_000_000_000),
          EbsOptimized: false,
        };
        return { Reservations: [{ ReservationId: 'r-1', Instances: [instance] }] };
      },
    },
  },
];

const settings = (over: object = {}) => ({
  endpoint: aws.url,
  region,
  maxAttempts: 1,
  credentials: { accessKeyId: LOCAL_ACCESS_KEY_ID, secretAccessKey: LOCAL_SECRET_ACCESS_KEY },
  ...over,
});

beforeAll(async () => {
  oidc = await createOidc({ identity: { repository: 'acme/sample', environment: 'dev' } });
  const roles = createWorld({
    roles: [{ name: 'deploy', subjects: ['repo:acme/sample:environment:*'], deny: ['ecs:Describe*'] }],
  }).roles;
  const sts = createSts({ account, roles, credentials, oidcIssuer: oidc.url });
  aws = await createAwsEndpoint({
    account,
    region,
    clock,
    bus: createBus(),
    faults,
    credentials,
    services: [...services, sts],
  });
});
afterAll(async () => {
  await aws.close();
  await oidc.close();
});

describe('protocols', () => {
  test('the JSON protocol serves the SDK, with timestamps as epoch seconds', async () => {
    const answer = await new ECSClient(settings()).send(new DescribeServicesCommand({ services: ['web'] }));
    expect(answer.services?.[0]).toMatchObject({ serviceName: 'web', createdAt: new Date(1_700_000_000_123) });
    expect(seen.pop()).toEqual({ services: ['web'] });
  });

  test('the query protocols serve the SDK: lists, structures, escaping, timestamps, booleans', async () => {
    const elb = new ElasticLoadBalancingV2Client(settings());
    const health = await elb.send(
      new DescribeTargetHealthCommand({ TargetGroupArn: 'tg', Targets: [{ Id: 'a', Port: 1 }, { Id: 'b' }] }),
    );
    expect(health.TargetHealthDescriptions?.[0]?.Target).toEqual({ Id: 'a<&>"', Port: 80 });
    expect(seen.pop()).toEqual({ TargetGroupArn: 'tg', Targets: [{ Id: 'a', Port: 1 }, { Id: 'b' }] });
    const ec2 = new EC2Client(settings());
    const Filters = [{ Name: 'tag:Role', Values: ['x', 'y'] }];
    const found = await ec2.send(new DescribeInstancesCommand({ Filters, InstanceIds: ['i-1'] }));
    expect(found.Reservations?.[0]?.Instances?.[0]).toMatchObject({
      InstanceId: 'i-1',
      Tags: [{ Key: 'Role', Value: 'x' }],
      LaunchTime: new Date(1_700_000_000_000),
      EbsOptimized: false,
    });
    expect(seen.pop()).toEqual({ Filters, InstanceIds: ['i-1'] });
  });

  test('the aws command line agrees', async () => {
    const env = {
      ...process.env,
      AWS_ACCESS_KEY_ID: LOCAL_ACCESS_KEY_ID,
      AWS_SECRET_ACCESS_KEY: LOCAL_SECRET_ACCESS_KEY,
      AWS_DEFAULT_REGION: region,
      AWS_ENDPOINT_URL: aws.url,
    };
    const cli = async (...args: string[]) =>
      JSON.parse((await run('aws', [...args, '--output', 'json'], { env })).stdout);
    expect(await cli('sts', 'get-caller-identity')).toMatchObject({
      Account: account,
      Arn: `arn:aws:iam::${account}:user/local`,
    });
    expect(await cli('ecs', 'describe-services', '--services', 'web')).toMatchObject({
      services: [{ desiredCount: 2 }],
    });
    const instances = await cli('ec2', 'describe-instances', '--filters', 'Name=tag:Role,Values=x');
    expect(instances.Reservations[0].Instances[0].InstanceId).toBe('i-1');
    const health = await cli('elbv2', 'describe-target-health', '--target-group-arn', 'tg');
    expect(health.TargetHealthDescriptions[0].TargetHealth.State).toBe('healthy');
  }, 60_000);

  test('members newer than the SDK are kept where the service says so, and dropped elsewhere', async () => {
    const post = (operation: string, body: object) =>
      signedPost(`AmazonEC2ContainerServiceV20141113.${operation}`, body);
    const answer = await post('RegisterTaskDefinition', {
      family: 'web',
      containerDefinitions: [
        { name: 'a', image: 'b', command: ['redis-server', '--save', ''], brandNew: { x: [1, null] } },
      ],
    });
    const kept = answer.body.taskDefinition?.containerDefinitions[0];
    expect(kept?.brandNew).toEqual({ x: [1, null] });
    expect(kept?.command).toEqual(['redis-server', '--save', '']);
    await post('DescribeServices', { services: ['web'], brandNew: 1 });
    expect(seen.pop()).toEqual({ services: ['web'] });
  });
});

describe('refusals', () => {
  test('an operation that is not there is refused by name', async () => {
    const sts = new STSClient(settings());
    await expect(sts.send(new GetFederationTokenCommand({ Name: 'x' }))).rejects.toThrow(/sts:GetFederationToken/);
    const ecr = new ECRClient(settings());
    await expect(ecr.send(new DescribeRepositoriesCommand({}))).rejects.toMatchObject({
      name: 'UnknownOperationException',
    });
  });

  test.each([
    ['a missing required member', { services: undefined }, 'InvalidParameterException', /'services'/],
    ['a list that is a string', { services: 'web' }, 'SerializationException', /'services'/],
    [
      'a number in a list of strings',
      { services: ['a', 7] },
      'SerializationException',
      /NUMBER_VALUE.*'services.2.member'/,
    ],
  ])('%s is named', async (_name, body, code, message) => {
    const answer = await signedPost('AmazonEC2ContainerServiceV20141113.DescribeServices', body);
    expect(answer.status).toBe(400);
    expect(answer.body.__type).toBe(code);
    expect(answer.body.message).toMatch(message);
  });

  test('no JSON at all, and a mistake of our own, are told apart', async () => {
    const broken = await signedPost('AmazonEC2ContainerServiceV20141113.DescribeServices', '{');
    expect(broken.body.__type).toBe('SerializationException');
  });

  test.each([
    [
      'an unknown key',
      { credentials: { accessKeyId: 'AKIDNOBODY', secretAccessKey: 'x' } },
      'UnrecognizedClientException',
      'InvalidClientTokenId',
    ],
    [
      'a wrong secret',
      { credentials: { accessKeyId: LOCAL_ACCESS_KEY_ID, secretAccessKey: 'x' } },
      'InvalidSignatureException',
      'SignatureDoesNotMatch',
    ],
    ['another region', { region: 'eu-west-1' }, 'InvalidSignatureException', 'SignatureDoesNotMatch'],
  ])('%s is refused in the words of the protocol', async (_name, over, json, query) => {
    const ecs = new ECSClient(settings(over));
    await expect(ecs.send(new DescribeServicesCommand({ services: ['web'] }))).rejects.toMatchObject({ name: json });
    const sts = new STSClient(settings(over));
    await expect(sts.send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({ Code: query });
  });

  test('a session that has ended', async () => {
    const sts = new STSClient(settings());
    const { Credentials } = await sts.send(
      new AssumeRoleCommand({
        RoleArn: `arn:aws:iam::${account}:role/deploy`,
        RoleSessionName: 'test',
        DurationSeconds: 900,
      }),
    );
    const session = settings({ credentials: toSdk(Credentials) });
    const who = await new STSClient(session).send(new GetCallerIdentityCommand({}));
    expect(who.Arn).toBe(`arn:aws:sts::${account}:assumed-role/deploy/test`);
    offset = 901_000;
    try {
      // Signed by a clock that agrees with the service's, as a runner's would.
      const late = new SSMClient({ ...session, systemClockOffset: offset });
      await expect(late.send(new GetParameterCommand({ Name: 'x' }))).rejects.toMatchObject({
        name: 'ExpiredTokenException',
      });
    } finally {
      offset = 0;
    }
  });
});

describe('web identity', () => {
  const assume = (token: string, over: object = {}) =>
    new STSClient({ endpoint: aws.url, region, maxAttempts: 1 }).send(
      new AssumeRoleWithWebIdentityCommand({
        RoleArn: `arn:aws:iam::${account}:role/deploy`,
        RoleSessionName: 'run-1',
        WebIdentityToken: token,
        ...over,
      }),
    );
  const token = async (identity: object = {}, audience = 'sts.amazonaws.com') => {
    const grant = oidc.issue({ repository: 'acme/sample', environment: 'dev', ...identity });
    const response = await fetch(`${oidc.requestUrl}&audience=${audience}`, {
      headers: { authorization: `Bearer ${grant}` },
    });
    return ((await response.json()) as { value: string }).value;
  };

  test('a trusted token opens a session, whose denials read as AWS words them', async () => {
    const { Credentials, SubjectFromWebIdentityToken } = await assume(await token());
    expect(SubjectFromWebIdentityToken).toBe('repo:acme/sample:environment:dev');
    const ecs = new ECSClient(settings({ credentials: toSdk(Credentials) }));
    await expect(ecs.send(new DescribeServicesCommand({ services: ['web'] }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining(
        `User: arn:aws:sts::${account}:assumed-role/deploy/run-1 is not authorized to perform: ecs:DescribeServices on resource: arn:aws:ecs:eu-central-1:${account}:service/default/web because no identity-based policy`,
      ),
    });
    expect(aws.requests().at(-1)).toMatchObject({
      operation: 'DescribeServices',
      error: 'AccessDeniedException',
      status: 400,
    });
    const register = new RegisterTaskDefinitionCommand({ family: 'x', containerDefinitions: [] });
    expect((await ecs.send(register)).taskDefinition?.family).toBe('x');
  });

  test.each([
    [
      'another environment-less subject',
      () => token({ environment: undefined }),
      {},
      'AccessDenied',
      /Not authorized to perform sts:AssumeRoleWithWebIdentity/,
    ],
    ['another repository', () => token({ repository: 'evil/sample' }), {}, 'AccessDenied', /Not authorized/],
    ['another audience', () => token({}, 'api.example'), {}, 'InvalidIdentityToken', /Incorrect token audience/],
    [
      'a role that is not there',
      () => token(),
      { RoleArn: `arn:aws:iam::${account}:role/none` },
      'AccessDenied',
      /Not authorized/,
    ],
    ['no token', async () => 'abc', {}, 'InvalidIdentityToken', /valid JWT/],
    ['a session name with a space', () => token(), { RoleSessionName: 'a b' }, 'ValidationError', /roleSessionName/],
    ['a session that is too long', () => token(), { DurationSeconds: 7200 }, 'ValidationError', /MaxSessionDuration/],
  ])('%s is refused', async (_name, give, over, code, message) => {
    await expect(assume(await give(), over)).rejects.toMatchObject({
      Code: code,
      message: expect.stringMatching(message),
    });
  });
});

describe('faults', () => {
  const ask = () => new ECSClient(settings()).send(new DescribeServicesCommand({ services: ['web'], cluster: 'a' }));

  test.each([
    ['throttle', { throttle: true } as const, { name: 'ThrottlingException', $metadata: { httpStatusCode: 400 } }],
    ['500', { status: 500 }, { $metadata: { httpStatusCode: 500 } }],
    [
      'denied',
      { denied: true, resource: 'arn:x' } as const,
      { name: 'AccessDeniedException', message: expect.stringContaining('on resource: arn:x') },
    ],
    ['cut', { cut: 'before' } as const, { message: expect.stringContaining('socket hang up') }],
    [
      'an exception',
      { error: 'ClusterNotFoundException', message: 'Cluster not found.' },
      { name: 'ClusterNotFoundException' },
    ],
  ])('%s strikes as often as told', async (_name, effect, expected) => {
    faults.add({ service: 'ecs', operation: 'DescribeServices', match: { cluster: 'a' }, times: 1, effect });
    await expect(ask()).rejects.toMatchObject(expected);
    await ask();
    faults.clear();
  });

  test('cut after: the operation was carried out all the same', async () => {
    seen.length = 0;
    faults.add({ service: 'ecs', times: 1, effect: { cut: 'after' } });
    await expect(ask()).rejects.toThrow('socket hang up');
    expect(seen).toHaveLength(1);
    faults.clear();
  });

  test('every request is on record', () => {
    const record = aws.requests().findLast((r) => r.operation === 'DescribeServices');
    expect(record).toMatchObject({ service: 'ecs', status: 0, input: { services: ['web'], cluster: 'a' } });
  });
});

function toSdk(
  c:
    | { AccessKeyId?: string | undefined; SecretAccessKey?: string | undefined; SessionToken?: string | undefined }
    | undefined,
) {
  return {
    accessKeyId: c?.AccessKeyId ?? '',
    secretAccessKey: c?.SecretAccessKey ?? '',
    sessionToken: c?.SessionToken ?? '',
  };
}

interface RawAnswer {
  status: number;
  body: { __type?: string; message?: string; taskDefinition?: { containerDefinitions: Record<string, unknown>[] } };
}

/** A request with a body that no client would send. */
async function signedPost(target: string, body: object | string) {
  const ecs = new ECSClient(settings());
  let answer: RawAnswer | undefined;
  ecs.middlewareStack.add(
    (next) => async (args) => {
      const request = args.request as { body: string; headers: Record<string, string> };
      request.body = typeof body === 'string' ? body : JSON.stringify(body);
      request.headers['x-amz-target'] = target;
      request.headers['content-length'] = String(Buffer.byteLength(request.body));
      return next(args);
    },
    { step: 'build', priority: 'low' },
  );
  ecs.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const response = result.response as { statusCode: number; body: AsyncIterable<Buffer> & { pipe?: unknown } };
      const chunks: Buffer[] = [];
      for await (const chunk of response.body) chunks.push(chunk);
      answer = { status: response.statusCode, body: JSON.parse(Buffer.concat(chunks).toString()) };
      return { ...result, output: { $metadata: {} } } as never;
    },
    { step: 'deserialize', priority: 'low', override: true, name: 'rawAnswer' },
  );
  await ecs.send(new DescribeServicesCommand({ services: ['web'] })).catch(() => undefined);
  if (answer === undefined) throw new Error('no answer came');
  return answer;
}
