import { afterEach, expect, test } from '@jest/globals';
import type { Clock } from '../../lib/clock.ts';
import type { RateOptions } from './buckets.ts';
import { createDiscord, type Discord } from './server.ts';

let discord: Discord;
let time = 1_800_000_000_000;
const clock: Clock = { now: () => time, sleep: async () => {} };
afterEach(() => discord.close());

async function start(rates?: RateOptions): Promise<(version?: string) => Promise<Response>> {
  discord = await createDiscord({ clock, ...(rates ? { rates } : {}) });
  const hook = discord.createWebhook();
  return (version = '/v10') =>
    fetch(hook.replace('/api/', `/api${version}/`), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"content":"c"}',
    });
}

test('five requests in two seconds, told by headers before it hurts', async () => {
  const post = await start();
  const left: (string | null)[] = [];
  for (let n = 0; n < 5; n += 1) left.push((await post()).headers.get('x-ratelimit-remaining'));
  expect(left).toEqual(['4', '3', '2', '1', '0']);
  time += 500;
  const refused = await post();
  expect(refused.status).toBe(429);
  expect(Object.fromEntries(refused.headers)).toMatchObject({
    'retry-after': '2',
    'x-ratelimit-limit': '5',
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset-after': '1.500',
    'x-ratelimit-scope': 'user',
  });
  expect(refused.headers.get('x-ratelimit-bucket')).not.toBeNull();
  expect(await refused.json()).toEqual({ message: 'You are being rate limited.', retry_after: 1.5, global: false });
  time += 1_500;
  expect((await post()).status).toBe(204);
});

test('the unversioned URL tells the wait in milliseconds, as before v8', async () => {
  const post = await start({ bucket: { limit: 1, windowMs: 2_000 } });
  await post('');
  const refused = await post('');
  expect(refused.headers.get('retry-after')).toBe('2000');
  expect(await refused.json()).toMatchObject({ retry_after: 2000 });
});

test('the global limit counts all requests of an address', async () => {
  const post = await start({ bucket: { limit: 100, windowMs: 1_000 }, global: { limit: 3, windowMs: 1_000 } });
  for (let n = 0; n < 3; n += 1) expect((await post()).status).toBe(204);
  const refused = await post();
  expect(refused.headers.get('x-ratelimit-global')).toBe('true');
  expect(refused.headers.get('x-ratelimit-bucket')).toBeNull();
  expect(await refused.json()).toMatchObject({ global: true });
});

test('the hidden limit of a channel strikes although requests remain', async () => {
  const post = await start({ channel: { limit: 2, windowMs: 60_000 } });
  await post();
  await post();
  const refused = await post();
  expect([refused.status, refused.headers.get('x-ratelimit-remaining')]).toEqual([429, '2']);
  expect(refused.headers.get('x-ratelimit-scope')).toBe('shared');
  expect(((await refused.json()) as { retry_after: number }).retry_after).toBe(60);
});

test('too many refused requests end in a ban that no JSON explains', async () => {
  const rates = { bucket: { limit: 1, windowMs: 1_000 }, invalidRequests: { limit: 3, windowMs: 600_000 } };
  const post = await start(rates);
  const seen: number[] = [];
  for (let n = 0; n < 5; n += 1) seen.push((await post()).status);
  expect(seen).toEqual([204, 429, 429, 429, 429]);
  const banned = await post();
  expect(await banned.text()).toBe('error code: 1015');
  expect(banned.headers.get('x-ratelimit-limit')).toBeNull();
  time += 600_000;
  expect((await post()).status).toBe(204);
});
