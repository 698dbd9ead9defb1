import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { FaultSpec } from '../../local/faults.ts';
import { type Local, startLocal } from '../../local/start.ts';
import type { ActionRun } from '../support/action.ts';
import { type BuildKit, startBuildKit } from '../support/buildkit.ts';
import { type Checkout, makeCheckout } from '../support/checkout.ts';
import { pushScript } from '../support/image.ts';
import { registryWriter } from '../support/registry.ts';
import { watch } from '../support/watched.ts';

// What goes wrong on the way to the registry, with either builder: the right end, and nothing half-tagged.
let local: Local;
let buildkit: BuildKit;
let work: Checkout;
let base: string;
let n = 0;

beforeAll(async () => {
  local = await startLocal({ world: { repositories: ['web', 'base', { name: 'fixed', tagMutability: 'IMMUTABLE' }] } });
  [buildkit, base] = await Promise.all([startBuildKit(), pushScript(local, 'base:1', 'exit 0')]);
  work = makeCheckout(local.env());
}, 90_000);
afterAll(async () => {
  work?.remove();
  await buildkit?.stop();
  await local?.stop();
  if (local) removeImages(`${local.endpoints.registry}/*`);
}, 30_000);
afterEach(() => local.faults.clear());

function removeImages(pattern: string): void {
  const docker = (...args: string[]) => execFileSync('docker', args, { encoding: 'utf8', stdio: 'pipe' });
  const ids = docker('images', '--quiet', '--filter', `reference=${pattern}`).split('\n').filter(Boolean);
  if (ids.length > 0) docker('rmi', '--force', ...new Set(ids));
}

/** A content that was never built: its RUN leaves a mark in the log each time it runs. */
function newContent(command = 'echo built-once'): void {
  const shell = '["/bin/busybox", "sh", "-c"]';
  const dockerfile = `FROM ${base.split('@')[0]}:1\nSHELL ${shell}\nCOPY file /\nRUN ${command}\n`;
  work.commit({ 'web/Dockerfile': dockerfile, 'web/file': String(++n) });
}

const images = (repository = 'web') => Object.fromEntries(local.registry.repositories.get(repository)?.tags ?? []);
/** Containers of a builder whose command has this word in it. */
const leftBehind = (word: string) =>
  execFileSync('docker', ['ps', '--all', '--no-trunc', '--format', '{{.Command}}'], { encoding: 'utf8' })
    .split('\n')
    .filter((command) => command.includes(word));
/** Counts what the registry is asked, without changing anything. */
function counted(operation: string): () => number {
  const id = local.faults.add({ service: 'registry', operation, match: { repository: 'web' }, effect: { delayMs: 0 } });
  return () => local.faults.list().find((fault) => fault.id === id)?.struck ?? -1;
}

describe.each(['the classic builder', 'buildx'] as const)('%s', (builder) => {
  const build = (inputs: Record<string, string> = {}, options: Parameters<Checkout['run']>[2] = {}) =>
    work.run(
      'ecr-build-push',
      { repository: 'web', context: 'web', ...inputs },
      { ...options, env: { ...(builder === 'buildx' ? buildkit.env : {}), ...options.env } },
    );
  /** RUN lines that were carried out, as either builder shows their output. */
  const timesBuilt = (log: string) => log.match(/^(?:#\d+ [\d.]+ )?built-once$/gm)?.length ?? 0;
  const registry = (operation: string, effect: FaultSpec['effect'], times?: number) =>
    local.faults.add({
      service: 'registry',
      operation,
      match: { repository: 'web' },
      effect,
      ...(times !== undefined && { times }),
    });

  test.each<[string, string, FaultSpec['effect'], number]>([
    ['a registry that fails once', 'PUT manifests', { status: 500 }, 1],
    ['connections that are cut', 'POST uploads', { cut: 'before' }, 1],
    [
      'a registry that is asked too often for what was pushed',
      'GET manifests',
      { error: 'TOOMANYREQUESTS', message: 'Rate exceeded', httpStatus: 429 },
      1,
    ],
    [
      'a login that expires',
      'PUT manifests',
      {
        error: 'DENIED',
        message: 'Your authorization token has expired. Reauthenticate and try again.',
        httpStatus: 403,
      },
      1,
    ],
  ])(
    '%s: pushed after all, and built once',
    async (_, operation, effect, times) => {
      newContent();
      registry(operation, effect, times);
      const run = await build();
      expect([run.code, run.outputs.cause]).toEqual([0, '']);
      expect(timesBuilt(run.log)).toBe(1);
      expect(images()[run.outputs.tags?.split('\n')[0] ?? '']).toBe(run.outputs.digest);
    },
    90_000,
  );

  test('a registry that fails where the builder does not try again: the push alone is repeated', async () => {
    newContent();
    // BuildKit repeats what answers 5xx or 429 by itself.
    registry('PUT manifests', { error: 'UNKNOWN', message: 'come back later' }, 2);
    const run = await build();
    expect([run.code, run.outputs.cause]).toEqual([0, '']);
    expect(run.log).toContain('the image is built, so only the push is tried again');
    expect(timesBuilt(run.log)).toBe(1);
  }, 180_000);

  test.each<[string, FaultSpec['effect'], RegExp]>([
    [
      'a tag that another run has taken meanwhile',
      {
        error: 'TAG_INVALID',
        message: "The image tag 'x' already exists and cannot be overwritten because the tag is immutable.",
      },
      /was built, but the push failed[\s\S]*immutable[\s\S]*Choose a tag/,
    ],
    [
      'a role that may not push',
      { denied: true },
      /was built, but the push failed[\s\S]*role may push: ecr:Init\S+ .*PutImage/,
    ],
    [
      'a repository that is gone',
      {
        error: 'NAME_UNKNOWN',
        message: "The repository with name 'web' does not exist in the registry",
        httpStatus: 404,
      },
      /was built, but the push failed/,
    ],
  ])(
    '%s is told at once, and leaves no tag',
    async (_, effect, message) => {
      newContent();
      const before = images();
      registry('PUT manifests', effect);
      const run = await build();
      expect(run.code).toBe(1);
      expect(run.outputs.cause).toMatch(message);
      expect(run.log).not.toContain('tried again');
      expect(images()).toEqual(before);
    },
    60_000,
  );

  test('of two that build the same content at once where tags cannot move, the second takes the image of the first', async () => {
    // Both have looked for the content before either has it. The labels make the two images differ with every builder.
    newContent('echo built-once; /bin/busybox sleep 8');
    const legs = ['one', 'two'].map((leg) =>
      build({ repository: 'fixed', labels: `leg=${leg}`, tags: `sha\nraw=${leg}-${n}` }),
    );
    const runs = await Promise.all(legs);
    expect(runs.map((run) => [run.code, run.outputs.cause === '' || run.outputs.cause])).toEqual(
      expect.arrayContaining([
        [0, true],
        [0, expect.stringMatching(/^another run built the same content meanwhile, as fp-\w+-r1$/)],
      ]),
    );
    for (const run of runs) expect(run.log).toContain('Building: this content was not built before');
    const built = runs.find((run) => run.outputs.built === 'true');
    const digest = built?.outputs.digest;
    expect(runs.map(({ outputs }) => outputs.digest)).toEqual([digest, digest]);
    expect(runs.map(({ outputs }) => outputs.built).sort()).toEqual(['false', 'true']);
    const [fingerprint = ''] = built?.outputs.tags?.split('\n') ?? [];
    const sha = `sha-${work.git('rev-parse', 'HEAD').slice(0, 12)}`;
    expect(images('fixed')).toMatchObject({
      [fingerprint]: digest,
      [sha]: digest,
      [`one-${n}`]: digest,
      [`two-${n}`]: digest,
    });
  }, 120_000);

  /** Another run's push: of another image, under the tag that a run has just pushed and is about to look at. */
  const movedMeanwhile = async (tag: RegExp, run: () => Promise<ActionRun>) => {
    const before = new Set(Object.keys(images()));
    registry('GET manifests', { delayMs: 10_000 }, 1);
    const running = run();
    const pushed = () => Object.keys(images()).find((name) => tag.test(name) && !before.has(name));
    for (let tries = 0; pushed() === undefined && tries < 300; tries++) await sleep(100);
    const name = pushed() ?? '';
    const { digest } = await registryWriter(local.registry, 'web').image({ tag: name });
    return { run: await running, name, digest };
  };

  test('where tags can move, the one whose tag went to the other takes that image', async () => {
    newContent();
    const { run, name, digest } = await movedMeanwhile(/^fp-/, () => build({ tags: `raw=mine-${n}` }));
    expect([run.code, run.outputs.built, run.outputs.digest]).toEqual([0, 'false', digest]);
    expect(run.outputs.cause).toBe(`another run built the same content meanwhile, as ${name}`);
    expect(run.outputs.tags).toBe(`${name}\nmine-${n}`);
    expect(images()).toMatchObject({ [name]: digest, [`mine-${n}`]: digest });
  }, 120_000);

  test('a tag that stands for no content and is moved on meanwhile: the run ends with its own image', async () => {
    newContent();
    writeFileSync(join(work.folder, 'web/untracked'), '');
    try {
      const tags = `raw=moving-${n}\nraw=mine-${n}`;
      const { run, name, digest } = await movedMeanwhile(/^moving-/, () => build({ tags }));
      expect([run.code, run.outputs.built, run.outputs.tags]).toEqual([0, 'true', `mine-${n}`]);
      expect(run.log).toContain(`Another run has moved tag ${name} to ${digest}`);
      expect(images()).toMatchObject({ [name]: digest, [`mine-${n}`]: run.outputs.digest });
      expect(run.outputs.digest).not.toBe(digest);
    } finally {
      rmSync(join(work.folder, 'web/untracked'));
    }
  }, 120_000);

  test('a disk that is full is named', async () => {
    newContent(`/bin/busybox dd if=/dev/zero of=/dev/shm/full-${process.pid} bs=1M count=200`);
    const before = images();
    const run = await build();
    expect(run.outputs.cause).toMatch(/did not build[\s\S]*No space left[\s\S]*Free disk space on the runner/);
    expect(images()).toEqual(before);
    expect(leftBehind(`full-${process.pid}`)).toEqual([]);
  }, 60_000);

  test('a cancelled build ends, with what it ran, and leaves no tag', async () => {
    const seconds = `${7_000_000 + process.pid}`;
    newContent(`echo going; /bin/busybox sleep ${seconds}`);
    const before = images();
    const run = await build({}, { interruptOn: /^(?:#\d+ [\d.]+ )?going$/m });
    expect(run.outputs).toMatchObject({ outcome: 'stopped' });
    expect(images()).toEqual(before);
    const runs = () =>
      readdirSync('/proc').some((pid) => {
        try {
          return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(seconds);
        } catch {
          return false;
        }
      });
    for (let tries = 0; runs() && tries < 100; tries++) await sleep(200);
    expect(runs()).toBe(false);
    for (let tries = 0; leftBehind(seconds).length > 0 && tries < 100; tries++) await sleep(200);
    expect(leftBehind(seconds)).toEqual([]);
  }, 90_000);

  test('a tag that is added moves no layer through the runner', async () => {
    newContent();
    expect((await build()).outputs.built).toBe('true');
    work.commit({ elsewhere: String(n) });
    const [uploads, manifests, layers] = ['POST uploads', 'PUT manifests', 'GET blobs'].map(counted);
    const run = await build({ tags: 'sha\nraw=again' });
    expect(run.outputs).toMatchObject({ built: 'false', tags: expect.stringContaining('again') });
    expect([uploads?.(), manifests?.()]).toEqual([0, 0]);
    // The one blob is the image's configuration, for its labels.
    expect(layers?.()).toBe(1);
  }, 60_000);

  test('no password and no build secret is in the arguments or the environment of any process', async () => {
    const programs = ['docker', 'git', 'hadolint', ...(builder === 'buildx' ? ['docker-buildx'] : [])];
    const watched = watch(programs);
    const secret = { value: 'hunter2-value', variable: 'hunter2-variable', file: 'hunter2-file' };
    const plugins = join(buildkit.folder, 'cli-plugins');
    try {
      if (builder === 'buildx') {
        rmSync(plugins, { recursive: true });
        mkdirSync(plugins);
        symlinkSync(join(watched.folder, 'docker-buildx'), join(plugins, 'docker-buildx'));
        work.commit({ key: secret.file });
        newContent();
        const mounts = ['one', 'two', 'three'].map((id) => `--mount=type=secret,id=${id}`).join(' ');
        work.commit({
          'web/Dockerfile': readFileSync(join(work.folder, 'web/Dockerfile'), 'utf8').replace('RUN ', `RUN ${mounts} `),
        });
      } else newContent();
      const inputs = { secrets: `one=${secret.value}`, 'secret-envs': 'two=SECRET', 'secret-files': 'three=key' };
      const run = await build(builder === 'buildx' ? inputs : {}, {
        env: { PATH: watched.path, SECRET: secret.variable, RUNNER_DEBUG: '1' },
      });
      expect([run.code, run.outputs.built]).toEqual([0, 'true']);
      const started = watched.started();
      expect(new Set(started.map(({ argv }) => argv[0]?.split('/').at(-1)))).toEqual(new Set(programs));
      const masked = [...run.log.matchAll(/^::add-mask::(.+)$/gm)].map((m) => m[1] ?? '');
      expect(masked.length).toBeGreaterThanOrEqual(builder === 'buildx' ? 5 : 2);
      const hidden = [...masked, ...(builder === 'buildx' ? Object.values(secret) : [])];
      const seen = started.flatMap(({ argv, env }) => [...argv, ...env]).join('\n');
      const printed = `${run.log.replace(/^::add-mask::.*$/gm, '')}${run.summary}${JSON.stringify(run.outputs)}`;
      for (const text of hidden)
        expect([text, seen.includes(text), printed.includes(text)]).toEqual([text, false, false]);
    } finally {
      watched.remove();
      if (builder === 'buildx') {
        writeFileSync(join(work.folder, 'key'), '');
        rmSync(plugins, { recursive: true });
      }
    }
  }, 60_000);
});
