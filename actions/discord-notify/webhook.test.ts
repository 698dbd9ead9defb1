import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { systemClock } from '../../lib/clock.ts';
import { githubContext } from '../../lib/context.ts';
import { readInputs } from '../../lib/inputs.ts';
import { recordingLog } from '../../lib/log.ts';
import { fields } from './inputs.ts';
import { run } from './run.ts';

interface Seen {
  method: string | undefined;
  url: string | undefined;
  body: { allowed_mentions: unknown; embeds: { title: string; description?: string }[] };
}

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const TOKEN = 'tok-very_secret';

async function discord(answer: (request: Seen, n: number, response: ServerResponse) => void) {
  const seen: Seen[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const one = { method: request.method, url: request.url, body: JSON.parse(text) };
    seen.push(one);
    answer(one, seen.length, response);
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return { seen, webhook: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/webhooks/123/${TOKEN}` };
}

const json = (response: ServerResponse, status: number, body: unknown, headers = {}) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
};

async function notify(given: Record<string, string>) {
  const log = recordingLog();
  const started = performance.now();
  const inputs = readInputs(fields, (name) => given[name] ?? '');
  const report = await run(inputs, {
    fetch,
    clock: systemClock,
    log,
    signal: new AbortController().signal,
    context: githubContext({}),
    lookUpCommit: async () => ({ sha: 'f'.repeat(40), message: 'Looked up', author: 'Ada', url: '' }),
  });
  const everything = JSON.stringify([report, log.lines]);
  expect(everything).not.toContain(TOKEN);
  return { report, log, ms: performance.now() - started };
}

test('posts with wait=true and gives the id out', async () => {
  const { seen, webhook } = await discord((_, __, response) => json(response, 200, { id: '42' }));
  const { report, log } = await notify({ webhook, title: 'sample', environment: 'dev', status: 'started' });
  expect(report.outputs).toMatchObject({ 'message-id': '42', sent: 'true' });
  expect(seen[0]).toMatchObject({
    method: 'POST',
    url: `/api/v10/webhooks/123/${TOKEN}?wait=true`,
    body: { allowed_mentions: { parse: [] } },
  });
  expect(seen[0]?.body.embeds[0]?.title).toBe('🚀 sample started in dev');
  expect(log.masked).toContain(webhook);
});

test('edits the message it is given', async () => {
  const { seen, webhook } = await discord((_, __, response) => json(response, 200, { id: '42' }));
  await notify({ webhook, 'message-id': '42' });
  expect(seen.map((s) => [s.method, s.url])).toEqual([['PATCH', `/api/v10/webhooks/123/${TOKEN}/messages/42`]]);
});

test('posts anew when the message was deleted', async () => {
  const { seen, webhook } = await discord((s, _, response) =>
    s.method === 'PATCH'
      ? json(response, 404, { code: 10008, message: 'Unknown Message' })
      : json(response, 200, { id: '43' }),
  );
  const { report } = await notify({ webhook, 'message-id': '42' });
  expect(seen.map((s) => s.method)).toEqual(['PATCH', 'POST']);
  expect(report.outputs['message-id']).toBe('43');
});

test('waits as long as a 429 says, and not a moment of polling more', async () => {
  const { seen, webhook } = await discord((_, n, response) =>
    n === 1 ? json(response, 429, { retry_after: 0.4, global: false }) : json(response, 200, { id: '1' }),
  );
  const { report, ms } = await notify({ webhook });
  expect(report.outputs.sent).toBe('true');
  expect(seen).toHaveLength(2);
  expect(ms).toBeGreaterThanOrEqual(400);
});

test('a wait longer than the time limit is given up at once, without failing the step', async () => {
  const { seen, webhook } = await discord((_, __, response) => json(response, 429, { retry_after: 40 }));
  const { report, ms } = await notify({ webhook, 'time-limit': '2s' });
  expect(report.outcome).toMatchObject({ status: 'unchanged' });
  expect(report.outcome.cause).toMatch(/Discord asks to wait 40\.0 s/);
  expect(seen).toHaveLength(1);
  expect(ms).toBeLessThan(1000);
});

test('a deleted webhook is not tried again', async () => {
  const { seen, webhook } = await discord((_, __, response) =>
    json(response, 404, { code: 10015, message: 'Unknown Webhook' }),
  );
  const { report } = await notify({ webhook, 'fail-on-error': 'true' });
  expect(report.outcome.status).toBe('failed');
  expect(report.outcome.cause).toMatch(/The webhook was deleted/);
  expect(seen).toHaveLength(1);
});

test('a Discord that is down holds the run up no longer than the limit', async () => {
  const { webhook } = await discord((_, __, response) => json(response, 503, {}));
  const { report, ms } = await notify({ webhook, 'time-limit': '1s' });
  expect(report.outputs.sent).toBe('false');
  expect(ms).toBeLessThan(1500);
});

test('a Discord that never answers holds the run up no longer than the limit', async () => {
  const { webhook } = await discord(() => undefined);
  const { report, ms } = await notify({ webhook, 'time-limit': '700ms' });
  expect(report.outcome.status).toBe('unchanged');
  expect(ms).toBeLessThan(1200);
});

test('no webhook is a visible skip', async () => {
  const { report } = await notify({});
  expect(report.outcome).toEqual({ status: 'unchanged', cause: 'no webhook was given' });
});

test('an address that is none is refused without being repeated', async () => {
  await expect(notify({ webhook: 'https://discord.com/api/webhooks/nope' })).rejects.toThrow(
    /^input 'webhook': it is not the address of a Discord webhook/,
  );
});

test('dry-run renders into the summary and sends nothing', async () => {
  const { seen, webhook } = await discord((_, __, response) => json(response, 200, { id: '1' }));
  const { report } = await notify({ webhook, 'dry-run': 'true', title: 'sample' });
  expect(seen).toHaveLength(0);
  expect(report.summary).toContain('"allowed_mentions"');
});

test('a run whose event carries no commit has it looked up, when there is a token', async () => {
  const { seen, webhook } = await discord((_, __, response) => json(response, 200, { id: '1' }));
  await notify({ webhook, token: 'ghs_x' });
  await notify({ webhook });
  expect(seen.map(({ body }) => body.embeds[0]?.description?.includes('Looked up by Ada'))).toEqual([true, false]);
});
