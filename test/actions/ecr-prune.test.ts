import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { gitLedger } from '../../lib/ledger/git.ts';
import { processes } from '../../lib/process.ts';
import { type Local, startLocal } from '../../local/start.ts';
import { runAction } from '../support/action.ts';
import { pushScript } from '../support/image.ts';
import { type Descriptor, registryWriter } from '../support/registry.ts';

const execFileAsync = promisify(execFile);
const RUN = { runUrl: 'https://github.test/acme/sample/actions/runs/1', at: '2026-11-21T00:00:00.000Z' };

// Retention as the runner starts it: a real registry, a ledger in a real git remote, ECS with a service whose task really runs.
let local: Local;
let work: string;
let running: string;
const images: Record<string, Descriptor> = {};

const git = (...args: string[]) => execFileSync('git', args, { cwd: work, encoding: 'utf8', stdio: 'pipe' });
const prune = (inputs: Record<string, string> = {}) =>
  runAction(
    'ecr-build-push',
    { operation: 'prune', repository: 'web', 'keep-newest': '2', 'min-age': '0', ledger: 'git', ...inputs },
    { cwd: work, env: { ...local.env(), GITHUB_WORKSPACE: work } },
  );

async function aws(...args: string[]): Promise<Record<string, never>> {
  const { stdout } = await execFileAsync('aws', [...args, '--output', 'json'], {
    env: { ...process.env, ...local.env() },
    timeout: 30_000,
  });
  return stdout === '' ? {} : JSON.parse(stdout);
}

/** Names of the images that the aws command line still finds. */
async function left(): Promise<string[]> {
  const { imageDetails } = (await aws('ecr', 'describe-images', '--repository-name', 'web')) as unknown as {
    imageDetails: { imageDigest: string }[];
  };
  const digests = imageDetails.map((d) => d.imageDigest);
  return Object.keys(images).filter((name) => digests.includes(images[name]?.digest ?? ''));
}

const define = (family: string, image: string) =>
  aws(
    'ecs',
    'register-task-definition',
    '--family',
    family,
    '--container-definitions',
    JSON.stringify([{ name: 'app', image, memory: 64 }]),
  );

beforeAll(async () => {
  local = await startLocal({ world: { repositories: ['web', 'run'], clusters: [{ name: 'sample' }] } });
  const web = registryWriter(local.registry, 'web');
  images.defined = await web.image({ tag: 'fp-defined-r1' });
  images.retired = await web.image({ tag: 'fp-retired-r1' });
  images.deployed = await web.image({ tag: 'fp-deployed-r1' });
  images.before = await web.image({ tag: 'fp-before-r1' });
  images.forgotten = await web.image({ tag: 'fp-forgotten-r1' });
  images.staged = await web.image({ tag: 'fp-staged-r1' });
  images.arm = await web.image({ architecture: 'arm64' });
  images.amd = await web.image();
  images.index = await web.index([images.arm, images.amd], 'fp-index-r1');
  images.signature = await web.about(images.index, 'signature');
  images.old = await web.image({ tag: 'fp-old-r1' });
  images.untagged = await web.image();
  images.pull = await web.image({ tag: 'pr-3' });
  images.newer = await web.image({ tag: 'fp-newer-r1' });
  images.newest = await web.image({ tag: 'fp-newest-r1' });
  running = await pushScript(local, 'run:1', 'sleep 600');

  await define('kept', `${local.registry.host}/web@${images.defined.digest}`);
  await define('gone', `${local.registry.host}/web@${images.retired.digest}`);
  await aws('ecs', 'deregister-task-definition', '--task-definition', 'gone:1');
  await define('app', running);
  await aws(
    'ecs',
    'create-service',
    '--cluster',
    'sample',
    '--service-name',
    'app',
    '--task-definition',
    'app',
    '--desired-count',
    '1',
  );
  await local.ecs.ready(30_000);

  work = mkdtempSync(join(tmpdir(), 'slipway-prune-'));
  git('init', '--quiet', '--bare', '--initial-branch=main', 'remote.git');
  git('init', '--quiet', '--initial-branch=main');
  git('remote', 'add', 'origin', join(work, 'remote.git'));
  const ledger = gitLedger({ processes: processes(), cwd: work });
  const record = (component: string, environment: string, image: Descriptor) =>
    ledger.record({
      ...RUN,
      component,
      environment,
      commit: 'a'.repeat(40),
      state: 'deployed',
      images: { app: `web@${image.digest}` },
    });
  for (const name of ['forgotten', 'before', 'deployed']) await record('web', 'prod', images[name] as Descriptor);
  await record('bot', 'staging', images.staged);
}, 120_000);
beforeEach(() => local.faults.clear());
afterAll(async () => {
  await local?.stop();
  rmSync(work, { recursive: true, force: true });
}, 30_000);

const ALL = () => Object.keys(images);

describe('what cannot be read deletes nothing', () => {
  test.each([
    [
      'ListTaskDefinitions',
      { denied: true as const },
      /Allow ecs:ListTaskDefinitions on task definitions in eu-central-1/,
    ],
    ['DescribeTaskDefinition', { status: 500 }, /ecs:DescribeTaskDefinition on task definition/],
    ['ListClusters', { throttle: true as const }, /ecs:ListClusters on clusters in eu-central-1: AWS throttled it/],
    ['ListServices', { denied: true as const }, /Allow ecs:ListServices on cluster sample/],
    ['DescribeTasks', { denied: true as const }, /Allow ecs:DescribeTasks on cluster sample/],
  ])(
    '%s',
    async (operation, effect, message) => {
      local.faults.add({ service: 'ecs', operation, effect });
      const run = await prune();
      expect([run.code, run.outputs.cause]).toEqual([1, expect.stringMatching(message)]);
      expect(await left()).toEqual(ALL());
    },
    60_000,
  );

  test.each([
    ['a ledger that is not there', { ledger: 'github' }, /input 'token'.*no token was given/],
    [
      'a region that cannot be read',
      { 'ecs-places': 'eu-central-1\nus-west-2' },
      /the region is not that of the endpoint/,
    ],
    [
      'a role that may not be assumed',
      { 'ecs-places': 'eu-central-1 arn:aws:iam::210987654321:role/nobody' },
      /sts:AssumeRole on role .*nobody: AWS denied it/,
    ],
    ['a place that is none', { 'ecs-places': 'here' }, /input 'ecs-places' is "here"/],
    ['a number that is none', { 'keep-task-definitions': 'some' }, /input 'keep-task-definitions' is "some"/],
    ['a repository that is missing', { repository: 'nope' }, /ECR repository nope: it does not exist/],
  ])(
    '%s',
    async (_, inputs, message) => {
      const run = await prune(inputs as Record<string, string>);
      expect([run.code, run.outputs.cause]).toEqual([1, expect.stringMatching(message)]);
      expect(await left()).toEqual(ALL());
    },
    30_000,
  );

  test('a remote without its ledger', async () => {
    git('remote', 'set-url', 'origin', join(work, 'nowhere.git'));
    const run = await prune();
    git('remote', 'set-url', 'origin', join(work, 'remote.git'));
    expect(run.outputs.cause).toMatch(/^ledger \(git refs\) on remote 'origin': it could not be read/);
    expect(await left()).toEqual(ALL());
  });

  test('an entry that this version does not understand', async () => {
    const tree = execFileSync('git', ['hash-object', '-t', 'tree', '-w', '--stdin'], { cwd: work, input: '' });
    const commit = git(
      '-c',
      'user.name=t',
      '-c',
      'user.email=t@t.invalid',
      'commit-tree',
      tree.toString().trim(),
      '-m',
      '{"slipway":2}',
    );
    git('push', '--quiet', 'origin', `${commit.trim()}:refs/slipway/next/web`);
    const run = await prune();
    git('push', '--quiet', 'origin', ':refs/slipway/next/web');
    expect(run.outputs.cause).toMatch(/^ledger entry refs\/slipway\/next\/web .*cannot be understood/);
    expect(await left()).toEqual(ALL());
  });
});

describe('in order', () => {
  const GONE = ['retired', 'forgotten', 'arm', 'amd', 'index', 'signature', 'old', 'untagged'];

  test('a dry run says what would go, and why the others stay, and deletes nothing', async () => {
    const run = await prune({ 'dry-run': 'true', 'rollback-depth': '2' });
    expect([run.code, run.outputs.outcome]).toEqual([0, 'unchanged']);
    const gone = run.outputs.deleted?.split('\n') ?? [];
    expect(ALL().filter((name) => gone.includes(images[name]?.digest ?? ''))).toEqual(GONE);
    expect(await left()).toEqual(ALL());
    const line = (name: string) =>
      run.summary.split('\n').find((l) => l.includes(images[name]?.digest.slice(0, 19) ?? '?'));
    expect(line('deployed')).toMatch(/^\| kept .*ledger: web in prod, deployed 2026-11-21/);
    expect(line('staged')).toContain('ledger: bot in staging');
    expect(line('defined')).toContain('task definition kept:1');
    expect(line('pull')).toContain('left to the lifecycle policy');
    expect(line('newest')).toContain('number 1 of the newest 2');
    expect(line('old')).toMatch(/^\| would be deleted .*not among the newest 2, and nobody uses it/);
  }, 30_000);

  test('the image of a running task stays though its task definition is deregistered', async () => {
    await aws('ecs', 'deregister-task-definition', '--task-definition', 'app:1');
    const none = { repository: 'run', 'keep-newest': '1', 'dry-run': 'true' };
    await registryWriter(local.registry, 'run').image({ tag: 'newer' });
    const run = await prune(none);
    expect(run.log).toMatch(new RegExp(`keep {3}${running.split('@')[1]} 1 \\((service|task) `));
  }, 30_000);

  test('deletes, also where ECR fails at first; again there is nothing left to do', async () => {
    local.faults.add({
      service: 'ecr',
      operation: 'BatchDeleteImage',
      times: 1,
      effect: { error: 'ServerException', message: 'not now', httpStatus: 500 },
    });
    const run = await prune({ 'rollback-depth': '2' });
    expect([run.code, run.outputs.outcome]).toEqual([0, 'succeeded']);
    expect(await left()).toEqual(ALL().filter((name) => !GONE.includes(name)));
    expect(run.summary).toContain('Deleted 5 images (and 3 parts of them) of web');
    expect((await prune({ 'rollback-depth': '2' })).outputs).toMatchObject({ outcome: 'unchanged', deleted: '' });
  }, 60_000);

  test('fewer task definitions keep fewer images, and the depth decides about the ledger', async () => {
    await define('kept', `${local.registry.host}/web@${images.newest?.digest}`);
    const run = await prune({ 'keep-task-definitions': '1', 'rollback-depth': '1', 'dry-run': 'true' });
    const gone = run.outputs.deleted?.split('\n') ?? [];
    expect(ALL().filter((name) => gone.includes(images[name]?.digest ?? ''))).toEqual(['defined', 'before']);
  }, 30_000);
});
