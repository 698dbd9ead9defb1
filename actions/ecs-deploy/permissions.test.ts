import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { goesWell, type PlayOptions, play, REGISTRY } from './test/play-aws.ts';
import type { Answers } from './test/recording-front.ts';
import { ACCOUNT, baseDefinition, DIGEST, definitionArn, type Script } from './test/scripted-ecs.ts';
import { scriptedTask } from './test/scripted-task.ts';

// The policies in the README are those of the calls that are made: each feature is played, and what reaches the wire compared.

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
const README = read('./README.md');

interface Statement {
  Action: string | string[];
}

/** The actions of a feature's policy, which stands under a marker of its name. */
function policy(feature: string): string[] {
  const block = new RegExp(`<!-- policy: ${feature} -->\\s*\`\`\`json\\n([\\s\\S]*?)\`\`\``).exec(README)?.[1];
  if (block === undefined) throw new Error(`the README has no policy "${feature}"`);
  const statements = JSON.parse(block) as Statement | Statement[];
  return [...new Set([statements].flat().flatMap((s) => s.Action))].sort();
}

interface Scene {
  script: Script;
  options?: PlayOptions;
}

const IMAGE = { image: `${REGISTRY}/sample-web@${DIGEST}`, preflight: 'false' };
const plain: Scene = { script: { deployment: goesWell }, options: { inputs: IMAGE } };

async function callsOf(...scenes: Scene[]): Promise<string[]> {
  const calls: string[] = [];
  for (const { script, options } of scenes) calls.push(...(await play(script, options)).calls);
  return [...new Set(calls)].sort();
}

/** The calls of the scenes that a plain deployment does not make. */
async function beyondPlain(...scenes: Scene[]): Promise<string[]> {
  const known = policy('deploy');
  return (await callsOf(...scenes)).filter((call) => !known.includes(call));
}

/** Starting tasks of a definition passes its roles to ECS, which is a permission and no call. */
const withPassRole = (calls: readonly string[]) => [...calls, 'iam:PassRole'].sort();

const GROUP = 'arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/0123456789abcdef';
const unhealthy = (status: string): Script => ({
  deployment: (ms) =>
    ms < 4_000 ? { status: 'IN_PROGRESS', pending: 1, failed: 1 } : { status, breaker: 'TRIGGERED', failed: 3 },
  stopped: [
    {
      id: 'task0',
      at: 2_000,
      stopCode: 'EssentialContainerExited',
      stoppedReason: 'Essential container in task exited',
      containers: [{ name: 'web', exitCode: 1 }],
    },
  ],
  loadBalancers: [{ targetGroupArn: GROUP, containerName: 'web', containerPort: 8080 }],
});

/** A failed one goes back to a revision that DescribeServiceRevisions names. */
const rolledBack: Scene = {
  script: {
    ...unhealthy('ROLLBACK_SUCCESSFUL'),
    deployment: (ms) =>
      ms < 4_000
        ? { status: 'IN_PROGRESS', pending: 1, failed: 1 }
        : { status: 'ROLLBACK_SUCCESSFUL', breaker: 'TRIGGERED', failed: 3, rollbackTo: 'web:1' },
  },
  options: { inputs: IMAGE },
};

/** The definition that asks for everything that preflight can look at. */
const demanding = JSON.stringify({
  ...baseDefinition(),
  // What a manifest that is no index does not tell has to be fetched where the platform matters.
  runtimePlatform: { cpuArchitecture: 'X86_64' },
  executionRoleArn: 'arn:aws:iam::123456789012:role/execution',
  containerDefinitions: [
    {
      name: 'web',
      image: 'x',
      secrets: [
        { name: 'A', valueFrom: '/sample/a' },
        { name: 'B', valueFrom: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:b-AbCdEf' },
      ],
      logConfiguration: { logDriver: 'awslogs', options: { 'awslogs-group': '/ecs/web' } },
    },
  ],
});

/** An account in which everything is there. */
const whole: Answers = {
  'ecr:BatchGetImage': () => ({ images: [{ imageManifest: `{"config":{"digest":"${DIGEST}"}}` }] }),
  'ecr:GetDownloadUrlForLayer': () => ({ downloadUrl: `${process.env.AWS_ENDPOINT_URL}/config` }),
  'iam:GetRole': () =>
    '<GetRoleResponse><GetRoleResult><Role><RoleName>x</RoleName></Role></GetRoleResult></GetRoleResponse>',
  'ssm:DescribeParameters': () => ({ Parameters: [{ Name: '/sample/a' }] }),
  'secretsmanager:DescribeSecret': () => ({ Name: 'b' }),
  'logs:DescribeLogGroups': () => ({ logGroups: [{ logGroupName: '/ecs/web' }] }),
  'elasticloadbalancing:DescribeTargetHealth': () =>
    '<DescribeTargetHealthResponse><DescribeTargetHealthResult><TargetHealthDescriptions/></DescribeTargetHealthResult></DescribeTargetHealthResponse>',
  'logs:GetLogEvents': () => ({ events: [], nextForwardToken: 'f/0' }),
};

const command = (more: object = {}) => JSON.stringify([{ name: 'migrate', command: ['x'], ...more }]);
const service = { networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1'] } } };
/** The service's network, which the scripted ECS does not have by itself. */
const withNetwork = { ...IMAGE, 'run-task-subnets': 'subnet-1' };
const revisions = (n: number) => Array.from({ length: n }, (_, i) => definitionArn(`web:${n - i}`));

const lists: Script['before'] = {
  ListTaskDefinitions: () => ({ taskDefinitionArns: revisions(5) }),
  ListClusters: () => ({ clusterArns: [`${ACCOUNT}:cluster/sample`] }),
  ListServices: () => ({ serviceArns: [`${ACCOUNT}:service/sample/web`] }),
  DeregisterTaskDefinition: (input) => ({ taskDefinition: { taskDefinitionArn: input.taskDefinition } }),
};

describe('the least policy in the README is exactly the calls that are made', () => {
  test('for a deployment, whatever its end', async () => {
    // Whatever ECS has to be asked is asked in one of these: done, gone back, seen late.
    const late: Scene = { script: { deployment: goesWell, staleMs: 5_000 }, options: { inputs: IMAGE } };
    const calls = await callsOf(plain, rolledBack, late);
    expect(withPassRole(calls.filter((call) => call.startsWith('ecs:')))).toEqual(policy('deploy'));
  });

  test('for the cause of a failure', async () => {
    const failed = await beyondPlain({
      script: unhealthy('STOPPED'),
      options: { inputs: IMAGE, answers: whole },
    });
    const otherDigest = await beyondPlain({
      script: { deployment: goesWell, digest: `sha256:${'c'.repeat(64)}` },
      options: { inputs: IMAGE, answers: whole },
    });
    expect([...new Set([...failed, ...otherDigest])].sort()).toEqual(policy('evidence'));
  });

  test('for on-cancel: rollback', async () => {
    const calls = await beyondPlain({
      script: { deployment: () => ({ status: 'IN_PROGRESS', pending: 2 }) },
      options: { inputs: { ...IMAGE, 'on-cancel': 'rollback' }, cancelAt: 5_000 },
    });
    expect(calls).toEqual(policy('cancel'));
  });

  test('for preflight', async () => {
    const inputs = { ...IMAGE, preflight: 'true', 'task-definition': 'td.json' };
    const scene = { script: plain.script, options: { inputs, files: { 'td.json': demanding }, answers: whole } };
    expect(await beyondPlain(scene)).toEqual(policy('preflight'));
  });

  test('for tasks before and after', async () => {
    const ends = { ...plain.script, before: scriptedTask({ web: 0 }).before };
    const hangs = { ...plain.script, before: scriptedTask({ web: 143 }, 1_000).before };
    const calls = await beyondPlain(
      { script: ends, options: { inputs: { ...withNetwork, before: command() }, answers: whole } },
      { script: hangs, options: { inputs: { ...withNetwork, before: command({ timeout: '10s' }) }, answers: whole } },
    );
    expect(withPassRole(calls)).toEqual(policy('tasks'));
  });

  test('for a service that is created', async () => {
    const inputs = { ...IMAGE, 'service-definition': 's.json', 'task-definition': 'td.json' };
    const files = { 's.json': JSON.stringify(service), 'td.json': JSON.stringify(baseDefinition()) };
    const calls = await beyondPlain({
      script: { deployment: goesWell, first: true, missing: true },
      options: { inputs, files },
    });
    expect(withPassRole(calls)).toEqual(policy('create'));
  });

  test('for keep-revisions', async () => {
    const calls = await beyondPlain({
      script: { ...plain.script, before: lists },
      options: { inputs: { ...IMAGE, 'keep-revisions': '1' } },
    });
    expect(calls).toEqual(policy('retention'));
  });

  test('for register', async () => {
    const inputs = { ...withNetwork, operation: 'register', 'task-definition': 'td.json' };
    const files = { 'td.json': JSON.stringify(baseDefinition()) };
    const scene = (task: Script['before'], more: object): Scene => ({
      script: { ...plain.script, before: { ...lists, ...task } },
      options: { inputs: { ...inputs, before: command(more) }, files, answers: whole },
    });
    const fails = scene(scriptedTask({ web: 1 }).before, {});
    const hangs = scene(scriptedTask({ web: 143 }, 1_000).before, { timeout: '10s' });
    const calls = await callsOf(fails, hangs);
    // Tags at registration are a permission of their own as well.
    expect(withPassRole([...calls, 'ecs:TagResource'])).toEqual(policy('register'));
  });

  test('for status', async () => {
    const calls = await callsOf({ script: plain.script, options: { inputs: { operation: 'status' } } });
    expect(calls).toEqual(policy('status'));
  });
});

test('no call is in the code that no policy of the README allows', () => {
  const files = readdirSync(new URL('.', import.meta.url), { recursive: true, encoding: 'utf8' });
  const sources = files
    .filter((file) => file.endsWith('.ts') && !/\.test\.ts$|^test\//.test(file))
    .map((file) => `./${file}`);
  const shared = ['ecs/api', 'ecs/tasks', 'ecs/revisions', 'aws/log-reads'].map((name) => `../../lib/${name}.ts`);
  const made = [...sources, ...shared].flatMap((path) =>
    [...read(path).matchAll(/operation: '([a-z]+:\w+)'/g)].map((m) => m[1] ?? ''),
  );
  const allowed = [...README.matchAll(/```json\n([\s\S]*?)```/g)].flatMap((m) =>
    [JSON.parse(m[1] ?? '[]') as Statement | Statement[]].flat().flatMap((s) => s.Action ?? []),
  );
  // Registering a definition passes its roles to ECS, and CodeDeploy registers an AppSpec: permissions, and no calls.
  const implied = ['iam:PassRole', 'codedeploy:RegisterApplicationRevision'];
  expect([...new Set(allowed)].sort()).toEqual([...new Set([...made, ...implied])].sort());
});
