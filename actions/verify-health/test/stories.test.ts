import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { BalancerCounts } from '../balancer/metrics.ts';
import { Servers } from './servers.ts';
import { verify } from './verify.ts';

// Deployments as they go, well and badly: what a person would say of them is what the outcome has to say.
const servers = new Servers();
afterEach(() => servers.close());

const OLD = 'a'.repeat(40);
const NEW = 'b'.repeat(40);
const EXPECT_NEW = { expect: 'json: { revision: "{revision}" }', revision: NEW };
const health = async (listener: RequestListener) => `http://127.0.0.1:${(await servers.http(listener)).port}/health`;
/** Answers in turns, as behind a load balancer; the last answer stays where `stays` is set. */
const turns = (
  answers: { revision?: string; instance?: string; status?: number }[],
  stays = false,
): RequestListener => {
  let n = 0;
  return (_, response) => {
    const answer = answers[stays ? Math.min(n, answers.length - 1) : n % answers.length] ?? {};
    n++;
    response.writeHead(answer.status ?? 200, { ...(answer.instance && { 'x-instance': answer.instance }) });
    response.end(JSON.stringify({ revision: answer.revision ?? NEW, host: answer.instance }));
  };
};

describe('versions', () => {
  test('the old one answers for a while, and then the new one does', async () => {
    const url = await health(turns([{ revision: OLD }, { revision: OLD }, { revision: NEW }], true));
    const end = await verify({ url, ...EXPECT_NEW, successes: '3' });
    expect(end.outcome).toEqual({ status: 'succeeded', cause: '' });
    expect([end.outputs.attempts, end.outputs.identity]).toEqual(['5', JSON.stringify({ [url]: { revision: NEW } })]);
    expect(end.summary).toMatch(
      /<summary>Timeline<\/summary>[\s\S]*version-mismatch: another version answers[\s\S]*passes/,
    );
  });

  test('both take turns: flapping', async () => {
    const url = await health(turns([{ revision: OLD }, { revision: NEW }]));
    const end = await verify({ url, ...EXPECT_NEW, attempts: '9' });
    expect(end.outcome.cause).toMatch(
      /flapping: it passed and failed again \d+ times; last version-mismatch: another version answers/,
    );
  });

  test('nobody knows which is the new one, but it must not change', async () => {
    const url = await health(turns([{ revision: OLD }, { revision: NEW }]));
    const end = await verify({ url, expect: 'json: { revision: { stable: true } }', attempts: '9' });
    expect(end.outcome.cause).toMatch(
      /flapping: it passed and failed again \d+ times; last json\.revision changed from/,
    );
  });
});

test('401 ends at once: no waiting gives permission', async () => {
  const url = await health(turns([{ status: 401 }]));
  const end = await verify({ url });
  expect([end.outcome.status, end.outputs.attempts, end.outputs.reason]).toEqual(['failed', '1', 'status']);
  expect(end.outcome.cause).toMatch(/cannot become healthy by waiting: status: it answered 401, expected 2xx/);
});

test.each([
  ['the waiting', { timeout: '10s' }, 500],
  ['the soak', { soak: '{ duration: 10s }', successes: '1' }, 200],
])('cancelled in %s, it ends at once', async (_, given, status) => {
  const stop = new AbortController();
  let n = 0;
  const url = await health((_request, response) => {
    response.writeHead(status).end();
    if (++n === 3) stop.abort();
  });
  await expect(verify({ url, ...given }, { signal: stop.signal })).rejects.toMatchObject({ kind: 'cancelled' });
});

describe('instances', () => {
  const by = (kind: string) => ({ instances: `{ count: 3, by: "${kind}" }`, successes: '3' });

  test.each(['header:X-Instance', 'json:host'])('all of three report it, told apart by %s', async (kind) => {
    const url = await health(turns(['one', 'two', 'two', 'three'].map((instance) => ({ instance }))));
    const end = await verify({ url, ...EXPECT_NEW, ...by(kind) });
    expect(end.outcome.status).toBe('succeeded');
    expect(JSON.parse(end.outputs.instances ?? '')).toEqual({ [url]: ['one', 'two', 'three'] });
  });

  test('one of three is bad: it is named, and is no flapping', async () => {
    const url = await health(turns([{ instance: 'one' }, { instance: 'two', status: 500 }, { instance: 'three' }]));
    const end = await verify({ url, ...EXPECT_NEW, ...by('header:x-instance'), attempts: '9' });
    expect(end.outputs.reason).toBe('status');
    expect(end.outcome.cause).toMatch(
      /within 1 min 00 s: status: 1 of 3 instances \(two\): it answered 500, expected 2xx/,
    );
  });

  test('one of three still runs the old version', async () => {
    const url = await health(turns([{ instance: 'one' }, { instance: 'two', revision: OLD }, { instance: 'three' }]));
    const end = await verify({ url, ...EXPECT_NEW, ...by('header:x-instance'), attempts: '9' });
    expect(end.outcome.cause).toMatch(/version-mismatch: 1 of 3 instances \(two\): another version answers/);
  });

  test('only two of three are ever seen', async () => {
    const url = await health(turns([{ instance: 'one' }, { instance: 'two' }]));
    const end = await verify({ url, ...EXPECT_NEW, ...by('header:x-instance'), attempts: '9' });
    expect(end.outcome.cause).toMatch(/version-mismatch: only 2 of 3 instances have reported it \(one, two\)$/);
  });

  test('every address of a name, of which one refuses', async () => {
    const { port } = await servers.http(turns([{}]), undefined, '0.0.0.0');
    const all = `127.0.0.1:${port},127.0.0.2:${port},127.0.0.3:${port}`;
    const given = { url: 'http://www.test/', instances: 'by: address', successes: '1', resolve: `www.test=${all}` };
    const end = await verify(given);
    expect(JSON.parse(end.outputs.instances ?? '')).toEqual({
      'http://www.test/': ['127.0.0.1', '127.0.0.2', '127.0.0.3'],
    });
    servers.close();
    const one = await servers.http(turns([{}]), undefined, '127.0.0.1');
    const two = `127.0.0.1:${one.port},127.0.0.2:${one.port}`;
    const bad = await verify({ ...given, resolve: `www.test=${two}`, attempts: '9' });
    expect(bad.outcome.cause).toMatch(/refused: 1 of 2 instances \(127\.0\.0\.2\): nothing listens there/);
  });
});

describe('soak', () => {
  const SOAK = { soak: '{ duration: 600ms, rate: 50, min-samples: 20 }', successes: '1' };

  test('of a service that stays well: figures, chart and timeline', async () => {
    const { port, connections } = await servers.http(turns([{}]));
    const end = await verify({ url: `http://127.0.0.1:${port}/`, ...SOAK });
    expect(end.outcome).toEqual({ status: 'succeeded', cause: '' });
    expect(end.outputs).toMatchObject({
      'success-rate': '100',
      attempts: '31',
      'latency-p95': expect.stringMatching(/^\d+\.\d$/),
    });
    expect(end.summary).toMatch(
      /\| 30 \| 100 % \|[\s\S]*```mermaid\n%%.*%%\nxychart-beta\n[\s\S]*the soak ends: 0 of 30 probes failed/,
    );
    // The first proof takes a new connection each time; the soak keeps its own.
    expect(connections()).toBeLessThan(31);
  });

  test('new connections where they are asked for', async () => {
    const { port, connections } = await servers.http(turns([{}]));
    await verify({
      url: `http://127.0.0.1:${port}/`,
      ...SOAK,
      soak: '{ duration: 400ms, rate: 50, connections: new }',
    });
    expect(connections()).toBe(21);
  });

  test('a burst of 5xx ends it early, with the count of what was seen', async () => {
    let n = 0;
    const url = await health((_, response) => void response.writeHead(++n > 10 ? 503 : 200).end());
    const end = await verify({ url, ...SOAK, soak: '{ duration: 20s, rate: 50, success-rate: 99.9 }' });
    expect(end.outputs).toMatchObject({ reason: 'status', 'success-rate': expect.stringMatching(/^\d/) });
    expect(end.outcome).toMatchObject({
      status: 'failed',
      cause: expect.stringMatching(
        /^http\S+: only .* % of \d+ probes passed|status: http\S+: only [\d.]+ % of \d+ probes passed in the soak, expected 99\.9 %: \d+ × it answered 503/,
      ),
    });
  });

  test('too slow for a limit', async () => {
    const url = await health((_, response) => void setTimeout(() => response.end(), 60));
    const end = await verify({ url, ...SOAK, soak: '{ duration: 600ms, rate: 50, p50: 40ms }' });
    expect(end.outcome.cause).toMatch(
      /^assert: http\S+: p50 of the latency was \d+ ms over 30 probes, expected 40 ms or less$/,
    );
  });

  test('a kept connection that the server has closed meanwhile is no failure', async () => {
    const { port, connections } = await servers.http((request, response) => {
      response.end();
      // Without a word, as a load balancer's idle time-out does.
      setTimeout(() => request.socket.destroy(), 15);
    });
    const end = await verify({
      url: `http://127.0.0.1:${port}/`,
      ...SOAK,
      soak: '{ duration: 1s, rate: 50, success-rate: 100 }',
    });
    expect(end.outcome).toEqual({ status: 'succeeded', cause: '' });
    expect(connections()).toBeGreaterThan(10);
  });

  test('the old version comes back in the soak', async () => {
    const url = await health(turns([...Array(10).fill({}), { revision: OLD }, {}], true));
    const end = await verify({ url, ...EXPECT_NEW, ...SOAK, soak: '{ duration: 600ms, rate: 50, success-rate: 100 }' });
    expect(end.outcome.cause).toMatch(/^version-mismatch: .* 1 × another version answers: json\.revision is "a{40}"/);
  });
});

describe('compared with what served before', () => {
  const soak = '{ duration: 800ms, rate: 100 }';
  let errors = 0;
  let delayMs = 0;
  const service: RequestListener = (_, response) => {
    if (Math.random() < errors) response.statusCode = 500;
    setTimeout(() => response.end('{}'), delayMs);
  };
  async function baselineOf(url: string) {
    const end = await verify({ url, soak, operation: 'baseline', ...EXPECT_NEW });
    expect(end.outcome).toEqual({ status: 'succeeded', cause: '' });
    expect([...end.files]).toEqual([
      [expect.stringMatching(/^slipway-baseline-\w{8}\.json$/), `${end.outputs.baseline}\n`],
    ]);
    expect([...end.files.keys()]).toEqual([end.outputs['baseline-file']]);
    return end.outputs.baseline ?? '';
  }

  test('as good as before', async () => {
    [errors, delayMs] = [0, 5];
    const url = await health(service);
    // How fast a busy machine answers twice is not the point here.
    const rules = { 'baseline-rules': 'p95-slack: 10s' };
    const end = await verify({ url, soak, baseline: await baselineOf(url), ...rules });
    expect([end.outcome.status, end.summary]).toEqual([
      'succeeded',
      expect.stringMatching(/0 % of 80 probes failed, 0 % of 80 before \(p = 1\.000\)/),
    ]);
  });

  test('more errors than before are a regression, though the success rate allows them', async () => {
    [errors, delayMs] = [0, 0];
    const url = await health(service);
    const baseline = await baselineOf(url);
    errors = 0.4;
    const end = await verify({
      url,
      soak: '{ duration: 800ms, rate: 100, success-rate: 10 }',
      baseline,
      successes: '1',
    });
    expect(end.outputs.reason).toBe('regression');
    expect(end.outcome.cause).toMatch(
      /^regression: http\S+: [\d.]+ % of 80 probes failed, 0 % of 80 before; by chance alone that happens once in [\d,]+ \(it answered 500/,
    );
  });

  test('slower than before is one', async () => {
    [errors, delayMs] = [0, 5];
    const url = await health(service);
    const baseline = await baselineOf(url);
    delayMs = 400;
    const end = await verify({ url, soak, baseline });
    expect(end.outcome.cause).toMatch(
      /^regression: http\S+: the p95 is \d+ ms, [\d.]+ ms before \(× [\d.]+\); × 1\.5 is allowed$/,
    );
  });

  test('nothing served before: that is measured, too, and whatever comes is better', async () => {
    [errors, delayMs] = [0, 0];
    const url = await health(service);
    servers.close();
    const baseline = await baselineOf(url);
    expect(JSON.parse(baseline).endpoints[url]).toMatchObject({ samples: 5, failed: 5 });
    const port = Number(new URL(url).port);
    const again = await servers.httpAt(port, service);
    expect(again.port).toBe(port);
    expect((await verify({ url, soak, baseline })).outcome.status).toBe('succeeded');
  });
});

describe('the load balancer’s count', () => {
  const metrics = (counts: BalancerCounts[]) => async () => ({
    counts: async () => {
      const next = counts.length > 1 ? counts.shift() : counts[0];
      return { requests: 0, errors: 0, lastMinute: Number.MAX_SAFE_INTEGER, ...next };
    },
  });
  const given = { 'load-balancer': '{ name: app/web/1, wait: 1ms }', successes: '1' };

  test('few 5xx answers', async () => {
    const url = await health(turns([{}]));
    const end = await verify(
      { url, ...given },
      {
        openMetrics: metrics([
          { requests: 1, errors: 1 },
          { requests: 900, errors: 3 },
        ]),
      },
    );
    expect([end.outcome.status, end.summary]).toEqual([
      'succeeded',
      expect.stringContaining('the load balancer counted 3 5xx answers to 900 requests (0.33 %)'),
    ]);
  });

  test('many, though the probes saw none of them', async () => {
    const url = await health(turns([{}]));
    const end = await verify({ url, ...given }, { openMetrics: metrics([{ requests: 900, errors: 30 }]) });
    expect(end.outcome).toMatchObject({
      status: 'failed',
      cause: expect.stringMatching(/^regression: the load balancer counted 30 5xx answers to 900 requests/),
    });
  });
});

test('a run that flaps for long has a summary that fits', async () => {
  let n = 0;
  const url = await health((_, response) => void response.writeHead(200, { etag: `${n++}`.repeat(100) }).end());
  const end = await verify({
    url,
    expect: 'headers: { etag: { stable: true, not: never } }',
    interval: '1ms',
    'max-interval': '1ms',
    attempts: '500',
  });
  expect(end.outputs.reason).toBe('flapping');
  expect(Buffer.byteLength(end.summary)).toBeLessThan(1_000_000);
});
