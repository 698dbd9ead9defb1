import { describe, expect, test } from '@jest/globals';
import type { Service } from '../../../lib/ecs/api.ts';
import { goesWell, play, REGISTRY } from '../test/play-aws.ts';
import { ACCOUNT, DIGEST, definitionArn, Refusal, type Script } from '../test/scripted-ecs.ts';
import { revisionsOfService, superfluous } from './retain.ts';

const arns = (...numbers: number[]) => numbers.map((n) => definitionArn(`web:${n}`));

describe('which revisions nobody needs', () => {
  test.each<[string, number[], number, string[], number[], number[]]>([
    ['fewer than are kept', [3, 2, 1], 5, [], [], []],
    ['the oldest', [5, 4, 3, 2, 1], 3, [], [2, 1], []],
    ['not one that is used', [5, 4, 3, 2, 1], 2, ['web:2'], [3, 1], [2]],
    ['not the newest, used or not', [5, 4], 2, [], [], []],
    ['gaps count as nothing', [50, 9, 2], 1, ['web:9'], [2], [9]],
  ])('%s', (_, revisions, keep, referenced, go, used) => {
    expect(superfluous(arns(...revisions), keep, new Set(referenced))).toEqual({
      go: arns(...go),
      used: arns(...used),
    });
  });

  test('a service uses what it is set to, rolls out, goes back to, and what its task sets have', () => {
    const service: Partial<Service> = {
      taskDefinition: definitionArn('web:9'),
      deployments: [{ taskDefinition: definitionArn('web:8') }, { taskDefinition: definitionArn('web:7') }],
      taskSets: [{ taskDefinition: definitionArn('web:6') }],
    };
    expect(revisionsOfService(service as Service)).toEqual(['web:9', 'web:8', 'web:7', 'web:6']);
  });
});

const IMAGE = { image: `${REGISTRY}/sample-web@${DIGEST}`, preflight: 'false' };

/** Nine revisions; another cluster's service is set to web:4, and a task of web:5 runs there. */
function account(more: Script['before'] = {}): NonNullable<Script['before']> {
  const other = `${ACCOUNT}:cluster/other`;
  const inOther = (input: Record<string, unknown>) => input.cluster === other;
  return {
    ListTaskDefinitions: (input) =>
      input.nextToken === undefined
        ? { taskDefinitionArns: arns(9, 8, 7, 6, 5), nextToken: 'more' }
        : { taskDefinitionArns: arns(4, 3, 2, 1) },
    ListClusters: () => ({ clusterArns: [`${ACCOUNT}:cluster/sample`, other] }),
    ListServices: (input) => ({ serviceArns: [`${input.cluster}/service`] }),
    DescribeServices: (input) =>
      inOther(input) ? { services: [{ taskDefinition: definitionArn('web:4') }] } : undefined,
    ListTasks: (input) =>
      input.family === undefined ? undefined : { taskArns: inOther(input) ? [`${other}/task/1`] : [] },
    DescribeTasks: (input) => (inOther(input) ? { tasks: [{ taskDefinitionArn: definitionArn('web:5') }] } : undefined),
    DeregisterTaskDefinition: (input) => ({ taskDefinition: { taskDefinitionArn: input.taskDefinition } }),
    ...more,
  };
}

async function deploy(keep: number, before: Script['before'], inputs: Record<string, string> = {}) {
  const played = await play(
    { deployment: goesWell, ...(before && { before }) },
    { inputs: { ...IMAGE, 'keep-revisions': String(keep), ...inputs } },
  );
  const gone = played.ecs.calls
    .filter((c) => c.operation === 'DeregisterTaskDefinition')
    .map((c) => String(c.input.taskDefinition).split('/').at(-1));
  return { ...played, gone };
}

describe('after a deployment', () => {
  test('old revisions go, the oldest first, but none that anybody uses in any cluster', async () => {
    const { gone, report } = await deploy(3, account(), { 'protected-revisions': `web:6, ${definitionArn('web:3')}` });
    // web:2 is the new one, web:1 the one before; 9 to 7 are kept by number.
    expect(gone).toEqual([]);
    const free = await deploy(3, account());
    expect(free.gone).toEqual(['web:3', 'web:6']);
    expect(free.report.summary).toContain('Deregistered old revisions (2)');
    expect(report.outcome.status).toBe('succeeded');
  });

  test.each(['ListClusters', 'ListServices', 'ListTaskDefinitions'])(
    'none goes when %s is denied',
    async (operation) => {
      const denied = () => {
        throw new Refusal('AccessDeniedException', 'not authorized');
      };
      const { gone, report, log } = await deploy(1, account({ [operation]: denied }));
      expect(gone).toEqual([]);
      expect(report.outcome.status).toBe('succeeded');
      expect(
        log.some((line) => line.startsWith('warning: Old revisions of web stay: ') && line.includes(operation)),
      ).toBe(true);
    },
  );

  test.each([
    ['DescribeServices', { services: [], failures: [{ arn: 'a', reason: 'ACCESS_REFUSED' }] }],
    ['DescribeTasks', { tasks: [], failures: [{ arn: 'a', reason: 'UNKNOWN', detail: 'later' }] }],
  ])('none goes when %s leaves out one that is listed', async (operation, answer) => {
    const elsewhere = (input: Record<string, unknown>) =>
      String(input.cluster).endsWith('/other') ? answer : undefined;
    const { gone, report, log } = await deploy(1, account({ [operation]: elsewhere }));
    expect([gone, report.outcome.status]).toEqual([[], 'succeeded']);
    expect(log.some((line) => /Old revisions of web stay: .*lists it and does not describe it/.test(line))).toBe(true);
  });

  test('one that is gone since it was listed uses nothing', async () => {
    const gone = (input: Record<string, unknown>) =>
      String(input.cluster).endsWith('/other')
        ? { services: [], failures: [{ arn: 'a', reason: 'MISSING' }] }
        : undefined;
    expect((await deploy(3, account({ DescribeServices: gone }))).gone).toEqual(['web:3', 'web:4', 'web:6']);
  });

  test('also of a family that is only registered', async () => {
    const { ecs } = await play(
      { deployment: goesWell, before: account() },
      {
        inputs: { ...IMAGE, operation: 'register', 'task-definition': 'web', 'keep-revisions': '3', container: 'web' },
      },
    );
    const gone = ecs.calls.filter((c) => c.operation === 'DeregisterTaskDefinition').map((c) => c.input.taskDefinition);
    // web:2 is the one that was registered, web:1 the one before; the other cluster uses web:4 and web:5.
    expect([ecs.count('RegisterTaskDefinition'), gone]).toEqual([1, [definitionArn('web:3'), definitionArn('web:6')]]);
  });

  test('none goes when the deployment did not end well', async () => {
    const { ecs } = await play(
      { deployment: () => ({ status: 'ROLLBACK_SUCCESSFUL', breaker: 'TRIGGERED' }), before: account() },
      { inputs: { ...IMAGE, 'keep-revisions': '1' } },
    );
    expect(ecs.count('ListTaskDefinitions')).toBe(0);
  });
});
