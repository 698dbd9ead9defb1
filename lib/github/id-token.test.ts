import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { Problem } from '../errors.ts';
import { idToken } from './id-token.ts';

let server: Server | undefined;
afterEach(() => {
  server?.close();
});

const waits: number[] = [];
const clock = { now: () => 0, sleep: async (ms: number) => void waits.push(ms) };

async function issuer(answers: { status: number; body: string }[]) {
  const asked: { url: string; authorization: string | undefined }[] = [];
  const listening = createServer((request, response) => {
    asked.push({ url: request.url ?? '', authorization: request.headers.authorization });
    const { status, body } = answers[Math.min(asked.length, answers.length) - 1] ?? { status: 500, body: '' };
    response.writeHead(status).end(body);
  });
  server = listening;
  await new Promise<void>((done) => listening.listen(0, '127.0.0.1', done));
  const { port } = listening.address() as AddressInfo;
  const env = {
    ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/token?api-version=2.0`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'bearer',
  };
  return { env, asked };
}

test('asks with the runner’s token for the audience, and masks what it gets', async () => {
  const { env, asked } = await issuer([{ status: 200, body: '{"value":"ey.J.x"}' }]);
  const masked: string[] = [];
  expect(await idToken('sts.amazonaws.com', env, (s) => masked.push(s), clock)).toBe('ey.J.x');
  expect(masked).toEqual(['ey.J.x']);
  expect(asked).toEqual([{ url: '/token?api-version=2.0&audience=sts.amazonaws.com', authorization: 'Bearer bearer' }]);
});

test('tries again after a 5xx, not after a refusal', async () => {
  const shaky = await issuer([
    { status: 503, body: 'busy' },
    { status: 200, body: '{"value":"t"}' },
  ]);
  expect(await idToken('a', shaky.env, () => {}, clock)).toBe('t');
  server?.close();
  const closed = await issuer([{ status: 403, body: 'no' }]);
  await expect(idToken('a', closed.env, () => {}, clock)).rejects.toMatchObject({ kind: 'credentials' });
  expect(closed.asked).toHaveLength(1);
});

test.each([
  ['nothing offered', {}, 'credentials', 'id-token: write'],
  [
    'nobody listens',
    { ACTIONS_ID_TOKEN_REQUEST_URL: 'http://127.0.0.1:9/', ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'b' },
    'network',
    'fetch failed',
  ],
])('%s: a Problem that says so', async (_case, env, kind, words) => {
  const error = await idToken('a', env, () => {}, clock).catch((e) => e);
  expect(error).toBeInstanceOf(Problem);
  expect(error.kind).toBe(kind);
  expect(error.message).toContain(words);
});

test('an answer without a token is an error, not an empty token', async () => {
  const { env } = await issuer([{ status: 200, body: '{}' }]);
  await expect(idToken('a', env, () => {}, clock)).rejects.toThrow('no token');
});
