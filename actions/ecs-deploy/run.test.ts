import { afterEach, describe, expect, test } from '@jest/globals';
import { ecsApi } from '../../lib/ecs/api.ts';
import { readInputs } from '../../lib/inputs.ts';
import { recordingLog } from '../../lib/log.ts';
import { virtualClock } from '../../test/support/virtual-clock.ts';
import type { Evidence } from './evidence.ts';
import { fields } from './inputs.ts';
import { run } from './run.ts';
import { DIGEST, definitionArn, Refusal, type Script, type ScriptedEcs, scriptedEcs } from './test/scripted-ecs.ts';

const IMAGE = `123456789012.dkr.ecr.eu-central-1.amazonaws.com/sample-web@${DIGEST}`;
const open: ScriptedEcs[] = [];

Object.assign(process.env, {
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_EC2_METADATA_DISABLED: 'true',
});

afterEach(async () => {
  for (const ecs of open.splice(0)) await ecs.close();
});

const completes =
  (ms: number): Script['deployment'] =>
  (t) =>
    t < 1000
      ? { status: 'PENDING' }
      : t < ms
        ? { status: 'IN_PROGRESS', running: t < ms / 2 ? 0 : 1, pending: 1 }
        : { status: 'SUCCESSFUL', running: 2, rollout: 'COMPLETED' };

interface Options {
  inputs?: Record<string, string>;
  files?: Record<string, string>;
  /** When the run is cancelled, after its start. */
  cancelAt?: number;
}

async function play(script: Script, { inputs = {}, files = {}, cancelAt }: Options = {}) {
  const clock = virtualClock();
  const ecs = await scriptedEcs(clock, script);
  open.push(ecs);
  process.env.AWS_ENDPOINT_URL = ecs.url;
  const log = recordingLog();
  const stop = new AbortController();
  if (cancelAt !== undefined) clock.at(cancelAt, () => stop.abort());
  const given: Record<string, string> = {
    cluster: 'sample',
    service: 'web',
    image: IMAGE,
    revision: 'abc123',
    // Nothing checks the scripted tasks' health; what that means has tests of its own.
    'stable-for': '0s',
    ...inputs,
  };
  const evidence: Evidence = {
    lastLines: async ({ stream }) => [`last words of ${stream}`],
    targetHealth: async () => [],
    platformDigests: async () => [],
  };
  const report = await run(
    readInputs(fields, (name) => given[name] ?? ''),
    {
      ecs: ecsApi({ region: 'eu-central-1', action: 'test', signal: stop.signal }),
      evidence,
      clock,
      log,
      signal: stop.signal,
      readText: async (path) => {
        const text = files[path];
        if (text === undefined) throw new Error('no such file');
        return text;
      },
    },
  );
  return { report, ecs, log, clock };
}

describe('a rollout that goes well', () => {
  test('ends as succeeded, proves the digest, tags revision and service', async () => {
    const { report, ecs, clock } = await play({ deployment: completes(22_000) });
    expect(report.outcome).toEqual({ status: 'succeeded', cause: '' });
    expect(report.outputs['task-definition-arn']).toBe(definitionArn('web:2'));
    expect(report.outputs['previous-task-definition-arn']).toBe(definitionArn('web:1'));
    expect(JSON.parse(report.outputs['running-digests'] ?? '')).toEqual({ web: DIGEST });
    expect(clock.elapsed()).toBeLessThanOrEqual(24_500);
    const registered = ecs.definitions.get('web:2') as {
      containerDefinitions: { environment: unknown }[];
      tags: unknown;
    };
    expect(registered.containerDefinitions[0]?.environment).toEqual([
      { name: 'SLIPWAY_REVISION', value: 'abc123' },
      { name: 'SLIPWAY_DIGEST', value: DIGEST },
    ]);
    const tags = [
      { key: 'slipway:release', value: report.outputs['release-fingerprint'] },
      { key: 'slipway:revision', value: 'abc123' },
    ];
    expect(registered.tags).toEqual(tags);
    expect(ecs.calls.find((c) => c.operation === 'TagResource')?.input.tags).toEqual(tags);
  });

  test('is not taken for done while ECS still shows the deployment before', async () => {
    const { report, ecs } = await play({ deployment: completes(12_000), staleMs: 5_000 });
    expect(report.outcome.status).toBe('succeeded');
    expect(report.outputs['deployment-arn']).toMatch(/own$/);
    const asked = ecs.calls
      .filter((c) => c.operation === 'DescribeServiceDeployments')
      .map((c) => c.input.serviceDeploymentArns);
    expect(new Set(asked.flat())).toEqual(new Set([report.outputs['deployment-arn']]));
  });

  test('fails when other bytes run than were asked for', async () => {
    const { report } = await play(
      { deployment: completes(4_000), digest: `sha256:${'c'.repeat(64)}` },
      { inputs: { 'rollback-on-failure': 'false' } },
    );
    expect(report.outcome.status).toBe('failed');
    expect(report.outcome.cause).toMatch(/container web runs sha256:ccc.* and sha256:bbb.* was asked for/);
  });
});

const crashes = [3_000, 5_000, 7_000].map((at, i) => ({
  id: `task${i}`,
  at,
  stopCode: 'EssentialContainerExited',
  stoppedReason: 'Essential container in task exited',
  containers: [{ name: 'web', exitCode: 1 }],
}));

describe('a rollout that fails', () => {
  test('is rolled-back with both revisions, the cause and the log when the breaker goes back', async () => {
    const { report, log } = await play({
      stopped: crashes,
      deployment: (t) => {
        const failed = crashes.filter((c) => t >= c.at).length;
        if (t < 8_000) return { status: 'IN_PROGRESS', pending: 2, failed };
        const triggered = { failed, breaker: 'TRIGGERED', rollbackTo: 'web:1' } as const;
        return { ...triggered, status: t < 12_000 ? 'ROLLBACK_IN_PROGRESS' : 'ROLLBACK_SUCCESSFUL' };
      },
    });
    expect(report.outcome.status).toBe('rolled-back');
    expect(report.outcome.cause).toBe(
      'web:2 did not come up and ECS put web:1 back: the deployment circuit breaker found that its tasks cannot run; 3 tasks stopped: container web exited with code 1',
    );
    expect(report.outputs.log).toContain('last words of web/web/task2');
    expect(log.lines.some((l) => l.includes('last words of web/web/task0'))).toBe(true);
    expect(report.summary).toContain('Failed tasks');
  });

  test('says that a first deployment has nothing to go back to', async () => {
    const { report } = await play({
      first: true,
      deployment: (t) => (t < 4_000 ? { status: 'IN_PROGRESS' } : { status: 'STOPPED', breaker: 'TRIGGERED' }),
    });
    expect(report.outcome.status).toBe('failed');
    expect(report.outcome.cause).toContain('nothing to go back to');
  });

  test('is superseded when another deployment takes over', async () => {
    const { report } = await play({
      supersededAt: 6_000,
      deployment: (t) => (t < 7_000 ? { status: 'IN_PROGRESS', running: 1 } : { status: 'STOPPED' }),
    });
    expect(report.outcome.status).toBe('superseded');
    expect(report.outcome.cause).toContain('web:9');
  });

  test('is timed-out with the last known cause', async () => {
    const { report } = await play(
      { stopped: crashes.slice(0, 1), deployment: () => ({ status: 'IN_PROGRESS', pending: 2, failed: 1 }) },
      { inputs: { timeout: '1m' } },
    );
    expect(report.outcome.status).toBe('timed-out');
    expect(report.outcome.cause).toMatch(/not in service after 1 min.*web exited with code 1/);
  });
});

describe('a call that fails', () => {
  test('ends the watch at once when it is denied, and names the permission', async () => {
    const denied = () => {
      throw new Refusal('AccessDeniedException', 'not authorized to perform: ecs:DescribeServiceDeployments');
    };
    const { report, clock } = await play({
      deployment: completes(60_000),
      before: { DescribeServiceDeployments: denied },
    });
    expect(report.outcome.status).toBe('denied');
    expect(report.outcome.cause).toContain('ecs:DescribeServiceDeployments');
    expect(clock.elapsed()).toBeLessThanOrEqual(4_000);
  });

  test('slows the watch down when it is throttled, and does not end it', async () => {
    const { report } = await play({
      deployment: completes(20_000),
      before: {
        DescribeServiceDeployments: (_, count) => {
          if (count <= 4) throw new Refusal('ThrottlingException', 'Rate exceeded');
          return undefined;
        },
      },
    });
    expect(report.outcome.status).toBe('succeeded');
  });

  test('throws before anything was changed when the update itself is denied', async () => {
    const denied = () => {
      throw new Refusal('AccessDeniedException', 'not authorized to perform: ecs:UpdateService');
    };
    const result = play({ deployment: completes(1_000), before: { UpdateService: denied } });
    await expect(result).rejects.toMatchObject({
      kind: 'denied',
      message: expect.stringContaining('ecs:UpdateService'),
    });
  });

  test('names a service that does not exist', async () => {
    const none = () => ({ services: [], failures: [{ arn: 'x', reason: 'MISSING' }] });
    const result = play({ deployment: completes(1_000), before: { DescribeServices: none } });
    await expect(result).rejects.toMatchObject({ kind: 'not-found', message: expect.stringContaining('sample/web') });
  });
});

describe('cancelled', () => {
  test('leaves the deployment to ECS when told so', async () => {
    const { report, ecs } = await play({ deployment: completes(60_000) }, { cancelAt: 7_000 });
    expect(report.outcome.status).toBe('stopped');
    expect(report.outcome.cause).toContain('goes on in ECS');
    expect(ecs.count('StopServiceDeployment')).toBe(0);
  });

  test('rolls back when told so', async () => {
    const { report, ecs } = await play(
      { deployment: completes(60_000) },
      { cancelAt: 7_000, inputs: { 'on-cancel': 'rollback' } },
    );
    expect(report.outcome.status).toBe('stopped');
    expect(report.outcome.cause).toContain('go back from web:2 to web:1');
    expect(ecs.calls.find((c) => c.operation === 'StopServiceDeployment')?.input).toEqual({
      serviceDeploymentArn: report.outputs['deployment-arn'],
      stopType: 'ROLLBACK',
    });
  });
});

describe('nothing to do', () => {
  const same = { image: '', revision: '' };
  test('is unchanged without a register or an update', async () => {
    const { report, ecs } = await play({ deployment: completes(1_000) }, { inputs: same });
    expect(report.outcome.status).toBe('unchanged');
    expect([ecs.count('RegisterTaskDefinition'), ecs.count('UpdateService')]).toEqual([0, 0]);
  });

  test('a dry run shows the differences and changes nothing', async () => {
    const { report, ecs, log } = await play(
      { deployment: completes(1_000) },
      { inputs: { 'dry-run': 'true', 'environment-variables': 'API_TOKEN=hunter2\nPORT=80' } },
    );
    expect(report.outcome.status).toBe('succeeded');
    expect(log.lines).toContain('+ containers.web.environment.API_TOKEN: "(hidden)"');
    expect(log.lines).toContain('+ containers.web.environment.PORT: "80"');
    expect(report.summary).not.toContain('hunter2');
    expect([ecs.count('RegisterTaskDefinition'), ecs.count('UpdateService')]).toEqual([0, 0]);
  });

  test('a forced deployment of the same revision is made and found', async () => {
    const { report, ecs } = await play(
      { deployment: completes(4_000) },
      { inputs: { ...same, 'force-new-deployment': 'true' } },
    );
    expect(report.outcome.status).toBe('succeeded');
    expect(ecs.count('RegisterTaskDefinition')).toBe(0);
    expect(ecs.calls.find((c) => c.operation === 'UpdateService')?.input.forceNewDeployment).toBe(true);
  });
});

describe('what is registered', () => {
  test('is the file as it stands: unknown fields, empty text, empty items', async () => {
    const written = {
      family: 'web',
      notYetInvented: { depth: [1, { a: '' }] },
      containerDefinitions: [
        {
          name: 'web',
          image: 'x',
          command: ['redis-server', '--save', ''],
          environment: [{ name: 'EMPTY', value: '' }],
          newContainerField: null,
          memory: 12345678,
        },
      ],
      revision: 7,
      status: 'ACTIVE',
    };
    const { ecs } = await play(
      { deployment: completes(1_000) },
      { inputs: { 'task-definition': 'td.json' }, files: { 'td.json': JSON.stringify(written) } },
    );
    const { revision: _r, status: _s, ...expected } = structuredClone(written);
    const sent = JSON.parse(ecs.calls.find((c) => c.operation === 'RegisterTaskDefinition')?.raw ?? '{}');
    expect(sent).toMatchObject({ notYetInvented: expected.notYetInvented });
    expect(sent.containerDefinitions[0]).toEqual({
      ...expected.containerDefinitions[0],
      image: IMAGE,
      environment: [
        { name: 'EMPTY', value: '' },
        { name: 'SLIPWAY_REVISION', value: 'abc123' },
        { name: 'SLIPWAY_DIGEST', value: DIGEST },
      ],
    });
    expect(Object.keys(sent).sort()).toEqual(['containerDefinitions', 'family', 'notYetInvented', 'tags']);
  });

  test('a mistake in the file is told with its line', async () => {
    const files = { 'td.yml': 'family: web\ncontainerDefinitions: [\n  {name: web\n' };
    const result = play({ deployment: completes(1) }, { inputs: { 'task-definition': 'td.yml' }, files });
    await expect(result).rejects.toThrow(/td\.yml.*line \d/s);
  });
});

describe('other operations', () => {
  test('rollback goes to the revision that succeeded before', async () => {
    const { report, ecs } = await play(
      {
        deployment: completes(4_000),
        digest: `sha256:${'a'.repeat(64)}`,
        before: {
          DescribeTaskDefinition: (input) =>
            String(input.taskDefinition).endsWith('web:0')
              ? {
                  taskDefinition: {
                    family: 'web',
                    taskDefinitionArn: definitionArn('web:0'),
                    containerDefinitions: [],
                  },
                  tags: [],
                }
              : undefined,
        },
      },
      { inputs: { operation: 'rollback', image: '', revision: '' } },
    );
    expect(report.outcome.status).toBe('succeeded');
    expect(ecs.calls.find((c) => c.operation === 'UpdateService')?.input.taskDefinition).toBe(definitionArn('web:0'));
    expect(ecs.count('RegisterTaskDefinition')).toBe(0);
  });

  test('status tells what runs and changes nothing', async () => {
    const { report, ecs } = await play({ deployment: completes(1) }, { inputs: { operation: 'status' } });
    expect(JSON.parse(report.outputs.status ?? '')).toMatchObject({
      service: 'web',
      steady: true,
      counts: { desired: 2, running: 2, pending: 0 },
      digests: { web: [DIGEST] },
    });
    expect(ecs.calls.every((c) => /^(?:Describe|List)/.test(c.operation))).toBe(true);
  });
});
