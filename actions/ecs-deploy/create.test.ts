import { describe, expect, test } from '@jest/globals';
import { goesWell, play, REGISTRY } from './test/play-aws.ts';
import { baseDefinition, DIGEST, definitionArn, Refusal, type Script } from './test/scripted-ecs.ts';

const SERVICE = {
  launchType: 'FARGATE',
  desiredCount: 2,
  networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1'] } },
  tags: [
    { key: 'team', value: 'a' },
    { key: 'slipway:release', value: 'old' },
  ],
  notYetInvented: { on: [''] },
};
const INPUTS = {
  image: `${REGISTRY}/sample-web@${DIGEST}`,
  preflight: 'false',
  'task-definition': 'td.json',
  'service-definition': 'service.json',
};

/** An ECS in which the service is missing until it is created. */
const MISSING: Script = { first: true, missing: true, deployment: goesWell };

/** One in which somebody else creates it just before us. */
function createdByOthers(): Script {
  let there = false;
  return {
    deployment: goesWell,
    before: {
      DescribeServices: () => (there ? undefined : { services: [], failures: [{ reason: 'MISSING' }] }),
      CreateService: () => {
        there = true;
        throw new Refusal('InvalidParameterException', 'Creation of service was not idempotent.');
      },
    },
  };
}

const files = (service: object = SERVICE) => ({
  'service.json': JSON.stringify(service),
  'td.json': JSON.stringify(baseDefinition()),
});

describe('a service that is missing', () => {
  test('is created as its file says, with the release as its first revision, and watched', async () => {
    const { report, ecs } = await play(MISSING, { inputs: { ...INPUTS, 'desired-count': '3' }, files: files() });
    expect(report.outcome.status).toBe('succeeded');
    expect(report.outputs['previous-task-definition-arn']).toBe('');
    const { tags: written, ...rest } = SERVICE;
    expect(JSON.parse(ecs.calls.find((c) => c.operation === 'CreateService')?.raw ?? '')).toEqual({
      ...rest,
      cluster: 'sample',
      serviceName: 'web',
      desiredCount: 3,
      taskDefinition: expect.stringMatching(/web:\d$/),
      tags: [written[0], { key: 'slipway:release', value: report.outputs['release-fingerprint'] }],
    });
    expect(ecs.count('UpdateService')).toBe(0);
  });

  test('is described without what DescribeServices adds', async () => {
    const saved = {
      services: [{ ...SERVICE, serviceArn: 'x', status: 'ACTIVE', events: [], deployments: [], createdAt: 1 }],
    };
    const { ecs } = await play(MISSING, { inputs: INPUTS, files: files(saved) });
    const sent = ecs.calls.find((c) => c.operation === 'CreateService')?.input ?? {};
    expect(Object.keys(sent).sort()).toEqual(
      [...Object.keys(SERVICE), 'cluster', 'serviceName', 'taskDefinition'].sort(),
    );
  });

  test('that somebody else creates in between is deployed to', async () => {
    const { report, ecs } = await play(createdByOthers(), { inputs: INPUTS, files: files() });
    expect(report.outcome.status).toBe('succeeded');
    expect([ecs.count('CreateService'), ecs.count('UpdateService')]).toEqual([1, 1]);
  });

  test('is not created on a dry run, nor when its load balancer does not fit', async () => {
    const dry = await play(MISSING, { inputs: { ...INPUTS, 'dry-run': 'true' }, files: files() });
    expect(dry.log).toContain('service sample/web would be created');
    const wrong = { ...SERVICE, loadBalancers: [{ targetGroupArn: 'x', containerName: 'app', containerPort: 80 }] };
    const refused = await play(MISSING, { inputs: { ...INPUTS, preflight: 'true' }, files: files(wrong) });
    expect(refused.report.outcome.cause).toMatch(/load balancer of the service.*no such container/);
    for (const { ecs } of [dry, refused])
      expect([ecs.count('RegisterTaskDefinition'), ecs.count('CreateService')]).toEqual([0, 0]);
  });

  test('without a definition is an error as before', async () => {
    const inputs = { ...INPUTS, 'service-definition': '' };
    await expect(play(MISSING, { inputs, files: files() })).rejects.toThrow(/no such active service/);
  });
});

test('a service that exists is deployed to, whatever the file says', async () => {
  const { report, ecs } = await play({ deployment: goesWell }, { inputs: INPUTS, files: files() });
  expect(report.outcome.status).toBe('succeeded');
  expect(ecs.count('CreateService')).toBe(0);
  expect(ecs.calls.find((c) => c.operation === 'UpdateService')?.input).toEqual({
    cluster: 'sample',
    service: 'web',
    taskDefinition: definitionArn('web:2'),
  });
});

test.each([
  ['missing', {}, /'service-definition' is "service.json": the file cannot be read/],
  ['malformed', { 'service.json': '{"a": [' }, /neither JSON nor YAML/],
  ['no object', { 'service.json': '[]' }, /holds no object/],
])('a service definition that is %s is told', async (_, given, message) => {
  const all = { 'td.json': JSON.stringify(baseDefinition()), ...(given as Record<string, string>) };
  await expect(play(MISSING, { inputs: INPUTS, files: all })).rejects.toThrow(message);
});
