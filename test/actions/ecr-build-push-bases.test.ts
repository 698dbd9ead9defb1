import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Local, startLocal } from '../../local/start.ts';
import { ensureBaseImage } from '../../scripts/base-image.ts';
import { type Checkout, makeCheckout } from '../support/checkout.ts';
import { pushScript } from '../support/image.ts';

// Base images, with the engine's classic builder: asked for without being pulled, part of the fingerprint, held to it.
const execFileAsync = promisify(execFile);
const docker = async (...args: string[]) => (await execFileAsync('docker', args)).stdout.trim();
let local: Local;
let work: Checkout;
let base: string;
/** A registry that knows one image and gives tokens for it, as Docker Hub does. */
let hub: { server: Server; host: string; asked: string[]; digest: string; down: boolean };

const build = (inputs: Record<string, string> = {}, env: Record<string, string> = {}) =>
  work.run('ecr-build-push', { repository: 'web', context: 'web', ...inputs }, { env });

async function makeHub(): Promise<typeof hub> {
  const asked: string[] = [];
  const state = { server: createServer(), host: '', asked, digest: `sha256:${'a'.repeat(64)}`, down: false };
  state.server.on('request', (request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`.trim());
    if (state.down) return response.writeHead(429).end();
    if (request.url?.startsWith('/token?')) return response.end('{"token":"t0k3n"}');
    if (request.headers.authorization !== 'Bearer t0k3n') {
      const challenge = `Bearer realm="http://${state.host}/token",service="hub",scope="repository:lib/base:pull"`;
      return response.writeHead(401, { 'www-authenticate': challenge }).end();
    }
    if (request.url !== '/v2/lib/base/manifests/1') return response.writeHead(404).end();
    return response.writeHead(200, { 'docker-content-digest': state.digest }).end();
  });
  await new Promise<void>((resolve) => state.server.listen(0, '127.0.0.1', resolve));
  state.host = `127.0.0.1:${(state.server.address() as AddressInfo).port}`;
  return state;
}

beforeAll(async () => {
  local = await startLocal({ world: { repositories: ['web', 'base'] } });
  hub = await makeHub();
  await ensureBaseImage();
  base = (await pushScript(local, 'base:1', 'exit 0')).split('@')[0] ?? '';
  work = makeCheckout(local.env());
}, 120_000);
afterAll(async () => {
  hub?.server.closeAllConnections();
  hub?.server.close();
  work?.remove();
  await local?.stop();
}, 30_000);
beforeEach(() => {
  hub.down = false;
  hub.asked.length = 0;
});

test('a base image that moved is another content; one that came back is not built again', async () => {
  work.commit({ 'web/Dockerfile': `FROM ${base}:1\nCOPY file /\n`, 'web/file': 'x' });
  const first = await build();
  expect(first.outputs).toMatchObject({ outcome: 'succeeded', built: 'true' });
  expect(first.log).toMatch(/not built before on this base image: \S+base:1 \(sha256:/);
  expect((await build()).outputs).toMatchObject({ built: 'false', fingerprint: first.outputs.fingerprint });

  const firstBase = local.registry.repositories.get('base')?.tags.get('1') ?? '';
  const old = await docker('image', 'inspect', '--format', '{{.Id}}', `${base}:1`);
  await pushScript(local, 'base:1', 'exit 1');
  const moved = await build({ refresh: 'true' });
  expect(moved.outputs).toMatchObject({ built: 'true', 'content-fingerprint': first.outputs['content-fingerprint'] });
  expect(moved.outputs.fingerprint).not.toBe(first.outputs.fingerprint);
  expect(moved.outputs.tags).toMatch(/-r1\n/);
  // Built on the new one, though the engine had the old one under that name.
  expect(await docker('image', 'inspect', '--format', '{{.Id}}', `${base}:1`)).not.toBe(old);
  local.registry.repositories.get('base')?.tags.set('1', firstBase);
  expect((await build()).outputs).toMatchObject({ built: 'false', digest: first.outputs.digest });
}, 120_000);

describe('refresh', () => {
  test('builds nothing while the image is young, and the next generation without cache when it is old', async () => {
    expect((await build({ refresh: 'true' })).outputs.built).toBe('false');
    const run = await build({ refresh: 'true', 'max-age': '0h' });
    expect(run.outputs.built).toBe('true');
    expect(run.outputs.tags).toMatch(/-r2\n/);
    expect(run.log).toMatch(/Building: the image is 0 hours old, and 0 hours are its `max-age`/);
    expect(run.log).not.toContain('Using cache');
    expect((await build()).outputs).toMatchObject({ built: 'false', digest: run.outputs.digest });
  }, 60_000);
});

describe('a registry with tokens', () => {
  test('is asked as nobody, for the manifest alone', async () => {
    work.commit({ 'web/Dockerfile': `FROM ${hub.host}/lib/base:1\nCOPY file /\n` });
    // The image itself cannot be had from there: what is looked at is the question.
    expect((await build()).code).toBe(1);
    expect(hub.asked.slice(0, 3)).toEqual([
      'HEAD /v2/lib/base/manifests/1',
      'GET /token?service=hub&scope=repository%3Alib%2Fbase%3Apull',
      'HEAD /v2/lib/base/manifests/1 Bearer t0k3n',
    ]);
  }, 60_000);

  test('that tells nothing is an error before anything is built', async () => {
    hub.down = true;
    work.commit({ 'web/Dockerfile': `FROM ${hub.host}/lib/base:1\nCOPY file /\n` });
    const run = await build();
    expect(run.code).toBe(1);
    expect(run.outputs.cause).toMatch(
      /^base image 127\S+\/lib\/base:1: its registry does not tell .*answered 429.*docker\/login-action/,
    );
    expect(run.log).not.toMatch(/Building|Step 1/);
  }, 60_000);

  test('with its digest in the Dockerfile it is not asked, and a build that pushes nothing asks nobody', async () => {
    hub.down = true;
    const image = `${hub.host}/lib/base:1@sha256:${'b'.repeat(64)}`;
    work.commit({ 'web/Dockerfile': `FROM ${image} AS other\nFROM other\n` });
    const run = await build();
    expect(run.outputs.cause).toMatch(/^image .*did not build/);
    expect((await build({ push: 'false' })).outputs.cause).toMatch(/^image .*did not build/);
    expect(hub.asked.filter((a) => a.startsWith('HEAD'))).toEqual([]);
  }, 60_000);
});

test('an image that only the engine has counts by its id there', async () => {
  const name = `slipway-test-only-here:${process.pid}`;
  await docker('tag', 'node:24-slim', name);
  try {
    work.commit({ 'web/Dockerfile': `FROM ${name}\nCOPY file /\n` });
    const first = await build();
    expect([first.code, first.log]).toEqual([0, expect.stringMatching(/engine's own image of this name is taken/)]);
    expect((await build()).outputs.built).toBe('false');
    await docker('tag', `${base}:1`, name);
    expect((await build()).outputs.built).toBe('true');
  } finally {
    await docker('rmi', '--no-prune', name);
  }
}, 120_000);
