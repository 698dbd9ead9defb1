import type { IncomingMessage, RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Authority, makeCertificate } from '../../../test/support/certificate.ts';
import { named } from '../../../test/support/named.ts';
import { Servers } from './servers.ts';
import { verify } from './verify.ts';

// Real servers that go wrong in the ways that servers and networks do.
const servers = new Servers();
afterEach(() => servers.close());

let authority: Authority;
beforeAll(() => {
  authority = makeCertificate({ name: 'Test CA', authority: true });
});
const leaf = (over = {}) => makeCertificate({ name: 'www.test', address: '127.0.0.1', issuer: authority, ...over });
/** The action with the authority trusted, and www.test found at the server. */
const trusting = (port: number, given: Record<string, string> = {}) =>
  verify(
    { url: `https://www.test:${port}/`, resolve: 'www.test=127.0.0.1', 'ca-file': 'ca.pem', ...given },
    { readText: async () => authority.cert },
  );
const ok: RequestListener = (_, response) => void response.end('{"status":"ok"}');
const never = () => undefined;
const health = async (listener: RequestListener) => `http://127.0.0.1:${(await servers.http(listener)).port}/health`;

describe('TLS', () => {
  test('a certificate of an authority that `ca-file` names, for the name that was asked for', async () => {
    const { port } = await servers.http(ok, leaf());
    const end = await trusting(port, {
      expect: 'tls: { valid-for: 12h, issuer: { contains: Test CA }, names: [www.test] }',
    });
    expect(end.outcome).toEqual({ status: 'succeeded', cause: '' });
    expect(end.summary).toMatch(/TLS [\d.]+ ms/);
  });

  test.each(
    named<[what: string, cause: RegExp, certificate: object]>([
      ['that has expired', /certificate has expired/, { notAfter: Date.now() - 60_000 }],
      ['of another name', /www\.test\. is not in the cert's altnames/, { name: 'other.test' }],
      ['of an unknown authority', /self-signed certificate/, { issuer: undefined }],
    ]),
  )('a certificate %s fails at once: no waiting mends it', async (_name, [, cause, certificate]) => {
    const { port } = await servers.http(ok, leaf(certificate));
    const end = await trusting(port);
    expect(end.outputs).toMatchObject({ reason: 'tls', attempts: '1' });
    expect(end.outcome).toMatchObject({ status: 'failed', cause: expect.stringMatching(cause) });
  });

  test('told not to fail fast, it waits for a better certificate', async () => {
    const { port } = await servers.http(ok, leaf({ notAfter: Date.now() - 60_000 }));
    const end = await trusting(port, { 'fail-fast': 'false', attempts: '3' });
    expect([end.outcome.status, Number(end.outputs.attempts) > 1]).toEqual(['timed-out', true]);
  });

  test('a certificate that ends too soon for what is expected', async () => {
    const { port } = await servers.http(ok, leaf());
    const end = await trusting(port, { expect: 'tls: { valid-for: 14d }' });
    expect([end.outputs.reason, end.outcome.cause]).toEqual([
      'tls',
      expect.stringMatching(/the certificate ends in 2[34] hours/),
    ]);
  });

  test('a handshake that never ends, and one that is cut off', async () => {
    const mute = await servers.tcp(never);
    const slow = await trusting(mute.port, { timeouts: 'tls: 100ms', attempts: '3' });
    expect(slow.outcome.cause).toMatch(/timeout: no TLS handshake within 100 ms/);
    const rude = await servers.tcp((socket) => socket.destroy());
    const cut = await trusting(rude.port, { attempts: '3' });
    expect(cut.outcome.cause).toMatch(/tls: the connection was cut during the TLS handshake/);
  });
});

describe('ways an answer does not come', () => {
  test.each(
    named<[what: string, url: () => Promise<string> | string, given: Record<string, string>, cause: RegExp]>([
      ['nothing listens', () => 'http://127.0.0.1:9/', {}, /refused: nothing listens there \(connection refused\)$/],
      [
        'the name does not exist',
        () => 'http://nothing.invalid/',
        {},
        /^http:\/\/nothing\.invalid\/ cannot become healthy by waiting: dns: the name cannot be resolved/,
      ],
      [
        'no connection comes about',
        async () => `http://127.0.0.1:${await servers.full()}/`,
        { timeouts: 'connect: 100ms' },
        /timeout: no connection within 100 ms$/,
      ],
      [
        'it takes the connection and says nothing',
        async () => `http://127.0.0.1:${(await servers.tcp(never)).port}/`,
        { timeouts: 'first-byte: 100ms' },
        /timeout: no first byte of the answer within 100 ms$/,
      ],
      [
        'the same, with a limit for the whole alone',
        async () => `http://127.0.0.1:${(await servers.tcp(never)).port}/`,
        { 'attempt-timeout': '100ms' },
        /no (first byte of the answer within 100 ms|whole answer within 0\.1 s \(connected, and not a byte of the answer\))/,
      ],
      [
        'the body trickles',
        () => health(trickle),
        { 'attempt-timeout': '150ms' },
        /timeout: no whole answer within 0\.15 s \(the answer had begun and did not end\)$/,
      ],
      [
        'it is cut off in the body',
        () => health((_, r) => void r.writeHead(200, { 'content-length': '9' }).write('x', () => r.destroy())),
        {},
        /refused: the connection was cut before the whole answer was there$/,
      ],
      [
        'it is cut off before the head',
        () => health((request) => void request.socket.destroy()),
        {},
        /refused: the connection was cut before the whole answer/,
      ],
      [
        'it does not speak HTTP',
        async () => `http://127.0.0.1:${(await servers.tcp((s) => void s.end('220 mail ready\r\n'))).port}/`,
        {},
        /refused: what answers does not speak HTTP/,
      ],
    ]),
  )('%s', async (_name, [, url, given, cause]) => {
    const end = await verify({ url: await url(), attempts: '3', ...given });
    expect(end.outcome.status).not.toBe('succeeded');
    expect(end.outcome.cause).toMatch(cause);
  });

  const trickle: RequestListener = (_, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write('.'), 20);
    response.on('close', () => clearInterval(timer));
  };

  test('an endless body is read as far as a health answer may be long', async () => {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const url = await health((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.writeHead(200).on('drain', more);
      more();
    });
    expect((await verify({ url })).outcome.status).toBe('succeeded');
    const end = await verify({ url, expect: 'json: { status: ok }', attempts: '3' });
    expect(end.outcome.cause).toMatch(/the body is not JSON: \(only its beginning was read\) "xxx/);
  });
});

describe('requests', () => {
  const seen: (IncomingMessage & { body?: string })[] = [];
  const recording: RequestListener = (request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      seen.push(Object.assign(request, { body }));
      response.end('ok');
    });
  };

  test('method, headers and body as given; a body alone makes it a POST', async () => {
    const url = await health(recording);
    await verify({ url, headers: 'X-Api-Key: k3y-of-mine\nhost: other.test', body: '{"ping":1}', successes: '1' });
    const { method, headers, body } = seen.pop() ?? {};
    expect([method, body]).toEqual(['POST', '{"ping":1}']);
    expect(headers).toMatchObject({
      'x-api-key': 'k3y-of-mine',
      host: 'other.test',
      'content-length': '10',
      connection: 'close',
    });
    await verify({ url, method: 'head', successes: '1' });
    expect(seen.pop()?.method).toBe('HEAD');
  });

  test('several addresses at once, each with its own expectation', async () => {
    const [a, b] = [
      await health((_, r) => void r.writeHead(204).end()),
      await health((_, r) => void r.writeHead(404).end('gone')),
    ];
    const endpoints = JSON.stringify([
      { url: a, name: 'api' },
      { url: b, name: 'gone', expect: { status: 404, body: 'gone' } },
    ]);
    const end = await verify({ endpoints });
    expect(end.outcome.status).toBe('succeeded');
    expect(Object.keys(JSON.parse(end.outputs.identity ?? ''))).toEqual(['api', 'gone']);
    const bad = await verify({ endpoints, expect: 'json: { status: ok }', attempts: '3' });
    expect(bad.outcome.cause).toMatch(
      /^api was not healthy within 1 min 00 s: assert: the body is not JSON.* \(and 1 more\)$/,
    );
  });

  test('beside an HTTP endpoint a port is only asked what it can answer', async () => {
    const { port } = await servers.tcp(never);
    const endpoints = JSON.stringify([{ url: `tcp://127.0.0.1:${port}` }, { url: await health(ok) }]);
    const end = await verify({ endpoints, expect: 'json: { status: ok }' });
    expect(end.outcome.status).toBe('succeeded');
  });

  test('a credential is masked, and not shown where the answer repeats it', async () => {
    const url = `${await health((request, r) => void r.writeHead(500).end(`you sent ${request.headers.authorization} to ${request.url}`))}?token=qu3ry-secret`;
    const end = await verify({ url, headers: 'Authorization: Bearer s3cret-value', attempts: '3' });
    expect(end.masked).toEqual(expect.arrayContaining(['Bearer s3cret-value', 's3cret-value', 'qu3ry-secret']));
    const all = JSON.stringify([end.outcome, end.outputs, end.summary, end.log]);
    expect(all).not.toMatch(/s3cret-value|qu3ry-secret/);
    expect(all).toContain('you sent ***');
  });
});

describe('redirects', () => {
  test('in a circle', async () => {
    const url = await health(
      (request, r) => void r.writeHead(302, { location: request.url === '/health' ? '/login' : '/health' }).end(),
    );
    const end = await verify({ url, redirects: 'follow', attempts: '3' });
    expect([end.outputs.reason, end.outcome.cause]).toEqual([
      'status',
      expect.stringMatching(/redirects go in a circle: http:\S+\/health → http:\S+\/login → http:\S+\/health$/),
    ]);
  });

  test('without end', async () => {
    const url = await health((request, r) => void r.writeHead(302, { location: `${request.url}x` }).end());
    const end = await verify({ url, redirects: 'follow', attempts: '3' });
    expect(end.outcome.cause).toMatch(/status: it redirects more than 10 times$/);
  });

  test('to another origin, where no credential follows; the final address is judged', async () => {
    const headers: unknown[] = [];
    const there = await health((request, r) => {
      headers.push(request.headers.authorization, request.headers['x-api-key']);
      r.end('landed');
    });
    const url = await health((_, r) => void r.writeHead(302, { location: there }).end());
    const given = { url, headers: 'Authorization: Bearer s3cret\nX-Api-Key: k3y', redirects: 'follow', successes: '1' };
    const end = await verify({ ...given, expect: `{ body: landed, url: "${there}" }` });
    expect([end.outcome.status, headers]).toEqual(['succeeded', [undefined, undefined]]);
    const stays = await verify({ ...given, redirects: 'same-origin', attempts: '3' });
    expect(stays.outcome.cause).toContain(`it answered 302 to ${there}`);
  });
});

describe('where it goes', () => {
  test('`resolve` leads a name to an address and a port, and the name stays what is asked for', async () => {
    const hosts: unknown[] = [];
    const { port } = await servers.http((request, r) => {
      hosts.push(request.headers.host);
      r.end();
    });
    const end = await verify({
      url: 'http://www.sample.test/',
      resolve: `www.sample.test:80=127.0.0.1:${port}`,
      successes: '1',
    });
    expect([end.outcome.status, hosts]).toEqual(['succeeded', ['www.sample.test']]);
  });

  test('both IP versions: each has to pass', async () => {
    const { port } = await servers.http(ok, undefined, '127.0.0.1');
    const end = await verify({ url: `http://localhost:${port}/`, 'ip-version': 'both', attempts: '3' });
    expect(end.outcome.cause).toMatch(
      /^http:\/\/localhost:\d+\/ \(IPv6\) (was not healthy within 1 min 00 s: refused: nothing listens|cannot become healthy by waiting: dns: localhost has no IPv6)/,
    );
    expect((await verify({ url: `http://localhost:${port}/`, 'ip-version': '4' })).outcome.status).toBe('succeeded');
    const wrong = await verify({ url: 'http://127.0.0.1/', 'ip-version': '6' });
    expect(wrong.outcome.cause).toMatch(/127\.0\.0\.1 is no IPv6 address/);
  });

  /** A proxy that does what proxies do, and writes down what it was asked. */
  async function proxy(asked: string[], target: number) {
    const server = await servers.http((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
      response.end('by proxy');
    });
    const tunnel = await servers.tcp((socket) => {
      socket.once('data', (data) => {
        const [line = ''] = data.toString().split('\r\n');
        asked.push(line);
        if (line.startsWith('CONNECT denied')) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
        const up: Socket = connect(target, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
        up.on('error', never).pipe(socket).pipe(up);
      });
    });
    return { HTTP_PROXY: `http://user:pass@127.0.0.1:${server.port}`, HTTPS_PROXY: `http://127.0.0.1:${tunnel.port}` };
  }

  test('through the proxies of the environment: plain HTTP by its whole address, HTTPS by a tunnel', async () => {
    const asked: string[] = [];
    const { port } = await servers.http(ok, leaf());
    const env = await proxy(asked, port);
    const ca = { 'ca-file': 'ca.pem', successes: '1' };
    const readText = async () => authority.cert;
    const plain = await verify({ url: 'http://www.test/health', expect: 'body: by proxy', ...ca }, { env, readText });
    const secure = await verify({ url: 'https://www.test/health', expect: 'body: ok', ...ca }, { env, readText });
    expect([plain.outcome, secure.outcome]).toEqual([
      { status: 'succeeded', cause: '' },
      { status: 'succeeded', cause: '' },
    ]);
    expect(asked).toEqual(['GET http://www.test/health Basic dXNlcjpwYXNz', 'CONNECT www.test:443 HTTP/1.1']);
    const denied = await verify({ url: 'https://denied.test/', attempts: '3' }, { env });
    expect(denied.outcome.cause).toMatch(/refused: the proxy 127\.0\.0\.1:\d+ answered 403 and opened no way through/);
  });
});

describe('TCP', () => {
  test('an open port, and a greeting', async () => {
    const { port } = await servers.tcp(
      (socket) => void socket.write('220 mail rea', () => setTimeout(() => socket.write('dy\r\n'), 20)),
    );
    const url = `tcp://127.0.0.1:${port}`;
    expect((await verify({ url })).outcome.status).toBe('succeeded');
    expect((await verify({ url, expect: 'body: "^220 .* ready"' })).outcome.status).toBe('succeeded');
    const wrong = await verify({ url, expect: 'body: "^554"', 'attempt-timeout': '1s', attempts: '1' });
    expect(wrong.outcome.cause).toMatch(/assert: body is "220 mail ready.*, expected a match of \/\^554\//);
  });

  test('something is sent and answered, over TLS too', async () => {
    const { port } = await servers.tls((socket) => void socket.on('data', (data) => socket.write(`+${data}`)), leaf());
    const end = await trusting(port, {
      url: `tls://www.test:${port}`,
      body: 'PING',
      expect: '{ body: "^\\\\+PING", tls: { valid-for: 1h } }',
    });
    expect(end.outcome).toEqual({ status: 'succeeded', cause: '' });
  });

  test('a port that is closed, and one that stays silent', async () => {
    expect((await verify({ url: 'tcp://127.0.0.1:9', attempts: '3' })).outputs.reason).toBe('refused');
    const { port } = await servers.tcp(never);
    const silent = await verify({
      url: `tcp://127.0.0.1:${port}`,
      expect: 'body: x',
      timeouts: 'first-byte: 50ms',
      attempts: '3',
    });
    expect(silent.outcome.cause).toMatch(/timeout: no first byte within 50 ms/);
  });
});

test.each(
  named<[what: string, given: Record<string, string>, message: RegExp]>([
    ['no port', { url: 'tcp://db.internal' }, /it has no port/],
    ['no such protocol', { url: 'ftp://x/' }, /not an http, https, tcp or tls address/],
    ['a status of TCP', { url: 'tcp://x:1', expect: 'status: 200' }, /input 'expect', status: tcp:\/\/ has none/],
    [
      'a broken expression',
      { url: 'http://x/', expect: 'body: "("' },
      /input 'expect', body is "\(": it is not a regular expression/,
    ],
    ['a broken path', { url: 'http://x/', expect: 'json: { "a..b": 1 }' }, /it is not a path into JSON/],
    [
      'an operator that does not exist',
      { url: 'http://x/', expect: 'json: { a: { greater: 1 } }' },
      /json\.a: it is neither a value nor a map of operators/,
    ],
    ['a header that cannot be sent', { url: 'http://x/', headers: '"a b": c' }, /it is not a header that can be sent/],
    ['an address that is none', { url: 'http://x/', resolve: 'x=y' }, /it does not lead from a host to IP addresses/],
    [
      'a reference',
      { url: 'http://x/', headers: 'authorization: "Bearer ${ssm:/probe/token}"' },
      /input 'headers', authorization is "\$\{ssm:\/probe\/token\}": it is a reference/,
    ],
    [
      'no such file',
      { url: 'http://x/', 'ca-file': 'missing.pem' },
      /input 'ca-file' is "missing\.pem": it cannot be read/,
    ],
    ['a baseline of nothing', { url: 'http://x/', baseline: 'missing.json' }, /neither a baseline/],
    [
      'a baseline and no soak',
      { url: 'http://x/', baseline: '{"version":1,"at":"x","connections":"new","endpoints":{}}' },
      /no soak is asked for/,
    ],
    [
      'a baseline measured in another way',
      {
        url: 'http://x/',
        soak: '{ duration: 1s }',
        baseline: '{"version":1,"at":"x","connections":"new","endpoints":{"http://x/":{"samples":1,"failed":0}}}',
      },
      /its latency cannot be compared/,
    ],
    ['a rate that is a load test', { url: 'http://x/', soak: '{ duration: 1m, rate: 5000 }' }, /rate: it is above 500/],
    [
      'no load balancer',
      { url: 'http://x/', 'load-balancer': '{ name: web }' },
      /it is not an Application Load Balancer/,
    ],
  ]),
)('refused before anything is probed: %s', async (_name, [, given, message]) => {
  await expect(verify(given)).rejects.toThrow(message);
});
