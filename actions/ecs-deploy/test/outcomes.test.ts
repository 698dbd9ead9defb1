import { describe, expect, test } from '@jest/globals';
import { isGood } from '../../../lib/outcome.ts';
import { virtualClock } from '../../../test/support/virtual-clock.ts';
import { play } from './play.ts';
import { DIGEST, definitionArn, type Moment, Refusal, type Script, type StoppedTask } from './scripted-ecs.ts';

// What became of a rollout, and how a person would say it: the whole action against an ECS that plays a script, over HTTP,
// on a clock that jumps. No script tells the action what comes.

type Deployment = Script['deployment'];

const completes =
  (ms: number, more: Moment = {}): Deployment =>
  (t) =>
    t < ms
      ? { status: t < 1000 ? 'PENDING' : 'IN_PROGRESS', running: t < ms / 2 ? 0 : 1, pending: 1, ...more }
      : { status: 'SUCCESSFUL', running: 2, rollout: 'COMPLETED', ...more };

const stop = (at: number, over: Partial<StoppedTask>, i = at): StoppedTask => ({
  id: `task${i}`,
  at,
  livedMs: 900,
  stopCode: 'EssentialContainerExited',
  stoppedReason: 'Essential container in task exited',
  ...over,
});
const exits = (exitCode: number, reason?: string): Partial<StoppedTask> => ({
  containers: [{ name: 'web', exitCode, ...(reason && { reason }) }],
});
const every = (times: readonly number[], over: Partial<StoppedTask>) => times.map((at) => stop(at, over));
const CRASHES = every([3_000, 5_000, 7_000], exits(1));

const NO_IMAGE: Partial<StoppedTask> = {
  stopCode: 'TaskFailedToStart',
  stoppedReason:
    'CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref web@sha256:b: not found',
};
const SICK: Partial<StoppedTask> = {
  stopCode: 'ServiceSchedulerInitiated',
  stoppedReason: 'Task failed ELB health checks in (target-group web)',
  livedMs: 20_000,
};

/** A deployment with a circuit breaker that goes back after three failed tasks. */
const breaks =
  (tasks: readonly StoppedTask[], end: 'ROLLBACK_SUCCESSFUL' | 'ROLLBACK_FAILED' | 'STOPPED'): Deployment =>
  (t) => {
    const failed = tasks.filter((task) => t >= task.at).length;
    const at = (tasks[2]?.at ?? 0) + 1_000;
    if (t < at) return { status: 'IN_PROGRESS', pending: 2, failed };
    if (end === 'STOPPED') return { status: 'STOPPED', failed, breaker: 'TRIGGERED', rollout: 'FAILED' };
    const status = t < at + 4_000 ? 'ROLLBACK_IN_PROGRESS' : end;
    return { status, failed, breaker: 'TRIGGERED', rollbackTo: 'web:1' };
  };
/** One without: ECS goes on for ever. */
const loops: Deployment = (t) => ({
  status: 'IN_PROGRESS',
  pending: 2,
  breaker: 'DISABLED',
  failed: t > 3_000 ? 1 : 0,
});

interface Row {
  script: Script;
  inputs?: Record<string, string>;
  outcome: string;
  cause: RegExp | string;
  /** StopServiceDeployment and UpdateService calls. */
  calls?: [stop: number, update: number];
}

const rows: Record<string, Row> = {
  'a rollout that goes well': {
    script: { deployment: completes(22_000) },
    outcome: 'succeeded',
    cause: '',
    calls: [0, 1],
  },
  'one that ECS calls done early, with old tasks still there': {
    script: {
      deployment: (t) => (t < 9_000 ? { status: 'IN_PROGRESS', running: 1 } : { status: 'SUCCESSFUL', running: 1 }),
    },
    outcome: 'succeeded',
    cause: '',
  },
  'stale reads right after the update': {
    script: { deployment: completes(12_000), staleMs: 6_000 },
    outcome: 'succeeded',
    cause: '',
  },
  'the breaker goes back': {
    script: { stopped: CRASHES, deployment: breaks(CRASHES, 'ROLLBACK_SUCCESSFUL') },
    outcome: 'rolled-back',
    cause:
      'web:2 did not come up and ECS put web:1 back: the deployment circuit breaker found that its tasks cannot run; 3 tasks stopped: container web exited with code 1',
    calls: [0, 1],
  },
  'the breaker cannot go back': {
    script: { stopped: CRASHES, deployment: breaks(CRASHES, 'ROLLBACK_FAILED') },
    outcome: 'failed',
    cause: /^web:2 failed: the deployment circuit breaker .*; the rollback failed as well; 3 tasks stopped/,
    calls: [0, 1],
  },
  'the breaker stops without going back, and this run puts the old one back': {
    script: { stopped: CRASHES, deployment: breaks(CRASHES, 'STOPPED') },
    outcome: 'rolled-back',
    cause: /^web:2 failed: the deployment circuit breaker .*exited with code 1; web:1 was put back and serves again$/,
    calls: [0, 2],
  },
  'the same, and nothing is to be put back': {
    script: { stopped: CRASHES, deployment: breaks(CRASHES, 'STOPPED') },
    inputs: { 'rollback-on-failure': 'false' },
    outcome: 'failed',
    cause: /^web:2 failed: the deployment circuit breaker .*exited with code 1$/,
    calls: [0, 1],
  },
  'what was put back does not come up either': {
    script: {
      stopped: CRASHES,
      deployment: breaks(CRASHES, 'STOPPED'),
      again: (t) => ({ status: t < 5_000 ? 'IN_PROGRESS' : 'STOPPED', breaker: 'TRIGGERED' }),
    },
    outcome: 'failed',
    cause: /code 1; putting web:1 back ended as failed: the deployment circuit breaker/,
  },
  'a crash loop without a breaker': {
    script: { stopped: every([3_000, 6_000, 9_000], exits(3)), deployment: loops },
    outcome: 'rolled-back',
    cause:
      'web:2 did not come up and ECS put web:1 back: 3 tasks ended alike, and the service has no circuit breaker that would end this, so ECS was told to go back; 3 tasks stopped: container web exited with code 3',
    calls: [1, 1],
  },
  'an image that is missing, without a breaker': {
    script: { stopped: every([3_000, 6_000, 9_000], NO_IMAGE), deployment: loops },
    outcome: 'rolled-back',
    cause:
      /ECS was told to go back; 3 tasks stopped: its image cannot be pulled \(CannotPullContainerError: .*not found\)$/,
    calls: [1, 1],
  },
  'an image that is missing, with one': {
    script: {
      stopped: every([3_000, 5_000, 7_000], NO_IMAGE),
      deployment: breaks(CRASHES, 'ROLLBACK_SUCCESSFUL'),
    },
    outcome: 'rolled-back',
    cause: /the deployment circuit breaker .*; 3 tasks stopped: its image cannot be pulled/,
  },
  'never healthy, without a breaker': {
    script: { stopped: every([24_000, 48_000, 72_000], SICK), deployment: loops },
    outcome: 'rolled-back',
    cause: /3 tasks ended alike.*3 tasks stopped: it never passed its health checks/,
    calls: [1, 1],
  },
  'out of memory': {
    script: {
      stopped: every([3_000, 5_000, 7_000], exits(137, 'OutOfMemoryError: Container killed due to memory usage')),
      deployment: breaks(CRASHES, 'ROLLBACK_SUCCESSFUL'),
    },
    outcome: 'rolled-back',
    cause:
      /3 tasks stopped: container web: it ran out of memory \(OutOfMemoryError: Container killed due to memory usage\)$/,
  },
  'a first deployment in a crash loop': {
    script: { first: true, stopped: every([3_000, 6_000, 9_000], exits(1)), deployment: loops },
    outcome: 'failed',
    cause: /nothing ran before it, so there is nothing to go back to, and ECS goes on starting its tasks/,
    calls: [0, 1],
  },
  'a first deployment that the breaker stops': {
    script: { first: true, stopped: CRASHES, deployment: breaks(CRASHES, 'STOPPED') },
    outcome: 'failed',
    cause: /nothing ran before it, so there is nothing to go back to/,
    calls: [0, 1],
  },
  'a worker that dies after ten seconds, which ECS calls successful': {
    script: {
      stopped: [stop(12_000, { ...exits(1), livedMs: 10_000 })],
      deployment: completes(5_000),
    },
    inputs: { 'stable-for': '' },
    outcome: 'rolled-back',
    cause:
      'web:2 did not stay up, though ECS calls the deployment successful: a task stopped: container web exited with code 1; web:1 was put back and serves again',
    calls: [0, 2],
  },
  'a worker that stays up': {
    script: { deployment: completes(5_000) },
    inputs: { 'stable-for': '' },
    outcome: 'succeeded',
    cause: '',
    calls: [0, 1],
  },
  'other bytes than were asked for': {
    script: { deployment: completes(4_000), digest: `sha256:${'c'.repeat(64)}` },
    outcome: 'rolled-back',
    cause:
      /^web:2 is not what was asked for: container web runs sha256:ccc.*sha256:bbb.* was asked for; web:1 was put back and serves again$/,
    calls: [0, 2],
  },
  'somebody deploys something else right after it was done': {
    script: { deployment: completes(4_000), supersededAt: 4_000, digest: `sha256:${'c'.repeat(64)}` },
    outcome: 'superseded',
    cause:
      /^web:2 is not what was asked for: .*; the service was set to another revision since, so nothing was put back$|took over/,
    calls: [0, 1],
  },
  'an alarm stops it without going back': {
    script: {
      deployment: (t) =>
        t < 8_000
          ? { status: 'IN_PROGRESS', running: 1 }
          : { status: 'STOPPED', statusReason: 'Service deployment stopped because alarm(s) were detected: errors.' },
    },
    inputs: { 'rollback-on-failure': 'false' },
    outcome: 'failed',
    cause: /^web:2 failed: Service deployment stopped because alarm\(s\) were detected: errors/,
  },
  'somebody turns it back': {
    script: {
      deployment: (t) =>
        t < 8_000
          ? { status: 'IN_PROGRESS', running: 1 }
          : {
              status: t < 12_000 ? 'ROLLBACK_IN_PROGRESS' : 'ROLLBACK_SUCCESSFUL',
              statusReason: 'Service deployment rolled back because of a stop service deployment request.',
              rollbackTo: 'web:1',
            },
    },
    outcome: 'rolled-back',
    cause: /ECS put web:1 back: circuit breaker$|ECS put web:1 back: .*stop service deployment request/,
  },
  'somebody stops it': {
    script: {
      deployment: (t) =>
        t < 8_000 ? { status: 'IN_PROGRESS', running: 1 } : { status: 'STOPPED', statusReason: 'Stopped by a user.' },
    },
    outcome: 'stopped',
    cause: /^the deployment of web:2 was stopped: Stopped by a user/,
    calls: [0, 1],
  },
  'another deployment takes over': {
    script: {
      supersededAt: 6_000,
      deployment: (t) => (t < 7_000 ? { status: 'IN_PROGRESS', running: 1 } : { status: 'STOPPED' }),
    },
    outcome: 'superseded',
    cause: /deployment other \(web:9\) took over/,
    calls: [0, 1],
  },
  'it is not done in time': {
    script: { stopped: CRASHES.slice(0, 1), deployment: () => ({ status: 'IN_PROGRESS', pending: 2, failed: 1 }) },
    inputs: { timeout: '1m' },
    outcome: 'timed-out',
    cause:
      /^web:2 was not in service after 1 min 00 s: web:2 0\/2 running.*; a task stopped: container web exited with code 1$/,
    calls: [0, 1],
  },
  'the tasks are healthy, and the old ones drain for long': {
    script: { deployment: (t) => ({ status: 'IN_PROGRESS', running: t < 6_000 ? 0 : 2 }) },
    inputs: { 'wait-for': 'healthy' },
    outcome: 'succeeded',
    cause: 'all 2 tasks of web:2 are healthy; ECS still takes the old ones down',
  },
};

describe('how it ends when', () => {
  test.each(Object.entries(rows))('%s', async (_, { script, inputs = {}, outcome, cause, calls }) => {
    const { report, ecs } = await play(script, { inputs });
    expect(report.outcome.status).toBe(outcome);
    expect(report.outcome.cause).toEqual(typeof cause === 'string' ? cause : expect.stringMatching(cause));
    if (!isGood(report.outcome)) expect(report.outcome.next ?? '').not.toBe('');
    if (calls) expect([ecs.count('StopServiceDeployment'), ecs.count('UpdateService')]).toEqual(calls);
  });
});

describe('how soon it is known', () => {
  test.each([0, 1_000])(
    'a rollout of 22 s costs 20 requests at most from start to end (reads are stale for %d ms)',
    async (staleMs) => {
      const { ecs, clock, report } = await play({ deployment: completes(22_000), staleMs });
      expect(report.outcome.status).toBe('succeeded');
      expect(clock.elapsed()).toBeLessThanOrEqual(24_500);
      expect(ecs.calls.length).toBeLessThanOrEqual(20);
    },
  );

  test.each([0, 250, 500, 750, 1_000, 1_250, 1_500, 1_750, 2_000])(
    'whenever it is done (%d ms later)',
    async (later) => {
      const at = 20_000 + later;
      const { clock } = await play({ deployment: completes(at) });
      expect(clock.elapsed() - at).toBeLessThanOrEqual(2_500);
      const back = await play({
        stopped: CRASHES,
        deployment: (t) =>
          t < at
            ? { status: t < 8_000 ? 'IN_PROGRESS' : 'ROLLBACK_IN_PROGRESS', failed: 3, breaker: 'TRIGGERED' }
            : { status: 'ROLLBACK_SUCCESSFUL', failed: 3, breaker: 'TRIGGERED', rollbackTo: 'web:1' },
      });
      expect(back.clock.elapsed() - at).toBeLessThanOrEqual(2_500);
    },
  );

  test.each<[string, number, Deployment]>([
    ['with a breaker', 3_000, (t) => ({ status: 'IN_PROGRESS', pending: 2, failed: t >= 3_000 ? 1 : 0 })],
    [
      'without one',
      3_000,
      (t) => ({ status: 'IN_PROGRESS', pending: 2, failed: t >= 3_000 ? 1 : 0, breaker: 'DISABLED' }),
    ],
    [
      'late, without one',
      21_100,
      (t) => ({ status: 'IN_PROGRESS', pending: 2, failed: t >= 21_100 ? 1 : 0, breaker: 'DISABLED' }),
    ],
    ['of a running task that nothing counts', 9_100, (t) => ({ status: 'IN_PROGRESS', running: t < 9_100 ? 2 : 1 })],
  ])('the first failed task is told within 3 s, %s', async (_, at, deployment) => {
    const { log, report, clock } = await play(
      { stopped: [stop(at, exits(3))], deployment },
      { inputs: { timeout: '30s', 'fail-fast': '0' } },
    );
    const told = log.lines.find((line) => line.includes('stopped: container web exited with code 3')) ?? '';
    expect(seconds(told) * 1000 - at).toBeLessThanOrEqual(3_000);
    const after = log.lines.slice(log.lines.indexOf(told));
    expect(after).toEqual(
      expect.arrayContaining([
        '  stop code EssentialContainerExited: Essential container in task exited',
        '  container web: exit code 3',
        `  web | last words of web/web/task${at}`,
      ]),
    );
    expect([report.outcome.status, clock.elapsed() >= 30_000]).toEqual(['timed-out', true]);
  });

  /** The time that stands before a line of progress, which counts from the first poll: four seconds after the update. */
  function seconds(line: string): number {
    const [, minutes = '0', rest = '0'] = /^\s*(?:(\d+) min )?([\d.]+) s /.exec(line) ?? [];
    return Number(minutes) * 60 + Number(rest) + 4;
  }
});

const READS = [
  'DescribeServices',
  'ListServiceDeployments',
  'DescribeServiceDeployments',
  'DescribeServiceRevisions',
  'ListTasks',
  'DescribeTasks',
];
const WRITES = ['RegisterTaskDefinition', 'UpdateService', 'TagResource'];
const script = (before: Script['before']): Script => ({
  deployment: completes(14_000),
  staleMs: 500,
  before: before ?? {},
});

describe('a call that is denied', () => {
  const denied = (operation: string) => () => {
    throw new Refusal('AccessDeniedException', `not authorized to perform: ecs:${operation}`);
  };

  test.each(['DescribeServices', 'DescribeTaskDefinition', 'RegisterTaskDefinition', 'UpdateService'])(
    'before the service is touched ends the run and names it: %s',
    async (operation) => {
      const result = play(script({ [operation]: denied(operation) }));
      await expect(result).rejects.toMatchObject({
        kind: 'denied',
        message: expect.stringContaining(`Allow ecs:${operation}`),
      });
    },
  );

  test.each(READS.filter((o) => o !== 'DescribeServices'))(
    'while it is followed ends at once: %s',
    async (operation) => {
      const { report, ecs } = await play(script({ [operation]: denied(operation) }));
      expect(report.outcome).toMatchObject({ status: 'denied', cause: expect.stringContaining(`ecs:${operation}`) });
      expect([report.outcome.next, ecs.count(operation)]).toEqual([
        expect.stringContaining(`Allow ecs:${operation}`),
        1,
      ]);
    },
  );

  test('only costs the tag, when it is the last one', async () => {
    const { report, log } = await play(script({ TagResource: denied('TagResource') }));
    expect(report.outcome.status).toBe('succeeded');
    expect(log.lines.join('\n')).toMatch(/warning: The service carries no tag of its release: ecs:TagResource/);
  });

  test('leaves a rollout without hope as it is, and says why', async () => {
    const { report } = await play({
      stopped: every([3_000, 6_000, 9_000], exits(3)),
      deployment: loops,
      before: { StopServiceDeployment: denied('StopServiceDeployment') },
    });
    expect(report.outcome).toMatchObject({
      status: 'failed',
      cause: expect.stringMatching(/could not be turned back: ecs:StopServiceDeployment/),
    });
  });
});

describe('what passes by itself does not end it', () => {
  const often = (times: number, code: string, status: number) => (_: unknown, count: number) => {
    // The first read of the service is before anything was touched; what fails there ends the run.
    if (count > 1 && count <= 1 + times) throw new Refusal(code, `${code} says so`, status);
    return undefined;
  };

  // The SDK tries four times; each row outlasts that once.
  test.each(READS)(
    'throttling of %s',
    async (operation) => {
      const { report } = await play(script({ [operation]: often(5, 'ThrottlingException', 400) }));
      expect(report.outcome.status).toBe('succeeded');
    },
    30_000,
  );

  test.each([...READS, ...WRITES])(
    'a failure inside AWS at %s',
    async (operation) => {
      const { report } = await play(
        script({ [operation]: (_, count) => often(2, 'ServerException', 500)(_, count + 1) }),
      );
      expect(report.outcome.status).toBe('succeeded');
    },
    30_000,
  );

  test('throttling makes the looks rarer', async () => {
    const slow = await play(script({ DescribeServiceDeployments: often(8, 'ThrottlingException', 400) }));
    expect(slow.report.outcome.status).toBe('succeeded');
    expect(slow.log.lines.filter((l) => l.includes('is tried again')).length).toBeGreaterThan(0);
  }, 30_000);
});

describe('cut connections', () => {
  test.each([...READS, ...WRITES])(
    '%s, once',
    async (operation) => {
      const { report, ecs } = await play({ ...script({}), cut: (o, count) => o === operation && count === 1 });
      expect(report.outcome.status).toBe('succeeded');
      expect(ecs.count(operation)).toBeGreaterThan(1);
    },
    30_000,
  );

  test('an update that was taken and never answered is followed', async () => {
    const { report } = await play({ ...script({}), cut: (o) => o === 'UpdateService' });
    expect(report.outcome.status).toBe('succeeded');
  }, 30_000);

  // ECS's clock comes in whole seconds, and it records a deployment a little after the call: also when a second is nearly over.
  test.each([0, 500, 940, 960, 999])(
    'a forced update whose answer was lost makes two deployments; the later is followed (%d ms into a second)',
    async (ms) => {
      const { report } = await play(
        { ...script({}), cut: (o, count) => o === 'UpdateService' && count === 1 },
        { inputs: { 'force-new-deployment': 'true' }, clock: virtualClock(Math.floor(Date.now() / 1000) * 1000 + ms) },
      );
      expect([report.outcome.status, report.outputs['deployment-arn']]).toEqual([
        'succeeded',
        expect.stringMatching(/own2$/),
      ]);
    },
    30_000,
  );
});

test('a rollback by the ledger goes to the release before that was verified', async () => {
  const { report, ecs } = await play(
    {
      deployment: completes(4_000),
      digest: `sha256:${'a'.repeat(64)}`,
      before: { DescribeTaskDefinition: (input) => known(String(input.taskDefinition)) },
    },
    {
      inputs: { operation: 'rollback', image: '', ledger: 'git', component: 'web', environment: 'dev' },
      ledger: ['web:1', 'web:0'],
    },
  );
  expect(report.outcome.status).toBe('succeeded');
  expect(ecs.calls.find((c) => c.operation === 'UpdateService')?.input.taskDefinition).toBe(definitionArn('web:0'));
  expect(ecs.count('ListServiceDeployments')).toBeLessThanOrEqual(2);
});

function known(name: string) {
  if (!name.endsWith('web:0')) return undefined;
  return {
    taskDefinition: { family: 'web', taskDefinitionArn: definitionArn('web:0'), containerDefinitions: [] },
    tags: [],
  };
}

test('the digests that run are told', async () => {
  const { report } = await play({ deployment: completes(4_000) });
  expect(JSON.parse(report.outputs['running-digests'] ?? '')).toEqual({ web: DIGEST });
});
