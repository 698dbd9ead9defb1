import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { systemClock } from '../../lib/clock.ts';
import { readInputs } from '../../lib/inputs.ts';
import { recordingLog } from '../../lib/log.ts';
import { fields } from './inputs.ts';
import { networkProbers } from './probe.ts';
import { run } from './run.ts';

const servers: { close(): unknown }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener).listen(0, '127.0.0.1');
  servers.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`;
}

function verify(given: Record<string, string>, signal = new AbortController().signal) {
  const inputs = readInputs(
    fields,
    (name) => ({ interval: '20ms', 'max-interval': '20ms', timeout: '2s', ...given })[name] ?? '',
  );
  return run(inputs, {
    openProber: networkProbers({}),
    openMetrics: () => Promise.reject(new Error('not asked for')),
    readText: () => Promise.reject(new Error('no such file')),
    writeText: async (name) => name,
    clock: systemClock,
    random: Math.random,
    log: recordingLog(),
    signal,
  });
}

const health = (revision: string) => JSON.stringify({ status: 'ok', revision });

test('healthy once the new version has answered often enough in a row', async () => {
  let requests = 0;
  const url = await serve((_, response) => response.end(health(++requests <= 3 ? 'old' : 'new')));
  const report = await verify({ url, expect: 'json: { revision: "{revision}" }', revision: 'new', successes: '4' });
  expect(report.outcome).toEqual({ status: 'succeeded', cause: '' });
  expect(report.outputs).toMatchObject({
    attempts: '7',
    reason: '',
    identity: JSON.stringify({ [url]: { revision: 'new' } }),
  });
  expect(report.summary).toContain('version-mismatch');
});

test('the old version answering for ever is a version mismatch, not health', async () => {
  const url = await serve((_, response) => response.end(health('old')));
  const report = await verify({ url, expect: 'json: { revision: "{revision}" }', revision: 'new', timeout: '300ms' });
  expect(report.outcome.status).toBe('timed-out');
  expect(report.outcome.cause).toMatch(/another version answers: json\.revision is "old", expected "new"/);
  expect(report.outputs.reason).toBe('version-mismatch');
});

test('one failure begins the count anew, and coming and going is flapping', async () => {
  let requests = 0;
  const url = await serve((_, response) => {
    response.statusCode = ++requests % 2 === 0 ? 500 : 200;
    response.end('{}');
  });
  const report = await verify({ url, successes: '2', timeout: '400ms' });
  expect(report.outputs.reason).toBe('flapping');
  expect(report.outcome.cause).toMatch(/passed and failed again \d+ times; last status: it answered 500/);
});

test('401 ends at once: no waiting gives permission', async () => {
  const url = await serve((_, response) => {
    response.statusCode = 401;
    response.end();
  });
  const report = await verify({ url, timeout: '10s' });
  expect(report.outcome.status).toBe('failed');
  expect(report.outputs).toMatchObject({ attempts: '1', reason: 'status' });
});

test('a server that never answers is given up at the deadline', async () => {
  const server = createTcpServer(() => undefined).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const started = performance.now();
  const report = await verify({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    timeout: '600ms',
    'attempt-timeout': '200ms',
  });
  expect(report.outputs.reason).toBe('timeout');
  expect(performance.now() - started).toBeLessThan(1500);
});

test('an endless body does not hang or fill memory', async () => {
  const url = await serve((_, response) => {
    const more = () => response.writable && response.write('x'.repeat(65536), () => setImmediate(more));
    more();
  });
  const report = await verify({ url, expect: 'body: "^x+$"', successes: '1' });
  expect(report.outcome.status).toBe('succeeded');
});

test('nothing listening is refused, with the address named', async () => {
  const report = await verify({ url: 'http://127.0.0.1:9/', timeout: '200ms' });
  expect(report.outcome.cause).toMatch(
    /^http:\/\/127\.0\.0\.1:9\/ was not healthy within 200 ms: refused: nothing listens there/,
  );
});

test('every address has to be healthy', async () => {
  const good = await serve((_, response) => response.end('{}'));
  const report = await verify({ url: `${good}\nhttp://127.0.0.1:9/`, timeout: '300ms' });
  expect(report.outcome.status).toBe('timed-out');
});

test('cancellation ends the watch at once', async () => {
  const stop = new AbortController();
  const url = await serve((_, response) => {
    response.statusCode = 500;
    response.end();
  });
  setTimeout(() => stop.abort(), 100);
  await expect(verify({ url, timeout: '10s' }, stop.signal)).rejects.toMatchObject({ kind: 'cancelled' });
});

test.each([
  ['ftp://x/', /not an http, https, tcp or tls address/],
  ['http://user:secret@x/', /^input 'url' is "\(address with a password\)"/],
  ['', /it is empty, and no component gives one/],
])('the address %p is refused', async (url, message) => {
  await expect(verify({ url })).rejects.toThrow(message);
});
