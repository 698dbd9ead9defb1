import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type Local, startLocal } from '../../local/start.ts';
import { type ActionRun, runAction } from '../support/action.ts';
import { type Recorder, recordBefore } from '../support/recorder.ts';

// The action as the runner starts it, against a Discord with the limits and rate limits of the real one.
let local: Local;
let recorder: Recorder;
let folder: string;

beforeAll(async () => {
  local = await startLocal({ world: { discord: { guild: { roles: [{ name: 'oncall', id: '70000' }] } } } });
  recorder = await recordBefore(local.endpoints.discord);
  folder = mkdtempSync(join(tmpdir(), 'slipway-notify-'));
}, 60_000);
afterEach(() => local.faults.clear());
afterAll(async () => {
  await recorder?.close();
  await local?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 30_000);

/** A webhook's address as Discord shows it for copying, its token being the secret. */
function webhook(): { address: string; token: string } {
  const address = local.discord.createWebhook().replace(local.endpoints.discord, recorder.url);
  return { address, token: address.split('/').at(-1) ?? '' };
}

async function notify({ address, token }: ReturnType<typeof webhook>, inputs: Record<string, string>) {
  const env = {
    ...local.env(),
    GITHUB_REPOSITORY: 'acme/sample',
    GITHUB_RUN_ID: '4711',
    GITHUB_ACTOR: 'ada',
    GITHUB_SHA: 'c0ffee'.padEnd(40, '0'),
  };
  const run = await runAction('discord-notify', { webhook: address, title: 'pipeline', ...inputs }, { env });
  expect(JSON.stringify({ ...run, log: run.log.replace(/^::add-mask::.*$/gm, '') })).not.toContain(token);
  return run;
}

const message = (run: ActionRun) => local.discord.messages().find((m) => m.id === run.outputs['message-id']);

/** What the deploying steps leave. */
function results(...list: Record<string, unknown>[]): string {
  const directory = mkdtempSync(join(folder, 'results-'));
  for (const result of list) {
    const at = { environment: 'dev', startedAt: '2026-01-02T03:04:05Z', endedAt: '2026-01-02T03:05:05Z', ...result };
    mkdirSync(join(directory, String(result.component)));
    writeFileSync(join(directory, String(result.component), `result-${result.component}.json`), JSON.stringify(at));
  }
  return directory;
}

test('a burst of 30 updates of one message, far over the rate limit, ends in the last one', async () => {
  const hook = webhook();
  const first = await notify(hook, { status: 'started', environment: 'dev' });
  expect([first.code, first.outputs.sent]).toEqual([0, 'true']);
  const id = first.outputs['message-id'] ?? '';
  expect(message(first)?.embeds[0]?.title).toBe('🚀 pipeline started in dev');
  const update = (title: string, status: string) =>
    notify(hook, { 'message-id': id, title, status, 'time-limit': '45s' });
  const waiting = Array.from({ length: 29 }, (_, n) => `update ${n}`);
  const runs: ActionRun[] = [];
  const worker = async () => {
    for (let title = waiting.pop(); title !== undefined; title = waiting.pop())
      runs.push(await update(title, 'started'));
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  const last = await update('the end', 'succeeded');
  // An older update that had to wait is left out when a newer one is there: it would turn the message back.
  expect([...runs, last].filter((run) => run.code !== 0 || run.outputs.sent !== 'true')).toEqual([]);
  expect([...runs, last].map((run) => run.outputs['message-id'])).toEqual(Array(30).fill(id));
  expect(local.discord.messages()).toHaveLength(1);
  expect(message(last)).toMatchObject({ embeds: [{ title: '✅ the end succeeded' }] });
  expect(message(last)?.edits).toBeLessThanOrEqual(30);
  const refused = recorder.sent.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  // Whoever asks on while it is told to wait gets banned; everybody here asks again when told to.
  expect(refused.length).toBeLessThan(60);
}, 120_000);

test('what failed is told first, with cause and next step; nobody is notified but those who were asked for', async () => {
  const cause = 'the container ended with exit code 3: @everyone <@&70000> [click](https://evil.test) ```';
  const directory = results(
    { component: 'web', stage: 'service', outcome: { status: 'succeeded', cause: '' } },
    { component: 'bot', stage: 'bot', outcome: { status: 'rolled-back', cause, next: 'Look at its log' } },
  );
  const run = await notify(webhook(), { results: directory, environment: 'dev', mention: 'role:70000' });
  const sent = message(run);
  const [embed] = sent?.embeds ?? [];
  expect(embed?.title).toBe('❌ pipeline failed in dev');
  expect(embed?.fields?.map((field) => field.name)).toEqual(['↩️ bot', '✅ web']);
  expect(embed?.fields?.[0]?.value).toContain('the container ended with exit code 3');
  expect(embed?.fields?.[0]?.value).toContain('→ Look at its log');
  expect(sent?.content).toBe('<@&70000>');
  expect(sent?.pinged).toMatchObject([{ by: 'post', pings: { everyone: false, roles: ['70000'], users: [] } }]);
});

test('texts of any size and shape are a message that Discord takes', async () => {
  const huge = `${'𝔘'.repeat(5000)}\n\`\`\`\u202e<@1> **`;
  const many = Array.from({ length: 40 }, (_, n) => ({
    component: `service-${n}`,
    stage: 'service',
    outcome: { status: n % 3 === 0 ? 'failed' : 'succeeded', cause: huge, next: huge },
    log: [huge, huge],
  }));
  const run = await notify(webhook(), { results: results(...many), environment: huge, title: huge });
  expect([run.code, run.outputs.sent, run.log.match(/^::(error|warning)/m)]).toEqual([0, 'true', null]);
  expect(message(run)?.embeds[0]?.fields?.[0]?.name).toMatch(/^❌ service-\d+$/);
});

test('a message that somebody deleted is posted again', async () => {
  const hook = webhook();
  const first = await notify(hook, { status: 'started' });
  const gone = message(first);
  if (gone) gone.deleted = true;
  const second = await notify(hook, { status: 'succeeded', 'message-id': first.outputs['message-id'] ?? '' });
  expect(second.outputs).toMatchObject({ sent: 'true', outcome: 'succeeded' });
  expect(second.outputs['message-id']).not.toBe(first.outputs['message-id']);
  expect(message(second)?.embeds[0]?.title).toBe('✅ pipeline succeeded');
});

test('a webhook that was deleted is a warning, or a failure where that is asked for', async () => {
  const hook = webhook();
  local.discord.deleteWebhook(hook.address);
  const warned = await notify(hook, { 'message-id': '4711' });
  expect([warned.code, warned.outputs.sent, warned.outputs['message-id']]).toEqual([0, 'false', '4711']);
  expect(warned.log).toMatch(/^::warning::.*code 10015: Unknown Webhook\. The webhook was deleted: make a new one/m);
  const failed = await notify(hook, { 'fail-on-error': 'true' });
  expect([failed.code, failed.outputs.outcome]).toEqual([1, 'failed']);
  expect(failed.log.match(/^::error::/gm)).toHaveLength(1);
});

test('one bad address of two does not keep the other from being told', async () => {
  const [bad, good] = [webhook(), webhook()];
  local.discord.deleteWebhook(bad.address);
  const run = await notify({ ...good, address: `${bad.address}\n${good.address}` }, { title: 'both' });
  expect(run.outputs).toMatchObject({ sent: 'false', 'message-id': expect.stringMatching(/^,\d+$/) });
  expect(local.discord.messages().at(-1)?.embeds[0]?.title).toContain('both');
  // What came out goes in again: each id stays with its address.
  const again = { 'message-id': run.outputs['message-id'] ?? '', title: 'edited' };
  await notify({ ...good, address: `${bad.address}\n${good.address}` }, again);
  expect(local.discord.messages().at(-1)).toMatchObject({
    edits: 1,
    embeds: [{ title: expect.stringMatching('edited') }],
  });
});

test.each([
  ['is slow', { delayMs: 5000 }],
  ['answers with 503 and HTML', { status: 503 }],
  ['cuts every connection', { cut: 'before' as const }],
  ['is behind a Cloudflare ban', { error: 'cloudflare', message: '', httpStatus: 429 }],
])(
  'a Discord that %s holds nothing up longer than time-limit',
  async (_, effect) => {
    local.faults.add({ service: 'discord', effect });
    const run = await notify(webhook(), { 'time-limit': '2s' });
    expect([run.code, run.outputs.sent, run.outputs.outcome]).toEqual([0, 'false', 'unchanged']);
    expect(run.log).toMatch(/^::warning::Discord webhook: .*The deployment is not affected/m);
  },
  30_000,
);

test('a connection that is cut after the message was kept posts it once more at most, and edits it once', async () => {
  const hook = webhook();
  const first = await notify(hook, { status: 'started' });
  local.faults.add({ service: 'discord', times: 1, effect: { cut: 'after' } });
  const run = await notify(hook, { status: 'succeeded', 'message-id': first.outputs['message-id'] ?? '' });
  expect(run.outputs).toMatchObject({ sent: 'true', 'message-id': first.outputs['message-id'] });
  expect(message(first)?.embeds[0]?.title).toBe('✅ pipeline succeeded');
});

test('without a webhook, as for forks, nothing is sent and nothing is wrong', async () => {
  const run = await notify({ address: '', token: 'no token' }, {});
  expect(run.outputs).toMatchObject({ sent: 'false', outcome: 'unchanged', cause: 'no webhook was given' });
  expect([run.code, run.log.match(/^::(error|warning)/m)]).toEqual([0, null]);
});

test('whatever is wrong with the step is a warning, and an error only where that is asked for', async () => {
  const broken = mkdtempSync(join(folder, 'broken-'));
  writeFileSync(join(broken, 'result-web.json'), '{');
  const wrong: [Record<string, string>, RegExp, string][] = [
    [{ status: 'splendid' }, /input 'status' is "splendid"/, 'false'],
    // What the message can do without keeps it from nothing: it would go on telling that the run is under way.
    [{ results: broken }, /result file .* cannot be used/, 'true'],
    [{ mention: '@everyone' }, /input 'mention' is "@everyone"/, 'true'],
  ];
  for (const [inputs, cause, sent] of wrong) {
    const warned = await notify(webhook(), inputs);
    expect([warned.code, warned.outputs.sent]).toEqual([0, sent]);
    expect(warned.log.split('\n').filter((line) => line.startsWith('::warning'))).toEqual([
      expect.stringMatching(cause),
    ]);
    const failed = await notify(webhook(), { ...inputs, 'fail-on-error': 'true' });
    expect([failed.code, failed.outputs.cause]).toEqual([1, expect.stringMatching(cause)]);
  }
});

test('the address comes from DISCORD_WEBHOOK where the input has none', async () => {
  const { address } = webhook();
  const env = { ...local.env(), DISCORD_WEBHOOK: address };
  const run = await runAction('discord-notify', { 'job-status': 'success', title: 'from there' }, { env });
  expect(run.outputs.sent).toBe('true');
  expect(message(run)?.embeds[0]?.title).toBe('✅ from there succeeded');
});

test('through a proxy, where the environment names one', async () => {
  const through: string[] = [];
  const proxy = createServer().on('connect', (request, socket) => {
    through.push(request.url ?? '');
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
  const { port } = proxy.address() as AddressInfo;
  try {
    const env = { HTTPS_PROXY: `http://127.0.0.1:${port}` };
    const inputs = { webhook: 'https://discord.invalid/api/webhooks/1/token-of-a-test', 'time-limit': '1s' };
    const run = await runAction('discord-notify', inputs, { env });
    expect([run.code, run.outputs.sent]).toEqual([0, 'false']);
    expect(through[0]).toBe('discord.invalid:443');
  } finally {
    proxy.closeAllConnections();
    await new Promise((done) => proxy.close(done));
  }
});
