import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type RequestListener, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../lib/clock.ts';
import { createCredentialStore, LOCAL_ACCESS_KEY_ID, LOCAL_SECRET_ACCESS_KEY } from '../../local/aws/credentials.ts';
import { createAwsEndpoint } from '../../local/aws/endpoint.ts';
import { createMonitoring } from '../../local/aws/monitoring.ts';
import { createBus } from '../../local/bus.ts';
import { createFaults } from '../../local/faults.ts';
import { createLag } from '../../local/lag.ts';
import { type ActionOptions, runAction } from '../support/action.ts';
import { type Authority, type Certificate, makeCertificate } from '../support/certificate.ts';

// The action as the runner starts it, against real servers that go wrong in the ways that servers do.
const NEW = 'b'.repeat(40);
const servers: Pick<Server, 'close' | 'closeAllConnections'>[] = [];
let folder: string;
let authority: Authority;
let trusted: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-verify-'));
  authority = makeCertificate({ name: 'Test CA', authority: true });
  trusted = join(folder, 'ca.pem');
  writeFileSync(trusted, authority.cert);
});
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function serve(handler: RequestListener, certificate?: Certificate): Promise<string> {
  const server = certificate ? createHttps({ ...certificate }, handler) : createHttp(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http${certificate ? 's' : ''}://127.0.0.1:${(server.address() as AddressInfo).port}/health`;
}

const json = (body: (n: number) => unknown): RequestListener =>
  (() => {
    let n = 0;
    return (_, response) => {
      n += 1;
      response.setHeader('content-type', 'application/json').end(JSON.stringify(body(n)));
    };
  })();

const verify = (url: string, inputs: Record<string, string> = {}, options: ActionOptions = {}) =>
  runAction('verify-health', { url, interval: '50ms', 'max-interval': '50ms', timeout: '20s', ...inputs }, options);

describe('TLS', () => {
  const healthy = json(() => ({ status: 'ok' }));
  const trust = () => ({ env: { NODE_EXTRA_CA_CERTS: trusted } });

  test('a certificate of a known authority, for this address, is fine', async () => {
    const leaf = makeCertificate({ name: 'localhost', address: '127.0.0.1', issuer: authority });
    const run = await verify(await serve(healthy, leaf), {}, trust());
    expect([run.code, run.outputs]).toEqual([0, expect.objectContaining({ outcome: 'succeeded', attempts: '3' })]);
  });

  test.each<[string, RegExp, () => Certificate]>([
    ['signed by itself', /self-signed certificate/, () => makeCertificate({ name: 'localhost', address: '127.0.0.1' })],
    [
      'of another host',
      /not in the cert's list/,
      () => makeCertificate({ name: 'elsewhere.test', address: '127.0.0.2', issuer: authority }),
    ],
    [
      'that has expired',
      /certificate has expired/,
      () => {
        const notAfter = Date.now() - 60_000;
        return makeCertificate({ name: 'localhost', address: '127.0.0.1', issuer: authority, notAfter });
      },
    ],
    [
      'of an unknown authority',
      /unable to (verify|get)/,
      () => {
        const issuer = makeCertificate({ name: 'Unknown CA', authority: true });
        return makeCertificate({ name: 'localhost', address: '127.0.0.1', issuer });
      },
    ],
  ])('a certificate %s fails at once: no waiting mends it', async (_, cause, certificate) => {
    const run = await verify(await serve(healthy, certificate()), {}, trust());
    expect(run.outputs).toMatchObject({ outcome: 'failed', reason: 'tls', attempts: '1' });
    expect(run.outputs.cause).toMatch(/cannot become healthy by waiting: tls: the (certificate|server)/);
    expect(run.outputs.cause).toMatch(cause);
    expect([run.code, run.log.match(/^::error::/gm)]).toEqual([1, ['::error::']]);
    expect(run.log).toContain('NODE_EXTRA_CA_CERTS');
  });

  test('https asked of a server that speaks http', async () => {
    const url = await serve(healthy);
    const run = await verify(url.replace('http:', 'https:'), { timeout: '1s' });
    expect(run.outputs).toMatchObject({ outcome: 'failed', reason: 'tls' });
  });
});

describe('with a config file', () => {
  const workspace = () => {
    const root = mkdtempSync(join(folder, 'workspace-'));
    return { root, env: { GITHUB_WORKSPACE: root } };
  };
  const config = (verify: object) =>
    JSON.stringify({
      version: 1,
      registry: { account: '123456789012', region: 'eu-central-1' },
      components: {
        web: {
          kind: 'service',
          image: { repository: 'web' },
          deploy: { to: 'ecs', cluster: 'c', service: 'web', 'task-definition': 'web.json' },
          verify,
        },
      },
    });

  test('a component says all of it: addresses, assertions, stability; the step says which revision', async () => {
    const url = await serve(json(() => ({ status: 'ok', revision: NEW, queue: 3 })));
    const { root, env } = workspace();
    const expected = { status: '2xx', json: { revision: '{revision}', queue: { 'at-most': 5 } } };
    const verify = {
      endpoints: [{ url, name: 'web' }],
      expect: expected,
      successes: 2,
      interval: '20ms',
      soak: { duration: '300ms', rate: 20 },
    };
    writeFileSync(join(root, 'slipway.yml'), config(verify));
    const run = await runAction('verify-health', { component: 'web', config: 'slipway.yml', revision: NEW }, { env });
    expect([run.code, run.outputs]).toEqual([0, expect.objectContaining({ attempts: '8', 'success-rate': '100' })]);
    expect(JSON.parse(run.outputs.identity ?? '')).toEqual({ web: { revision: NEW, queue: 3 } });
  });

  test('a mistake in it is named with its place, before anything is probed', async () => {
    const { root, env } = workspace();
    writeFileSync(join(root, 'slipway.yml'), config({ url: 'http://127.0.0.1:9/', expect: { body: '(' } }));
    const run = await runAction('verify-health', { component: 'web', config: 'slipway.yml' }, { env });
    expect([run.code, run.outputs.outcome]).toEqual([1, 'failed']);
    expect(run.outputs.cause).toMatch(
      /slipway\.yml:1:\d+: components\.web\.verify\.expect\.body.*it is not a regular expression/s,
    );
  });
});

test('what served before is measured in one step, and compared with in a later one', async () => {
  let ill = false;
  let n = 0;
  const url = await serve((_, response) => void response.writeHead(ill && ++n > 5 && n % 2 ? 500 : 200).end('{}'));
  const soak = '{ duration: 800ms, rate: 50, success-rate: 30 }';
  const before = await verify(url, { operation: 'baseline', soak });
  expect([before.code, before.outputs.outcome]).toEqual([0, 'succeeded']);
  const file = join(folder, 'baseline.json');
  writeFileSync(file, before.outputs.baseline ?? '');
  ill = true;
  const after = await verify(url, { baseline: file, soak });
  expect([after.code, after.outputs.reason]).toEqual([1, 'regression']);
  expect(after.log).toMatch(/::error::failed: regression: .* of 40 probes failed, 0 %25 of 40 before/);
  expect(after.summary).toContain('xychart-beta');
});

test('what the load balancer counted: the runner’s credentials are asked for, and a refusal ends it before anything is waited for', async () => {
  const url = await serve(json(() => ({})));
  const credentials = createCredentialStore({ account: '123456789012', now: Date.now });
  const faults = createFaults(1);
  const services = [createMonitoring({ clock: systemClock, lag: createLag({ mode: 'off', seed: 1 }), balancers: [] })];
  const place = { account: '123456789012', region: 'eu-central-1', clock: systemClock, bus: createBus() };
  const aws = await createAwsEndpoint({ ...place, faults, credentials, services });
  const env = {
    AWS_ENDPOINT_URL: aws.url,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: LOCAL_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY: LOCAL_SECRET_ACCESS_KEY,
  };
  const given = { 'load-balancer': '{ name: app/web/1, wait: 0s }' };
  try {
    faults.add({ service: 'monitoring', operation: 'GetMetricData', times: 1, effect: { denied: true } });
    const denied = await verify(url, given, { env });
    expect(denied.outputs).toMatchObject({
      outcome: 'denied',
      cause: expect.stringContaining('cloudwatch:GetMetricData'),
    });
  } finally {
    await aws.close();
  }
});

test('a server that listens later is waited for', async () => {
  const server = createHttp(json(() => ({})));
  servers.push(server);
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const running = verify(`http://127.0.0.1:${port}/health`);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await listen(port);
  const run = await running;
  expect(run.outputs.outcome).toBe('succeeded');
  expect(run.log).toContain('nothing listens there (connection refused)');
});

test('a server that says no is not waited for', async () => {
  const url = await serve((_, response) => void response.writeHead(401).end());
  const run = await verify(url);
  expect(run.outputs).toMatchObject({ outcome: 'failed', attempts: '1' });
  expect(run.outputs.cause).toContain('it answered 401');
});

test('cancelled: it stops at once and says so', async () => {
  const url = await serve((_, response) => void response.writeHead(503).end());
  const run = await verify(url, { timeout: '10m' }, { interruptOn: /answered 503/ });
  expect([run.code, run.outputs.outcome]).toEqual([1, 'stopped']);
  expect(run.endedInMs).toBeLessThan(5000);
});
