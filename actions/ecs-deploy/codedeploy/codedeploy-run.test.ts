import { afterEach, describe, expect, test } from '@jest/globals';
import { virtualClock } from '../../../test/support/virtual-clock.ts';
import { type PlayOptions, play as playEcs } from '../test/play.ts';
import {
  type CodeDeployMoment,
  type CodeDeployScript,
  OWN,
  ROLLBACK,
  type ScriptedCodeDeploy,
  scriptedCodeDeploy,
} from '../test/scripted-codedeploy.ts';
import { ACCOUNT, definitionArn, Refusal, type Script } from '../test/scripted-ecs.ts';

let open: ScriptedCodeDeploy | undefined;
afterEach(async () => {
  delete process.env.AWS_ENDPOINT_URL_CODEDEPLOY;
  await open?.close();
  open = undefined;
});

const set = (taskDefinition: string) => ({
  id: 'ecs-svc/1',
  status: 'PRIMARY',
  taskDefinition: definitionArn(taskDefinition),
  runningCount: 2,
  computedDesiredCount: 2,
  stabilityStatus: 'STEADY_STATE',
});
/** A service as ECS shows it when CodeDeploy is in charge: no deployments, and a task definition that stays as it was. */
const service = (serving = 'web:1', taskSets: object[] = [set(serving)]) => ({
  deploymentController: { type: 'CODE_DEPLOY' },
  deployments: [],
  currentServiceDeployment: undefined,
  taskDefinition: definitionArn('web:0'),
  taskSets,
  loadBalancers: [{ targetGroupArn: 'blue', containerName: 'web', containerPort: 8080 }],
});

const running = (name: string, digest: string): NonNullable<Script['before']> => ({
  ListTasks: (input) =>
    input.desiredStatus === 'RUNNING' ? { taskArns: [`${ACCOUNT}:task/sample/running`] } : undefined,
  DescribeTasks: (input) =>
    String((input.tasks as string[])[0]).endsWith('/running')
      ? {
          tasks: [
            {
              taskArn: `${ACCOUNT}:task/sample/running`,
              taskDefinitionArn: definitionArn(name),
              lastStatus: 'RUNNING',
              containers: [{ name: 'web', imageDigest: digest }],
            },
          ],
        }
      : undefined,
});
const NEW = `sha256:${'b'.repeat(64)}`;
const OLD = `sha256:${'a'.repeat(64)}`;

async function play(script: CodeDeployScript, options: PlayOptions & { ecs?: Partial<Script> } = {}) {
  const clock = virtualClock();
  const codeDeploy = await scriptedCodeDeploy(clock, script);
  open = codeDeploy;
  const { ecs, ...rest } = options;
  const played = await playEcs(
    { deployment: () => ({}), service: service(), before: running('web:2', NEW), ...ecs },
    { ...rest, clock, codeDeploy: codeDeploy.url },
  );
  return { ...played, codeDeploy };
}

const EVENTS = [
  'BeforeInstall',
  'Install',
  'AfterInstall',
  'AllowTestTraffic',
  'BeforeAllowTraffic',
  'AllowTraffic',
  'AfterAllowTraffic',
];
/** So many events are through, the next one is under way. */
const through = (count: number) =>
  Object.fromEntries(EVENTS.map((name, i) => [name, i < count ? 'Succeeded' : i === count ? 'InProgress' : 'Pending']));
const shifts =
  (end: CodeDeployMoment): CodeDeployScript['deployment'] =>
  (t) => {
    if (t < 1_000) return { status: 'Created' };
    if (t < 6_000) return { status: 'InProgress', events: through(1), running: 1, weight: 0 };
    if (t < 12_000) return { status: 'InProgress', events: through(5), running: 2, weight: 10 };
    if (t < 20_000) return { status: 'InProgress', events: through(7), running: 2, weight: 100, terminating: true };
    return end;
  };
const done: CodeDeployMoment = { status: 'Succeeded', events: through(7), running: 2, weight: 100 };

describe('a deployment by CodeDeploy', () => {
  test('deploys an AppSpec of the release, and tells events, traffic and the end', async () => {
    const { report, codeDeploy, ecs, log } = await play(
      { deployment: shifts(done) },
      {
        inputs: {
          'codedeploy-deployment-description': 'run 7',
          'codedeploy-deployment-config': 'CodeDeployDefault.ECSAllAtOnce',
        },
      },
    );
    expect(report.outcome).toEqual({ status: 'succeeded', cause: '' });
    expect(report.outputs).toMatchObject({
      'deployment-arn': OWN,
      'codedeploy-deployment-id': OWN,
      'previous-task-definition-arn': definitionArn('web:1'),
    });
    expect(codeDeploy.calls.find((c) => c.operation === 'CreateDeployment')?.input).toMatchObject({
      applicationName: 'AppECS-sample-web',
      deploymentGroupName: 'DgpECS-sample-web',
      description: 'run 7',
      deploymentConfigName: 'CodeDeployDefault.ECSAllAtOnce',
      revision: { revisionType: 'AppSpecContent' },
    });
    expect(codeDeploy.appSpec()).toMatchObject({
      Resources: [
        {
          TargetService: {
            Properties: {
              TaskDefinition: definitionArn('web:2'),
              LoadBalancerInfo: { ContainerName: 'web', ContainerPort: 8080 },
            },
          },
        },
      ],
    });
    expect(ecs.count('UpdateService')).toBe(0);
    expect(ecs.count('TagResource')).toBe(1);
    const text = log.lines.join('\n');
    expect(text).toMatch(/Install inprogress/);
    expect(text).toMatch(/2\/2 running, 2 of the old revision, 10 % of production traffic, InProgress/);
    expect(text).toMatch(/100 % of production traffic, InProgress, waiting to end the old tasks/);
    expect(report.summary).toContain('Timeline');
  });

  test('takes the user’s AppSpec, and appspec.yaml where it lies', async () => {
    const file =
      'Resources: [{TargetService: {Type: "AWS::ECS::Service", Properties: {TaskDefinition: x}}}]\nHooks: [{BeforeInstall: check}]\n';
    const named = await play(
      { deployment: shifts(done) },
      { inputs: { 'codedeploy-appspec': 'deploy/app.yml' }, files: { 'deploy/app.yml': file } },
    );
    expect(named.codeDeploy.appSpec()).toMatchObject({ Hooks: [{ BeforeInstall: 'check' }] });
    await named.codeDeploy.close();
    const usual = await play({ deployment: shifts(done) }, { files: { 'appspec.yaml': file } });
    expect(usual.codeDeploy.appSpec()).toMatchObject({ Hooks: [{ BeforeInstall: 'check' }] });
    await usual.codeDeploy.close();
    await expect(play({ deployment: shifts(done) }, { inputs: { 'codedeploy-appspec': 'none.yml' } })).rejects.toThrow(
      /'none\.yml'.*no such file/,
    );
  });

  test('is unchanged when the serving task set is as asked', async () => {
    const { report, codeDeploy } = await play(
      { deployment: shifts(done) },
      { inputs: { image: '', revision: '' }, ecs: { before: running('web:1', OLD) } },
    );
    expect(report.outcome.status).toBe('unchanged');
    expect(codeDeploy.calls).toEqual([]);
  });

  test('ends early for a run that need not see the old tasks go', async () => {
    const { report, clock, ecs } = await play({ deployment: shifts(done) }, { inputs: { 'wait-for': 'bake-time' } });
    expect(report.outcome).toMatchObject({
      status: 'succeeded',
      cause: expect.stringContaining('past AfterAllowTraffic'),
    });
    expect(clock.elapsed()).toBeLessThan(16_000);
    expect(ecs.count('TagResource')).toBe(0);
  });

  test('refuses what only ECS’s own strategies have, before anything is touched', async () => {
    const result = play({ deployment: shifts(done) }, { inputs: { strategy: 'canary' } });
    await expect(result).rejects.toThrow(/'strategy': CodeDeploy deploys this service/);
  });
});

const crashed = {
  taskArn: `${ACCOUNT}:task/sample/task0`,
  taskDefinitionArn: definitionArn('web:2'),
  lastStatus: 'STOPPED',
  stoppedAt: Date.parse('2026-01-01T12:00:05Z') / 1000,
  stopCode: 'EssentialContainerExited',
  stoppedReason: 'Essential container in task exited',
  containers: [{ name: 'web', exitCode: 3 }],
};

describe('a deployment by CodeDeploy that fails', () => {
  const failed = (more: Partial<CodeDeployMoment> = {}): CodeDeployMoment => ({
    status: 'Failed',
    error: { code: 'HOOK_EXECUTION_FAILURE', message: 'The hook failed.' },
    events: { ...through(4), AllowTraffic: 'Failed' },
    message: 'the smoke test said no',
    ...more,
  });

  test('is rolled-back when CodeDeploy’s own deployment has put the old revision back', async () => {
    const { report } = await play({
      deployment: shifts(failed({ rollback: ROLLBACK })),
      rollback: (t) => (t < 30_000 ? 'InProgress' : 'Succeeded'),
    });
    expect(report.outcome.status).toBe('rolled-back');
    expect(report.outcome.cause).toMatch(
      /^web:2 did not get past AllowTraffic and CodeDeploy put web:1 back: a hook of the AppSpec failed; AllowTraffic failed: the smoke test said no/,
    );
  });

  test('waits for a rollback that does not show yet', async () => {
    const { report } = await play({
      deployment: (t) => shifts(failed(t > 26_000 ? { rollback: ROLLBACK } : {}))(t),
      autoRollback: { enabled: true, events: ['DEPLOYMENT_FAILURE'] },
      rollback: () => 'Succeeded',
    });
    expect(report.outcome.status).toBe('rolled-back');
  });

  test('is failed when nothing goes back, or the rollback fails as well', async () => {
    const left = await play({ deployment: shifts(failed()) });
    expect(left.report.outcome.status).toBe('failed');
    await left.codeDeploy.close();
    const twice = await play({ deployment: shifts(failed({ rollback: ROLLBACK })), rollback: () => 'Failed' });
    expect(twice.report.outcome.status).toBe('failed');
    expect(twice.report.outcome.cause).toContain(`the rollback (${ROLLBACK}) is Failed as well`);
  });

  test('tells the task that cannot run while CodeDeploy still waits for it, with its log', async () => {
    const { report, log } = await play(
      {
        deployment: (t) =>
          t < 30_000 ? { status: 'InProgress', events: through(1) } : failed({ events: { Install: 'Failed' } }),
      },
      {
        ecs: {
          before: {
            ListTasks: (input) => ({
              taskArns: input.desiredStatus === 'STOPPED' ? [`${ACCOUNT}:task/sample/task0`] : [],
            }),
            DescribeTasks: () => ({ tasks: [crashed] }),
          },
        },
      },
    );
    expect(report.outcome.status).toBe('failed');
    expect(report.outcome.cause).toContain('container web exited with code 3');
    expect(log.lines.some((l) => l.includes('last words of web/web/task0'))).toBe(true);
  });

  test('is stopped and goes back when tasks end alike again and again, long before CodeDeploy would', async () => {
    let stopped = false;
    const tasks = [1, 2, 3].map((i) => ({ ...crashed, taskArn: `${ACCOUNT}:task/sample/task${i}` }));
    const { report, codeDeploy, clock } = await play(
      {
        deployment: () =>
          stopped
            ? { status: 'Stopped', rollback: ROLLBACK, error: { code: 'MANUAL_STOP', message: '' } }
            : { status: 'InProgress', events: through(1) },
        rollback: () => 'Succeeded',
        before: {
          StopDeployment: () => {
            stopped = true;
            return undefined;
          },
        },
      },
      {
        ecs: {
          before: {
            ListTasks: (input) => ({ taskArns: input.desiredStatus === 'STOPPED' ? tasks.map((t) => t.taskArn) : [] }),
            DescribeTasks: () => ({ tasks }),
          },
        },
      },
    );
    expect(report.outcome.status).toBe('rolled-back');
    expect(report.outcome.cause).toMatch(
      /3 tasks ended alike, so CodeDeploy was told to stop and to go back; 3 tasks stopped/,
    );
    expect(codeDeploy.count('StopDeployment')).toBe(1);
    expect(clock.elapsed()).toBeLessThan(20_000);
  });

  test('is stopped, or superseded when another one took over', async () => {
    const stopped = { status: 'Stopped', error: { code: 'MANUAL_STOP', message: '' } };
    const first = await play({ deployment: shifts(stopped) });
    expect(first.report.outcome).toMatchObject({
      status: 'stopped',
      cause: expect.stringContaining('somebody stopped it'),
    });
    await first.codeDeploy.close();
    let asked = 0;
    const second = await play({
      deployment: shifts(stopped),
      before: {
        GetDeploymentGroup: () =>
          asked++ === 0
            ? undefined
            : { deploymentGroupInfo: { lastAttemptedDeployment: { deploymentId: 'd-OTHER', status: 'InProgress' } } },
      },
    });
    expect(second.report.outcome).toMatchObject({ status: 'superseded', cause: expect.stringContaining('d-OTHER') });
  });

  test('is timed-out with where it stood', async () => {
    const { report } = await play(
      { deployment: () => ({ status: 'InProgress', events: through(1) }) },
      { inputs: { timeout: '1m' } },
    );
    expect(report.outcome).toMatchObject({
      status: 'timed-out',
      next: expect.stringContaining('goes on in CodeDeploy'),
    });
  });

  test('is denied at once, with the permission', async () => {
    const deny = () => {
      throw new Refusal('AccessDeniedException', 'not authorized to perform: codedeploy:GetDeployment');
    };
    const { report, clock } = await play({ deployment: shifts(done), before: { GetDeployment: deny } });
    expect(report.outcome).toMatchObject({
      status: 'denied',
      cause: expect.stringContaining('codedeploy:GetDeployment'),
    });
    expect(clock.elapsed()).toBeLessThan(3_000);
  });

  test('goes on through throttled looks', async () => {
    let calls = 0;
    const throttle = () => {
      if (++calls <= 5) throw new Refusal('ThrottlingException', 'Rate exceeded');
      return undefined;
    };
    const { report } = await play({ deployment: shifts(done), before: { GetDeploymentTarget: throttle } });
    expect(report.outcome.status).toBe('succeeded');
  });
});

describe('one that is under way already', () => {
  const content = (name: string) =>
    JSON.stringify({ Resources: [{ S: { Properties: { TaskDefinition: definitionArn(name) } } }] });

  test('is followed when it is of this revision, and nothing is deployed twice', async () => {
    const { report, codeDeploy } = await play({ deployment: shifts(done), underWay: { content: content('web:2') } });
    expect(report.outcome.status).toBe('succeeded');
    expect(codeDeploy.count('CreateDeployment')).toBe(0);
  });

  test('is followed also when it shows only in the refusal', async () => {
    const { report, codeDeploy } = await play({
      deployment: shifts(done),
      underWay: { content: content('web:2') },
      group: { lastAttemptedDeployment: undefined },
      before: {
        CreateDeployment: () => {
          const message = `The Deployment Group 'x' already has an active Deployment '${OWN}'`;
          throw new Refusal('DeploymentLimitExceededException', message);
        },
      },
    });
    expect(report.outcome.status).toBe('succeeded');
    expect(codeDeploy.count('CreateDeployment')).toBe(1);
  });

  test('is a conflict that names it when it is of another revision', async () => {
    const result = play({ deployment: shifts(done), underWay: { content: content('web:9') } });
    await expect(result).rejects.toMatchObject({
      kind: 'conflict',
      message: expect.stringMatching(/DgpECS-sample-web is "d-OWN1": that deployment \(web:9\) is under way/),
    });
  });
});

describe('cancelled', () => {
  test('leaves it to CodeDeploy, or stops it and goes back', async () => {
    const left = await play({ deployment: shifts(done) }, { cancelAt: 7_000 });
    expect(left.report.outcome).toMatchObject({
      status: 'stopped',
      cause: expect.stringContaining('goes on in CodeDeploy'),
    });
    expect(left.codeDeploy.count('StopDeployment')).toBe(0);
    await left.codeDeploy.close();
    const back = await play({ deployment: shifts(done) }, { cancelAt: 7_000, inputs: { 'on-cancel': 'rollback' } });
    expect(back.report.outcome.cause).toContain(`told to stop ${OWN} and to go back to web:1`);
    expect(back.codeDeploy.calls.find((c) => c.operation === 'StopDeployment')?.input).toEqual({
      deploymentId: OWN,
      autoRollbackEnabled: true,
    });
  });
});

describe('a deployment that waits to move its traffic', () => {
  const ready: CodeDeployMoment = { status: 'Ready', events: through(4), running: 2, weight: 0 };
  const content = JSON.stringify({ Resources: [{ S: { Properties: { TaskDefinition: definitionArn('web:2') } } }] });
  const inputs = { operation: 'continue', image: '', revision: '' };

  test('ends the run that waits for it', async () => {
    const { report } = await play(
      { deployment: (t) => (t < 8_000 ? shifts(done)(t) : ready) },
      { inputs: { 'wait-for': 'paused' } },
    );
    expect(report.outcome).toMatchObject({ status: 'succeeded', next: expect.stringContaining('`continue`') });
    expect(report.outputs).toMatchObject({ paused: 'true', stage: 'Ready', 'deployment-arn': OWN });
  });

  test('is continued', async () => {
    let answered = false;
    const { report, codeDeploy } = await play(
      {
        underWay: { content },
        deployment: () => (answered ? done : ready),
        before: {
          ContinueDeployment: () => {
            answered = true;
            return undefined;
          },
        },
      },
      { inputs, ecs: { underWay: true, before: running('web:2', OLD) } },
    );
    expect(report.outcome.status).toBe('succeeded');
    expect(codeDeploy.calls.find((c) => c.operation === 'ContinueDeployment')?.input).toEqual({
      deploymentId: OWN,
      deploymentWaitType: 'READY_WAIT',
    });
  });

  test('is turned back', async () => {
    let stopped = false;
    const { report } = await play(
      {
        underWay: { content },
        deployment: () =>
          stopped ? { status: 'Stopped', rollback: ROLLBACK, error: { code: 'MANUAL_STOP', message: '' } } : ready,
        rollback: () => 'Succeeded',
        before: {
          StopDeployment: () => {
            stopped = true;
            return undefined;
          },
        },
      },
      { inputs: { ...inputs, answer: 'rollback' }, ecs: { underWay: true } },
    );
    expect(report.outcome.status).toBe('rolled-back');
  });
});

test('rollback deploys what served before the last success', async () => {
  const old = JSON.stringify({ Resources: [{ S: { Properties: { TaskDefinition: definitionArn('web:1') } } }] });
  const { report, codeDeploy } = await play(
    {
      deployment: shifts(done),
      group: { lastSuccessfulDeployment: { deploymentId: 'd-LAST' } },
      before: {
        GetDeployment: (input) =>
          input.deploymentId === 'd-LAST'
            ? {
                deploymentInfo: {
                  previousRevision: { revisionType: 'AppSpecContent', appSpecContent: { content: old } },
                },
              }
            : undefined,
      },
    },
    {
      inputs: { operation: 'rollback', image: '', revision: '' },
      ecs: { underWay: true, service: service('web:2'), before: running('web:1', OLD) },
    },
  );
  expect(report.outcome.status).toBe('succeeded');
  expect(JSON.stringify(codeDeploy.appSpec())).toContain('web:1');
});

test('a service of task sets is refused, with what to do', async () => {
  const external = { ...service(), deploymentController: { type: 'EXTERNAL' } };
  await expect(play({ deployment: shifts(done) }, { ecs: { service: external } })).rejects.toThrow(
    /sample\/web is "EXTERNAL": another program makes its deployments out of task sets.*deployment controller ECS/,
  );
});
