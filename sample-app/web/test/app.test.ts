import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { afterEach, test } from 'node:test';
import { type Application, createApp } from '../src/app.ts';
import { type Config, readConfig } from '../src/config.ts';

const REVISION = '0123456789abcdef0123456789abcdef01234567';
const open: Application[] = [];

function application(env: NodeJS.ProcessEnv = {}): Application {
  const config: Config = readConfig({
    LOG_LEVEL: 'silent',
    SLIPWAY_REVISION: REVISION,
    SLIPWAY_DIGEST: 'sha256:1',
    ...env,
  });
  const made = createApp(config);
  open.push(made);
  return made;
}

afterEach(async () => {
  for (const { app } of open.splice(0)) await app.close();
});

test('/health says what runs', async () => {
  const answer = await application().app.inject('/health');
  assert.equal(answer.statusCode, 200);
  const { uptime, ...rest } = answer.json();
  assert.deepEqual(rest, { status: 'ok', version: '1.0.0', revision: REVISION, digest: 'sha256:1' });
  assert.equal(typeof uptime, 'number');
});

test('/api/v1/info names version, commit and environment', async () => {
  const info = (await application({ APP_ENVIRONMENT: 'dev' }).app.inject('/api/v1/info')).json();
  assert.equal(info.version, '1.0.0');
  assert.equal(info.commit, REVISION);
  assert.equal(info.environment, 'dev');
});

test('readiness follows the configured dependencies; liveness does not', async () => {
  const database = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => database.once('listening', resolve));
  const { port } = database.address() as { port: number };
  const up = application({ DATABASE_URL: `postgres://user:hidden@127.0.0.1:${port}/db` });
  const ready = await up.app.inject('/health/ready');
  assert.equal(ready.statusCode, 200);
  assert.equal(ready.json().checks.database.status, 'ok');
  await new Promise((resolve) => database.close(resolve));

  const down = application({ DATABASE_URL: `postgres://user:hidden@127.0.0.1:${port}/db` });
  const refused = await down.app.inject('/health/ready');
  assert.equal(refused.statusCode, 503);
  assert.equal(refused.json().checks.database.cause, 'ECONNREFUSED');
  assert.ok(!refused.body.includes('hidden'));
  assert.equal((await down.app.inject('/health/live')).statusCode, 200);
});

test('/metrics counts by route pattern, not by path', async () => {
  const { app } = application();
  await app.inject('/health');
  await app.inject('/no/such/path');
  const metrics = (await app.inject('/metrics')).body;
  assert.match(metrics, /http_request_duration_seconds_count\{method="GET",route="\/health",status="200"\} 1/);
  assert.match(metrics, /route="unmatched",status="404"\} 1/);
  assert.match(metrics, new RegExp(`app_info\\{version="1.0.0",revision="${REVISION}"\\} 1`));
  assert.match(metrics, /process_cpu_seconds_total/);
  assert.ok(!metrics.includes('/no/such/path'));
});

test('search finds, ranks and pages', async () => {
  const { app } = application();
  const find = async (payload: object) => (await app.inject({ method: 'POST', url: '/api/v1/search', payload })).json();
  const slipway = await find({ query: 'Slipway' });
  assert.equal(slipway.items[0].id, 'slipway');
  const all = await find({ query: 'the', pageSize: 5 });
  assert.equal(all.items.length, 5);
  assert.equal(all.pages, Math.ceil(all.total / 5));
  const second = await find({ query: 'the', pageSize: 5, page: 2 });
  assert.notDeepEqual(second.items, all.items);
  assert.deepEqual((await find({ query: 'the', page: 999 })).items, []);
  assert.equal((await find({ query: 'no-such-word' })).total, 0);
});

const refused: Array<[string, object | string, number]> = [
  ['no query', {}, 400],
  ['a blank query', { query: '  ' }, 400],
  ['a number as text', { query: 'x', page: '2' }, 400],
  ['page 0', { query: 'x', page: 0 }, 400],
  ['an unknown property', { query: 'x', limit: 3 }, 400],
  ['broken JSON', '{"query":', 400],
  ['a body over the limit', { query: 'x'.repeat(20_000) }, 413],
];
for (const [name, payload, status] of refused) {
  test(`search refuses ${name}`, async () => {
    const answer = await application().app.inject({
      method: 'POST',
      url: '/api/v1/search',
      headers: { 'content-type': 'application/json' },
      payload,
    });
    assert.equal(answer.statusCode, status);
    const { error } = answer.json();
    assert.equal(error.requestId, answer.headers['x-request-id']);
    assert.ok(error.message);
  });
}

test('a sane request id is kept, any other replaced', async () => {
  const { app } = application();
  const idFor = async (id: string) =>
    (await app.inject({ url: '/health', headers: { 'x-request-id': id } })).headers['x-request-id'];
  assert.equal(await idFor('trace-1234.5678'), 'trace-1234.5678');
  for (const id of ['short', 'with space in it', 'x'.repeat(200), '{"level":"fatal"}']) {
    assert.match(String(await idFor(id)), /^[0-9a-f-]{36}$/);
  }
});

test('the page escapes what it shows and carries security headers', async () => {
  const answer = await application({ APP_ENVIRONMENT: '<script>' }).app.inject('/');
  assert.match(answer.body, /&lt;script&gt;/);
  assert.match(String(answer.headers['content-security-policy']), /default-src 'none'/);
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
});

test('an unexpected error does not reach the client', async () => {
  const { app } = application();
  app.get('/boom', async () => {
    throw new Error('secret detail');
  });
  const answer = await app.inject('/boom');
  assert.equal(answer.statusCode, 500);
  assert.ok(!answer.body.includes('secret detail'));
});

for (const [variable, value] of Object.entries({ PORT: 'http', DRAIN_MS: '-1', DATABASE_URL: 'user:secret-word' })) {
  test(`a wrong ${variable} is refused by name`, () => {
    assert.throws(
      () => readConfig({ [variable]: value }),
      (error: Error) => error.message.startsWith(variable) && !error.message.includes('secret-word'),
    );
  });
}
