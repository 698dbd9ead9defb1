import { describe, expect, test } from '@jest/globals';
import type { Service } from '../../lib/ecs/api.ts';
import { readInputs } from '../../lib/inputs.ts';
import { fields } from './inputs.ts';
import { needsNewTasks, settingsDiffer, settingsOf } from './settings.ts';
import { goesWell, play, REGISTRY } from './test/play-aws.ts';
import { DIGEST } from './test/scripted-ecs.ts';

const read = (given: Record<string, string>) => settingsOf(readInputs(fields, (name) => given[name] ?? ''));

describe('what is set on the service', () => {
  test('is what was asked for, and nothing else', () => {
    expect(read({})).toEqual({});
    expect(
      read({
        'propagate-tags': 'service',
        'enable-execute-command': 'false',
        'availability-zone-rebalancing': 'ENABLED',
        'health-check-grace-period': '90s',
        'platform-version': '1.4.0',
        'capacity-provider-strategy':
          '[{capacityProvider: FARGATE, base: 1}, {capacityProvider: FARGATE_SPOT, weight: 3}]',
      }),
    ).toEqual({
      propagateTags: 'SERVICE',
      enableExecuteCommand: false,
      availabilityZoneRebalancing: 'ENABLED',
      healthCheckGracePeriodSeconds: 90,
      platformVersion: '1.4.0',
      capacityProviderStrategy: [
        { capacityProvider: 'FARGATE', base: 1 },
        { capacityProvider: 'FARGATE_SPOT', weight: 3 },
      ],
    });
  });

  test.each<[Partial<Service>, Record<string, string>, string]>([
    [{ propagateTags: 'SERVICE' }, { 'propagate-tags': 'SERVICE' }, ''],
    [{}, { 'propagate-tags': 'NONE', 'enable-execute-command': 'false' }, ''],
    [{}, { 'enable-execute-command': 'true' }, 'enable-execute-command is false so far'],
    [
      {
        capacityProviderStrategy: [
          { capacityProvider: 'B', weight: 2, base: 0 },
          { capacityProvider: 'A', weight: 1, base: 0 },
        ],
      },
      { 'capacity-provider-strategy': '[{capacityProvider: A, weight: 1}, {capacityProvider: B, weight: 2}]' },
      '',
    ],
    [
      { launchType: 'FARGATE' },
      { 'capacity-provider-strategy': '[{capacityProvider: FARGATE_SPOT}]' },
      'capacity-provider-strategy is [] so far',
    ],
  ])('%j with %j lacks %j', (service, given, expected) => {
    expect(settingsDiffer(service as Service, read(given))).toBe(expected);
  });

  test('replaces the tasks for another strategy alone', () => {
    const strategy = read({ 'capacity-provider-strategy': '[{capacityProvider: FARGATE_SPOT}]' });
    expect(needsNewTasks({}, strategy)).toBe(true);
    expect(needsNewTasks({ capacityProviderStrategy: [{ capacityProvider: 'FARGATE_SPOT' }] }, strategy)).toBe(false);
    expect(needsNewTasks({}, read({ 'propagate-tags': 'SERVICE' }))).toBe(false);
  });

  test.each([
    [{ 'service-managed-ebs-volume-name': 'data' }],
    [{ 'service-managed-ebs-volume': '{"roleArn": "x"}' }],
    [{ 'service-managed-ebs-volume-name': 'data', 'service-managed-ebs-volume': '{"sizeInGiB": 1}' }],
  ])('%j is half of a volume', (given) => {
    expect(() => read(given as never)).toThrow(/needs both, and the second needs the `roleArn`/);
  });
});

describe('a deployment', () => {
  const image = `${REGISTRY}/sample-web@sha256:${'a'.repeat(64)}`;
  test('of the same revision sets what the service lacks, with new tasks that have it', async () => {
    const { report, ecs, log } = await play(
      { deployment: goesWell, digest: `sha256:${'a'.repeat(64)}` },
      { inputs: { 'propagate-tags': 'SERVICE', preflight: 'false' } },
    );
    expect(report.outcome.status).toBe('succeeded');
    expect(log).toContain('The task definition is as it should be, but propagate-tags is "NONE" so far');
    expect(ecs.calls.find((c) => c.operation === 'UpdateService')?.input).toMatchObject({
      propagateTags: 'SERVICE',
      forceNewDeployment: true,
    });
    expect(ecs.count('RegisterTaskDefinition')).toBe(0);
  });

  test('forces new tasks for another strategy, as ECS demands', async () => {
    const inputs = {
      image: image.replace(/sha256:a+/, DIGEST),
      'capacity-provider-strategy': '[{capacityProvider: FARGATE_SPOT, weight: 1}]',
      preflight: 'false',
    };
    const { ecs } = await play({ deployment: goesWell }, { inputs });
    expect(ecs.calls.find((c) => c.operation === 'UpdateService')?.input).toMatchObject({
      capacityProviderStrategy: [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }],
      forceNewDeployment: true,
    });
  });
});
