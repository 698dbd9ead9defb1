import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Local, startLocal } from '../../local/start.ts';
import { runAction } from '../support/action.ts';

const execFileAsync = promisify(execFile);

// The action as the runner starts it, with a real git repository, the real engine and a real registry behind ECR's own words.
let local: Local;
let work: string;
let env: Record<string, string>;
const git = (...args: string[]) => execFileSync('git', args, { cwd: work, encoding: 'utf8', stdio: 'pipe' }).trim();

function commit(files: Record<string, string>, message = 'change'): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(work, name, '..'), { recursive: true });
    writeFileSync(join(work, name), text);
  }
  git('add', '-A');
  git('-c', 'user.name=t', '-c', 'user.email=t@t.invalid', 'commit', '--quiet', '--allow-empty', '-m', message);
  return git('rev-parse', 'HEAD');
}

const build = (inputs: Record<string, string> = {}, over: Record<string, string> = {}) =>
  runAction(
    'ecr-build-push',
    { repository: 'web', context: 'web', ...inputs },
    { cwd: work, env: { ...env, GITHUB_SHA: git('rev-parse', 'HEAD'), ...over } },
  );

/** What the aws command line, which knows nothing of Slipway, says is in the repository. */
async function awsImages(repository = 'web'): Promise<{ imageDigest: string; imageTags?: string[] }[]> {
  const args = ['ecr', 'describe-images', '--repository-name', repository, '--output', 'json'];
  const { stdout } = await execFileAsync('aws', args, { env: { ...process.env, ...local.env() }, timeout: 30_000 });
  return (JSON.parse(stdout) as { imageDetails: { imageDigest: string; imageTags?: string[] }[] }).imageDetails;
}

beforeAll(async () => {
  local = await startLocal({ world: { repositories: ['web', { name: 'fixed', tagMutability: 'IMMUTABLE' }] } });
  work = mkdtempSync(join(tmpdir(), 'slipway-ecr-'));
  git('init', '--quiet', '--initial-branch=main');
  env = {
    ...local.env(),
    GITHUB_WORKSPACE: work,
    GITHUB_REPOSITORY: 'acme/sample',
    GITHUB_REF: 'refs/heads/main',
    GITHUB_REF_NAME: 'main',
    GITHUB_REF_TYPE: 'branch',
    GITHUB_RUN_NUMBER: '7',
  };
}, 60_000);
afterAll(async () => {
  await local.stop();
  rmSync(work, { recursive: true, force: true });
}, 30_000);

describe('in order', () => {
  let first: string;
  let digest: string;

  test('new content is built, pushed and checked against the registry', async () => {
    first = commit({ 'web/Dockerfile': 'FROM scratch\nCOPY . /\nCMD ["/x"]\n', 'web/file': 'one' });
    const run = await build({ tags: 'sha\nlatest' });
    expect([run.code, run.log]).toEqual([0, expect.stringContaining('Built web@sha256:')]);
    digest = run.outputs.digest ?? '';
    expect(run.outputs).toMatchObject({
      outcome: 'succeeded',
      built: 'true',
      revision: first,
      image: `${local.endpoints.registry}/web@${digest}`,
      repository: 'web',
      'index-digest': '',
    });
    expect(run.outputs.version).toMatch(/^\d{8}\.7$/);
    const [image, ...others] = await awsImages();
    expect(others).toEqual([]);
    expect(image).toMatchObject({ imageDigest: digest });
    expect(image?.imageTags?.toSorted()).toEqual([
      expect.stringMatching(/^fp-[0-9a-f]{32}-r1$/),
      'latest',
      `sha-${first.slice(0, 12)}`,
    ]);
    expect(run.summary).toContain('Image built');
  }, 60_000);

  test('the same content at a later commit is not built: a tag is added, no builder is started', async () => {
    const second = commit({ README: 'elsewhere' });
    const run = await build();
    expect(run.outputs).toMatchObject({ outcome: 'unchanged', built: 'false', digest, revision: first });
    expect(run.log).not.toMatch(/Building|Step 1/);
    expect((await awsImages())[0]?.imageTags).toContain(`sha-${second.slice(0, 12)}`);
  });

  test('running it again converges', async () => {
    expect((await build()).outputs).toMatchObject({ outcome: 'unchanged', digest });
  });

  test('the platform that the machine has counts, whether it is named or not', async () => {
    const own = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;
    const named = await build({ platforms: own });
    expect(named.outputs).toMatchObject({ built: 'false', digest });
    const { outputs } = await build();
    expect(outputs.fingerprint).toBe(named.outputs.fingerprint);
    // What `changes` tells depends on no machine.
    expect(outputs['content-fingerprint']).not.toBe(outputs.fingerprint);
    expect(outputs['content-fingerprint']).not.toBe(named.outputs['content-fingerprint']);
  }, 60_000);

  test('changed content is another image; going back to the old content is the old image', async () => {
    commit({ 'web/file': 'two' });
    const changed = await build();
    expect(changed.outputs.built).toBe('true');
    expect(changed.outputs.digest).not.toBe(digest);
    commit({ 'web/file': 'one' });
    expect((await build()).outputs).toMatchObject({ built: 'false', digest, revision: first });
  }, 60_000);

  test('force-build makes the next generation', async () => {
    const run = await build({ 'force-build': 'true' });
    expect(run.outputs.tags?.split('\n')[0]).toMatch(/-r2$/);
    expect(run.outputs.built).toBe('true');
  }, 60_000);

  test('a file that git does not know gives the image no fingerprint tag', async () => {
    writeFileSync(join(work, 'web/untracked'), 'x');
    const run = await build({ tags: 'raw=dirty' });
    rmSync(join(work, 'web/untracked'));
    expect(run.outputs).toMatchObject({ built: 'true', tags: 'dirty' });
    expect(run.log).toContain('differs from its commit ("web/untracked")');
  }, 60_000);

  test('a pull request builds without pushing, or without a fingerprint tag', async () => {
    const event = join(work, '..', `event-${process.pid}.json`);
    writeFileSync(event, JSON.stringify({ pull_request: { number: 9 } }));
    commit({ 'web/file': 'of a pull request' });
    const pull = { GITHUB_EVENT_NAME: 'pull_request', GITHUB_EVENT_PATH: event };
    const before = (await awsImages()).length;
    expect((await build({ push: 'false' }, pull)).outputs).toMatchObject({ outcome: 'succeeded', image: '' });
    expect(await awsImages()).toHaveLength(before);
    expect((await build({ tags: 'pr' }, pull)).outputs).toMatchObject({ outcome: 'succeeded', tags: 'pr-9' });
    rmSync(event);
  }, 60_000);
});

describe('what goes wrong', () => {
  test('an immutable tag of another image is an error before anything is built', async () => {
    commit({ 'web/file': 'three' });
    expect((await build({ repository: 'fixed', tags: 'raw=v1' })).code).toBe(0);
    commit({ 'web/file': 'four' });
    const run = await build({ repository: 'fixed', tags: 'raw=v1' });
    expect(run.code).toBe(1);
    expect(run.outputs.cause).toMatch(/^tag v1 of repository fixed is "sha256:.*the repository's tags cannot move/);
    expect(run.log).not.toContain('Step 1');
  }, 60_000);

  test('a Dockerfile that fails is told with its last lines, and no tag is left', async () => {
    const before = (await awsImages()).length;
    commit({ 'web/Dockerfile': 'FROM scratch\nCOPY not-there /\n' });
    const run = await build();
    expect(run.code).toBe(1);
    expect(run.outputs.cause).toMatch(/did not build[\s\S]*not-there/);
    expect(await awsImages()).toHaveLength(before);
    commit({ 'web/Dockerfile': 'FROM scratch\nCOPY . /\nCMD ["/x"]\n' });
  }, 60_000);

  test.each([
    ['a repository that is missing', { repository: 'nope' }, /ECR repository nope: it does not exist/],
    ['no repository', { repository: '' }, /input 'repository': it is empty/],
    ['a context that is no folder', { context: 'nowhere' }, /folder 'nowhere'/],
    ['a Dockerfile that is missing', { dockerfile: 'web/Other' }, /Dockerfile is "web\/Other"/],
    ['the commit id as an argument', { 'build-args': 'GIT_SHA=HEAD' }, /every commit would build a new image/],
    ['a region that is none', { region: 'eu-centrl' }, /no AWS region is named like this/],
  ])('%s', async (_, inputs, message) => {
    const given = Object.fromEntries(
      Object.entries(inputs).map(([k, value]) => [k, value.replace('HEAD', git('rev-parse', 'HEAD'))]),
    );
    const run = await build(given);
    expect(run.code).toBe(1);
    expect(run.outputs.cause).toMatch(message);
    expect(run.log).not.toMatch(/^\s+at /m);
  });

  test('a repository is created when asked, immutable but for the tags that move', async () => {
    expect((await build({ repository: 'made', 'create-repository': 'true' })).outputs).toMatchObject({
      outcome: 'succeeded',
    });
    expect(await awsImages('made')).toHaveLength(1);
  }, 60_000);

  test('no password is on any command line, in the log or in the user’s docker configuration', async () => {
    commit({ 'web/Dockerfile': 'FROM scratch\nCOPY . /\nCMD ["/y"]\n' });
    const run = await build({}, { RUNNER_DEBUG: '1' });
    const masked = [...run.log.matchAll(/^::add-mask::(.+)$/gm)].map((m) => m[1] ?? '');
    expect(masked.length).toBeGreaterThanOrEqual(2);
    const shown = run.log.replace(/^::add-mask::.*$/gm, '');
    expect(shown).toContain('$ "docker"');
    for (const secret of masked) expect(shown).not.toContain(secret);
  }, 60_000);
});
