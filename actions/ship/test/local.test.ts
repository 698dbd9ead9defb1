import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Result } from '../../../lib/result.ts';
import { type GitFixture, gitFixture } from '../../../local/github/fixture.ts';
import { type Local, startLocal } from '../../../local/start.ts';

// The action as the runner starts it, against real git, docker, registry and containers.
const MAIN = new URL('../main.ts', import.meta.url).pathname;
const BUSYBOX = '/bin/busybox';

let git: GitFixture;
let local: Local;
let work: string;
const scratch = mkdtempSync(join(tmpdir(), 'slipway-ship-test-'));

/** The image serves; told to `migrate`, it does that and ends. */
const app = (answer: string, migration = 0) =>
  `if test "$1" = migrate; then echo "migrating as $SLIPWAY_REVISION"; exit ${migration}; fi\nmkdir -p /www && printf '${answer}' "$SLIPWAY_REVISION" > /www/health && exec httpd -f -p 8080 -h /www\n`;
const WELL = app('{"status":"ok","revision":"%s"}');
const SICK = app('{"status":"sick","revision":"%s"}');
const UNMIGRATED = app('{"status":"ok","revision":"%s"}', 4);
const CONFIG = `
version: 1
registry: { account: '123456789012', region: eu-central-1 }
components:
  infra: { kind: terraform, root: infra }
  web:
    kind: service
    after: [infra]
    image: { repository: sample-web, context: web }
    before: [{ name: migrate, command: [migrate], timeout: 60s }]
    deploy: { to: ecs, cluster: '\${output:infra.cluster}', service: web, task-definition: web/task-definition.json }
    verify: { url: '\${output:infra.web_url}/health', expect: { json: { revision: '{revision}', status: ok } }, timeout: 4s, interval: 200ms, soak: { duration: 1s, rate: 20 }, baseline: { p95-slack: 5s } }
  nightly:
    kind: task
    image: { repository: sample-web, context: web }
    before: [{ name: prove, command: [migrate], timeout: 60s }]
    deploy: { to: ecs, cluster: sample, task-definition: web/nightly.json }
environments: { dev: { region: eu-central-1 } }
`;
const definition = (family: string) =>
  JSON.stringify({
    family,
    containerDefinitions: [
      {
        name: 'web',
        image: 'set-by-the-deployment',
        memory: 64,
        portMappings: [{ containerPort: 8080 }],
        stopTimeout: 2,
        logConfiguration: {
          logDriver: 'awslogs',
          options: { 'awslogs-group': '/ecs/test', 'awslogs-stream-prefix': 'x', 'awslogs-create-group': 'true' },
        },
      },
    ],
  });

beforeAll(async () => {
  git = gitFixture();
  work = join(dirname(git.bare), 'work');
  mkdirSync(join(work, 'web'), { recursive: true });
  copyFileSync(BUSYBOX, join(work, 'web/busybox'));
  chmodSync(join(work, 'web/busybox'), 0o755);
  const links = ['sh', 'httpd', 'mkdir', 'printf'].map((name) => `COPY busybox /bin/${name}`).join('\n');
  git.commit({
    '.github/slipway.yml': CONFIG,
    'web/Dockerfile': `FROM scratch\nENV PATH=/bin\n${links}\nCOPY run.sh /run.sh\nENTRYPOINT ["/bin/sh", "/run.sh"]\n`,
    'web/run.sh': WELL,
    'web/task-definition.json': definition('web'),
    'web/nightly.json': definition('nightly'),
  });
  local = await startLocal({
    world: {
      repositories: ['sample-web'],
      balancers: [
        {
          name: 'web',
          targetGroups: [
            {
              name: 'web',
              deregistrationDelaySeconds: 1,
              healthCheck: { intervalSeconds: 0.3, healthyThresholdCount: 1 },
            },
          ],
        },
      ],
      clusters: [
        {
          name: 'sample',
          taskDefinitions: [
            {
              family: 'web',
              containerDefinitions: [
                { name: 'web', image: 'none', memory: 64, portMappings: [{ containerPort: 8080 }] },
              ],
            },
          ],
          services: [
            {
              serviceName: 'web',
              taskDefinition: 'web:1',
              desiredCount: 1,
              loadBalancers: [{ targetGroupArn: 'web', containerName: 'web', containerPort: 8080 }],
              deploymentConfiguration: { deploymentCircuitBreaker: { enable: true, rollback: true } },
            },
          ],
        },
      ],
      github: { repositories: [{ owner: 'acme', name: 'sample', gitDir: git.bare }] },
    },
    lag: 'real',
  });
}, 60_000);

afterAll(async () => {
  await local?.stop();
  // Only now no container has them in use.
  if (local) removeBuilt(`${local.endpoints.registry}/sample-web`);
  git?.remove();
  rmSync(scratch, { recursive: true, force: true });
}, 30_000);

/** The builder keeps what it built on the engine; nobody else has a use for these. */
function removeBuilt(repository: string): void {
  const docker = (...args: string[]) =>
    execFileSync('docker', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const ids = docker('images', '--quiet', repository).split('\n').filter(Boolean);
  if (ids.length > 0) docker('rmi', '--force', ...new Set(ids));
}

interface Run {
  code: number | null;
  log: string;
  result: Result;
  summary: string;
}

async function ship(inputs: Record<string, string> = {}): Promise<Run> {
  const folder = mkdtempSync(join(scratch, 'run-'));
  const at = '2026-01-01T00:00:00.000Z';
  const outputs = { cluster: 'sample', web_url: local.endpoints.balancers.web };
  const infra = {
    component: 'infra',
    environment: 'dev',
    stage: 'terraform',
    outcome: { status: 'unchanged', cause: 'x' },
    outputs,
    startedAt: at,
    endedAt: at,
  };
  writeFileSync(join(folder, 'result-infra.json'), JSON.stringify(infra));
  const given: Record<string, string> = {
    component: 'web',
    environment: 'dev',
    token: local.env().GITHUB_TOKEN ?? '',
    'result-directory': folder,
    ...inputs,
  };
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    HOME: scratch,
    RUNNER_TEMP: scratch,
    ...local.env(),
    GITHUB_WORKSPACE: work,
    GITHUB_REPOSITORY: 'acme/sample',
    GITHUB_SHA: git.git('rev-parse', 'HEAD'),
    GITHUB_REF: 'refs/heads/main',
    GITHUB_RUN_ID: '1',
    GITHUB_OUTPUT: join(folder, 'output'),
    GITHUB_STEP_SUMMARY: join(folder, 'summary.md'),
  };
  for (const [name, value] of Object.entries(given)) env[`INPUT_${name.toUpperCase()}`] = value;
  for (const name of ['output', 'summary.md']) writeFileSync(join(folder, name), '');
  const child = spawn(process.execPath, [MAIN], { cwd: work, env });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const result = JSON.parse(read(`result-${given.component}.json`)) as Result;
  return { code, log, result, summary: read('summary.md') };
}

const health = async () => (await fetch(`${local.endpoints.balancers.web}/health`)).json();

test('ship, the same again, a sick version, the same again, what runs', async () => {
  const first = await ship();
  expect(first.result.outcome).toEqual({ status: 'succeeded', cause: '' });
  expect(first.code).toBe(0);
  let revision = git.git('rev-parse', 'HEAD');
  expect(await health()).toEqual({ status: 'ok', revision });
  expect(first.log).toContain(`migrate | migrating as ${revision}`);

  const again = await ship();
  expect([again.code, again.result.outcome.status]).toEqual([0, 'unchanged']);

  const before = (await ship({ operation: 'refresh' })).result;
  expect(before.outcome).toMatchObject({ status: 'unchanged' });
  git.commit({ '.github/slipway.yml': CONFIG.replace('context: web }', 'context: web, max-age: 0h }') });
  const refreshed = await ship({ operation: 'refresh' });
  expect([refreshed.code, refreshed.result.outcome]).toEqual([0, { status: 'succeeded', cause: '' }]);
  expect(refreshed.result.digest).not.toBe(before.digest);
  // What served was measured before, and the new one soaked and compared with it.
  expect(refreshed.log).toContain('── measure what serves');
  expect(refreshed.summary).toMatch(
    /Baseline, measured for[\s\S]*0 % of 20 probes failed, 0 % of 20 before \(p = 1\.000\)/,
  );
  revision = git.git('rev-parse', 'HEAD');
  expect(await health()).toEqual({ status: 'ok', revision });

  git.commit({ 'web/run.sh': SICK });
  const unshipped = await ship({ operation: 'refresh' });
  expect(unshipped.result.outcome.cause).toMatch(/^not refreshed: commit \w{12} has other content/);
  const sick = await ship();
  expect([sick.code, sick.result.outcome.status]).toEqual([1, 'rolled-back']);
  expect(sick.result.outcome.cause).toMatch(
    /verification ended as timed-out.*the release before it serves again and is healthy/,
  );
  expect(await health()).toEqual({ status: 'ok', revision });

  const held = await ship();
  expect([held.code, held.result.outcome.status]).toEqual([1, 'rolled-back']);
  expect(held.result.outcome.cause).toContain('is held');

  const status = await ship({ operation: 'status' });
  expect(status.code).toBe(0);
  expect(status.summary).toContain(`By the ledger commit ${revision.slice(0, 12)} serves`);
  expect(status.summary).not.toContain('⚠️');
}, 180_000);

test('a scheduled task: proved, the same again, one that does not prove itself, what is registered', async () => {
  git.commit({ 'web/run.sh': WELL });
  const first = await ship({ component: 'nightly' });
  expect([first.code, first.result.outcome]).toEqual([0, { status: 'succeeded', cause: '' }]);
  expect(first.log).toContain('prove | migrating as');
  expect((await ship({ component: 'nightly' })).result.outcome.status).toBe('unchanged');

  git.commit({ 'web/run.sh': UNMIGRATED });
  const broken = await ship({ component: 'nightly' });
  expect([broken.code, broken.result.outcome.status]).toEqual([1, 'rolled-back']);
  expect(broken.result.outcome.cause).toMatch(/nightly:2 was deregistered; nightly:1 is the family's newest again/);

  const status = await ship({ component: 'nightly', operation: 'status' });
  expect(status.code).toBe(0);
  expect(status.summary).not.toContain('⚠️');
}, 180_000);
