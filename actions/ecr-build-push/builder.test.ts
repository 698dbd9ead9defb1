import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readInputs } from '../../lib/inputs.ts';
import { recordingLog } from '../../lib/log.ts';
import { processes } from '../../lib/process.ts';
import type { BuildRequest } from './build-request.ts';
import { withoutSecrets, withSecretFiles } from './build-secrets.ts';
import { type Builder, readInspect, refuseUnsupported } from './builder.ts';
import { buildxArgv, classicArgv, pinnedBases } from './builder-argv.ts';
import { builderOptions, refuseForeign } from './builder-options.ts';
import { cacheFlags } from './cache.ts';
import { type BuildInputs, fields } from './inputs.ts';
import { annotationsOf, lintDockerfile } from './lint.ts';
import { pushFailure } from './push-failure.ts';
import { fixableFindings, refreshReason } from './refresh.ts';
import type { Finding } from './scan/finding.ts';
import type { Severity } from './scan/severity.ts';

const inputs = (given: Record<string, string> = {}): BuildInputs => readInputs(fields, (name) => given[name] ?? '');
const MODERN = { kind: 'buildx', driver: 'docker-container', modern: true } as const satisfies Builder;
const OLD: Builder = { kind: 'buildx', driver: 'docker', modern: false };
const digest = (c: string) => `sha256:${c.repeat(64)}`;

const request: BuildRequest = {
  context: '-strange; $(context)',
  dockerfile: 'Docker file',
  target: '',
  platforms: [],
  buildArgs: {},
  buildContexts: {},
  options: { ...builderOptions(inputs()), cacheFrom: [], cacheTo: [] },
  secrets: {},
  labels: {},
  reference: 'host/name:tag',
  push: true,
  noCache: false,
  stageNames: [],
  baseReferences: [],
  epoch: 0,
};
const FIXED = ['--metadata-file', 'm', '--progress', 'plain', '--push', '--', '-strange; $(context)'];
const TAGGED = ['--file', 'Docker file', '--tag', 'host/name:tag'];
const buildx = (over: Partial<BuildRequest>, builder: Builder = MODERN) =>
  buildxArgv({ ...request, ...over }, builder, { push: true, metadata: 'm' });
const options = (given: Record<string, string>) => ({ ...builderOptions(inputs(given)), cacheFrom: [], cacheTo: [] });

describe('the command line of the builder', () => {
  test('values are single arguments, the context cannot be an option, secrets are files', () => {
    const argv = buildx({
      target: 'run',
      platforms: ['linux/amd64', 'linux/arm64'],
      buildArgs: { A: 'x y' },
      buildContexts: { more: 'other' },
      secrets: { token: '/tmp/a,b"c' },
    });
    expect(argv).toEqual([
      ...['docker', 'buildx', 'build', ...TAGGED, '--target', 'run', '--build-arg', 'A=x y'],
      ...['--platform', 'linux/amd64,linux/arm64', '--build-context', 'more=other'],
      ...['--secret', 'id=token,"src=/tmp/a,b""c"', ...FIXED],
    ]);
  });

  const shared = {
    'add-hosts': 'a:1.2.3.4',
    network: 'none',
    'shm-size': '1g',
    ulimit: 'nofile=1:2',
    'cgroup-parent': 'c',
  };
  const sharedFlags = [
    ...['--add-host', 'a:1.2.3.4', '--network', 'none', '--shm-size', '1g'],
    ...['--ulimit', 'nofile=1:2', '--cgroup-parent', 'c'],
  ];
  test('the classic builder takes what it can', () => {
    const r = { ...request, options: options(shared), noCache: true, platforms: ['linux/arm64'] };
    expect(classicArgv(r)).toEqual([
      ...['docker', 'build', '--force-rm', ...TAGGED, '--no-cache', ...sharedFlags],
      ...['--platform', 'linux/arm64', '--', '-strange; $(context)'],
    ]);
  });

  test.each<[Record<string, string>, string[]]>([
    [shared, sharedFlags],
    [{ pull: 'true' }, ['--pull']],
    [{ ssh: 'default\nk=/x' }, ['--ssh', 'default', '--ssh', 'k=/x']],
    [{ annotations: 'index:a=b' }, ['--annotation', 'index:a=b']],
    [{ provenance: 'mode=max', sbom: 'true' }, ['--provenance=mode=max', '--sbom=true']],
    [{ 'no-cache-filters': 'a,b' }, ['--no-cache-filter', 'a', '--no-cache-filter', 'b']],
    [{ allow: 'network.host' }, ['--allow', 'network.host']],
  ])('%j', (given, flags) => {
    expect(buildx({ options: options(given) })).toEqual(['docker', 'buildx', 'build', ...TAGGED, ...flags, ...FIXED]);
  });

  test.each<[string, Partial<BuildRequest>, string[]]>([
    ['one manifest', {}, ['org.opencontainers.image.revision=r']],
    ['an index', { platforms: ['a', 'b'] }, ['index,manifest:org.opencontainers.image.revision=r']],
    ['attestations', { options: options({ sbom: 'true' }) }, ['index,manifest:org.opencontainers.image.revision=r']],
    ['none of them', { options: options({ sbom: 'false' }) }, ['org.opencontainers.image.revision=r']],
    [
      'what is given counts',
      { options: options({ annotations: 'index:org.opencontainers.image.revision=x' }) },
      ['index:org.opencontainers.image.revision=x'],
    ],
  ])('annotations for %s', (_, over, wanted) => {
    const argv = buildx({ labels: { 'org.opencontainers.image.revision': 'r', team: 't' }, ...over });
    expect(argv.filter((_, i) => argv[i - 1] === '--annotation')).toEqual(wanted);
    expect(buildx({ labels: { 'org.opencontainers.image.revision': 'r' } }, OLD)).not.toContain('--annotation');
  });
});

describe('base images by digest', () => {
  const bases = {
    'node:24': { digest: digest('a'), from: 'registry' },
    'nginx:latest': { digest: digest('b'), from: 'registry' },
    [`pinned:1@${digest('c')}`]: { digest: digest('c'), from: 'registry' },
    'build:latest': { digest: digest('d'), from: 'registry' },
  } as const;
  test('are given as contexts, but for those that a stage has the name of', () => {
    expect(pinnedBases({ bases, stageNames: ['build'] })).toEqual({
      'node:24': `docker-image://node:24@${digest('a')}`,
      nginx: `docker-image://nginx:latest@${digest('b')}`,
    });
  });
  test.each<[string, Partial<BuildRequest>, Builder, boolean]>([
    ['all held', { bases: { 'node:24': bases['node:24'] } }, MODERN, false],
    ['one not held', { bases, stageNames: ['build'] }, MODERN, true],
    ['none can be held', { bases: { 'node:24': bases['node:24'] } }, OLD, true],
    ['one only in the engine', { bases: { ...bases, x: { digest: 'i', from: 'engine' } } }, OLD, false],
    [
      'only written ones',
      { bases: { [`pinned:1@${digest('c')}`]: { digest: digest('c'), from: 'registry' } } },
      OLD,
      false,
    ],
    ['none known', {}, OLD, false],
  ])('%s: asked for anew: %s', (_, over, builder, pull) => {
    expect(buildx(over, builder).includes('--pull')).toBe(pull);
  });
});

test.each([
  ['Driver: docker\nBuildKit version: v0.8+unknown', { driver: 'docker', modern: false }],
  ['Driver: docker\nBuildKit:  v0.23.2', { driver: 'docker', modern: true }],
  ['Driver: docker\nBuildKit version: 20.10.24', { driver: 'docker', modern: false }],
  ['Driver:        docker-container\nStatus: inactive', { driver: 'docker-container', modern: true }],
  ['Driver: remote\nBuildKit version: v0.25.2', { driver: 'remote', modern: true }],
  ['Driver: remote\nBuildKit version: v0.9.3', { driver: 'remote', modern: false }],
])('%j', (text, builder) => {
  expect(readInspect(text)).toEqual(builder);
});

describe('what is refused by name', () => {
  test.each<[string, Partial<BuildRequest>]>([
    ['platforms', { platforms: ['linux/amd64', 'linux/arm64'] }],
    ['build-contexts', { buildContexts: { a: 'b' } }],
    ['secrets', { secrets: { a: 'b' } }],
    ['ssh', { options: options({ ssh: 'default' }) }],
    ['annotations', { options: options({ annotations: 'a=b' }) }],
    ['provenance', { options: options({ provenance: 'true' }) }],
    ['sbom', { options: options({ sbom: 'true' }) }],
    ['cache', { options: { ...request.options, cacheFrom: ['type=gha'] } }],
    ['no-cache-filters', { options: options({ 'no-cache-filters': 'a' }) }],
    ['allow', { options: options({ allow: 'network.host' }) }],
    ['builder', { options: options({ builder: 'b' }) }],
  ])('by the classic builder: %s', (name, over) => {
    expect(() => refuseUnsupported({ ...request, ...over }, { kind: 'classic' })).toThrow(`input '${name}'`);
    expect(() => refuseUnsupported({ ...request, ...over }, MODERN)).not.toThrow();
  });
  test('what is off is nothing to refuse', () => {
    const off = { ...request, options: options({ provenance: 'false', sbom: 'false' }) };
    expect(() => refuseUnsupported(off, { kind: 'classic' })).not.toThrow();
  });
  test.each<[Record<string, string>, RegExp]>([
    [{ outputs: 'type=tar,dest=x' }, /input 'outputs' is "type=tar,dest=x": .*nothing else/],
    [{ context: 'https://host.test/a.git#main' }, /input 'context' is .*no folder of the checkout/],
    [{ context: '{{defaultContext}}' }, /input 'context'/],
    [{ attests: 'type=sbom' }, /input 'attests'.*`provenance` and `sbom`/],
    [{ call: 'check' }, /input 'call' is "check"/],
    [{ load: 'true' }, /input 'load'/],
    [{ tags: 'sha\nhost.test/web:1' }, /input 'tags' is "host.test\/web:1": it is an image reference/],
  ])('%j', (given, message) => {
    expect(() => refuseForeign(inputs(given))).toThrow(message);
  });
  test.each([[{ call: 'build' }], [{ load: 'true', push: 'false' }], [{ tags: 'raw=a' }]])('but not %j', (given) => {
    expect(() => refuseForeign(inputs(given))).not.toThrow();
  });
});

describe('the cache', () => {
  const base = { kind: 'none', uri: 'h/web', target: '', pullRequest: false, from: [], to: [] } as const;
  const ECR = ',mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true';
  test.each([
    [{}, [], []],
    [{ kind: 'ecr' }, ['type=registry,ref=h/web:cache'], [`type=registry,ref=h/web:cache${ECR}`]],
    [
      { kind: 'ecr', target: 'Run' },
      ['type=registry,ref=h/web:cache-run'],
      [`type=registry,ref=h/web:cache-run${ECR}`],
    ],
    [{ kind: 'ecr', pullRequest: true }, ['type=registry,ref=h/web:cache'], []],
    [{ kind: 'ecr', uri: '' }, [], []],
    [{ kind: 'gha' }, ['type=gha,scope=slipway'], ['type=gha,scope=slipway,mode=max,ignore-error=true']],
    [{ from: ['type=local,src=x'] }, ['type=local,src=x'], []],
  ] as const)('%j', (over, from, to) => {
    expect(cacheFlags({ ...base, ...over })).toEqual({ from, to });
  });
  test('with a key on the command line is refused, without the key', () => {
    const to = ['type=s3,bucket=b,secret_access_key=hunter2'];
    expect(() => cacheFlags({ ...base, to })).toThrow(/carries a key or token/);
    expect(() => cacheFlags({ ...base, to })).not.toThrow(/hunter2/);
  });
});

test.each([
  ['unexpected status from PUT request to http://x: 500 Internal Server Error', false, 'transient'],
  ['failed to push x: denied: Your authorization token has expired. Reauthenticate', false, 'expired'],
  ['failed to push x: denied: User is not authorized', false, 'denied'],
  ['failed to push x: unexpected status: 403 Forbidden', false, 'denied'],
  ["tag invalid: The image tag 'x' already exists ... because the tag is immutable", true, 'immutable'],
  ['name unknown: The repository does not exist', true, 'refused'],
  ['received unexpected HTTP status: 500', true, 'transient'],
  ['npm ERR! unauthorized', false, undefined],
  ['base:1: unexpected status from HEAD request to http://x: 401 Unauthorized', false, undefined],
] as const)('%s', (output, pushing, failure) => {
  expect(pushFailure(output, pushing)).toBe(failure);
});

describe('a refresh', () => {
  const H = 3_600_000;
  const facts = { pushedAt: 0, now: 0, maxAgeMs: 168 * H, fixable: [] };
  test.each([
    [{ now: 167 * H }, undefined],
    [{ now: 168 * H }, 'the image is 7 days old, and 7 days are its `max-age`'],
    [{ now: 30 * H, fixable: ['CVE-1', 'CVE-2'] }, 'a fixed version exists for what the scan found: CVE-1 and 1 more'],
    [{ now: 23 * H, fixable: ['CVE-1'] }, undefined],
    [{ pushedAt: undefined }, 'ECR does not tell when the image was pushed'],
  ])('%j', (over, reason) => {
    expect(refreshReason({ ...facts, ...over })).toBe(reason);
  });
  test('counts critical findings that say that a fix exists', () => {
    const finding = (id: string, severity: Severity, fixable: Finding['fixable']): Finding => ({
      ...{ id, severity, fixable, package: '', installed: '', fixedIn: '', platforms: [''] },
    });
    expect(
      fixableFindings([
        finding('fixed', 'critical', 'yes'),
        finding('fixed', 'critical', 'yes'),
        finding('unknown', 'critical', 'unknown'),
        finding('high', 'high', 'yes'),
        finding('none', 'critical', 'no'),
        finding('', 'critical', 'yes'),
      ]),
    ).toEqual(['fixed', 'a finding without a name']);
  });
  test('takes ages in hours and days', () => {
    expect(inputs({ 'max-age': '12h' })['max-age']).toBe(12 * H);
    expect(inputs()['max-age']).toBe(168 * H);
    expect(() => inputs({ 'max-age': '7' })).toThrow(/input 'max-age' is "7": it is not an age/);
  });
});

describe('build secrets', () => {
  let work: string;
  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), 'slipway-secrets-'));
    writeFileSync(join(work, 'key'), 'line one\nline two');
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));
  const run = <T>(given: Record<string, string>, f: (files: Record<string, string>) => Promise<T>) => {
    const log = recordingLog();
    const ports = { env: { TOKEN: 'of a variable' }, workspace: work, tempDir: work, log };
    return { log, end: withSecretFiles(inputs(given), ports, f) };
  };

  test('are files that only this user reads, masked, and gone afterwards, also after an error', async () => {
    const { log, end } = run(
      { secrets: 'a=of a value', 'secret-envs': 'b=TOKEN', 'secret-files': 'c=key' },
      async (files) => {
        expect(Object.values(files).map((f) => readFileSync(f, 'utf8'))).toEqual(
          expect.arrayContaining(['of a value', 'of a variable', 'line one\nline two']),
        );
        expect(statSync(files.a ?? '').mode & 0o777).toBe(0o600);
        throw new Error('the build failed');
      },
    );
    await expect(end).rejects.toThrow('the build failed');
    expect(log.masked.sort()).toEqual(['line one\nline two', 'of a value', 'of a variable']);
    expect(readdirSync(work)).toEqual(['key']);
  });

  test.each<[Record<string, string>, RegExp]>([
    [{ 'secret-envs': 'b=NOWHERE' }, /input 'secret-envs' is "b=NOWHERE": there is no such environment variable/],
    [{ 'secret-files': 'c=nowhere' }, /input 'secret-files' is "c=.*nowhere": the file cannot be read \(ENOENT\)/],
    [{ secrets: 'a=TOKEN' }, /takes values.*Write it as `secret-envs: a=TOKEN`/],
  ])('%j is refused', async (given, message) => {
    await expect(run(given, async () => undefined).end).rejects.toThrow(message);
  });

  test('a line that is no secret is not shown', () => {
    expect(() => inputs({ secrets: 'hunter2' })).toThrow(/input 'secrets': a line of it is not NAME=value/);
    expect(() => inputs({ secrets: 'hunter2' })).not.toThrow(/hunter2/);
  });

  test('children get neither the inputs nor the variables that hold them', () => {
    const env = { PATH: '/bin', INPUT_SECRETS: 'a=b', TOKEN: 'x', OTHER: 'y' };
    expect(withoutSecrets(env, { b: 'TOKEN' })).toEqual({ PATH: '/bin', OTHER: 'y' });
  });
});

describe('hadolint', () => {
  const finding = { line: 2, column: 3, level: 'error', code: 'DL1', message: 'm' };
  test('is advice on the lines of the Dockerfile', () => {
    const annotation = { title: 'DL1', message: 'm', file: 'web/Dockerfile', line: 2, column: 3 };
    expect(annotationsOf(JSON.stringify([finding, { ...finding, level: 'style' }]), 'web/Dockerfile')).toEqual([
      { level: 'warning', ...annotation },
      { level: 'notice', ...annotation },
    ]);
  });
  const work = mkdtempSync(join(tmpdir(), 'slipway-lint-'));
  afterAll(() => rmSync(work, { recursive: true, force: true }));
  const lint = (kind: 'auto' | 'hadolint', path: string) =>
    lintDockerfile(kind, 'Dockerfile', {
      processes: processes(),
      log: recordingLog(),
      env: { PATH: path },
      signal: new AbortController().signal,
      cwd: work,
    });
  test('looks at a real file', async () => {
    writeFileSync(join(work, 'Dockerfile'), 'FROM debian\n');
    expect(await lint('hadolint', process.env.PATH ?? '')).toMatchObject([
      { title: 'DL3006', level: 'warning', file: 'Dockerfile', line: 1 },
    ]);
  });
  test('is not missed, unless it was asked for', async () => {
    expect(await lint('auto', work)).toEqual([]);
    await expect(lint('hadolint', work)).rejects.toThrow(/program 'hadolint'/);
  });
  test('that breaks fails no build', async () => {
    writeFileSync(join(work, 'hadolint'), '#!/bin/sh\necho broken >&2; exit 3\n');
    chmodSync(join(work, 'hadolint'), 0o755);
    expect(await lint('auto', `${work}:/usr/bin:/bin`)).toEqual([]);
    await expect(lint('hadolint', `${work}:/usr/bin:/bin`)).rejects.toThrow(/hadolint: .*\(broken\)/);
  });
});
