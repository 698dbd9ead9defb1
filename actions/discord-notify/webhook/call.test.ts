import { describe, expect, test } from '@jest/globals';
import type { Clock } from '../../../lib/clock.ts';
import { placeOf, placeText, postedAt, webhookOf } from './address.ts';
import { call, type Line, type Request } from './call.ts';
import { openGate, spreadOf } from './limits.ts';

/** An answer to come: status, body, headers; or an error to throw. */
type Scripted = { status: number; body?: unknown; headers?: Record<string, string> } | Error;

const TOKEN = 'tok-very_secret';
const POST: Request = { method: 'POST', path: '', query: { wait: 'true' }, headers: {}, body: '{}' };
const PATCH: Request = { method: 'PATCH', path: '/messages/1', query: {}, headers: {}, body: '{}' };

/** A line whose time only passes by sleeping, and whose answers are known beforehand; the last one is repeated. */
function lineOf(script: readonly Scripted[], limit = 10_000) {
  let now = 0;
  const slept: number[] = [];
  const asked: string[] = [];
  const clock: Clock = {
    now: () => now,
    sleep: async (ms) => {
      slept.push(ms);
      now += ms;
    },
  };
  const line: Line = {
    webhook: webhookOf(`https://discord.com/api/webhooks/1/${TOKEN}`),
    gates: { bucket: openGate(), global: openGate() },
    deadline: limit,
    ports: {
      clock,
      random: () => 0,
      signal: new AbortController().signal,
      fetch: async (url, { method }) => {
        asked.push(`${method} ${url.pathname}${url.search}`);
        const next = script[Math.min(asked.length, script.length) - 1];
        if (!next || next instanceof Error) throw next ?? new Error('no answer in the script');
        const text = typeof next.body === 'string' ? next.body : JSON.stringify(next.body ?? {});
        const headers = new Map(Object.entries(next.headers ?? {}));
        return {
          ok: next.status < 300,
          status: next.status,
          headers: { get: (name) => headers.get(name) ?? null },
          body: (async function* () {
            yield Buffer.from(text);
          })(),
        };
      },
    },
  };
  return { line, slept, asked };
}

const ok: Scripted = { status: 200, body: { id: '7' } };
const refusal = (code: number, status = 400): Scripted => ({ status, body: { code, message: 'No.' } });
const limited = (seconds: number, more: object = {}): Scripted => ({
  status: 429,
  body: { retry_after: seconds, global: false, ...more },
});
const refused = Object.assign(new TypeError('fetch failed'), {
  cause: Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
});
const cut = Object.assign(new TypeError('fetch failed'), { cause: new Error('other side closed') });

describe('a request', () => {
  test.each<[string, Request, Scripted[], number[], number]>([
    ['is sent once when it is answered', POST, [ok], [], 1],
    ['waits as long as a 429 says', POST, [limited(1.5), ok], [1500], 2],
    [
      'goes by the header where a 429 has no body',
      POST,
      [{ status: 429, headers: { 'retry-after': '2' } }, ok],
      [2000],
      2,
    ],
    [
      'is repeated after a 5xx, later each time',
      POST,
      [{ status: 502, body: '<html>' }, { status: 500 }, ok],
      [250, 500],
      3,
    ],
    ['is repeated when nothing was sent', POST, [refused, refused, refused, ok], [250, 500, 1000], 4],
    ['that posts is repeated once when its answer was lost', POST, [cut, ok], [250], 2],
    ['that posts is repeated once when its answer was lost on the way', POST, [{ status: 504 }, ok], [250], 2],
    ['that posts is repeated when its answer was lost after a wait', POST, [limited(1), cut, ok], [1000, 500], 3],
    ['that edits is repeated as often as there is time', PATCH, [cut, cut, cut, ok], [250, 500, 1000], 4],
  ])('%s', async (_, request, script, slept, asked) => {
    const seen = lineOf(script);
    expect(await call(seen.line, request)).toEqual({ body: { id: '7' }, crowded: false });
    expect(seen.slept).toEqual(slept);
    expect(seen.asked).toHaveLength(asked);
  });

  test.each<[string, Request, Scripted[], RegExp, number]>([
    [
      'a wait longer than the time that is left',
      POST,
      [limited(40)],
      /asks to wait 40\.0 s, longer than the time that is left/,
      1,
    ],
    [
      'a block by Cloudflare',
      POST,
      [{ status: 429, body: 'error code: 1015' }],
      /Cloudflare.*blocks the address of this runner/,
      1,
    ],
    ['a post whose answer was lost twice', POST, [cut], /could not be reached \(other side closed\)/, 2],
    ['a post whose answer was lost by the gateway twice', POST, [{ status: 504 }], /answers with status 504/, 2],
    ['an answer of something else', POST, [{ status: 200, body: '<html>log in</html>' }], /not one of Discord/, 1],
    ['a page to log in to', POST, [{ status: 302 }], /status 302 is not one of Discord/, 1],
    ['a 503 until the time is over', PATCH, [{ status: 503 }], /answers with status 503/, 8],
  ])('is given up for %s', async (_, request, script, cause, asked) => {
    const seen = lineOf(script);
    await expect(call(seen.line, request)).rejects.toThrow(cause);
    expect(seen.asked).toHaveLength(asked);
    // The sum of all waits stays within the limit.
    expect(seen.slept.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(10_000);
  });

  test.each([10_008, 10_015, 50_027, 50_035, 30_046, 40_005])('a refusal with code %d is final', async (code) => {
    const seen = lineOf([refusal(code)]);
    expect(await call(seen.line, PATCH)).toEqual({ refusal: { status: 400, code, message: 'No.', mistakes: [] } });
    expect(seen.asked).toHaveLength(1);
  });

  test('says where a form is wrong', async () => {
    const errors = {
      embeds: { 0: { title: { _errors: [{ code: 'BASE_TYPE_MAX_LENGTH', message: 'Must be 256.' }] } } },
    };
    const seen = lineOf([{ status: 400, body: { code: 50_035, message: 'Invalid Form Body', errors } }]);
    expect(await call(seen.line, POST)).toMatchObject({
      refusal: { mistakes: ['embeds[0].title: Must be 256. (BASE_TYPE_MAX_LENGTH)'] },
    });
  });

  test('waits before a limit is hit, where the headers tell', async () => {
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset-after': '1.250' };
    const seen = lineOf([{ status: 200, body: { id: '7' }, headers }, ok]);
    await call(seen.line, POST);
    await call(seen.line, PATCH);
    expect(seen.slept).toEqual([1250]);
  });

  test('a global limit holds all webhooks, a bucket only its own', async () => {
    const global = openGate();
    const [first, second] = [lineOf([limited(1, { global: true }), ok]), lineOf([ok])];
    for (const { line } of [first, second]) line.gates.global = global;
    await call(first.line, POST);
    await call(second.line, POST);
    expect(second.slept).toEqual([1000]);
    const [third, fourth] = [lineOf([limited(1), ok]), lineOf([ok])];
    for (const { line } of [third, fourth]) line.gates.global = openGate();
    await call(third.line, POST);
    await call(fourth.line, POST);
    expect(fourth.slept).toEqual([]);
  });

  test('waits again when asking whether it is stale spent the last of the limit', async () => {
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset-after': '2' };
    const seen = lineOf([limited(1), { ...ok, headers }, ok, ok]);
    const stale = async () => {
      await call(seen.line, { method: 'GET', path: '/messages/1', query: {}, headers: {} });
      return false;
    };
    await call(seen.line, PATCH, stale);
    expect(seen.slept).toEqual([1000, 2000]);
    expect(seen.asked.map((one) => one.split(' ')[0])).toEqual(['PATCH', 'GET', 'GET', 'PATCH']);
  });

  test('that Discord refuses again and again is given up, even when it asks for no wait', async () => {
    const seen = lineOf([limited(0)]);
    await expect(call(seen.line, PATCH)).rejects.toThrow(
      /others use up Discord's limit for this webhook \(refused 6 times in a row\)/,
    );
    expect(seen.asked.length).toBeLessThanOrEqual(6);
  });

  test('says that others use the limit as well, by the headers', async () => {
    const headers = (left: number) => ({ 'x-ratelimit-limit': '5', 'x-ratelimit-remaining': String(left) });
    expect(await call(lineOf([{ ...ok, headers: headers(4) }]).line, PATCH)).toMatchObject({ crowded: false });
    expect(await call(lineOf([{ ...ok, headers: headers(3) }]).line, PATCH)).toMatchObject({ crowded: true });
  });

  test.each([
    // refused, waits, passing, left, dice, spread
    [1, 1950, true, 60_000, 0, 4000],
    [1, 1950, true, 60_000, 1, 16_000],
    [1, 1950, false, 60_000, 1, 4000],
    [2, 1950, true, 60_000, 1, 32_000],
    [1, 1950, true, 8_000, 1, 6000],
    // A limit that was spent after most of a second was not spent by a crowd.
    [1, 1100, true, 60_000, 1, 1600],
    [1, 500, true, 60_000, 1, 4817],
  ])('after refusal %d that asks for %d ms comes back after a spread', (refused, wait, passing, left, dice, spread) => {
    expect(spreadOf(refused, wait, passing, left, dice)).toBe(spread);
  });

  test('is not sent after a wait when it is not wanted any more', async () => {
    const seen = lineOf([limited(1), ok]);
    expect(await call(seen.line, PATCH, async () => true)).toBe('stale');
    expect(seen.asked).toHaveLength(1);
    const none = lineOf([ok]);
    expect(await call(none.line, PATCH, () => Promise.reject(new Error('nobody waited')))).toMatchObject({
      body: { id: '7' },
    });
  });

  test('never tells its token, whatever the error says', async () => {
    const leak = Object.assign(new TypeError('fetch failed'), {
      cause: new Error(`bad https://x/api/webhooks/1/${TOKEN}`),
    });
    const error = await call(lineOf([leak]).line, POST).catch((thrown: unknown) => thrown);
    expect(JSON.stringify([String(error), (error as Error).stack])).not.toContain(TOKEN);
  });
});

describe('addresses', () => {
  test.each([
    ['https://discord.com/api/webhooks/1/t', 'https://discord.com/api/v10/webhooks/1/t', ''],
    ['https://ptb.discord.com/api/v9/webhooks/1/t/', 'https://ptb.discord.com/api/v10/webhooks/1/t', ''],
    ['https://discord.com/api/webhooks/1/t/slack', 'https://discord.com/api/v10/webhooks/1/t', ''],
    ['https://discord.com/api/webhooks/1/t/github?wait=false', 'https://discord.com/api/v10/webhooks/1/t', ''],
    ['https://discord.com/api/webhooks/1/t?thread_id=42', 'https://discord.com/api/v10/webhooks/1/t', '42'],
    ['http://127.0.0.1:8080/api/webhooks/1/t', 'http://127.0.0.1:8080/api/v10/webhooks/1/t', ''],
  ])('%s', (address, url, threadId) => {
    expect(webhookOf(address)).toMatchObject({ url: new URL(url), token: 't', threadId });
  });

  test.each([
    ['nonsense', /not the address of a Discord webhook/],
    ['https://discord.com/api/webhooks/nope', /not the address of a Discord webhook/],
    ['https://hooks.slack.test/services/T/B/secret', /not the address of a Discord webhook/],
    ['http://discord.com/api/webhooks/1/secret', /begins with http:/],
    ['https://discord.com/api/webhooks/1/secret?thread_id=x', /thread_id/],
  ])('%s is refused without being repeated', (address, cause) => {
    expect(() => webhookOf(address)).toThrow(cause);
    expect(() => webhookOf(address)).not.toThrow(/secret\b.*secret\b|nope/);
  });

  test.each(['', '42', '7/42'])('the place %j is read as it is written', (text) => {
    expect(placeText(placeOf(text))).toBe(text);
  });

  test.each(['../../x', '1/2/3', '42?x=1', 'x'])('%j is no place', (text) => {
    expect(() => placeOf(text)).toThrow(/input 'message-id'.*is not the id of a message/);
  });

  test('a message’s id tells when it was posted', () => {
    expect(postedAt('175928847299117063')).toBe(Date.UTC(2016, 3, 30, 11, 18, 25, 796));
    expect(postedAt('x')).toBeUndefined();
  });
});
