import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Local, startLocal } from '../../local/start.ts';
import { type BuildKit, buildxConfig, startBuildKit } from '../support/buildkit.ts';
import { type Checkout, makeCheckout } from '../support/checkout.ts';
import { pushScript } from '../support/image.ts';

// The action with docker buildx and a BuildKit of its own, against a real registry behind ECR's own words.
const execFileAsync = promisify(execFile);
let local: Local;
let buildkit: BuildKit;
let work: Checkout;
let base: string;

const build = (inputs: Record<string, string> = {}, env: Record<string, string> = {}) =>
  work.run('ecr-build-push', { repository: 'web', context: 'web', ...inputs }, { env });

interface Index {
  mediaType: string;
  annotations?: Record<string, string>;
  manifests?: { digest: string; platform: { architecture: string }; annotations?: Record<string, string> }[];
  config?: { digest: string };
}

/** What the registry serves, byte for byte. */
async function served(reference: string, repository = 'web'): Promise<{ digest: string; content: Index }> {
  const { username, password } = local.registry.pullCredentials();
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const url = `${local.registry.url}/v2/${repository}/manifests/${reference}`;
  const bytes = Buffer.from(await (await fetch(url, { headers: { authorization, accept: '*/*' } })).arrayBuffer());
  return {
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    content: JSON.parse(bytes.toString()),
  };
}

async function config(manifest: Index): Promise<{ created: string; config: { Labels: Record<string, string> } }> {
  const { username, password } = local.registry.pullCredentials();
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const answer = await fetch(`${local.registry.url}/v2/web/blobs/${manifest.config?.digest}`, {
    headers: { authorization },
  });
  return (await answer.json()) as { created: string; config: { Labels: Record<string, string> } };
}

/** The digest that docker itself ends up with, and the image's removal. */
async function pulled(image: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-pull-'));
  try {
    const { username, password, serveraddress } = local.registry.pullCredentials();
    const auth = Buffer.from(`${username}:${password}`).toString('base64');
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths: { [serveraddress]: { auth } } }));
    const { stdout } = await execFileAsync('docker', ['--config', folder, 'pull', image]);
    return /Digest: (sha256:[0-9a-f]{64})/.exec(stdout)?.[1] ?? stdout;
  } finally {
    await execFileAsync('docker', ['rmi', '-f', image]).catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
  }
}

beforeAll(async () => {
  local = await startLocal({ world: { repositories: ['web', 'base'] } });
  [buildkit, base] = await Promise.all([startBuildKit(), pushScript(local, 'base:1', 'exit 0')]);
  work = makeCheckout({ ...local.env(), ...buildkit.env });
}, 90_000);
afterAll(async () => {
  work?.remove();
  await buildkit?.stop();
  await local?.stop();
}, 30_000);

const SCRATCH = 'FROM scratch\nCOPY file /\nCMD ["/x"]\n';

describe('the digest that is told is the one that is served and pulled', () => {
  test.each([
    ['one platform, without provenance', { provenance: 'false' }, false, 1],
    ['one platform, with provenance', { provenance: 'mode=max' }, true, 2],
    ['two platforms, without provenance', { platforms: 'linux/amd64,linux/arm64', provenance: 'false' }, true, 2],
    ['two platforms, with provenance', { platforms: 'linux/amd64,linux/arm64', provenance: 'true' }, true, 4],
  ])(
    '%s',
    async (name, inputs, index, manifests) => {
      const commit = work.commit({ 'web/Dockerfile': SCRATCH, 'web/file': name });
      const run = await build(inputs);
      expect([run.code, run.outputs.cause]).toEqual([0, '']);
      const { digest = '', image = '', tags = '' } = run.outputs;
      const { content, digest: inRegistry } = await served(tags.split('\n')[0] ?? '');
      expect(inRegistry).toBe(digest);
      expect(run.outputs['index-digest']).toBe(index ? digest : '');
      expect(content.manifests?.length ?? 1).toBe(manifests);
      expect(await pulled(image)).toBe(digest);
      expect(run.outputs.revision).toBe(commit);
      const platform = index ? (await served(content.manifests?.[0]?.digest ?? '')).content : content;
      const { created, config: inner } = await config(platform);
      const at = new Date(Number(work.git('show', '-s', '--format=%ct')) * 1000).toISOString();
      expect(new Date(created).toISOString()).toBe(at);
      const standard = {
        'org.opencontainers.image.revision': commit,
        'org.opencontainers.image.created': at,
        'org.opencontainers.image.source': expect.stringMatching(/\/acme\/sample$/),
      };
      expect(inner.Labels).toMatchObject(standard);
      expect(platform.annotations).toMatchObject(standard);
    },
    60_000,
  );

  test('the same commit built twice is the same image', async () => {
    work.commit({ 'web/Dockerfile': SCRATCH, 'web/file': 'reproducible' });
    const first = await build({ provenance: 'false' });
    const second = await build({ provenance: 'false', 'force-build': 'true' });
    expect(second.outputs).toMatchObject({ built: 'true', digest: first.outputs.digest });
    expect(second.outputs.tags).toMatch(/-r2\n/);
  }, 60_000);
});

describe('what only buildx can', () => {
  test('secrets, from values, variables and files, reach the build; further contexts and stages count', async () => {
    const dockerfile = `FROM ${base.split('@')[0]}:1 AS sh
FROM sh AS run
SHELL ["/bin/busybox", "sh", "-c"]
RUN --mount=type=secret,id=one --mount=type=secret,id=two --mount=type=secret,id=three \\
  cd /run/secrets && test "$(/bin/busybox cat one two three)" = 'of a valueof a variableof a file'
COPY --from=more more /
`;
    work.commit({ 'web/Dockerfile': dockerfile, 'other/more': 'm', key: 'of a file' });
    const inputs = {
      secrets: 'one=of a value',
      'secret-envs': 'two=SECOND',
      'secret-files': 'three=key',
      'build-contexts': 'more=other',
      target: 'run',
      cache: 'ecr',
      provenance: 'false',
    };
    const first = await build(inputs, { SECOND: 'of a variable' });
    expect([first.code, first.outputs.cause]).toEqual([0, '']);
    expect((await build(inputs, { SECOND: 'x' })).outputs.built).toBe('false');
    work.commit({ 'other/more': 'changed' });
    const changed = await build(inputs, { SECOND: 'x' });
    expect(changed.outputs.built).toBe('true');
    // The cache came from the registry or the builder: nothing ran again, since secrets are no part of it.
    expect(changed.log).toMatch(/CACHED/);
    const cache = await served('cache-run');
    expect(cache.content.mediaType).toBe('application/vnd.oci.image.manifest.v1+json');
    expect((await config((await served(first.outputs.digest ?? '')).content)).config.Labels).toMatchObject({
      'org.opencontainers.image.base.name': `${local.registry.host}/base:1`,
      'org.opencontainers.image.base.digest': base.split('@')[1],
    });
  }, 90_000);

  test('a pull request reads the cache and never writes it, and its image has no fingerprint', async () => {
    const event = join(work.folder, '..', `${process.pid}-event.json`);
    writeFileSync(event, JSON.stringify({ pull_request: { number: 9 } }));
    work.commit({ 'web/Dockerfile': SCRATCH, 'web/file': 'of a pull request' });
    const before = await served('cache-run');
    const run = await build(
      { tags: 'pr', cache: 'ecr', target: '' },
      { GITHUB_EVENT_NAME: 'pull_request', GITHUB_EVENT_PATH: event },
    );
    rmSync(event);
    expect(run.outputs).toMatchObject({ built: 'true', tags: 'pr-9' });
    expect((await served('cache')).content).not.toHaveProperty('layers');
    expect(await served('cache-run')).toEqual(before);
  }, 60_000);

  test('an SSH agent reaches the build, and is no part of the image or its content', async () => {
    const shell = 'SHELL ["/bin/busybox", "sh", "-c"]';
    const run = 'RUN --mount=type=ssh test -S "$SSH_AUTH_SOCK"';
    work.commit({ 'web/Dockerfile': `FROM ${base.split('@')[0]}:1\n${shell}\n${run}\n` });
    const agent = createServer();
    const socket = join(buildkit.folder, 'agent');
    await new Promise<void>((resolve) => agent.listen(socket, resolve));
    try {
      const built = await build({ ssh: 'default' }, { SSH_AUTH_SOCK: socket });
      expect([built.code, built.outputs.cause]).toEqual([0, '']);
    } finally {
      agent.close();
    }
    expect((await build()).outputs.built).toBe('false');
  }, 60_000);

  test('a check of two platforms is built and kept nowhere', async () => {
    work.commit({ 'web/Dockerfile': SCRATCH, 'web/file': 'checked' });
    const run = await build({ push: 'false', platforms: 'linux/amd64,linux/arm64' });
    expect(run.outputs).toMatchObject({ outcome: 'succeeded', digest: '', fingerprint: '' });
  }, 60_000);
});

test('an engine whose own BuildKit is too old to be held to a digest builds first and pushes then', async () => {
  const plain = buildxConfig();
  try {
    work.commit({ 'web/Dockerfile': `FROM ${base.split('@')[0]}:1\nCOPY file /\n`, 'web/file': 'by the engine' });
    const run = await build({}, plain.env);
    expect([run.code, run.outputs.built]).toEqual([0, 'true']);
    // A newer engine than that of the set-up does it in one go.
    if (/docker" "push/.test(run.log)) expect(run.log).toMatch(/"--pull"[^\n]*"--load"/);
    else expect(run.log).toContain('docker-image://');
    expect((await served(run.outputs.tags?.split('\n')[0] ?? '')).digest).toBe(run.outputs.digest);
    const two = await build({ platforms: 'linux/amd64,linux/arm64' }, plain.env);
    expect(two.code === 0 || /input 'platforms'.*docker\/setup-buildx-action/.test(two.outputs.cause ?? '')).toBe(true);
  } finally {
    plain.remove();
  }
}, 90_000);
