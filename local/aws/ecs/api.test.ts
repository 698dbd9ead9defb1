import * as sdk from '@aws-sdk/client-ecs';
import {
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { LOCAL_ACCESS_KEY_ID, LOCAL_SECRET_ACCESS_KEY } from '../credentials.ts';
import { shellContainer, startTestEcs, type TestEcs, WEB_GROUP } from './test-ecs.ts';

const ACCOUNT = 'arn:aws:ecs:eu-central-1:123456789012';
let local: TestEcs;

beforeAll(async () => {
  const app = shellContainer('true', { portMappings: [{ containerPort: 8080 }] });
  local = await startTestEcs({
    clusters: [
      {
        name: 'sample',
        taskDefinitions: [
          { family: 'web', containerDefinitions: [app] },
          { family: 'vpc', networkMode: 'awsvpc', containerDefinitions: [app] },
          { family: 'gone', containerDefinitions: [app] },
        ],
        services: [{ serviceName: 'idle', taskDefinition: 'web:1', desiredCount: 0 }],
      },
    ],
    balancers: [{ name: 'web', targetGroups: [WEB_GROUP] }],
  });
  await local.ecs.ready(5000);
  await local.client.send(new sdk.DeregisterTaskDefinitionCommand({ taskDefinition: 'gone:1' }));
}, 60_000);
afterAll(() => local.stop(), 10_000);

const cluster = 'sample';
const balanced = (more: object) => [{ targetGroupArn: 'web', containerName: 'app', containerPort: 8080, ...more }];
const commands: [string, () => Promise<unknown>, string, RegExp][] = [
  [
    'a cluster that is not there',
    () => local.client.send(new sdk.ListServicesCommand({ cluster: 'none' })),
    'ClusterNotFoundException',
    /^Cluster not found\.$/,
  ],
  [
    'no cluster named, and no default',
    () => local.client.send(new sdk.ListTasksCommand({})),
    'ClusterNotFoundException',
    /Cluster not found/,
  ],
  [
    'updating what is not there',
    () => local.client.send(new sdk.UpdateServiceCommand({ cluster, service: 'none' })),
    'ServiceNotFoundException',
    /^Service not found\.$/,
  ],
  [
    'describing a task definition that is not there',
    () => local.client.send(new sdk.DescribeTaskDefinitionCommand({ taskDefinition: 'none' })),
    'ClientException',
    /^Unable to describe task definition\.$/,
  ],
  [
    'deploying a task definition that is not there',
    () => local.client.send(new sdk.UpdateServiceCommand({ cluster, service: 'idle', taskDefinition: 'web:99' })),
    'ClientException',
    /^TaskDefinition not found\.$/,
  ],
  [
    'deploying a deregistered one',
    () => local.client.send(new sdk.UpdateServiceCommand({ cluster, service: 'idle', taskDefinition: 'gone:1' })),
    'ClientException',
    /^TaskDefinition is inactive$/,
  ],
  [
    'the family of a deregistered one',
    () => local.client.send(new sdk.DescribeTaskDefinitionCommand({ taskDefinition: 'gone' })),
    'ClientException',
    /Unable to describe/,
  ],
  [
    'creating a service twice',
    () => local.client.send(new sdk.CreateServiceCommand({ cluster, serviceName: 'idle', taskDefinition: 'web' })),
    'InvalidParameterException',
    /^Creation of service was not idempotent\.$/,
  ],
  [
    'a target group that is not there',
    () =>
      local.client.send(
        new sdk.CreateServiceCommand({
          cluster,
          serviceName: 'x',
          taskDefinition: 'web',
          loadBalancers: balanced({ targetGroupArn: 'none' }),
        }),
      ),
    'InvalidParameterException',
    /target group none does not exist/,
  ],
  [
    'a container that is not there',
    () =>
      local.client.send(
        new sdk.CreateServiceCommand({
          cluster,
          serviceName: 'x',
          taskDefinition: 'web',
          loadBalancers: balanced({ containerName: 'nginx' }),
        }),
      ),
    'InvalidParameterException',
    /^The container nginx does not exist in the task definition\.$/,
  ],
  [
    'a port that the container does not have',
    () =>
      local.client.send(
        new sdk.CreateServiceCommand({
          cluster,
          serviceName: 'x',
          taskDefinition: 'web',
          loadBalancers: balanced({ containerPort: 1 }),
        }),
      ),
    'InvalidParameterException',
    /^The container app did not have a container port 1 defined\.$/,
  ],
  [
    'a canary without a load balancer',
    () =>
      local.client.send(
        new sdk.UpdateServiceCommand({ cluster, service: 'idle', deploymentConfiguration: { strategy: 'CANARY' } }),
      ),
    'InvalidParameterException',
    /CANARY deployment strategy requires a load balancer/,
  ],
  [
    'CodeDeploy, which is not played here',
    () =>
      local.client.send(
        new sdk.CreateServiceCommand({
          cluster,
          serviceName: 'x',
          taskDefinition: 'web',
          deploymentController: { type: 'CODE_DEPLOY' },
        }),
      ),
    'UnsupportedFeatureException',
    /CODE_DEPLOY/,
  ],
  [
    'no containers',
    () => local.client.send(new sdk.RegisterTaskDefinitionCommand({ family: 'x', containerDefinitions: [] })),
    'ClientException',
    /^Container list cannot be empty\.$/,
  ],
  [
    'a container without memory',
    () =>
      local.client.send(
        new sdk.RegisterTaskDefinitionCommand({ family: 'x', containerDefinitions: [{ name: 'a', image: 'b' }] }),
      ),
    'ClientException',
    /^Invalid setting for container 'a'\. At least one of 'memory' or 'memoryReservation' must be specified\.$/,
  ],
  [
    'Fargate without awsvpc',
    () =>
      local.client.send(
        new sdk.RegisterTaskDefinitionCommand({
          family: 'x',
          requiresCompatibilities: ['FARGATE'],
          cpu: '256',
          memory: '512',
          containerDefinitions: [{ name: 'a', image: 'b' }],
        }),
      ),
    'ClientException',
    /awsvpc/,
  ],
  [
    'a network that is not configured',
    () => local.client.send(new sdk.RunTaskCommand({ cluster, taskDefinition: 'vpc' })),
    'InvalidParameterException',
    /^Network Configuration must be provided when networkMode 'awsvpc' is specified\.$/,
  ],
  [
    'an override for no container',
    () =>
      local.client.send(
        new sdk.RunTaskCommand({
          cluster,
          taskDefinition: 'web',
          overrides: { containerOverrides: [{ name: 'nginx' }] },
        }),
      ),
    'InvalidParameterException',
    /^Override for container named nginx is not a container in the TaskDefinition\.$/,
  ],
  [
    'too many tasks at once',
    () => local.client.send(new sdk.RunTaskCommand({ cluster, taskDefinition: 'web', count: 11 })),
    'InvalidParameterException',
    /count/,
  ],
  [
    'stopping what does not run',
    () => local.client.send(new sdk.StopTaskCommand({ cluster, task: 'f00' })),
    'InvalidParameterException',
    /^The referenced task was not found\.$/,
  ],
  [
    'stopping no deployment',
    () =>
      local.client.send(
        new sdk.StopServiceDeploymentCommand({
          serviceDeploymentArn: `${ACCOUNT}:service-deployment/sample/idle/none`,
        }),
      ),
    'ServiceDeploymentNotFoundException',
    /not found/,
  ],
  [
    'no services named',
    () => local.client.send(new sdk.DescribeServicesCommand({ cluster, services: [] })),
    'InvalidParameterException',
    /^Services cannot be empty\.$/,
  ],
  [
    'more services than ten',
    () =>
      local.client.send(
        new sdk.DescribeServicesCommand({ cluster, services: Array.from({ length: 11 }, (_, i) => `s${i}`) }),
      ),
    'InvalidParameterException',
    /10/,
  ],
  [
    'a page that never was',
    () => local.client.send(new sdk.ListServicesCommand({ cluster, nextToken: 'nonsense' })),
    'InvalidParameterException',
    /token/,
  ],
  [
    'tagging nothing',
    () => local.client.send(new sdk.TagResourceCommand({ resourceArn: `${ACCOUNT}:service/sample/none`, tags: [] })),
    'ResourceNotFoundException',
    /cannot be found/,
  ],
];

test.each(commands)('%s is refused in the words of ECS', async (_, send, name, message) => {
  await expect(send()).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
});

describe('what is missing comes as failures', () => {
  const failure = (arn: string) => [{ arn: `${ACCOUNT}:${arn}`, reason: 'MISSING' }];

  test('of each Describe operation', async () => {
    const clusters = await local.client.send(new sdk.DescribeClustersCommand({ clusters: ['none', cluster] }));
    expect(clusters.clusters?.[0]).toMatchObject({ clusterName: cluster, status: 'ACTIVE', activeServicesCount: 1 });
    expect(clusters.failures).toEqual(failure('cluster/none'));
    const services = await local.client.send(new sdk.DescribeServicesCommand({ cluster, services: ['none', 'idle'] }));
    expect(services.services?.map(({ serviceName }) => serviceName)).toEqual(['idle']);
    expect(services.failures).toEqual(failure('service/sample/none'));
    const tasks = await local.client.send(new sdk.DescribeTasksCommand({ cluster, tasks: ['none'] }));
    expect(tasks.failures).toEqual(failure('task/sample/none'));
    const arn = `${ACCOUNT}:service-deployment/sample/idle/none`;
    const deployments = await local.client.send(
      new sdk.DescribeServiceDeploymentsCommand({ serviceDeploymentArns: [arn] }),
    );
    expect(deployments.failures).toEqual([{ arn, reason: 'MISSING' }]);
  });
});

test('a task definition comes back as it was written, with fields that the SDK does not know and empty values', async () => {
  // As the endpoint gives it to operations that are lossless.
  const written = {
    family: 'lossless',
    fromTheFuture: { a: [1, '', null] },
    containerDefinitions: [
      {
        ...shellContainer('', { command: ['redis-server', '--save', ''] }),
        environment: [{ name: 'EMPTY', value: '' }],
        unknownToTheSdk: true,
      },
    ],
    tags: [{ key: 'team', value: 'shop' }],
  };
  const operations = local.ecs.service.operations as Record<string, (input: object, call: object) => object>;
  operations.RegisterTaskDefinition?.(written, { identity: { arn: 'arn:aws:iam::123456789012:user/local' } });
  const described = operations.DescribeTaskDefinition?.({ taskDefinition: 'lossless', include: ['TAGS'] }, {});
  const { taskDefinition, tags } = described as { taskDefinition: typeof written; tags: object[] };
  expect(taskDefinition).toMatchObject({ fromTheFuture: written.fromTheFuture, revision: 1, status: 'ACTIVE' });
  expect(taskDefinition.containerDefinitions[0]).toMatchObject(written.containerDefinitions[0] ?? {});
  expect(taskDefinition.containerDefinitions[0]).toMatchObject({
    mountPoints: [],
    volumesFrom: [],
    cpu: 0,
    essential: true,
  });
  expect(tags).toEqual(written.tags);
  expect(taskDefinition.tags).toBeUndefined();
});

test('tags are put on, replaced and taken off', async () => {
  const resourceArn = `${ACCOUNT}:service/sample/idle`;
  const tag = (key: string, value: string) => new sdk.TagResourceCommand({ resourceArn, tags: [{ key, value }] });
  await local.client.send(tag('a', '1'));
  await local.client.send(tag('b', '2'));
  await local.client.send(tag('a', '3'));
  await local.client.send(new sdk.UntagResourceCommand({ resourceArn, tagKeys: ['b'] }));
  expect((await local.client.send(new sdk.ListTagsForResourceCommand({ resourceArn }))).tags).toEqual([
    { key: 'a', value: '3' },
  ]);
  const { services } = await local.client.send(
    new sdk.DescribeServicesCommand({ cluster, services: ['idle'], include: ['TAGS'] }),
  );
  expect(services?.[0]?.tags).toEqual([{ key: 'a', value: '3' }]);
});

test('a target that is not registered is unused; a group that is not there is refused', async () => {
  const elb = new ElasticLoadBalancingV2Client({ ...settings(), endpoint: local.url });
  const groups = await elb.send(new DescribeTargetGroupsCommand({ Names: ['web'] }));
  const TargetGroupArn = groups.TargetGroups?.[0]?.TargetGroupArn;
  const health = await elb.send(
    new DescribeTargetHealthCommand({ TargetGroupArn, Targets: [{ Id: '10.0.0.1', Port: 80 }] }),
  );
  expect(health.TargetHealthDescriptions?.[0]?.TargetHealth).toMatchObject({
    State: 'unused',
    Reason: 'Target.NotRegistered',
  });
  await expect(
    elb.send(new DescribeTargetHealthCommand({ TargetGroupArn: `${TargetGroupArn}x` })),
  ).rejects.toMatchObject({ message: 'One or more target groups not found' });
});

function settings() {
  return {
    region: 'eu-central-1',
    maxAttempts: 1,
    credentials: { accessKeyId: LOCAL_ACCESS_KEY_ID, secretAccessKey: LOCAL_SECRET_ACCESS_KEY },
  };
}
