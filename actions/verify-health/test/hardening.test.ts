import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/clock.ts';
import { named } from '../../../test/support/named.ts';
import { networkProbers } from '../probe.ts';
import { Servers } from './servers.ts';
import { verify } from './verify.ts';

// What goes wrong in ways that are easily overlooked: each of these once passed, hung, or was called something else.
const servers = new Servers();
afterEach(() => servers.close());

const health = async (listener: RequestListener) => `http://127.0.0.1:${(await servers.http(listener)).port}/health`;
const never = () => undefined;
const REVISION = 'b'.repeat(40);

describe('a name look-up', () => {
  const lookup = () => new Promise<never>(never);
  test('that is never answered ends at its deadline, and an attempt’s', async () => {
    const given = { url: 'http://www.test/', attempts: '2' };
    const over = { openProber: networkProbers({}, lookup) };
    const dns = await verify({ ...given, timeouts: 'dns: 50ms' }, over);
    expect(dns.outcome.cause).toMatch(/timeout: no answer to the name look-up within 50 ms$/);
    const whole = await verify({ ...given, 'attempt-timeout': '50ms' }, over);
    expect(whole.outcome.cause).toMatch(/look-up within 50 ms|within 0\.05 s \(still looking up the name\)/);
  });

  test('that is cancelled ends at once', async () => {
    const stop = new AbortController();
    const asked = () => {
      setTimeout(() => stop.abort(), 20);
      return lookup();
    };
    const over = { openProber: networkProbers({}, asked) };
    const end = verify({ url: 'http://www.test/', timeout: '60s' }, { ...over, signal: stop.signal });
    await expect(end).rejects.toMatchObject({ kind: 'cancelled' });
  });

  test('one dead family does not make the other one late', async () => {
    const { port } = await servers.http((_, r) => void r.end('ok'));
    const addresses = [
      { address: '100::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ];
    const openProber = networkProbers({}, async () => addresses);
    const end = await verify({ url: `http://www.test:${port}/`, attempts: '3' }, { openProber });
    expect(end.outcome).toEqual({ status: 'succeeded', cause: '' });
  });

  test('of several addresses that all fail, what is said is what refused', async () => {
    const addresses = [
      { address: '100::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ];
    const openProber = networkProbers({}, async () => addresses);
    const end = await verify({ url: 'http://www.test:9/', attempts: '3' }, { openProber });
    expect(end.outcome.cause).toMatch(/refused: nothing listens there/);
  });
});

describe('kept connections', () => {
  const SOAK = { soak: '{ duration: 400ms, rate: 50, success-rate: 100 }', successes: '1' };
  /** Well the first time on each connection. */
  const thenBadly = (bad: RequestListener): RequestListener => {
    const served = new WeakSet<Socket>();
    return (request, response) => {
      if (!served.has(request.socket)) {
        served.add(request.socket);
        return void response.end('ok');
      }
      bad(request, response);
    };
  };

  test('an answer that is cut off in its body is a failure, on a kept connection too', async () => {
    const url = await health(
      thenBadly((_, r) => void r.writeHead(200, { 'content-length': '9' }).write('x', () => r.destroy())),
    );
    const end = await verify({ url, ...SOAK });
    expect(end.outcome.cause).toMatch(/the connection was cut before the whole answer was there/);
  });

  test('what never answers is not said to be looked up', async () => {
    const url = await health(thenBadly(never));
    const end = await verify({ url, ...SOAK, 'attempt-timeout': '100ms' });
    expect(end.outcome.cause).toMatch(/first byte|not a byte of the answer/);
    expect(JSON.stringify(end)).not.toContain('looking up');
  });
});

describe('what can never be sent is refused before anything is', () => {
  test.each(
    named<[what: string, given: Record<string, string>, message: RegExp]>([
      [
        'a header beyond Latin-1',
        { headers: 'x-name: "€"' },
        /input 'headers' is "x-name": it is not a header that can be sent/,
      ],
      ['a length that is not the body’s', { headers: 'content-length: "3"' }, /input 'headers' is "content-length"/],
      ['a method with a blank', { method: 'GE T' }, /input 'method' is "GE T"/],
      [
        'a token in the place of a user',
        { url: 'https://ghp_s3cret@www.test/' },
        /^(?!.*ghp_s3cret).*without credentials/,
      ],
      ['a password in no address', { url: 'https://a:s3cret@b:x/' }, /^(?!.*s3cret).*without credentials/],
      ['a port that does not exist', { resolve: 'www.test=127.0.0.1:70000' }, /input 'resolve'/],
      ['a range of statuses the wrong way round', { expect: 'status: 299-200' }, /status.*"299-200"/],
      ['what must be missing and have a value', { expect: 'json: { a: { exists: false, equals: 1 } }' }, /exists/],
      [
        'more samples than the soak has',
        { soak: '{ duration: 10s, rate: 5, min-samples: 100 }' },
        /input 'soak', min-samples is "100".*50/,
      ],
    ]),
  )('%s', async (_name, [, given, message]) => {
    const end = verify({ url: 'http://127.0.0.1:9/', attempts: '2', ...given });
    await expect(end).rejects.toThrow(message);
  });
});

describe('who answers', () => {
  const says =
    (body: unknown): RequestListener =>
    (_, r) =>
      void r.end(JSON.stringify(body));
  const given = { revision: REVISION, attempts: '3' };

  test('with [*] an item that says nothing is not the new version', async () => {
    const url = await health(says({ nodes: [{ version: REVISION }, { name: 'old' }] }));
    const end = await verify({ url, ...given, expect: 'json: { "nodes[*].version": "{revision}" }' });
    expect(end.outcome.cause).toMatch(/another version answers: json\.nodes\[\*\]\.version is missing/);
  });

  test('a longer text with the revision in it is not the revision', async () => {
    const url = await health(says({ revision: `${REVISION}d` }));
    const end = await verify({ url, ...given, expect: 'json: { revision: "{revision}" }' });
    expect(end.outputs.reason).toBe('version-mismatch');
  });

  test.each([
    ['1.2', 'Version 1.2.3', false],
    ['1.2', 'Version 11.2', false],
    ['1.2', 'Version 1.2-rc1', false],
    ['1.2', 'Version v1.2.', true],
  ])('%s is not in the middle of "%s" (%p)', async (version, body, passes) => {
    const url = await health((_, r) => void r.end(body));
    const end = await verify({ url, version, attempts: '3', expect: 'body: "{version}"' });
    expect([end.outcome.status, end.outputs.reason]).toEqual(
      passes ? ['succeeded', ''] : ['timed-out', 'version-mismatch'],
    );
  });

  test('a shortened one is not either, and the message says what to do', async () => {
    const url = await health(says({ revision: REVISION.slice(0, 7) }));
    const end = await verify({ url, ...given, expect: 'json: { revision: "{revision}" }' });
    expect(end.outcome.cause).toMatch(/is "bbbbbbb" \(only its beginning\), expected "b{40}"/);
  });

  test('the final address may tell it, too', async () => {
    const url = await health((request, r) => {
      if (request.url === '/health') r.writeHead(302, { location: `/v/${'a'.repeat(40)}` });
      r.end();
    });
    const end = await verify({ url, ...given, redirects: 'follow', expect: 'url: { contains: "/v/{revision}" }' });
    expect(end.outcome.cause).toMatch(/version-mismatch: another version answers: url is "\S+\/v\/a{40}"/);
  });

  test('a byte order mark is no part of JSON', async () => {
    const url = await health((_, r) => void r.end(`\uFEFF{"revision":"${REVISION}"}`));
    const end = await verify({ url, ...given, expect: 'json: { revision: "{revision}" }' });
    expect(end.outcome.status).toBe('succeeded');
  });

  test('instances that never tell who they are: that is what is said', async () => {
    const url = await health(says({}));
    const end = await verify({ url, ...given, instances: '{ count: 2, by: "header:x-instance" }' });
    expect(end.outcome.cause).toMatch(/no answer says which instance it is from \(header:x-instance\)/);
  });
});

test('an expression that takes for ever on what answers is given up', async () => {
  const url = await health((_, r) => void r.end(`${'a'.repeat(60)}!`));
  const end = await verify({ url, expect: 'body: "^(a+)+$"', attempts: '2' });
  expect(end.outcome.cause).toMatch(/body .*the expression takes too long/);
});

test('an address that cannot become healthy ends the waiting for the others', async () => {
  const denied = await health((_, r) => void r.writeHead(401).end());
  const sick = await health((_, r) => void r.writeHead(503).end());
  const end = await verify({ url: `${sick}\n${denied}`, timeout: '1h', interval: '10m', 'max-interval': '10m' });
  expect(end.outcome).toMatchObject({ status: 'failed', cause: expect.stringMatching(/^\S+ cannot become.*401/) });
  expect(end.outputs.reason).toBe('status');
  expect(end.summary).toContain('not waited for');
});

test('a baseline where nothing serves is measured quickly', async () => {
  const end = await verify({
    url: 'http://127.0.0.1:9/',
    operation: 'baseline',
    soak: '{ duration: 1h, rate: 20 }',
  });
  expect(end.outcome.status).toBe('succeeded');
  expect(Object.values(JSON.parse(end.outputs.baseline ?? '').endpoints)).toEqual([
    expect.objectContaining({ samples: 5, failed: 5 }),
  ]);
  expect(end.log.join('\n')).toMatch(/nothing healthy serves there yet/);
});

test('a baseline of other addresses is refused: nothing would be compared', async () => {
  const baseline = JSON.stringify({
    version: 1,
    at: 'x',
    connections: 'keep',
    endpoints: { 'http://other.test/': { samples: 9, failed: 0 } },
  });
  const end = verify({ url: 'http://127.0.0.1:9/', soak: '{ duration: 1s }', baseline, attempts: '2' });
  await expect(end).rejects.toThrow(/input 'baseline'.*http:\/\/other\.test\//);
});

test('what is long is cut where it is shown, and a credential is out of what the answer says of itself', async () => {
  const long = 'x'.repeat(100_000);
  const url = await health((request, r) => {
    r.writeHead(200, { 'x-instance': String(request.headers['x-api-key']).repeat(300) });
    r.end(JSON.stringify({ long, echo: request.headers['x-api-key'] }));
  });
  const end = await verify({
    url,
    headers: 'x-api-key: s3cret-value',
    expect: 'json: { long: { exists: true }, echo: { exists: true } }',
    instances: '{ count: 1, by: "header:x-instance" }',
  });
  expect(end.outcome.status).toBe('succeeded');
  const all = JSON.stringify([end.outputs, end.summary, end.log]);
  expect(all).not.toContain('s3cret-value');
  expect(all.length).toBeLessThan(10_000);
});

test('credentials are hidden as they are written in an address, and in where it sends on to', async () => {
  const url = await health((request, r) => {
    if (request.url?.startsWith('/next')) return void r.writeHead(500).end(`from ${request.url}`);
    r.writeHead(302, { location: `/next?X-Amz-Signature=f00ba4&token=s3%2Fcret` }).end();
  });
  const own = `${url}?token=s3%2Fcret%20x`;
  for (const redirects of ['none', 'follow']) {
    const end = await verify({ url: own, redirects, attempts: '3' });
    expect(end.outcome.status).toBe('timed-out');
    expect(JSON.stringify([end.outcome, end.outputs, end.summary, end.log])).not.toMatch(/f00ba4|s3%2Fcret|s3\/cret/);
  }
});

describe('proxies', () => {
  const through = (env: Record<string, string>, given: Record<string, string> = {}) =>
    verify({ url: 'https://www.test/', attempts: '3', ...given }, { env });

  test('one that refuses does not keep its connection', async () => {
    const open = new Set<Socket>();
    const { port } = await servers.tcp((socket) => {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
      socket.once('data', () => socket.write('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
    });
    const end = await through({ HTTPS_PROXY: `http://127.0.0.1:${port}` });
    expect(end.outcome.cause).toMatch(/refused: the proxy 127\.0\.0\.1:\d+ answered 502 and opened no way through/);
    await systemClock.sleep(50);
    expect(open.size).toBe(0);
  });

  test('one that says nothing, one that is not there, and one of another kind are each named', async () => {
    const { port } = await servers.tcp(never);
    const mute = await through({ HTTPS_PROXY: `http://127.0.0.1:${port}` }, { timeouts: 'connect: 50ms' });
    expect(mute.outcome.cause).toMatch(/timeout: the proxy 127\.0\.0\.1:\d+: no way through within 50 ms/);
    const gone = await through({ HTTPS_PROXY: 'http://127.0.0.1:9' });
    expect(gone.outcome.cause).toMatch(/refused: the proxy 127\.0\.0\.1:9: nothing listens there/);
    const socks = await through({ ALL_PROXY: 'socks5://user:s3cret@127.0.0.1:1080' });
    expect(socks.outcome.cause).toMatch(
      /cannot become.*refused: the proxy socks5:\/\/127\.0\.0\.1:1080 is not of a kind/,
    );
    expect(JSON.stringify(socks)).not.toContain('s3cret');
    const garbage = await through({ HTTPS_PROXY: 'http://[' });
    expect(garbage.outcome.cause).toMatch(/the proxy of the environment is no address/);
  });
});

test('over TCP, text that is waited for ends the attempt when it is there', async () => {
  const { port } = await servers.tcp((socket) => void socket.write('220 mail ready\r\n'));
  const end = await verify({
    url: `tcp://127.0.0.1:${port}`,
    expect: '{ body: { contains: ready }, latency: 5s }',
    'attempt-timeout': '10s',
    attempts: '2',
  });
  expect(end.outcome.status).toBe('succeeded');
});

test('a service that stops answering meets a bounded number of probes, and the rest are said not to be sent', async () => {
  const { port, connections } = await servers.tcp(never);
  let first = true;
  const url = `http://127.0.0.1:${port}/`;
  const opened = networkProbers({});
  const openProber: typeof opened = (kind) => {
    if (!first) return opened(kind);
    first = false;
    const answer = { status: 200, headers: {}, body: '', url, ms: 1 };
    return { probe: async () => ({ answer, ms: 1, timings: {} }), close: never };
  };
  const soak = '{ duration: 3s, rate: 500, success-rate: 0 }';
  const end = await verify({ url, soak, successes: '1', 'attempt-timeout': '4s' }, { openProber });
  expect(connections()).toBeLessThanOrEqual(1000);
  expect(end.summary).toMatch(/× it was not sent: 1,000 earlier ones were still without an answer/);
});
