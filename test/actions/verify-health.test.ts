import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type RequestListener, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer as createTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type ActionOptions, runAction } from '../support/action.ts';
import { type Authority, type Certificate, makeCertificate } from '../support/certificate.ts';

// The action as the runner starts it, against real servers that go wrong in the ways that servers do.
const OLD = 'a'.repeat(40);
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

const EXPECT_NEW = { expect: 'json: { revision: "{revision}" }', revision: NEW };

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
    expect(run.outputs.cause).toMatch(/cannot become healthy by waiting: tls: the TLS connection is not trustworthy/);
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

describe('versions', () => {
  test('the old version answers for a while, then the new one does: healthy, and it says who answered', async () => {
    const url = await serve(json((n) => ({ revision: n <= 5 ? OLD : NEW })));
    const run = await verify(url, EXPECT_NEW);
    expect(run.outputs).toMatchObject({ outcome: 'succeeded', attempts: '8', reason: '' });
    expect(JSON.parse(run.outputs.identity ?? '')).toEqual({ [url]: { revision: NEW } });
    expect(run.log).toMatch(/version-mismatch: another version answers: json\.revision is "a{40}", expected "b{40}"/);
    expect(run.summary).toContain('version-mismatch');
  });

  test('the old version never goes away: timed out, and that is the reason', async () => {
    const run = await verify(await serve(json(() => ({ revision: OLD }))), { ...EXPECT_NEW, timeout: '1s' });
    expect([run.code, run.outputs]).toEqual([
      1,
      expect.objectContaining({ outcome: 'timed-out', reason: 'version-mismatch' }),
    ]);
  });

  test('two versions take turns behind one address: it never passes often enough in a row', async () => {
    const run = await verify(await serve(json((n) => ({ revision: n % 2 ? NEW : OLD }))), {
      ...EXPECT_NEW,
      timeout: '2s',
    });
    expect(run.outputs).toMatchObject({ outcome: 'timed-out', reason: 'flapping' });
    expect(run.outputs.cause).toMatch(/passed and failed again \d+ times; last version-mismatch/);
  });

  test('a good answer that comes once does not make it healthy', async () => {
    const statuses = [200, 503, 200, 503, 200, 200, 200];
    const url = await serve((_, response) => void response.writeHead(statuses.shift() ?? 200).end('x'));
    const run = await verify(url);
    expect(run.outputs).toMatchObject({ outcome: 'succeeded', attempts: '7' });
  });

  test('one of two addresses is not healthy: that one is named', async () => {
    const [good, bad] = [
      await serve(json(() => ({}))),
      await serve((_, response) => void response.writeHead(500).end()),
    ];
    const run = await verify(`${good}\n${bad}`, { timeout: '1s' });
    expect(run.outputs.cause).toContain(`${bad} was not healthy within`);
    expect(run.outputs.cause).not.toContain(good);
  });
});

describe('bodies', () => {
  test('a body that trickles is given up at attempt-timeout', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('.'), 50);
      response.on('close', () => clearInterval(timer));
    });
    const run = await verify(url, { timeout: '2s', 'attempt-timeout': '500ms' });
    expect(run.outputs).toMatchObject({ outcome: 'timed-out', reason: 'timeout' });
    expect(run.outputs.cause).toContain('no whole answer within 0.5 s');
    expect(run.ms).toBeLessThan(10_000);
  });

  test('a body without end is read as far as a health answer may be long', async () => {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const url = await serve((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.writeHead(200).on('drain', more);
      more();
    });
    const run = await verify(url);
    expect([run.code, run.outputs.outcome]).toEqual([0, 'succeeded']);
  });

  test('a server that takes connections and never answers', async () => {
    const server = createTcp((socket) => void sockets.add(socket.on('error', () => undefined)));
    const sockets = new Set<{ destroy(): void }>();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const run = await verify(url, { timeout: '1s', 'attempt-timeout': '300ms' });
    for (const socket of sockets) socket.destroy();
    server.close();
    expect(run.outputs).toMatchObject({ outcome: 'timed-out', reason: 'timeout' });
  });

  test('a redirect is an answer, not followed: what is asked is what is judged', async () => {
    const url = await serve((_, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end());
    const run = await verify(url, { timeout: '1s' });
    expect(run.outputs.cause).toContain('it answered 302 to http://127.0.0.1:1/, expected 2xx');
    expect((await verify(url, { expect: 'status: 302' })).code).toBe(0);
  });
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
