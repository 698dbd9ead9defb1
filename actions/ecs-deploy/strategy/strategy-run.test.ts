import { describe, expect, test } from '@jest/globals';
import { play } from '../test/play.ts';
import { deploymentArn, type Moment, Refusal, type Script } from '../test/scripted-ecs.ts';

const SHIFTING = {
  loadBalancers: [{ targetGroupArn: 'blue', advancedConfiguration: { alternateTargetGroupArn: 'green' } }],
};
const blueGreen = { ...SHIFTING, deploymentConfiguration: { strategy: 'BLUE_GREEN', bakeTimeInMinutes: 20 } };

const MINUTE = 60_000;
const stages: [until: number, moment: Moment][] = [
  [1_000, { status: 'PENDING' }],
  [5_000, { status: 'IN_PROGRESS', stage: 'SCALE_UP', pending: 2, production: 0 }],
  [8_000, { status: 'IN_PROGRESS', stage: 'TEST_TRAFFIC_SHIFT', running: 2, production: 0, test: 100 }],
  [12_000, { status: 'IN_PROGRESS', stage: 'PRODUCTION_TRAFFIC_SHIFT', running: 2, production: 100 }],
];
const bakes =
  (until: number, then: Moment): Script['deployment'] =>
  (t) =>
    stages.find(([end]) => t < end)?.[1] ??
    (t < until ? { status: 'IN_PROGRESS', stage: 'BAKE_TIME', running: 2, production: 100 } : then);
const done: Moment = { status: 'SUCCESSFUL', running: 2, stage: 'CLEAN_UP', production: 100 };

describe('a deployment that shifts traffic', () => {
  test('is set up by the update, and followed through its stages with the traffic', async () => {
    const { report, ecs, log } = await play(
      { deployment: bakes(20_000, done), service: SHIFTING },
      { inputs: { strategy: 'canary', 'canary-percent': '10', 'canary-bake-time': '5m', 'bake-time': '1m' } },
    );
    expect(report.outcome.status).toBe('succeeded');
    expect(ecs.calls.find((c) => c.operation === 'UpdateService')?.input.deploymentConfiguration).toEqual({
      strategy: 'CANARY',
      canaryConfiguration: { canaryPercent: 10, canaryBakeTimeInMinutes: 5 },
      bakeTimeInMinutes: 1,
    });
    const text = log.lines.join('\n');
    expect(text).toContain('~ deploymentConfiguration.strategy: "ROLLING" → "CANARY"');
    expect(text).toMatch(/TEST_TRAFFIC_SHIFT, 0 % of production traffic, 100 % of test traffic/);
    expect(text).toMatch(/BAKE_TIME, 100 % of production traffic/);
  });

  test('is waited for as long as it bakes, without a time-out set', async () => {
    const { report, clock } = await play({ deployment: bakes(21 * MINUTE, done), service: blueGreen });
    expect(report.outcome.status).toBe('succeeded');
    expect(clock.elapsed()).toBeGreaterThan(21 * MINUTE);
  });

  test('leaves the configuration alone when nothing is asked of it', async () => {
    const { ecs } = await play({ deployment: bakes(14_000, done), service: blueGreen });
    expect(ecs.calls.find((c) => c.operation === 'UpdateService')?.input).not.toHaveProperty('deploymentConfiguration');
  });

  test('changes settings alone without new tasks', async () => {
    const { report, ecs } = await play(
      { deployment: bakes(14_000, done), service: SHIFTING, staleMs: 3_600_000 },
      { inputs: { image: '', revision: '', strategy: 'blue-green', 'bake-time': '5m' } },
    );
    expect(report.outcome.status).toBe('succeeded');
    expect([ecs.count('RegisterTaskDefinition'), ecs.count('UpdateService')]).toEqual([0, 1]);
    expect(ecs.calls.find((c) => c.operation === 'UpdateService')?.input).not.toHaveProperty('forceNewDeployment');
  });

  test('that goes on already is followed, though it has no rolloutState', async () => {
    const { report, ecs } = await play(
      {
        deployment: (t) => bakes(14_000, done)(t + 1_000),
        underWay: true,
        service: blueGreen,
        before: { DescribeServices: (_, n) => (n > 1 ? undefined : { services: [inProgress()] }) },
      },
      { inputs: { image: '', revision: '' } },
    );
    expect(report.outcome.status).toBe('succeeded');
    expect(ecs.count('UpdateService')).toBe(0);
  });
});

function inProgress() {
  const arn = 'arn:aws:ecs:eu-central-1:123456789012';
  return {
    serviceArn: `${arn}:service/sample/web`,
    status: 'ACTIVE',
    taskDefinition: `${arn}:task-definition/web:2`,
    desiredCount: 2,
    runningCount: 2,
    pendingCount: 0,
    deployments: [
      { id: 'own', status: 'PRIMARY', taskDefinition: `${arn}:task-definition/web:2`, desiredCount: 2 },
      { id: 'old', status: 'ACTIVE', taskDefinition: `${arn}:task-definition/web:1`, desiredCount: 2 },
    ],
    events: [],
    tags: [],
    ...blueGreen,
  };
}

describe('a deployment that is turned back', () => {
  const turned = (more: Moment): Script['deployment'] =>
    bakes(30_000, { status: 'ROLLBACK_SUCCESSFUL', stage: 'CLEAN_UP', rollbackTo: 'web:1', ...more });

  test('by an alarm while it bakes is rolled-back and says where', async () => {
    const { report } = await play({
      service: blueGreen,
      deployment: (t) =>
        t < 30_000
          ? turned({})(t)
          : {
              ...turned({})(t),
              statusReason: 'Service deployment rolled back because alarm(s) were detected: errors.',
            },
    });
    expect(report.outcome.status).toBe('rolled-back');
    expect(report.outcome.cause).toMatch(/^web:2 did not get past BAKE_TIME and ECS put web:1 back: .*/);
  });

  test('by a Lambda hook names the hook and what it answered', async () => {
    const reason =
      'Service deployment rolled back because POST_TEST_TRAFFIC_SHIFT lifecycle hook(s) failed. Lifecycle hook target returned FAILED status.';
    const hooks = [
      { targetType: 'AWS_LAMBDA', targetArn: 'arn:aws:lambda:x:1:function:smoke', status: 'FAILED', hookId: 'h' },
    ];
    const { report } = await play({
      service: blueGreen,
      deployment: (t) =>
        t < 8_000
          ? bakes(0, done)(t)
          : t < 10_000
            ? { status: 'IN_PROGRESS', stage: 'POST_TEST_TRAFFIC_SHIFT', hooks, running: 2 }
            : { status: 'ROLLBACK_SUCCESSFUL', stage: 'POST_TEST_TRAFFIC_SHIFT', hooks, statusReason: reason },
    });
    expect(report.outcome.status).toBe('rolled-back');
    expect(report.outcome.cause).toContain('did not get past POST_TEST_TRAFFIC_SHIFT');
    expect(report.outcome.cause).toContain('the hook smoke at POST_TEST_TRAFFIC_SHIFT failed');
    expect(report.outcome.cause).toContain('returned FAILED status');
  });

  test('is a stop when somebody stopped it without a rollback', async () => {
    const { report } = await play({
      service: blueGreen,
      deployment: (t) => (t < 13_000 ? bakes(60_000, done)(t) : { status: 'STOPPED', statusReason: 'Stopped by user' }),
    });
    expect(report.outcome.status).toBe('stopped');
  });
});

const hook = {
  hookId: 'ecs-pause-1',
  targetType: 'PAUSE',
  status: 'AWAITING_ACTION',
  expiresAt: 1_767_300_000,
  timeoutAction: 'ROLLBACK',
};
const pausedMoment: Moment = {
  status: 'IN_PROGRESS',
  stage: 'POST_TEST_TRAFFIC_SHIFT',
  running: 2,
  test: 100,
  hooks: [hook],
};

describe('a pause', () => {
  test('ends the run that waits for it, with what is needed to go on, and tags nothing', async () => {
    const { report, ecs } = await play(
      { service: blueGreen, deployment: (t) => (t < 8_000 ? bakes(0, done)(t) : pausedMoment) },
      { inputs: { 'wait-for': 'paused' } },
    );
    expect(report.outcome).toMatchObject({ status: 'succeeded', next: expect.stringContaining('`continue`') });
    expect(report.outcome.cause).toMatch(
      /^web:2 is paused at POST_TEST_TRAFFIC_SHIFT and waits for an answer until 2026-01-01T20:40:00/,
    );
    expect(report.outputs).toMatchObject({
      'deployment-arn': deploymentArn('own'),
      stage: 'POST_TEST_TRAFFIC_SHIFT',
      paused: 'true',
    });
    expect(ecs.count('TagResource')).toBe(0);
  });

  test('is told once in the log of a run that waits for the end', async () => {
    const { report, log } = await play(
      { service: blueGreen, deployment: (t) => (t < 8_000 ? bakes(0, done)(t) : t < 60_000 ? pausedMoment : done) },
      {},
    );
    expect(report.outcome.status).toBe('succeeded');
    expect(log.lines.filter((l) => l.includes('waits at POST_TEST_TRAFFIC_SHIFT for an answer'))).toHaveLength(1);
  });

  test('a stage ends the wait as soon as it is reached', async () => {
    const { report, clock } = await play(
      { service: blueGreen, deployment: bakes(20 * MINUTE, done) },
      { inputs: { 'wait-for': 'BAKE_TIME' } },
    );
    expect(report.outcome.cause).toBe('web:2 has reached BAKE_TIME; ECS goes on by itself');
    expect(report.outputs).toMatchObject({ stage: 'BAKE_TIME', paused: 'false' });
    expect(clock.elapsed()).toBeLessThan(16_000);
  });

  test('healthy tasks that have no traffic yet are not what `healthy` waits for', async () => {
    const { report } = await play(
      { service: blueGreen, deployment: bakes(20 * MINUTE, done) },
      { inputs: { 'wait-for': 'healthy' } },
    );
    expect(report.outputs.stage).toBe('BAKE_TIME');
  });

  test('does not stand for other bytes than were asked for', async () => {
    const { report } = await play(
      { service: blueGreen, digest: `sha256:${'c'.repeat(64)}`, deployment: bakes(20 * MINUTE, done) },
      { inputs: { 'wait-for': 'BAKE_TIME' } },
    );
    expect(report.outcome.status).toBe('failed');
  });
});

test('status tells the stage, and that a deployment waits for an answer', async () => {
  const { report, ecs } = await play(
    { service: blueGreen, underWay: true, deployment: () => pausedMoment },
    { inputs: { operation: 'status', image: '', revision: '' } },
  );
  expect(JSON.parse(report.outputs.status ?? '')).toMatchObject({
    deployment: { status: 'IN_PROGRESS', stage: 'POST_TEST_TRAFFIC_SHIFT', paused: true },
  });
  expect(report.summary).toContain('paused for an answer');
  expect(ecs.calls.every((c) => /^(?:Describe|List)/.test(c.operation))).toBe(true);
});

describe('the operation continue', () => {
  const inputs = { operation: 'continue', image: '', revision: '' };
  const answered = (then: (action: unknown) => Moment): Script => {
    let action: unknown;
    return {
      service: blueGreen,
      underWay: true,
      digest: `sha256:${'a'.repeat(64)}`,
      deployment: () => (action === undefined ? pausedMoment : then(action)),
      before: {
        ContinueServiceDeployment: (input) => {
          action = input.action;
          return undefined;
        },
      },
    };
  };

  test('answers the pause and sees the deployment through', async () => {
    const { report, ecs } = await play(
      answered(() => done),
      { inputs },
    );
    expect(report.outcome).toEqual({ status: 'succeeded', cause: '' });
    expect(ecs.calls.find((c) => c.operation === 'ContinueServiceDeployment')?.input).toEqual({
      serviceDeploymentArn: deploymentArn('own'),
      hookId: 'ecs-pause-1',
      action: 'CONTINUE',
    });
    expect(ecs.count('UpdateService')).toBe(0);
  });

  test('rolls back when told so, and the run does not end well', async () => {
    const script = answered((action) => ({
      status: action === 'ROLLBACK' ? 'ROLLBACK_SUCCESSFUL' : 'SUCCESSFUL',
      statusReason: 'rolled back by ContinueServiceDeployment',
      rollbackTo: 'web:1',
    }));
    const { report } = await play(script, { inputs: { ...inputs, answer: 'rollback' } });
    expect(report.outcome.status).toBe('rolled-back');
    expect(report.outcome.cause).toContain('web:1');
  });

  test('does not take the pause that it has answered for the next one, while ECS still shows it', async () => {
    let answeredAt: number | undefined;
    const { report, ecs } = await play(
      {
        service: blueGreen,
        underWay: true,
        digest: `sha256:${'a'.repeat(64)}`,
        deployment: (t) => (answeredAt === undefined || t < 7_000 ? pausedMoment : done),
        before: {
          ContinueServiceDeployment: () => {
            answeredAt = 0;
            return undefined;
          },
        },
      },
      { inputs: { ...inputs, 'wait-for': 'paused' } },
    );
    expect(report.outcome).toEqual({ status: 'succeeded', cause: '' });
    expect(report.outputs.paused).toBe('false');
    expect(ecs.count('ContinueServiceDeployment')).toBe(1);
  });

  test('follows a deployment that was answered before, and answers nothing', async () => {
    const { report, ecs } = await play(
      { service: blueGreen, underWay: true, digest: `sha256:${'a'.repeat(64)}`, deployment: bakes(14_000, done) },
      { inputs },
    );
    expect(report.outcome.status).toBe('succeeded');
    expect(ecs.count('ContinueServiceDeployment')).toBe(0);
  });

  test('turns a deployment back that is not paused', async () => {
    let stopped = false;
    const { report, ecs } = await play(
      {
        service: blueGreen,
        underWay: true,
        deployment: () => (stopped ? { status: 'ROLLBACK_SUCCESSFUL' } : { status: 'IN_PROGRESS', stage: 'BAKE_TIME' }),
        before: {
          StopServiceDeployment: () => {
            stopped = true;
            return undefined;
          },
        },
      },
      { inputs: { ...inputs, answer: 'rollback' } },
    );
    expect(report.outcome.status).toBe('rolled-back');
    expect(ecs.count('StopServiceDeployment')).toBe(1);
  });

  test('says that it came too late to turn it back', async () => {
    const { report } = await play(
      { service: blueGreen, underWay: true, digest: `sha256:${'a'.repeat(64)}`, deployment: () => done },
      { inputs: { ...inputs, answer: 'rollback' } },
    );
    expect(report.outcome).toMatchObject({ status: 'failed', next: expect.stringContaining('`rollback`') });
  });

  test('names the permission that it lacks', async () => {
    const denied = () => {
      throw new Refusal('AccessDeniedException', 'not authorized to perform: ecs:ContinueServiceDeployment');
    };
    const script = { ...answered(() => done), before: { ContinueServiceDeployment: denied } };
    await expect(play(script, { inputs })).rejects.toMatchObject({
      kind: 'denied',
      message: expect.stringContaining('ecs:ContinueServiceDeployment'),
    });
  });

  test('refuses a deployment of another service', async () => {
    const other = {
      serviceDeployments: [
        { serviceDeploymentArn: 'x', serviceArn: 'arn:aws:ecs:eu-central-1:123456789012:service/sample/api' },
      ],
    };
    const script = { ...answered(() => done), before: { DescribeServiceDeployments: () => other } };
    await expect(play(script, { inputs: { ...inputs, deployment: 'x' } })).rejects.toThrow(
      /of api, not of service sample\/web/,
    );
  });
});
