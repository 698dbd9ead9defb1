import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { readInputs } from '../../lib/inputs.ts';
import { fields } from './inputs.ts';
import { settled } from './moved.ts';
import { isRenderStep, LEFT_OUT, leftOut } from './render-step.ts';
import { goesWell, type Played, play } from './test/play-aws.ts';
import { baseDefinition, definitionArn } from './test/scripted-ecs.ts';
import { scriptedTask } from './test/scripted-task.ts';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

interface Step {
  id?: string;
  uses?: string;
  with?: Record<string, unknown>;
}

const DEFAULTS: Record<string, string> = Object.fromEntries(
  Object.entries((parse(read('./action.yml')) as { inputs: Record<string, { default?: string }> }).inputs).map(
    ([name, { default: value = '' }]) => [name, value],
  ),
);

const THEIRS = /^aws-actions\/amazon-ecs-(?:render|deploy)-task-definition@/;

type Run = Played & { id: string };

/** Runs the steps of a workflow that was written for aws-actions: as it stands, but for whose action each `uses:` is. */
async function runWorkflow(name: string, script: Parameters<typeof play>[0], files: Record<string, string>) {
  const workflow = parse(read(`./test/moving/${name}.yml`)) as { jobs: { deploy: { steps: Step[] } } };
  const runs: Run[] = [];
  const known = { ...files };
  for (const step of workflow.jobs.deploy.steps) {
    expect(step.uses).toMatch(THEIRS);
    const inputs = Object.fromEntries(
      Object.entries(step.with ?? {}).map(([key, value]) => [key, filledIn(String(value), runs)]),
    );
    // As the runner gives them: what `with:` says, and the default of the rest.
    const given = { ...DEFAULTS, ...inputs };
    const namesNoService = leftOut({ INPUT_CLUSTER: given.cluster, INPUT_SERVICE: given.service });
    const played = await play(script, { inputs: given, files: known, namesNoService });
    for (const [file, text] of Object.entries(played.written)) known[`/tmp/${file}`] = text;
    runs.push({ ...played, id: step.id ?? '' });
  }
  return runs;
}

function filledIn(text: string, runs: readonly Run[]): string {
  return text.replace(
    /\$\{\{ steps\.([\w-]+)\.outputs\.([\w-]+) \}\}/g,
    (_, id, output) => runs.find((r) => r.id === id)?.report.outputs[output] ?? '',
  );
}

const sent = (run: Run | undefined, operation: string) => {
  const raw = run?.ecs.calls.find((c) => c.operation === operation)?.raw;
  return raw === undefined ? undefined : JSON.parse(raw);
};

const DEFINITION = JSON.stringify({ ...baseDefinition(), executionRoleArn: 'arn:aws:iam::123456789012:role/x' });

describe('a workflow that was written for aws-actions', () => {
  test('renders and deploys', async () => {
    const [rendered, deployed] = await runWorkflow(
      'classic',
      { deployment: goesWell },
      { 'web/task-definition.json': DEFINITION },
    );
    expect(rendered?.calls).toEqual([]);
    expect(deployed?.report.outcome.status).toBe('succeeded');
    const [web] = sent(deployed, 'RegisterTaskDefinition').containerDefinitions;
    expect(web).toMatchObject({
      image: '123456789012.dkr.ecr.eu-central-1.amazonaws.com/sample-web:2f0c1d',
      environment: [
        { name: 'LOG_LEVEL', value: 'info' },
        { name: 'EMPTY', value: '' },
        { name: 'URL', value: 'https://example.com/?a=b=c' },
      ],
    });
    expect(sent(deployed, 'UpdateService')).toEqual({
      cluster: 'sample',
      service: 'web',
      taskDefinition: definitionArn('web:2'),
    });
    expect(deployed?.report.outputs['task-definition-arn']).toBe(definitionArn('web:2'));
  });

  test('renders several containers one after the other, from a family', async () => {
    const family = {
      ...baseDefinition(),
      containerDefinitions: ['web', 'side', 'metrics'].map((name) => ({ name, image: 'old', environment: [] })),
      taskDefinitionArn: definitionArn('web:1'),
      revision: 1,
      status: 'ACTIVE',
    };
    const runs = await runWorkflow(
      'two-containers',
      {
        deployment: goesWell,
        before: {
          DescribeTaskDefinition: () => ({ taskDefinition: family, tags: [{ key: 'team', value: 'a' }] }),
        },
      },
      {},
    );
    const body = sent(runs[2], 'RegisterTaskDefinition');
    expect(body.taskRoleArn).toBe('arn:aws:iam::123456789012:role/task');
    expect(body.tags).toContainEqual({ key: 'team', value: 'a' });
    expect(body.containerDefinitions).toEqual([
      {
        name: 'web',
        image: 'registry.test/web:2',
        environment: [],
        secrets: [{ name: 'SECRET_KEY', valueFrom: 'arn:aws:ssm:eu-central-1:123456789012:parameter/secret' }],
        environmentFiles: [{ value: 'arn:aws:s3:::bucket/web.env', type: 's3' }],
        dockerLabels: { SERVICE: 'service', VERSION: 'a=b' },
        command: ['node', 'dist/main.js'],
        logConfiguration: {
          logDriver: 'awslogs',
          options: { 'awslogs-create-group': 'true', 'awslogs-group': '/ecs/web', 'awslogs-region': 'eu-central-1' },
        },
      },
      { name: 'side', image: 'registry.test/side:3', environment: [] },
      { name: 'metrics', image: 'registry.test/side:3', environment: [] },
    ]);
    expect(body).not.toHaveProperty('revision');
  });

  test('runs a task first, and stops when that fails', async () => {
    const files = { 'web/task-definition.json': DEFINITION };
    const good = scriptedTask({ web: 0 });
    const [run] = await runWorkflow('run-task', { deployment: goesWell, before: good.before }, files);
    expect(run?.report.outcome.status).toBe('succeeded');
    expect(good.requests).toEqual([
      {
        clientToken: expect.any(String),
        cluster: 'sample',
        count: 1,
        launchType: 'FARGATE',
        networkConfiguration: {
          awsvpcConfiguration: {
            subnets: ['subnet-1', 'subnet-2'],
            securityGroups: ['sg-1'],
            assignPublicIp: 'ENABLED',
          },
        },
        overrides: { containerOverrides: [{ name: 'web', command: ['node', 'migrate.js'] }] },
        startedBy: 'ci',
        tags: [{ key: 'team', value: 'a' }],
        taskDefinition: run?.report.outputs['task-definition-arn'],
      },
    ]);
    expect(JSON.parse(run?.report.outputs['run-task-arn'] ?? '')).toHaveLength(1);

    const [failed] = await runWorkflow(
      'run-task',
      { deployment: goesWell, before: scriptedTask({ web: 4 }).before },
      files,
    );
    expect(failed?.report.outcome.status).toBe('failed');
    expect(failed?.report.outcome.cause).toMatch(/run-task before the deployment: container web exited with code 4/);
    expect(failed?.ecs.count('UpdateService')).toBe(0);
  });

  test('sets options of the service', async () => {
    const files = { 'web/task-definition.json': DEFINITION };
    const [run] = await runWorkflow('service-options', { deployment: goesWell }, files);
    expect(sent(run, 'UpdateService')).toEqual({
      cluster: 'sample',
      service: 'web',
      taskDefinition: expect.stringMatching(/web:\d$/),
      desiredCount: 3,
      forceNewDeployment: true,
      enableECSManagedTags: true,
      propagateTags: 'SERVICE',
      volumeConfigurations: [
        {
          name: 'data',
          managedEBSVolume: {
            roleArn: 'arn:aws:iam::123456789012:role/ebs',
            sizeInGiB: 30,
            volumeType: 'gp3',
            newerThanTheSdk: { a: '' },
          },
        },
      ],
    });
  });
});

/** Their inputs, looked up at the versions of June and July 2026. */
const DEPLOY =
  `task-definition desired-count service cluster wait-for-service-stability wait-for-minutes wait-max-delay-seconds
force-new-deployment service-managed-ebs-volume-name service-managed-ebs-volume run-task run-task-container-overrides
run-task-security-groups run-task-subnets run-task-assign-public-IP run-task-capacity-provider-strategy run-task-launch-type
run-task-started-by run-task-tags run-task-managed-ebs-volume-name run-task-managed-ebs-volume wait-for-task-stopped
enable-ecs-managed-tags propagate-tags keep-null-value-keys max-retries codedeploy-appspec codedeploy-application
codedeploy-deployment-group codedeploy-deployment-description codedeploy-deployment-config`.split(/\s+/);
const RENDER = `task-definition task-definition-arn task-definition-family task-definition-revision container-name image
environment-variables log-configuration-log-driver log-configuration-options docker-labels command task-role-arn
execution-role-arn env-files secrets`.split(/\s+/);

test('every input of theirs is one of ours, and has its row in the README', () => {
  const table = read('./README.md').split('## Coming from aws-actions')[1] ?? '';
  const all = [...new Set([...DEPLOY, ...RENDER])];
  expect(all.filter((name) => !(name in fields))).toEqual([]);
  expect(all.filter((name) => !table.includes(`\`${name}\``))).toEqual([]);
});

describe('the names of theirs', () => {
  const read = (given: Record<string, string>) =>
    settled(
      readInputs(fields, (name) => given[name] ?? ''),
      { info: () => undefined },
    );

  test.each<[Record<string, string>, object]>([
    [{ 'task-definition-family': 'web', 'task-definition-revision': '7' }, { 'task-definition': 'web:7' }],
    [{ 'task-definition-family': 'web' }, { 'task-definition': 'web' }],
    [{ 'task-definition-arn': 'arn:x', 'task-definition-family': 'web' }, { 'task-definition': 'arn:x' }],
    [{ 'task-definition': 'a.json', 'task-definition-arn': 'arn:x' }, { 'task-definition': 'a.json' }],
    [{ 'wait-for-minutes': '5' }, { timeout: 300_000 }],
    [{ 'wait-for-minutes': '9999' }, { timeout: 21_600_000 }],
    [{ 'container-name': 'web' }, { container: 'web', images: {} }],
    [
      { 'container-name': 'a,b', image: 'x' },
      { container: '', image: '', images: { a: 'x', b: 'x' } },
    ],
  ])('%j mean %j', (given, expected) => {
    expect(read(given)).toMatchObject(expected);
  });

  test.each<[Record<string, string>, RegExp]>([
    [{ 'task-definition-revision': '7' }, /a revision alone names no task definition/],
    [{ 'task-definition-family': 'web', 'task-definition-revision': 'latest' }, /not the number of a revision/],
    [{ 'container-name': 'a', container: 'b' }, /mean the same and say different things/],
  ])('%j are refused', (given, message) => {
    expect(() => read(given)).toThrow(message);
  });
});

describe('a step that names no service', () => {
  const RENDERS = { 'container-name': 'web', image: 'x', 'task-definition': 'a.json', secrets: 'A=b', command: 'run' };
  const given = (more: Record<string, string>): Record<string, string> => ({ ...DEFAULTS, ...RENDERS, ...more });
  const renders = (more: Record<string, string>) => {
    const all = given(more);
    const env = { INPUT_CLUSTER: all.cluster, INPUT_SERVICE: all.service };
    return isRenderStep(
      readInputs(fields, (name) => (all[name] ?? '').trim()),
      leftOut(env),
    );
  };

  test('renders when it was written for the action that renders', () => {
    expect([DEFAULTS.cluster, DEFAULTS.service]).toEqual([LEFT_OUT, LEFT_OUT]);
    expect(renders({})).toBe(true);
    expect(renders({ token: 'of-the-job' })).toBe(true);
  });

  test.each<Record<string, string>>([
    { cluster: '', service: '' },
    { cluster: '' },
    { service: '' },
    { cluster: 'sample' },
    { service: 'web' },
    { 'container-name': '' },
    { image: '' },
    { component: 'web' },
    { services: '[{ service: web }]' },
    { revision: 'abc' },
    { timeout: '5m' },
    { 'wait-for-service-stability': 'true' },
    { 'desired-count': '2' },
    { 'dry-run': 'true' },
    { operation: 'status' },
  ])('is no render step with %j', (more) => {
    expect(renders(more)).toBe(false);
  });

  test.each<Record<string, string>>([{ cluster: '', service: '' }, { 'wait-for-minutes': '5' }])(
    'is refused, and does nothing, with %j',
    async (more) => {
      const inputs = given({ 'task-definition': 'a.json', ...more });
      const namesNoService = leftOut({ INPUT_CLUSTER: inputs.cluster, INPUT_SERVICE: inputs.service });
      const result = play(
        { deployment: goesWell },
        { inputs: { ...inputs }, files: { 'a.json': DEFINITION }, namesNoService },
      );
      await expect(result).rejects.toThrow(/inputs 'cluster' and 'service'.*variable.*operation: render/s);
    },
  );

  test('says that nothing was deployed', async () => {
    const files = { 'a.json': DEFINITION };
    const { report, calls } = await play(
      { deployment: goesWell },
      { inputs: given({ cluster: '', service: '' }), files, namesNoService: true },
    );
    expect(report.outcome).toEqual({ status: 'unchanged', cause: expect.stringMatching(/^nothing was deployed: /) });
    expect(report.annotations).toEqual([
      expect.objectContaining({ level: 'notice', title: 'Nothing was deployed', message: expect.any(String) }),
    ]);
    expect([report.summary, calls]).toEqual([expect.stringContaining('nothing was deployed'), []]);
    expect(report.outputs['task-definition']).not.toBe('');
  });
});
