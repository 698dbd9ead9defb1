import { describe, expect, test } from '@jest/globals';
import type { Service, Task } from '../../../lib/ecs/api.ts';
import type { JsonObject } from '../../../lib/ecs/json.ts';
import { readInputs } from '../../../lib/inputs.ts';
import { printable } from '../../../lib/printable.ts';
import { fields } from '../inputs.ts';
import { stepsAfter, stepsBefore } from './from-inputs.ts';
import { explainPlacement } from './placement-failures.ts';
import { placementOf, requestOf } from './request.ts';
import type { TaskStep } from './step.ts';
import { judgeTask } from './verdict.ts';

const DEFINITION: JsonObject = {
  family: 'web',
  networkMode: 'awsvpc',
  containerDefinitions: [
    { name: 'web', image: 'web' },
    { name: 'proxy', image: 'proxy', essential: true },
    { name: 'metrics', image: 'metrics', essential: false },
  ],
};

const ended = (codes: Record<string, number | undefined>, more: Partial<Task> = {}): Task => ({
  lastStatus: 'STOPPED',
  stopCode: 'EssentialContainerExited',
  stoppedReason: 'Essential container in task exited',
  containers: Object.entries(codes).map(([name, exitCode]) => ({ name, exitCode })),
  ...more,
});

describe('whether a task did its work', () => {
  test.each<[string, Task | undefined, string, boolean | undefined]>([
    ['not described yet', undefined, 'web', undefined],
    ['running', { lastStatus: 'RUNNING' }, 'web', undefined],
    ['stopping', { lastStatus: 'DEPROVISIONING', containers: [{ name: 'web', exitCode: 0 }] }, 'web', undefined],
    ['its container exited with 0, the others were stopped', ended({ web: 0, proxy: 143, metrics: 137 }), 'web', true],
    ['its container exited with 3', ended({ web: 3, proxy: 143 }), 'web', false],
    ['the proxy died first, and the work was told to stop and said 0', ended({ web: 0, proxy: 1 }), 'web', false],
    ['a container that is not essential failed', ended({ web: 0, proxy: 143, metrics: 1 }), 'web', true],
    ['its container was killed', ended({ web: 137, proxy: 143 }), 'web', false],
    [
      'it never started',
      ended({ web: undefined }, { stopCode: 'TaskFailedToStart', stoppedReason: 'x' }),
      'web',
      false,
    ],
    ['the whole task, all 0', ended({ web: 0, proxy: 0 }), '', true],
    ['the whole task, one done and the rest stopped', ended({ web: 0, proxy: 143 }), '', true],
    ['the whole task, one failed', ended({ web: 0, proxy: 2 }), '', false],
    ['the whole task, every one stopped', ended({ web: 143, proxy: 143 }), '', false],
    ['somebody stopped it, and it took that well', ended({ web: 0 }, { stopCode: 'UserInitiated' }), 'web', false],
    [
      'it was done when somebody stopped it',
      ended({ web: 0 }, { stopCode: 'UserInitiated', executionStoppedAt: new Date(1), stoppingAt: new Date(2) }),
      'web',
      true,
    ],
    ['Spot took its host', ended({ web: 0 }, { stopCode: 'SpotInterruption' }), 'web', false],
  ])('%s', (_, task, container, ok) => {
    const verdict = judgeTask(task, DEFINITION, container);
    expect(verdict.decided ? verdict.ok : undefined).toBe(ok);
  });

  test.each<[string, Task, RegExp]>([
    ['the exit code and the stop code', ended({ web: 3 }), /^container web exited with code 3, stop code Essential/],
    [
      'that it ran out of memory',
      {
        ...ended({}),
        containers: [{ name: 'web', exitCode: 137, reason: 'OutOfMemoryError: Container killed due to memory usage' }],
      },
      /^container web: it ran out of memory .*container web exited with code 137/,
    ],
    [
      'that its image cannot be pulled',
      ended(
        { web: undefined },
        { stopCode: 'TaskFailedToStart', stoppedReason: 'CannotPullContainerError: ref sample-web:9: not found' },
      ),
      /^its image cannot be pulled \(CannotPull.*\) \(stop code TaskFailedToStart\)$/,
    ],
    [
      'which other container broke it',
      ended({ web: 0, proxy: 7 }),
      /^container proxy exited with code 7 before the work/,
    ],
    [
      'that somebody stopped it',
      ended({ web: 143 }, { stopCode: 'UserInitiated', stoppedReason: 'by ada' }),
      /^it was stopped before it had finished: by ada$/,
    ],
  ])('a failure tells %s', (_, task, cause) => {
    expect(judgeTask(task, DEFINITION, 'web')).toMatchObject({ ok: false, cause: expect.stringMatching(cause) });
  });
});

const NETWORK = { awsvpcConfiguration: { subnets: ['subnet-a', 'subnet-b'], securityGroups: ['sg-1'] } };

describe('where a task runs', () => {
  test.each<[string, Partial<Service>, object]>([
    [
      'on Fargate, as the service',
      { launchType: 'FARGATE', platformVersion: '1.4.0', networkConfiguration: NETWORK },
      { launchType: 'FARGATE', platformVersion: '1.4.0', networkConfiguration: NETWORK },
    ],
    [
      'by the strategy, without a launch type',
      {
        capacityProviderStrategy: [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }],
        launchType: 'FARGATE',
        networkConfiguration: NETWORK,
      },
      { capacityProviderStrategy: [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }], networkConfiguration: NETWORK },
    ],
    [
      'on instances, by the same constraints',
      { launchType: 'EC2', placementConstraints: [{ type: 'memberOf', expression: 'x' }], platformVersion: 'LATEST' },
      { launchType: 'EC2', placementConstraints: [{ type: 'memberOf', expression: 'x' }] },
    ],
    [
      'as the primary task set of a service that CodeDeploy deploys',
      {
        launchType: 'EC2',
        taskSets: [
          { status: 'ACTIVE', networkConfiguration: { awsvpcConfiguration: { subnets: ['old'] } } },
          { status: 'PRIMARY', networkConfiguration: NETWORK, launchType: 'FARGATE' },
        ],
      },
      { launchType: 'FARGATE', networkConfiguration: NETWORK },
    ],
  ])('%s', (_, service, expected) => {
    expect(placementOf(service as Service)).toMatchObject(expected);
  });
});

const step = (more: Partial<TaskStep> = {}): TaskStep => ({
  name: 'migrate',
  container: 'web',
  environment: {},
  timeoutMs: 1000,
  wait: true,
  request: {},
  overrides: [],
  ...more,
});
const CONTEXT = {
  cluster: 'sample',
  taskDefinition: 'arn:web:2',
  definition: DEFINITION,
  service: { launchType: 'FARGATE', networkConfiguration: NETWORK } as Service,
};

describe('the call', () => {
  test('has the network of the service, the command as it stands and its variables', () => {
    const command = ['node', 'migrate.js', '', "it's $HOME"];
    expect(requestOf(step({ command, environment: { DRY: '' } }), CONTEXT)).toEqual({
      cluster: 'sample',
      taskDefinition: 'arn:web:2',
      startedBy: 'slipway',
      launchType: 'FARGATE',
      networkConfiguration: NETWORK,
      overrides: {
        containerOverrides: [{ name: 'web', command, environment: [{ name: 'DRY', value: '' }] }],
      },
    });
  });

  test('takes what the inputs say of the network over what the service has', () => {
    const inputs = readInputs(
      fields,
      (name) =>
        ({
          before: '[{name: migrate, command: [x], container: web}]',
          'run-task-security-groups': 'sg-9',
          'run-task-capacity-provider-strategy': '[{"capacityProvider":"FARGATE_SPOT"}]',
        })[name] ?? '',
    );
    const [first] = stepsBefore(inputs, DEFINITION);
    expect(first && requestOf(first, CONTEXT)).toMatchObject({
      networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-a', 'subnet-b'], securityGroups: ['sg-9'] } },
      capacityProviderStrategy: [{ capacityProvider: 'FARGATE_SPOT' }],
    });
    expect(first && requestOf(first, CONTEXT)).not.toHaveProperty('launchType');
  });

  test('gives no network to tasks that use the bridge', () => {
    const definition = { ...DEFINITION, networkMode: 'bridge' };
    expect(requestOf(step(), { ...CONTEXT, definition })).not.toHaveProperty('networkConfiguration');
  });

  test.each<[string, TaskStep, object, RegExp]>([
    [
      'a container that is not there',
      step({ command: ['x'], container: 'wep' }),
      {},
      /"wep".*it has web, proxy, metrics/,
    ],
    ['nobody to say which container', step({ command: ['x'], container: '' }), {}, /container of the task migrate/],
    ['no network', step(), { service: undefined }, /which subnets it gets.*run-task-subnets/],
  ])('is refused for %s', (_, wrong, more, message) => {
    expect(() => requestOf(wrong, { ...CONTEXT, ...more })).toThrow(message);
  });
});

describe('the inputs', () => {
  const read = (given: Record<string, string>) => readInputs(fields, (name) => given[name] ?? '');
  const single: JsonObject = { containerDefinitions: [{ name: 'job' }, { name: 'log_router', essential: false }] };

  test('a step gets the only essential container and ten minutes', () => {
    const inputs = read({ after: '[{"name": "warm", "command": ["curl", "x"], "environment-variables": {"N": 1}}]' });
    expect(stepsAfter(inputs, single)).toEqual([
      {
        name: 'warm',
        command: ['curl', 'x'],
        container: 'job',
        environment: { N: '1' },
        timeoutMs: 600_000,
        wait: true,
        request: {},
        overrides: [],
      },
    ]);
  });

  test('run-task of aws-actions comes first, whole, and is not waited for unless asked', () => {
    const given = {
      'run-task': 'true',
      'run-task-container-overrides': '[{"name":"web","command":["migrate"]}]',
      'run-task-subnets': 'subnet-1, subnet-2',
      'run-task-tags': '[{"key":"a","value":"b"}]',
      'run-task-launch-type': 'EC2',
      before: '[{name: second, command: [x], container: web}]',
    };
    const [first, second] = stepsBefore(read(given), DEFINITION);
    expect(first).toMatchObject({
      wait: false,
      container: '',
      overrides: [{ name: 'web', command: ['migrate'] }],
      request: {
        startedBy: 'GitHub-Actions',
        launchType: 'EC2',
        tags: [{ key: 'a', value: 'b' }],
        networkConfiguration: {
          awsvpcConfiguration: { subnets: ['subnet-1', 'subnet-2'], assignPublicIp: 'DISABLED' },
        },
      },
    });
    expect(second?.name).toBe('second');
    expect(stepsBefore(read({ ...given, 'wait-for-task-stopped': 'true' }), DEFINITION)[0]?.wait).toBe(true);
  });

  test.each([
    ['no list', 'before: x'],
    ['a step without a command', '[{name: x}]'],
    ['a misspelt key', '[{name: x, command: [y], timout: 3s}]'],
    ['a shell line', '[{name: x, command: "a && b"}]'],
    ['a bare number of time', '[{name: x, command: [y], timeout: "90"}]'],
  ])('%s is refused', (_, before) => {
    expect(() => read({ before })).toThrow(/input 'before'/);
  });
});

describe('why RunTask started nothing', () => {
  test.each<[string, Parameters<typeof explainPlacement>[0], RegExp]>([
    ['memory', [{ arn: 'arn:x/i-1', reason: 'RESOURCE:MEMORY' }], /as much memory.*RESOURCE:MEMORY for i-1/],
    ['the agent', [{ reason: 'AGENT' }], /agent of the container instance is not connected/],
    ['an attribute', [{ reason: 'ATTRIBUTE' }], /attribute that the task definition needs/],
    ['Fargate', [{ reason: 'Capacity is unavailable at this time. Please try again later' }], /no Fargate capacity/],
    ['something new', [{ reason: 'RESOURCE:QUANTUM', detail: 'no qubits' }], /RESOURCE:QUANTUM; no qubits/],
    ['something unknown', [{ reason: 'MOON' }], /could not place it \(it says MOON\)/],
    ['nothing', [], /started no task and gave no reason/],
  ])('%s', (_, failures, cause) => {
    const explained = explainPlacement(failures);
    expect(explained.cause).toMatch(cause);
    expect(explained.fix).toMatch(/\S/);
  });
});

test.each([
  ['::set-output name=x::y', '::set-output name=x::y'],
  ['##[add-mask]x', '## [add-mask]x'],
  ['a\r\u001b[31mred\u001b[0m\u0007b', 'a red b'],
])('the line %j is printed as %j', (line, expected) => {
  expect(printable(line).replace(/\s+/g, ' ')).toBe(expected.replace(/\s+/g, ' '));
});
