import { describe, expect, test } from '@jest/globals';
import type { Service } from '../../../lib/ecs/api.ts';
import { activeDeployment, type DeploymentGroupInfo } from './api.ts';
import { appSpecOf, filledAppSpec, taskDefinitionOf } from './appspec.ts';
import { type CodeDeployFacts, judgeCodeDeploy, reachedCodeDeploy } from './judge.ts';
import { plannedMs, predefinedRouting } from './pace.ts';

const ended = (facts: CodeDeployFacts) => {
  const j = judgeCodeDeploy(facts);
  return j.decided ? j.status : j.phase;
};
const back = (status: string | undefined) => ({ id: 'd-2', status });

test.each<[CodeDeployFacts, string]>([
  [{ status: undefined }, 'waiting'],
  [{ status: 'Created' }, 'waiting'],
  [{ status: 'Queued' }, 'waiting'],
  [{ status: 'InProgress' }, 'rolling-out'],
  [{ status: 'Ready' }, 'rolling-out'],
  [{ status: 'Baking' }, 'rolling-out'],
  [{ status: 'ANewOne' }, 'unknown'],
  [{ status: 'Succeeded' }, 'succeeded'],
  [{ status: 'Failed' }, 'failed'],
  [{ status: 'Failed', rollbackExpected: true }, 'rolling-back'],
  [{ status: 'Failed', rollback: back(undefined) }, 'rolling-back'],
  [{ status: 'Failed', rollback: back('InProgress') }, 'rolling-back'],
  [{ status: 'Failed', rollback: back('Succeeded') }, 'rolled-back'],
  [{ status: 'Failed', rollback: back('Failed') }, 'failed'],
  [{ status: 'Failed', rollback: back('Stopped') }, 'failed'],
  [{ status: 'Stopped' }, 'stopped'],
  [{ status: 'Stopped', rollback: back('Succeeded') }, 'rolled-back'],
  [{ status: 'Stopped', rollbackExpected: true }, 'rolling-back'],
  [{ status: 'Stopped', supersededBy: 'd-3' }, 'superseded'],
  [{ status: 'Stopped', errorCode: 'ALARM_ACTIVE' }, 'failed'],
  [{ status: 'Stopped', errorCode: 'ALARM_ACTIVE', rollback: back('Succeeded') }, 'rolled-back'],
  [{ status: 'Stopped', errorCode: 'MANUAL_STOP' }, 'stopped'],
])('%j is %s', (facts, expected) => {
  expect(ended(facts)).toBe(expected);
});

test('every end that is not good has a reason, and only CodeDeploy’s own success is one', () => {
  for (const status of ['Succeeded', 'Failed', 'Stopped', 'InProgress', 'Ready'])
    for (const rollback of [undefined, back('Succeeded'), back('Failed')])
      for (const errorCode of [undefined, 'ALARM_ACTIVE', 'HOOK_EXECUTION_FAILURE', 'SOMETHING_NEW']) {
        const facts = { status, rollback, errorCode };
        const judgement = judgeCodeDeploy(facts);
        expect([facts, ended(facts) === 'succeeded']).toEqual([facts, status === 'Succeeded']);
        if (judgement.decided && judgement.status !== 'succeeded')
          expect([facts, judgement.why]).not.toEqual([facts, '']);
      }
});

test.each<[CodeDeployFacts, string]>([
  [{ status: 'Failed' }, 'CodeDeploy gave no reason'],
  [{ status: 'Stopped' }, 'somebody stopped the deployment'],
  [
    { status: 'Failed', errorCode: 'ECS_UPDATE_ERROR', errorMessage: 'The ECS service cannot be updated.' },
    'The ECS service cannot be updated',
  ],
  [
    {
      status: 'Failed',
      errorCode: 'HOOK_EXECUTION_FAILURE',
      errorMessage: 'The Lambda function failed',
      events: [{ name: 'AfterAllowTestTraffic', status: 'Failed', message: 'smoke failed' }],
    },
    'a hook of the AppSpec failed; AfterAllowTestTraffic failed: smoke failed; The Lambda function failed',
  ],
])('the reason of %j', (facts, expected) => {
  const judgement = judgeCodeDeploy(facts);
  expect(judgement.decided && judgement.why).toBe(expected);
});

test.each<[Parameters<typeof reachedCodeDeploy>[0], string, Record<string, string>, string | undefined]>([
  ['completed', 'Ready', {}, undefined],
  ['paused', 'InProgress', {}, undefined],
  ['paused', 'Ready', {}, 'Ready'],
  ['BAKE_TIME', 'Ready', {}, 'Ready'],
  ['healthy', 'Ready', {}, undefined],
  ['healthy', 'InProgress', { Install: 'Succeeded' }, undefined],
  ['healthy', 'InProgress', { AfterAllowTraffic: 'Succeeded' }, 'AfterAllowTraffic'],
  ['BAKE_TIME', 'InProgress', { AllowTraffic: 'Succeeded', AfterAllowTraffic: 'Pending' }, undefined],
  ['BAKE_TIME', 'InProgress', { AfterAllowTraffic: 'Skipped' }, 'AfterAllowTraffic'],
  ['POST_PRODUCTION_TRAFFIC_SHIFT', 'InProgress', { AllowTraffic: 'Succeeded' }, 'AllowTraffic'],
  ['POST_SCALE_UP', 'InProgress', { Install: 'InProgress' }, undefined],
  ['BAKE_TIME', 'Failed', { AfterAllowTraffic: 'Succeeded' }, undefined],
])('waiting for %s in %s with %j', (waitFor, status, events, expected) => {
  const facts = { status, events: Object.entries(events).map(([name, s]) => ({ name, status: s, message: '' })) };
  expect(reachedCodeDeploy(waitFor, facts)?.stage).toBe(expected);
});

const REF = { cluster: 'sample', service: 'web' };
const ARN = 'arn:aws:ecs:eu-central-1:123456789012:task-definition/web:2';
const spec = (text: string) => JSON.parse(filledAppSpec(text, 'appspec.yaml', ARN).content);

describe('the AppSpec', () => {
  test('is made from the service’s load balancer', () => {
    const service: Service = { loadBalancers: [{ targetGroupArn: 'x', containerName: 'web', containerPort: 8080 }] };
    const { content, sha256 } = appSpecOf(REF, service, ARN);
    expect(JSON.parse(content)).toEqual({
      version: 0,
      Resources: [
        {
          TargetService: {
            Type: 'AWS::ECS::Service',
            Properties: { TaskDefinition: ARN, LoadBalancerInfo: { ContainerName: 'web', ContainerPort: 8080 } },
          },
        },
      ],
    });
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(taskDefinitionOf(content)).toBe(ARN);
    expect(() => appSpecOf(REF, {}, ARN)).toThrow(/no load balancer/);
  });

  test('of the user keeps everything, in its own spelling', () => {
    const text = `version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: <TASK_DEFINITION>
        LoadBalancerInfo: {ContainerName: web, ContainerPort: 80}
        PlatformVersion: ''
        SomethingNew: [1, '']
Hooks:
  - AfterAllowTestTraffic: smoke
`;
    expect(spec(text)).toEqual({
      version: 0,
      Resources: [
        {
          TargetService: {
            Type: 'AWS::ECS::Service',
            Properties: {
              TaskDefinition: ARN,
              LoadBalancerInfo: { ContainerName: 'web', ContainerPort: 80 },
              PlatformVersion: '',
              SomethingNew: [1, ''],
            },
          },
        },
      ],
      Hooks: [{ AfterAllowTestTraffic: 'smoke' }],
    });
    const lower =
      '{"version":0.0,"resources":[{"web":{"type":"AWS::ECS::Service","properties":{"taskDefinition":"x"}}}]}';
    expect(spec(lower).resources[0].web.properties).toEqual({ taskDefinition: ARN });
  });

  test.each([
    ['Resources: [\n', /appspec\.yaml.*neither YAML nor JSON/],
    ['version: 0.0', /no `Resources` with a service/],
    ['Resources: [{TargetService: {Type: x}}]', /no `Properties`/],
  ])('%j is refused', (text, expected) => {
    expect(() => spec(text)).toThrow(expected);
  });

  test('of somebody else may hold anything', () => {
    for (const content of [undefined, '', '[', 'x', '{"Resources":[]}', '{"Resources":[{"a":{"Properties":1}}]}'])
      expect(taskDefinitionOf(content)).toBe('');
  });
});

test.each<[string, number, number, boolean]>([
  ['CodeDeployDefault.ECSLinear10PercentEvery1Minutes', 10, 1, true],
  ['CodeDeployDefault.ECSLinear10PercentEvery3Minutes', 10, 3, true],
  ['CodeDeployDefault.ECSCanary10Percent5Minutes', 10, 5, false],
  ['CodeDeployDefault.ECSCanary10Percent15Minutes', 10, 15, false],
])('%s', (name, percent, minutes, linear) => {
  expect(predefinedRouting(name)).toEqual({ percent, minutes, linear });
});

test.each<[DeploymentGroupInfo, string, number]>([
  [{}, '', 0],
  [{ deploymentConfigName: 'CodeDeployDefault.ECSAllAtOnce' }, '', 0],
  [{ deploymentConfigName: 'CodeDeployDefault.ECSAllAtOnce' }, 'CodeDeployDefault.ECSLinear10PercentEvery3Minutes', 27],
  [{ deploymentConfigName: 'CodeDeployDefault.ECSCanary10Percent15Minutes' }, '', 15],
  [{ deploymentConfigName: 'ours' }, '', 8],
  [
    {
      blueGreenDeploymentConfiguration: {
        deploymentReadyOption: { actionOnTimeout: 'STOP_DEPLOYMENT', waitTimeInMinutes: 30 },
        terminateBlueInstancesOnDeploymentSuccess: { action: 'TERMINATE', terminationWaitTimeInMinutes: 60 },
      },
    },
    '',
    90,
  ],
])('minutes that %j takes with %j', async (group, config, expected) => {
  const routing = async () => ({ percent: 20, minutes: 2, linear: true });
  expect((await plannedMs(group, config, { routing })) / 60_000).toBe(expected);
});

test('the deployment that is in the way is found in the words of CodeDeploy', () => {
  const named = (name: string, message: string) => Object.assign(new Error(message), { name });
  const message = "The Deployment Group 'x' already has an active Deployment 'd-ABC123XYZ'";
  expect(activeDeployment(named('DeploymentLimitExceededException', message))).toBe('d-ABC123XYZ');
  expect(activeDeployment(named('DeploymentLimitExceededException', 'too many in the account'))).toBeUndefined();
  expect(activeDeployment(named('ThrottlingException', message))).toBeUndefined();
});
