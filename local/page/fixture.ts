import type { EcsSnapshot, TaskSnapshot } from '../aws/ecs/snapshot.ts';
import type { Discord } from '../discord/server.ts';
import type { GithubSnapshot, LedgerRow } from '../github/snapshot.ts';
import type { LogStore } from '../logs/store.ts';
import type { RegistrySnapshot } from '../registry/registry.ts';
import type { BalancerSource, HostsSnapshot, ProbeView, RunView } from './sources.ts';

/** A believable moment for tests of the page: a rollback of a broken web service has just ended. */
const T0 = Date.UTC(2026, 10, 21, 9, 30, 0);
const at = (seconds: number): number => T0 + seconds * 1000;
const DIGESTS = ['a1', 'b2', 'c3', 'd4'].map((start) => `sha256:${start.repeat(32)}`) as [
  string,
  string,
  string,
  string,
];
const GROUP = 'arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/6f2c1d0e9b8a7f65';
const definition = (revision: number, family = 'web'): string =>
  `arn:aws:ecs:eu-central-1:123456789012:task-definition/${family}:${revision}`;

function task(id: string, more: Partial<TaskSnapshot> & { digest: string }): TaskSnapshot {
  const { digest, ...rest } = more;
  return {
    id,
    service: 'web',
    taskDefinition: definition(3),
    status: 'RUNNING',
    health: 'HEALTHY',
    createdAt: at(-600),
    containers: [{ name: 'web', image: `registry/sample-web@${digest}`, digest, status: 'RUNNING', ports: [49_153] }],
    targets: [{ targetGroupArn: GROUP, id: '172.18.0.5', port: 3000, state: 'healthy' }],
    lines: [],
    ...rest,
  };
}

export const ecs: EcsSnapshot = {
  clusters: [
    {
      name: 'sample',
      services: [
        {
          name: 'web',
          status: 'ACTIVE',
          desired: 2,
          running: 2,
          pending: 1,
          steady: false,
          taskDefinition: definition(3),
          deployments: [
            {
              id: 'ecs-svc/8241',
              primary: true,
              taskDefinition: definition(3),
              rolloutState: 'IN_PROGRESS',
              reason: 'Rolling back to deployment 8239 because the circuit breaker was triggered.',
              desired: 2,
              running: 2,
              pending: 0,
              failed: 0,
            },
            {
              id: 'ecs-svc/8240',
              primary: false,
              taskDefinition: definition(4),
              rolloutState: 'FAILED',
              reason: 'ECS deployment circuit breaker: tasks failed to start.',
              desired: 0,
              running: 0,
              pending: 1,
              failed: 3,
            },
          ],
          history: [],
          events: [
            { at: at(95), message: '(service web) rolling back to task definition web:3.' },
            {
              at: at(80),
              message: '(service web) (deployment ecs-svc/8240) deployment failed: tasks failed to start.',
            },
            { at: at(41), message: '(service web) has started 1 tasks: (task 9c0d77aa).' },
            { at: at(-300), message: '(service web) has reached a steady state.' },
          ],
        },
      ],
      tasks: [
        task('3f1c9d20a4b84e7c', { digest: DIGESTS[1] }),
        task('77e2ab01c9d94f3e', {
          digest: DIGESTS[1],
          targets: [{ targetGroupArn: GROUP, id: '172.18.0.6', port: 3000, state: 'healthy' }],
        }),
        task('9c0d77aa12ef4b60', {
          digest: DIGESTS[2],
          taskDefinition: definition(4),
          status: 'DEPROVISIONING',
          health: 'UNHEALTHY',
          targets: [{ targetGroupArn: GROUP, id: '172.18.0.9', port: 3000, state: 'draining' }],
        }),
        task('e0415b6690f24c1d', {
          digest: DIGESTS[2],
          taskDefinition: definition(4),
          status: 'STOPPED',
          health: 'UNHEALTHY',
          stoppedAt: at(62),
          stopCode: 'ServiceSchedulerInitiated',
          stoppedReason: 'Task failed container health checks',
          containers: [
            {
              name: 'web',
              image: 'registry/sample-web',
              digest: DIGESTS[2],
              status: 'STOPPED',
              exitCode: 137,
              ports: [],
            },
          ],
          targets: [],
          lines: ['{"level":"error","msg":"cannot reach the database","attempt":5}', 'shutting down'],
        }),
      ],
    },
  ],
};

export const registry: RegistrySnapshot = {
  host: '127.0.0.1:5000',
  repositories: [
    {
      name: 'sample-web',
      images: [
        { digest: DIGESTS[0], tags: ['build-6d1f0c-r1', 'sha-4b825dc'], pushedAt: at(-900), sizeInBytes: 52_431_000 },
        { digest: DIGESTS[1], tags: ['build-91ce44-r1', 'sha-7f3a2b1'], pushedAt: at(-400), sizeInBytes: 52_433_120 },
        { digest: DIGESTS[2], tags: ['build-c07b5e-r1', 'sha-e91d004'], pushedAt: at(20), sizeInBytes: 52_433_480 },
      ],
    },
    {
      name: 'sample-bot',
      images: [{ digest: DIGESTS[3], tags: ['build-2ab9d1-r1'], pushedAt: at(-880), sizeInBytes: 61_002_300 }],
    },
  ],
};

export const balancers: BalancerSource[] = [
  {
    name: 'web',
    url: 'http://127.0.0.1:41873',
    counts: { requests: 4_812, failed: 0 },
    targetGroups: [
      {
        name: 'web',
        targets: [
          { id: '172.18.0.5', port: 3000, health: { state: 'healthy' } },
          { id: '172.18.0.6', port: 3000, health: { state: 'healthy' } },
          {
            id: '172.18.0.9',
            port: 3000,
            health: { state: 'draining', description: 'Target deregistration is in progress' },
          },
        ],
      },
    ],
  },
];

export const hosts: HostsSnapshot = {
  hosts: [
    {
      id: 'i-0a1b2c3d4e5f60718',
      name: 'docker-host',
      online: true,
      tags: { Role: 'docker-host', Environment: 'dev' },
      containers: [{ name: 'bot', image: 'sample-bot@sha256:d4d4d4d4d4d4', status: 'Up 14 minutes (healthy)' }],
    },
  ],
  commands: [
    {
      id: '5f1b7e0c-8d7a-4a55-9a53-0d6a2c1f4e77',
      document: 'AWS-RunShellScript',
      comment: 'slipway: deploy bot',
      at: at(-860),
      invocations: [
        {
          instanceId: 'i-0a1b2c3d4e5f60718',
          status: 'Success',
          exitCode: 0,
          output: 'pulled sample-bot@sha256:d4d4…\nstarted bot (healthy after 3.1 s)\n',
        },
      ],
    },
  ],
};

const LINES: [string, string][] = [
  ['/ecs/web', '{"level":"info","msg":"request","method":"GET","path":"/health","status":200,"ms":1.2}'],
  ['/ecs/web', '{"level":"info","msg":"request","method":"POST","path":"/api/v1/search","status":200,"ms":8.7}'],
  ['/ecs/web', '{"level":"error","msg":"cannot reach the database","attempt":1,"revision":"e91d004"}'],
  ['/ssm/docker-host', 'bot: logged in as Slipway'],
  ['/ecs/web', '{"level":"warn","msg":"readiness is false","since":"12 s"}'],
  ['/ecs/web', '<script>alert("not markup")</script>'],
];

/** A store of log lines, shaped as the Logs API's own. */
export const logs: Pick<LogStore, 'groups'> = {
  groups: () =>
    [...new Set(LINES.map(([group]) => group))].map((name) => ({
      name,
      createdAt: at(-1000),
      streams: new Map([
        [
          'main',
          {
            name: 'main',
            createdAt: at(-1000),
            events: LINES.flatMap(([group, message], index) =>
              group === name
                ? [{ timestamp: at(index * 3), message, sequence: index, visibleAt: at(index), ingestedAt: at(index) }]
                : [],
            ),
          },
        ],
      ]),
    })),
};

function row(id: number, component: string, sha: string, more: Partial<LedgerRow>): LedgerRow {
  return {
    id,
    environment: 'dev',
    component,
    task: `slipway/${component}`,
    sha: sha.repeat(40).slice(0, 40),
    state: 'success',
    succeeded: true,
    description: '',
    logUrl: '',
    payload: {},
    at: new Date(at(id)).toISOString(),
    ...more,
  };
}

export const github: GithubSnapshot = {
  repositories: [
    {
      slug: 'acme/sample',
      defaultBranch: 'main',
      deployments: [
        row(96, 'web', 'e91d004', {
          state: 'failure',
          succeeded: false,
          payload: { state: 'held' },
          description: 'Rolled back: tasks failed container health checks. This build is held.',
        }),
        row(-380, 'web', '7f3a2b1', {}),
        row(-850, 'bot', '4b825dc', {}),
        row(-870, 'web', '4b825dc', {}),
        row(-880, 'infra', '4b825dc', {}),
      ],
      runs: [],
      comments: [],
      issues: [],
    },
  ],
};

export const runs: RunView[] = [
  {
    id: 'push-1',
    title: 'First push',
    startedAt: at(-900),
    endedAt: at(-848),
    outcome: 'succeeded',
    stages: [],
  },
  {
    id: 'push-2',
    title: 'Change to web alone',
    startedAt: at(-410),
    endedAt: at(-372),
    outcome: 'succeeded',
    stages: [],
  },
  {
    id: 'push-3',
    title: 'A broken web',
    commit: 'e91d0045aa11bb22cc33dd44ee55ff6677889900',
    branch: 'main',
    actor: 'ada',
    startedAt: at(0),
    endedAt: at(98),
    outcome: 'rolled-back',
    cause:
      'web never became healthy: tasks failed container health checks (exit code 137). Version 7f3a2b1 serves again.',
    stages: [
      { name: 'Changes', state: 'succeeded', note: 'web: its paths changed', startedAt: at(0), endedAt: at(2.1) },
      { name: 'AMI', state: 'skipped', note: 'nothing changed' },
      { name: 'Infra', state: 'unchanged', note: 'no change planned', startedAt: at(2.1), endedAt: at(6) },
      { name: 'Build', state: 'succeeded', note: 'sample-web@c3c3c3c3', startedAt: at(6), endedAt: at(21) },
      { name: 'Deploy', state: 'rolled-back', note: 'circuit breaker', startedAt: at(21), endedAt: at(96) },
      { name: 'Verify', state: 'skipped' },
      { name: 'Notify', state: 'succeeded', startedAt: at(96), endedAt: at(98) },
    ],
  },
];

export const probe: ProbeView = {
  target: 'http://127.0.0.1:41873/api/v1/info',
  sent: 4_812,
  failed: 0,
  perSecond: 24,
  p50: 2.1,
  p95: 6.8,
};

/** Fills a Discord with a channel as a run leaves it: a living message, an edited one, a thread of plain text, all of Markdown. */
export async function talk(discord: Discord): Promise<void> {
  const hook = discord.createWebhook({ name: 'Slipway' }).replace('/api/', '/api/v10/');
  const send = async (method: string, path: string, body: unknown): Promise<{ id: string }> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${hook}${path}`, { method, headers, body: JSON.stringify(body) });
    return (await response.json()) as { id: string };
  };
  const stages = (deploy: string): unknown => ({
    embeds: [
      {
        title: 'Deployment to dev: web rolled back',
        url: 'https://github.com/acme/sample/actions/runs/42',
        color: 0xd29922,
        description:
          '**web** never became healthy, so `7f3a2b1` serves again.\nCommit [`e91d004`](https://github.com/acme/sample/commit/e91d004) by ada: *Search by tag*',
        fields: [
          { name: 'Build', value: '✅ 15.0 s', inline: true },
          { name: 'Deploy', value: deploy, inline: true },
          { name: 'Verify', value: '➖ skipped', inline: true },
          {
            name: 'Cause',
            value:
              'Task failed container health checks\n```\ncannot reach the database (attempt 5)\nshutting down\n```',
          },
        ],
        footer: { text: 'acme/sample · run 42' },
        timestamp: new Date(at(98)).toISOString(),
      },
    ],
    allowed_mentions: { parse: [] },
  });
  await send('POST', '?wait=true', {
    embeds: [
      {
        title: 'Deployment to dev: succeeded',
        color: 0x2da44e,
        description: 'web and bot ship `4b825dc`. Nothing else changed.',
        fields: [
          { name: 'web', value: '✅ 31.2 s', inline: true },
          { name: 'bot', value: '✅ 12.4 s', inline: true },
          { name: 'infra', value: '✅ 3.9 s', inline: true },
        ],
      },
    ],
  });
  await send('POST', '?wait=true', {
    content:
      '> quoted\n**bold** and ~~struck~~ with <@500> and `code`\n- one\n- two\n-# <script>alert("not markup")</script>',
  });
  const { id } = await send('POST', '?wait=true', stages('⏳ under way'));
  await send('PATCH', `/messages/${id}`, stages('↩️ 1 min 15 s'));
}

/** What the bus would have told. */
export const news: { kind: string; at: number; text: string }[] = [
  { kind: 'ecr.push', at: at(20), text: 'sample-web:build-c07b5e-r1 pushed' },
  { kind: 'ecs.deployment', at: at(22), text: 'web: deployment ecs-svc/8240 started (web:4)' },
  { kind: 'ecs.task', at: at(41), text: 'web task 9c0d77aa (web:4) is RUNNING' },
  { kind: 'elb.target', at: at(47), text: 'target 172.18.0.9:3000 in web is unhealthy (Health checks failed)' },
  { kind: 'ecs.task', at: at(62), text: 'web task e0415b66 (web:4) is STOPPED: Task failed container health checks' },
  { kind: 'ecs.deployment', at: at(80), text: 'web: circuit breaker triggered, rolling back to web:3' },
  { kind: 'github.deployment_status', at: at(96), text: 'deployment status slipway/web · dev · failure' },
  { kind: 'discord.message', at: at(98), text: 'message edited in #deployments' },
];
