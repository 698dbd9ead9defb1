import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../lib/ecs/json.ts';
import { goesWell, play, REGISTRY } from '../test/play-aws.ts';
import type { Answers } from '../test/recording-front.ts';
import { baseDefinition, DIGEST } from '../test/scripted-ecs.ts';
import { checkDefinition, type ServiceFacts } from './definition-checks.ts';
import { questionsOf } from './questions.ts';

const FARGATE: JsonObject = {
  family: 'web',
  requiresCompatibilities: ['FARGATE'],
  networkMode: 'awsvpc',
  cpu: '256',
  memory: '512',
  executionRoleArn: 'arn:aws:iam::123456789012:role/execution',
  containerDefinitions: [{ name: 'web', image: 'nginx:1', portMappings: [{ containerPort: 8080 }] }],
};
const container = (more: JsonObject): JsonObject => ({
  ...FARGATE,
  containerDefinitions: [{ name: 'web', image: 'nginx:1', portMappings: [{ containerPort: 8080 }], ...more }],
});
const behind = (containerName: string, containerPort: number): ServiceFacts => ({
  loadBalancers: [{ targetGroupArn: 'x', containerName, containerPort }],
});

describe('what a definition itself tells', () => {
  test.each<[string, JsonObject, ServiceFacts]>([
    ['one on Fargate', FARGATE, { launchType: 'FARGATE', ...behind('web', 8080) }],
    ['sizes in words', { ...FARGATE, cpu: '.5 vCPU', memory: '3 GB' }, {}],
    ['the smallest size', { ...FARGATE, cpu: 256, memory: 512 }, {}],
    ['a size that is bigger than those known here', { ...FARGATE, cpu: '32768', memory: '65536' }, {}],
    ['a range of ports', container({ portMappings: [{ containerPortRange: '8000-8100' }] }), behind('web', 8080)],
    [
      'EC2 without any size',
      { family: 'x', containerDefinitions: [{ name: 'web', image: `a/b/c@sha256:${'a'.repeat(64)}` }] },
      { launchType: 'EC2' },
    ],
    ['an image that is only called like a placeholder', container({ image: 'team/placeholder:1' }), {}],
    ['an image in a registry with a port', container({ image: 'localhost:5000/team/web:v1.2-3' }), {}],
  ])('%s is fine', (_, definition, service) => {
    expect(checkDefinition(definition, service)).toEqual([]);
  });

  test.each<[string, JsonObject, ServiceFacts, RegExp]>([
    [
      'a placeholder for the image',
      container({ image: 'set-by-the-deployment' }),
      {},
      /image of container web.*placeholder/,
    ],
    ['another placeholder', container({ image: '<IMAGE1_NAME>' }), {}, /image of container web/],
    ['no image', container({ image: '' }), {}, /image of container web.*none is set/],
    ['the load balancer’s container', FARGATE, behind('app', 8080), /app.*no such container; it has web/],
    ['the load balancer’s port', FARGATE, behind('web', 80), /does not map port 80/],
    [
      'two of one name',
      {
        ...FARGATE,
        containerDefinitions: [
          { name: 'a', image: 'x' },
          { name: 'a', image: 'x' },
        ],
      },
      {},
      /two containers/,
    ],
    ['nothing essential', container({ essential: false }), {}, /none of them is essential/],
    [
      'a name that is variable and secret',
      container({ environment: [{ name: 'A', value: '' }], secrets: [{ name: 'A', valueFrom: '/a' }] }),
      {},
      /variable A of container web.*both/,
    ],
    ['another network mode', { ...FARGATE, networkMode: 'bridge' }, {}, /networkMode.*awsvpc alone/],
    ['no memory for the task', { ...FARGATE, memory: '' }, {}, /256 and none.*needs both/],
    ['a CPU that there is not', { ...FARGATE, cpu: '300' }, {}, /no task of 300 CPU units/],
    [
      'memory that does not go with the CPU',
      { ...FARGATE, memory: '4096' },
      {},
      /4096 MiB with 256.*512, or a multiple of 1024 MiB from 1024 to 2048/,
    ],
    [
      'memory between two steps',
      { ...FARGATE, cpu: '8192', memory: '18432' },
      {},
      /multiple of 4096 MiB from 16384 to 61440/,
    ],
    [
      'a container bigger than its task',
      container({ memory: 1024 }),
      {},
      /memory of container web.*more than the 512 MiB/,
    ],
    [
      'compatibilities without the service’s',
      { ...FARGATE, requiresCompatibilities: ['EC2'] },
      { capacityProviderStrategy: [{ capacityProvider: 'FARGATE_SPOT' }] },
      /the service runs on Fargate/,
    ],
    [
      'no role that could pull',
      { ...container({ image: `${REGISTRY}/web:1` }), executionRoleArn: '' },
      {},
      /executionRoleArn.*pulls the image of web from ECR/,
    ],
  ])('%s is a problem', (_, definition, service, expected) => {
    const [first, ...more] = checkDefinition(definition, service);
    expect(`${first?.what} ${first?.seen} ${first?.cause} ${first?.fix}`).toMatch(expected);
    expect(more).toEqual([]);
  });
});

describe('what is asked of the account', () => {
  const secrets = (...from: string[]) =>
    container({ secrets: from.map((valueFrom, i) => ({ name: `S${i}`, valueFrom })) });
  const region = 'eu-central-1';
  test.each<[string, JsonObject, object[]]>([
    ['nothing of what is not in ECR', container({}), []],
    [
      'an image by digest',
      container({ image: `${REGISTRY}/team/web:v1@${DIGEST}` }),
      [{ kind: 'image', registry: '123456789012', region, repository: 'team/web', id: { imageDigest: DIGEST } }],
    ],
    ['an image without a tag', container({ image: `${REGISTRY}/web` }), [{ id: { imageTag: 'latest' } }]],
    [
      'an image in another region and partition',
      container({ image: '123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/web:1' }),
      [{ region: 'cn-north-1', id: { imageTag: '1' } }],
    ],
    [
      'parameters by name and ARN, at once',
      secrets(
        '/a/b',
        'plain',
        'arn:aws:ssm:eu-central-1:123456789012:parameter/c/d',
        'arn:aws:ssm:eu-central-1:123456789012:parameter/e',
      ),
      [{ kind: 'parameters', uses: ['/a/b', 'plain', '/c/d', 'e'].map((name) => expect.objectContaining({ name })) }],
    ],
    ['no parameter of another region', secrets('arn:aws:ssm:us-east-1:123456789012:parameter/c'), []],
    [
      'a secret without what stands after its ARN',
      secrets('arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf:password::'),
      [{ kind: 'secret', id: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf' }],
    ],
    [
      'a log group once',
      {
        ...FARGATE,
        containerDefinitions: ['a', 'b'].map((name) => ({
          name,
          image: 'x',
          logConfiguration: { logDriver: 'awslogs', options: { 'awslogs-group': '/g', 'awslogs-region': 'eu-west-1' } },
        })),
      },
      [{ kind: 'log-group', group: '/g', region: 'eu-west-1' }],
    ],
    [
      'no log group that ECS creates',
      container({
        logConfiguration: { logDriver: 'awslogs', options: { 'awslogs-group': '/g', 'awslogs-create-group': 'true' } },
      }),
      [],
    ],
  ])('%s', (_, definition, expected) => {
    const { executionRoleArn: _role, ...rest } = definition;
    expect(questionsOf(rest, region)).toEqual(expected.map((e) => expect.objectContaining(e)));
  });
});

const DEMANDING = {
  ...baseDefinition(),
  requiresCompatibilities: ['FARGATE'],
  executionRoleArn: 'arn:aws:iam::123456789012:role/path/execution',
  containerDefinitions: [
    {
      name: 'web',
      image: `${REGISTRY}/sample-web@${DIGEST}`,
      secrets: [
        { name: 'A', valueFrom: '/sample/a' },
        { name: 'B', valueFrom: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:b-AbCdEf' },
      ],
      logConfiguration: { logDriver: 'awslogs', options: { 'awslogs-group': '/ecs/web' } },
    },
  ],
};

const refuse = (code: string) => () => {
  throw new Error(code);
};
const index = (...architectures: string[]) => ({
  images: [
    {
      imageManifest: JSON.stringify({
        manifests: architectures.map((architecture) => ({
          platform: { os: architecture === 'unknown' ? 'unknown' : 'linux', architecture },
        })),
      }),
    },
  ],
});
const THERE: Answers = {
  'ecr:BatchGetImage': () => index('amd64', 'arm64', 'unknown'),
  'iam:GetRole': () => '<GetRoleResponse/>',
  'ssm:DescribeParameters': () => ({ Parameters: [{ Name: '/sample/a' }] }),
  'secretsmanager:DescribeSecret': () => ({ Name: 'b' }),
  'logs:DescribeLogGroups': () => ({ logGroups: [{ logGroupName: '/ecs/web' }] }),
};
const GONE: Answers = {
  'ecr:BatchGetImage': () => ({ images: [], failures: [{ failureCode: 'ImageNotFound' }] }),
  'iam:GetRole': refuse('NoSuchEntity'),
  'ssm:DescribeParameters': () => ({ Parameters: [] }),
  'secretsmanager:DescribeSecret': refuse('ResourceNotFoundException'),
  'logs:DescribeLogGroups': () => ({ logGroups: [{ logGroupName: '/ecs/web-old' }] }),
};
const DENIED = Object.fromEntries(
  Object.keys(THERE).map((call) => [call, refuse(call.startsWith('iam') ? 'AccessDenied' : 'AccessDeniedException')]),
);

function look(answers: Answers, more: object = {}, inputs: Record<string, string> = {}) {
  return play(
    { deployment: goesWell },
    {
      inputs: { 'task-definition': 'td.json', ...inputs },
      files: { 'td.json': JSON.stringify({ ...DEMANDING, ...more }) },
      answers,
    },
  );
}

describe('a deployment', () => {
  test('goes on when everything is there, without another word', async () => {
    const { report, log } = await look(THERE);
    expect(report.outcome.status).toBe('succeeded');
    expect(log.filter((line) => line.includes('Preflight'))).toEqual([]);
  });

  test('is refused with every problem at once, before anything was registered', async () => {
    const { report, ecs } = await look(GONE);
    expect(report.outcome.status).toBe('failed');
    expect(report.outcome.cause).toMatch(/^preflight found 5 problems, and nothing was changed:/);
    for (const part of [
      /image of container web is ".*": repository sample-web in eu-central-1 holds no such image/,
      /executionRoleArn is "arn:.*": there is no such role/,
      /secret A of container web is "\/sample\/a": there is no such parameter/,
      /secret B of container web is "arn:.*": there is no such secret/,
      /log group of container web is "\/ecs\/web": there is no such log group/,
    ])
      expect(report.outcome.cause).toMatch(part);
    expect(report.summary).toContain('Preflight');
    expect([ecs.count('RegisterTaskDefinition'), ecs.count('UpdateService')]).toEqual([0, 0]);
  });

  test('takes no parameter for missing that stands on a later page', async () => {
    const pages = (input: Record<string, unknown>) =>
      input.NextToken === 'two' ? { Parameters: [{ Name: '/sample/a' }] } : { Parameters: [], NextToken: 'two' };
    const { report, calls } = await look({ ...THERE, 'ssm:DescribeParameters': pages });
    expect([report.outcome.status, calls.filter((c) => c === 'ssm:DescribeParameters').length]).toEqual([
      'succeeded',
      2,
    ]);
  });

  test.each([
    ['a platform that is known', { runtimePlatform: { cpuArchitecture: 'ARM64' } }, 1],
    ['one that only the instances know', {}, 0],
  ])('fetches the configuration of an image that is no index for %s', async (_, more, fetched) => {
    const manifest = { images: [{ imageManifest: `{"config":{"digest":"${DIGEST}"}}` }] };
    const url = () => ({ downloadUrl: `${process.env.AWS_ENDPOINT_URL}/config` });
    const plain = { 'ecr:BatchGetImage': () => manifest, 'ecr:GetDownloadUrlForLayer': url };
    const { calls } = await look({ ...THERE, ...plain }, { requiresCompatibilities: ['EC2'], ...more });
    expect(calls.filter((c) => c === 'ecr:GetDownloadUrlForLayer').length).toBe(fetched);
  });

  test('is never stopped by what it may not see, and says so', async () => {
    const { report, log } = await look(DENIED);
    expect(report.outcome.status).toBe('succeeded');
    expect(log.filter((line) => line.startsWith('Preflight could not look at')).sort()).toEqual([
      'Preflight could not look at executionRoleArn: iam:GetRole is not allowed',
      'Preflight could not look at image of container web: ecr:BatchGetImage is not allowed',
      'Preflight could not look at log group /ecs/web: logs:DescribeLogGroups is not allowed',
      'Preflight could not look at parameters /sample/a: ssm:DescribeParameters is not allowed',
      'Preflight could not look at secret B of container web: secretsmanager:DescribeSecret is not allowed',
    ]);
    expect(report.summary).toContain('could not look at everything (5)');
  });

  test('is not looked at when nobody wants that, nor when nothing is to be done', async () => {
    const off = await look(GONE, {}, { preflight: 'false' });
    expect(off.report.outcome.status).toBe('succeeded');
    const unchanged = await play({ deployment: goesWell }, { answers: GONE });
    expect(unchanged.report.outcome.status).toBe('unchanged');
    for (const { calls } of [off, unchanged]) expect(calls.filter((call) => !call.startsWith('ecs:'))).toEqual([]);
  });

  test('of an image for another architecture is refused, a secret on its way out too', async () => {
    const { report } = await look(
      {
        ...THERE,
        'ecr:BatchGetImage': () => index('amd64', 'unknown'),
        'secretsmanager:DescribeSecret': () => ({ Name: 'b', DeletedDate: 1 }),
      },
      { runtimePlatform: { cpuArchitecture: 'ARM64', operatingSystemFamily: 'LINUX' } },
    );
    expect(report.outcome.cause).toMatch(/is "linux\/amd64": the task runs on linux\/arm64 \(runtimePlatform\)/);
    expect(report.outcome.cause).toMatch(/marked for deletion/);
  });

  test('reads the architecture of an image without an index from its configuration', async () => {
    const single = {
      ...THERE,
      'ecr:BatchGetImage': () => ({ images: [{ imageManifest: JSON.stringify({ config: { digest: DIGEST } }) }] }),
      // The recording front gives a linux/amd64 configuration for any GET.
      'ecr:GetDownloadUrlForLayer': () => ({ downloadUrl: `${process.env.AWS_ENDPOINT_URL}/layer` }),
    };
    const { report } = await look(single, { runtimePlatform: { cpuArchitecture: 'ARM64' } });
    expect(report.outcome.cause).toMatch(/^preflight: image of container web is "linux\/amd64"/);
    expect((await look(single)).report.outcome.status).toBe('succeeded');
  });
});
