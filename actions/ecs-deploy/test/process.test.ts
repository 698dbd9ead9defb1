import { afterEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/clock.ts';
import { runAction } from '../../../test/support/action.ts';
import { DIGEST, definitionArn, deploymentArn, type Script, type ScriptedEcs, scriptedEcs } from './scripted-ecs.ts';

// The action as the runner starts it, cancels it and starts it again as the post step: real processes, real signals, real HTTP.
const IMAGE = `registry.test/sample-web@${DIGEST}`;
const open: ScriptedEcs[] = [];

afterEach(async () => {
  for (const ecs of open.splice(0)) await ecs.close();
});

interface Cut {
  /** Cancelled when this operation arrives for the so-and-so-manieth time; it is answered late. */
  at: string;
  nth?: number;
  answerAfterMs?: number;
  script?: Partial<Script>;
  inputs?: Record<string, string>;
  signal?: NodeJS.Signals;
}

const env = (ecs: ScriptedEcs) => ({
  AWS_ENDPOINT_URL: ecs.url,
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
});

const rollsOut: Script['deployment'] = () => ({ status: 'IN_PROGRESS', pending: 2 });

async function cut({ at, nth = 1, answerAfterMs = 300, script = {}, inputs = {}, signal = 'SIGINT' }: Cut) {
  let arrived: () => void = () => undefined;
  const interruptWhen = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const ecs = await scriptedEcs(systemClock, {
    deployment: rollsOut,
    ...script,
    answering: async (operation, count) => {
      if (operation !== at || count !== nth) return;
      arrived();
      await new Promise((resolve) => setTimeout(resolve, answerAfterMs));
    },
  });
  open.push(ecs);
  const given = {
    cluster: 'sample',
    service: 'web',
    image: IMAGE,
    'stable-for': '0s',
    'on-cancel': 'rollback',
    ...inputs,
  };
  const run = await runAction('ecs-deploy', given, { env: env(ecs), interruptWhen, interruptWith: signal });
  return { ecs, run };
}

const post = (ecs: ScriptedEcs, state: string | undefined) =>
  runAction('ecs-deploy', {}, { env: { ...env(ecs), STATE_rollout: state ?? '' } });

const calls = (ecs: ScriptedEcs) => [
  ecs.count('RegisterTaskDefinition'),
  ecs.count('UpdateService'),
  ecs.count('StopServiceDeployment'),
];

describe('cancelled with on-cancel: rollback, at', () => {
  const done: Script['deployment'] = () => ({ status: 'SUCCESSFUL', running: 2 });
  test.each<[string, Cut, [register: number, update: number, stop: number]]>([
    ['the first look at the service', { at: 'DescribeServices' }, [0, 0, 0]],
    ['the first look at the definition', { at: 'DescribeTaskDefinition' }, [0, 0, 0]],
    ['the registration', { at: 'RegisterTaskDefinition' }, [1, 0, 0]],
    ['the update', { at: 'UpdateService' }, [1, 1, 1]],
    ['an update whose answer does not come', { at: 'UpdateService', answerAfterMs: 30_000 }, [1, 1, 1]],
    ['the search for the deployment', { at: 'ListServiceDeployments', script: { staleMs: 1_500 } }, [1, 1, 1]],
    ['the watch', { at: 'DescribeServiceDeployments', nth: 2 }, [1, 1, 1]],
    // It has ended by then, so that the revision before is deployed again.
    ['the proof of what runs', { at: 'ListTasks', script: { deployment: done } }, [1, 2, 0]],
  ])(
    '%s',
    async (_, given, expected) => {
      const { ecs, run } = await cut(given);
      expect([run.code, run.outputs.outcome]).toEqual([1, 'stopped']);
      expect(run.outputs.cause).toContain('the run was cancelled');
      expect(calls(ecs)).toEqual(expected);
      if (expected[1] === 2)
        expect(ecs.calls.findLast((c) => c.operation === 'UpdateService')?.input.taskDefinition).toBe(
          definitionArn('web:1'),
        );
      expect(run.endedInMs).toBeLessThan(5_000);
    },
    60_000,
  );
});

describe('cancelled with on-cancel: leave, at', () => {
  test.each<[string, Cut]>([
    ['the update', { at: 'UpdateService' }],
    ['the watch', { at: 'DescribeServiceDeployments' }],
  ])(
    '%s',
    async (_, given) => {
      const { ecs, run } = await cut({ ...given, inputs: { 'on-cancel': 'leave' } });
      expect([run.code, run.outputs.outcome]).toEqual([1, 'stopped']);
      expect(run.outputs.cause).toContain('goes on in ECS');
      expect(calls(ecs)).toEqual([1, 1, 0]);
      const after = await post(ecs, run.state.rollout);
      expect(after.log).toMatch(
        /stopped: the run was cut, and the deployment of web:2 was left to ECS .*IN_PROGRESS, 0 of 2/,
      );
      expect(calls(ecs)).toEqual([1, 1, 0]);
    },
    60_000,
  );
});

test('cancelled while only the count changes, there is no revision to go back to', async () => {
  const { ecs, run } = await cut({ at: 'UpdateService', inputs: { image: '', 'desired-count': '3' } });
  expect([run.code, run.outputs.outcome]).toEqual([1, 'stopped']);
  expect(run.outputs.cause).toContain('the service ran web:1 before too, so there is no revision to go back to');
  const after = await post(ecs, run.state.rollout);
  expect(after.outputs.cause).toContain('there is no revision to go back to');
  expect(calls(ecs)).toEqual([0, 1, 0]);
}, 60_000);

test('cancelled while the revision before is put back, that goes on, and the post step sees it through', async () => {
  const { ecs, run } = await cut({
    at: 'UpdateService',
    nth: 2,
    inputs: { 'on-cancel': 'leave' },
    script: { deployment: (ms) => ({ status: ms < 3_000 ? 'IN_PROGRESS' : 'STOPPED', breaker: 'TRIGGERED' }) },
  });
  expect([run.code, run.outputs.outcome]).toEqual([1, 'stopped']);
  expect(run.outputs.cause).toContain('while web:2 was given up for web:1, which goes on in ECS');
  const after = await post(ecs, run.state.rollout);
  expect(after.outputs.cause).toBe('the run was cut while web:2 was rolled out; web:1 serves again');
  expect(calls(ecs)).toEqual([1, 2, 0]);
}, 60_000);

describe('the post step', () => {
  test('waits for the rollback that the cancelled run has asked for, and tells it', async () => {
    const { ecs, run } = await cut({ at: 'DescribeServiceDeployments', nth: 2 });
    const after = await post(ecs, run.state.rollout);
    expect(after.outputs.outcome).toBe('rolled-back');
    expect(after.outputs.cause).toBe('the run was cut while web:2 was rolled out; web:1 serves again');
    expect(after.summary).toContain('service sample/web, after the run was cut');
    expect(ecs.count('StopServiceDeployment')).toBe(1);
  }, 60_000);

  test.each([
    ['the update', 'UpdateService'],
    ['the watch', 'DescribeServiceDeployments'],
  ])(
    'rolls back what a killed run had begun, killed at %s',
    async (_, at) => {
      const { ecs, run } = await cut({ at, signal: 'SIGKILL', answerAfterMs: 50 });
      expect([run.code, run.outputs.outcome, ecs.count('StopServiceDeployment')]).toEqual([-1, undefined, 0]);
      const after = await post(ecs, run.state.rollout);
      expect(after.outputs.outcome).toBe('rolled-back');
      expect(ecs.calls.find((c) => c.operation === 'StopServiceDeployment')?.input).toEqual({
        serviceDeploymentArn: deploymentArn('own'),
        stopType: 'ROLLBACK',
      });
    },
    60_000,
  );

  test('asks AWS nothing after a run that told its own end', async () => {
    const { ecs, run } = await cut({
      at: 'TagResource',
      script: { deployment: () => ({ status: 'SUCCESSFUL', running: 2 }) },
    });
    expect(run.outputs.outcome).toBe('succeeded');
    const before = ecs.calls.length;
    const after = await post(ecs, run.state.rollout);
    expect([after.code, after.summary, ecs.calls.length - before]).toEqual([0, '', 0]);
  }, 60_000);

  test('leaves alone what somebody else has deployed since', async () => {
    const { ecs, run } = await cut({
      at: 'DescribeServiceDeployments',
      signal: 'SIGKILL',
      script: {
        supersededAt: 2_500,
        deployment: (ms) => (ms < 2_400 ? { status: 'IN_PROGRESS' } : { status: 'STOPPED' }),
      },
    });
    await systemClock.sleep(1_000);
    const after = await post(ecs, run.state.rollout);
    expect(after.outputs.outcome).toBe('superseded');
    expect(calls(ecs)).toEqual([1, 1, 0]);
  }, 60_000);
});

test('a missing input is one clear error without a stack', async () => {
  const run = await runAction('ecs-deploy', { cluster: 'sample' }, { env: { AWS_REGION: 'eu-central-1' } });
  expect(run.code).toBe(1);
  expect(run.log).toMatch(/::error::input 'service': it is required and was not given/);
  expect(run.log).not.toMatch(/^\s+at /m);
}, 20_000);
