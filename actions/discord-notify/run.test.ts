import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../lib/clock.ts';
import { githubContext } from '../../lib/context.ts';
import { readInputs } from '../../lib/inputs.ts';
import { recordingLog } from '../../lib/log.ts';
import { createDiscord, type Discord } from '../../local/discord/server.ts';
import { createFaults } from '../../local/faults.ts';
import { fields } from './inputs.ts';
import type { LookUp } from './look-up.ts';
import { run } from './run.ts';

// Against a Discord with the limits of the real one, whose windows are short.
const faults = createFaults(1);
let discord: Discord;
let folder: string;

beforeAll(async () => {
  discord = await createDiscord({
    faults,
    guild: {
      channels: [{ name: 'deployments' }, { name: 'releases', kind: 'forum' }],
      roles: [{ name: 'oncall', id: '70000' }],
    },
    rates: { bucket: { limit: 5, windowMs: 120 } },
  });
  folder = mkdtempSync(join(tmpdir(), 'slipway-notify-'));
});
afterEach(() => faults.clear());
afterAll(async () => {
  await discord.close();
  rmSync(folder, { recursive: true, force: true });
});

const NOTHING: LookUp = { commits: async () => undefined, streak: async () => undefined, jobs: async () => [] };

async function notify(given: Record<string, string>, lookUp: Partial<LookUp> = {}, env: Record<string, string> = {}) {
  const log = recordingLog();
  const bodies: string[] = [];
  const inputs = readInputs(fields, (name) => given[name] ?? '');
  const report = await run(inputs, {
    fetch: (url, init) => {
      if (typeof init.body === 'string') bodies.push(init.body);
      return fetch(url, init);
    },
    clock: systemClock,
    random: Math.random,
    log,
    signal: new AbortController().signal,
    context: { ...githubContext({ GITHUB_REPOSITORY: 'acme/sample', GITHUB_RUN_ID: '42', ...env }), workspace: folder },
    runNumber: '7',
    lookUp: () => ({ ...NOTHING, ...lookUp }),
  });
  for (const token of (given.webhook ?? '').split('\n').map((one) => /[\w-]+(?=\?|$)/.exec(one)?.[0] ?? '')) {
    if (token === '') continue;
    expect(log.masked.some((one) => one.includes(token))).toBe(true);
    expect(JSON.stringify([report, log.lines])).not.toContain(token);
  }
  const id = (report.outputs['message-id'] ?? '').split('/').at(-1);
  const message = discord.messages().find((one) => one.id === id);
  return { report, log, message, bodies };
}

const idOf = ({ report }: Awaited<ReturnType<typeof notify>>) => report.outputs['message-id'] ?? '';

const all = () => discord.messages().filter(({ deleted }) => !deleted).length;

describe('one living message', () => {
  test('is posted, edited at each stage, and closed with the outcome', async () => {
    const webhook = discord.createWebhook();
    const before = all();
    const common = { webhook, title: 'sample', environment: 'dev', components: '["infra","web"]' };
    const first = await notify({ ...common, status: 'started' });
    expect(first.report.outputs).toMatchObject({ sent: 'true' });
    expect(first.message?.embeds[0]).toMatchObject({
      title: '🚀 sample started in dev',
      fields: [
        { name: '⏳ infra', value: 'waiting' },
        { name: '⏳ web', value: 'waiting' },
      ],
    });
    const id = idOf(first);
    const second = await notify({ ...common, 'message-id': id, status: 'running' });
    expect([idOf(second), second.message?.embeds[0]?.title]).toEqual([id, '🔄 sample is under way in dev']);
    const needs = JSON.stringify({
      infra: { result: 'success' },
      web: { result: 'failure', outputs: { cause: 'no health' } },
    });
    const third = await notify({ webhook, title: 'sample', environment: 'dev', 'message-id': id, needs });
    expect(third.message).toMatchObject({ id, edits: 2, embeds: [{ title: '❌ sample failed in dev' }] });
    expect(third.message?.embeds[0]?.fields?.[0]).toMatchObject({ name: '❌ web', value: 'failed\nno health' });
    expect(third.message?.embeds[0]?.footer?.text).toMatch(/^acme\/sample · run 7 · took \d+/);
    expect(all()).toBe(before + 1);
  });

  test('is posted anew when it was deleted, or is too old to be edited', async () => {
    const webhook = discord.createWebhook();
    const first = await notify({ webhook, status: 'started' });
    if (first.message) first.message.deleted = true;
    const second = await notify({ webhook, status: 'succeeded', 'message-id': idOf(first) });
    expect(idOf(second)).not.toBe(idOf(first));
    expect(second.message?.embeds[0]?.title).toBe('✅ deployment succeeded');
    faults.add({
      service: 'discord',
      operation: 'PATCH /webhooks/:webhook_id/:webhook_token/messages/:message_id',
      effect: { error: '30046', message: 'Too old' },
    });
    const third = await notify({ webhook, status: 'failed', 'message-id': idOf(second) });
    expect(idOf(third)).not.toBe(idOf(second));
    expect(third.log.lines).toContain('The earlier message is out of reach, so a new one was posted.');
  });

  test('an older story that had to wait never overwrites a newer one', async () => {
    const webhook = discord.createWebhook();
    const id = idOf(await notify({ webhook, status: 'started' }));
    const late = notify({ webhook, status: 'running', 'message-id': id, 'time-limit': '20s' });
    // The newer one gets through while the older one waits out its 429.
    faults.add({ service: 'discord', times: 1, effect: { throttle: true } });
    const newer = await Promise.race([late.then(() => undefined), new Promise((done) => setTimeout(done, 250))]).then(
      () => notify({ webhook, status: 'succeeded', 'message-id': id }),
    );
    const { report, log } = await late;
    expect(newer.message?.embeds[0]?.title).toBe('✅ deployment succeeded');
    expect(log.lines).toContain('The message tells something newer already, and was left as it is.');
    expect(report.outputs).toMatchObject({ 'message-id': id, sent: 'true' });
  });

  test('a burst of 30 ends in the newest', async () => {
    const webhook = discord.createWebhook();
    const id = idOf(await notify({ webhook, status: 'started' }));
    const updates: ReturnType<typeof notify>[] = [];
    for (let n = 0; n < 30; n++) {
      updates.push(notify({ webhook, title: `update ${n}`, status: 'running', 'message-id': id, 'time-limit': '60s' }));
      await new Promise((done) => setTimeout(done, 2));
    }
    const done = await Promise.all(updates);
    expect(done.filter(({ report }) => report.outputs.sent !== 'true')).toEqual([]);
    expect(done[0]?.message?.embeds[0]?.title).toBe('🔄 update 29 is under way');
  }, 60_000);
});

describe('places', () => {
  test('a thread by its id, from the input or the address', async () => {
    const thread = discord.createThread('deployments', 'run 42');
    const webhook = discord.createWebhook();
    const first = await notify({ webhook, 'thread-id': thread.id, status: 'started' });
    expect(idOf(first)).toMatch(new RegExp(`^${thread.id}/\\d+$`));
    // The id that came out is enough for later steps.
    const second = await notify({ webhook, status: 'succeeded', 'message-id': idOf(first) });
    expect(second.message).toMatchObject({ channelId: thread.id, edits: 1 });
    const third = await notify({ webhook: `${webhook}?thread_id=${thread.id}`, status: 'started' });
    expect(third.message?.channelId).toBe(thread.id);
  });

  test('a forum gets a thread with a name, asked for or not', async () => {
    const webhook = discord.createWebhook({ channel: 'releases' });
    const named = await notify({ webhook, 'thread-name': 'Release 1', status: 'started' });
    const [threadId = ''] = idOf(named).split('/');
    expect(discord.channel(threadId)).toMatchObject({ kind: 'thread', name: 'Release 1' });
    const plain = await notify({ webhook, title: 'sample', environment: 'dev', status: 'started' });
    expect(discord.channel(idOf(plain).split('/')[0] ?? '')).toMatchObject({ name: 'sample in dev' });
    const edited = await notify({ webhook, title: 'sample', status: 'succeeded', 'message-id': idOf(plain) });
    expect([idOf(edited), edited.message?.edits]).toEqual([idOf(plain), 1]);
  });

  test('placeholders in the name of a thread are filled in, as text', async () => {
    const webhook = discord.createWebhook({ channel: 'releases' });
    const name = async (more: Record<string, string>) => {
      const [threadId = ''] = idOf(await notify({ webhook, status: 'started', environment: 'dev', ...more })).split(
        '/',
      );
      return discord.channel(threadId)?.name;
    };
    expect(await name({ 'thread-name': '{repository} to {environment}' })).toBe('acme/sample to dev');
    expect(await name({ title: 'Deploy *{repository}*' })).toBe('Deploy *acme/sample* in dev');
  });

  test('each webhook has a thread of its own, or one for all', async () => {
    const webhook = [discord.createWebhook(), discord.createWebhook()];
    const threads = ['a', 'b'].map((name) => discord.createThread('deployments', name).id);
    const ids = async (threadId: string) => {
      const { report } = await notify({ webhook: webhook.join('\n'), status: 'started', 'thread-id': threadId });
      return idOf({ report } as Awaited<ReturnType<typeof notify>>)
        .split(',')
        .map((id) => id.split('/').at(-2) ?? '');
    };
    expect(await ids(threads.join(','))).toEqual(threads);
    expect(await ids(`,${threads[1]}`)).toEqual(['', threads[1]]);
    expect(await ids(`${threads[0]}`)).toEqual([threads[0], threads[0]]);
  });

  test('tags are those of the thread that it begins, and of nothing else', async () => {
    const forum = discord.createWebhook({ channel: 'releases' });
    const tags = { status: 'started', 'thread-tags': '11111, 22222' };
    const applied = ({ bodies }: Awaited<ReturnType<typeof notify>>) =>
      bodies.map((body) => (JSON.parse(body) as { applied_tags?: string[] }).applied_tags);
    // Without a name Discord says first that it is a forum.
    expect(applied(await notify({ webhook: forum, ...tags }))).toEqual([undefined, ['11111', '22222']]);
    expect(applied(await notify({ webhook: discord.createWebhook(), ...tags }))).toEqual([undefined]);
    faults.add({ service: 'discord', times: 1, effect: { error: '40067', message: 'A tag is required' } });
    const untagged = await notify({ webhook: forum, status: 'started', 'thread-name': 'x' });
    expect(untagged.report.outcome.cause).toMatch(/`thread-tags`/);
  });

  test('a thread’s name is left out where the channel is no forum', async () => {
    const { report, message } = await notify({
      webhook: discord.createWebhook(),
      'thread-name': 'x',
      status: 'started',
    });
    expect([report.outputs.sent, message?.channelId]).toEqual(['true', discord.channel('deployments')?.id]);
  });

  test('an archived thread is opened again by a new message; a locked one is said', async () => {
    const thread = discord.createThread('deployments', 'old');
    const webhook = discord.createWebhook();
    const first = await notify({ webhook, 'thread-id': thread.id, status: 'started' });
    thread.archived = true;
    const second = await notify({ webhook, status: 'succeeded', 'message-id': idOf(first) });
    expect([second.report.outputs.sent, second.message?.channelId]).toEqual(['true', thread.id]);
    thread.locked = true;
    const third = await notify({ webhook, 'thread-id': thread.id, status: 'started' });
    expect(third.report.outcome.cause).toMatch(/code 160005.*The thread is locked/);
  });
});

describe('who is woken up', () => {
  test('those who were named, when it failed, by the post', async () => {
    const { message } = await notify({ webhook: discord.createWebhook(), status: 'failed', mention: 'role:70000' });
    expect(message?.pinged).toMatchObject([{ by: 'post', pings: { roles: ['70000'], users: [], everyone: false } }]);
    const good = await notify({ webhook: discord.createWebhook(), status: 'succeeded', mention: 'role:70000' });
    expect(good.message?.pinged).toEqual([]);
  });

  test('by a message of its own after an edit, which notifies nobody', async () => {
    const webhook = discord.createWebhook();
    const id = idOf(await notify({ webhook, status: 'started' }));
    const before = all();
    await notify({ webhook, status: 'failed', mention: 'role:70000', 'message-id': id });
    expect(all()).toBe(before + 1);
    expect(discord.messages().at(-1)).toMatchObject({
      content: expect.stringMatching(/^<@&70000> \[❌ deployment failed\]/),
      pinged: [{ by: 'post' }],
    });
  });

  test('those whose ids are right, when another’s is none', async () => {
    const given = { webhook: discord.createWebhook(), status: 'failed', mention: '@oncall, role:70000' };
    const { message, log } = await notify(given);
    expect(message?.pinged).toMatchObject([{ pings: { roles: ['70000'] } }]);
    expect(log.lines).toContainEqual(expect.stringMatching(/^warning: input 'mention' is "@oncall"/));
    await expect(notify({ ...given, 'fail-on-error': 'true' })).rejects.toThrow(/input 'mention'/);
  });

  test('nobody by what a workflow’s author or a commit writes', async () => {
    const text = '@everyone <@&70000> <@500>';
    const webhook = discord.createWebhook();
    const first = await notify({ webhook, status: 'failed', content: text, description: text, title: text });
    const second = await notify({ webhook, status: 'failed', content: text, 'message-id': idOf(first) });
    expect([first.message?.pinged, second.message?.pinged]).toEqual([[], []]);
  });
});

describe('logs of what failed', () => {
  const long = Array.from({ length: 60 }, (_, n) => `line ${n} of the log`).join('\n');

  test('go with the message as a file, and away when it is told anew', async () => {
    writeFileSync(join(folder, 'deploy.log'), `${long}\u001b[31m the end\u001b[0m\n`);
    const webhook = discord.createWebhook();
    const { message, report } = await notify({ webhook, status: 'failed', 'log-file': 'deploy.log\nmissing.log' });
    expect(message?.attachments.map(({ filename, content }) => [filename, content.toString()])).toEqual([
      ['deploy.log', `${long} the end\n`],
    ]);
    const again = await notify({ webhook, status: 'succeeded', 'message-id': report.outputs['message-id'] ?? '' });
    expect(again.message?.attachments).toEqual([]);
  });

  test('go into the thread where that is asked for', async () => {
    writeFileSync(join(folder, 'deploy.log'), long);
    const webhook = discord.createWebhook({ channel: 'releases' });
    const more = { log: 'thread', 'log-file': 'deploy.log', 'thread-name': 'Release' };
    const { message } = await notify({ webhook, status: 'failed', ...more });
    const last = discord.messages().at(-1);
    expect(message?.attachments).toEqual([]);
    expect(last).toMatchObject({ channelId: message?.channelId, attachments: [{ filename: 'deploy.log' }] });
  });

  test('are shown by a component where the message is made of components', async () => {
    writeFileSync(join(folder, 'deploy.log'), long);
    const more = { format: 'components', 'log-file': 'deploy.log', status: 'failed' };
    const { message, report } = await notify({ webhook: discord.createWebhook(), ...more });
    expect(report.outcome).toEqual({ status: 'succeeded', cause: '' });
    expect(JSON.stringify(message?.components)).toContain('attachment://deploy.log');
    expect(message?.attachments).toHaveLength(1);
  });

  test.each(['embed', 'components'])('are left out of the %s when Discord finds them too large', async (format) => {
    writeFileSync(join(folder, 'deploy.log'), long);
    const webhook = discord.createWebhook();
    const given = { webhook, format, status: 'failed', 'log-file': 'deploy.log' };
    const tooLarge = { times: 1, effect: { error: '40005', message: 'Too large', httpStatus: 413 } };
    faults.add({ service: 'discord', ...tooLarge });
    const { message, report } = await notify(given);
    expect([report.outcome.cause, message?.attachments]).toEqual(['', []]);
    expect(JSON.stringify(message?.components)).not.toContain('attachment:');
    expect(JSON.stringify(message)).toContain('❌ deployment failed');
    faults.add({ service: 'discord', ...tooLarge });
    const again = await notify({ ...given, 'message-id': report.outputs['message-id'] ?? '' });
    expect([again.report.outcome.cause, again.message?.edits, again.message?.attachments]).toEqual(['', 1, []]);
  });

  test.each(['embed', 'components'])(
    'no more than ten go with the %s, each under a name of its own',
    async (format) => {
      const names = Array.from({ length: 12 }, (_, n) => `part ${n % 6}${n < 6 ? '' : '-'}.log`);
      for (const name of names) writeFileSync(join(folder, name), long);
      const given = { webhook: discord.createWebhook(), format, status: 'failed', 'log-file': names.join('\n') };
      const { message, report } = await notify(given);
      expect(report.outcome).toEqual({ status: 'succeeded', cause: '' });
      expect(new Set(message?.attachments.map(({ filename }) => filename)).size).toBe(10);
    },
  );

  test('go into the thread that the address names, too', async () => {
    writeFileSync(join(folder, 'deploy.log'), long);
    const thread = discord.createThread('deployments', 'logs');
    const webhook = `${discord.createWebhook()}?thread_id=${thread.id}`;
    const { message } = await notify({ webhook, status: 'failed', log: 'thread', 'log-file': 'deploy.log' });
    expect(message?.attachments).toEqual([]);
    expect(discord.messages().at(-1)).toMatchObject({
      channelId: thread.id,
      attachments: [{ filename: 'deploy.log' }],
    });
    const plain = await notify({
      webhook: discord.createWebhook(),
      status: 'failed',
      log: 'thread',
      'log-file': 'deploy.log',
    });
    expect(plain.message?.attachments).toHaveLength(1);
  });
});

describe('components', () => {
  test('are a message, edited as such, and from an embed', async () => {
    const webhook = discord.createWebhook();
    const first = await notify({ webhook, format: 'components', status: 'started' });
    expect([first.report.outcome.cause, first.message?.components.length]).toEqual(['', 1]);
    const second = await notify({ webhook, format: 'components', status: 'succeeded', 'message-id': idOf(first) });
    expect(second.message?.edits).toBe(1);
    const embed = await notify({ webhook, status: 'started' });
    const turned = await notify({ webhook, format: 'components', status: 'failed', 'message-id': idOf(embed) });
    expect([idOf(turned), turned.message?.embeds]).toEqual([idOf(embed), []]);
  });

  test('cannot be turned back, so that an embed is a new message', async () => {
    const webhook = discord.createWebhook();
    const first = await notify({ webhook, format: 'components', status: 'started' });
    const second = await notify({ webhook, status: 'succeeded', 'message-id': idOf(first) });
    expect(second.report.outputs.sent).toBe('true');
    expect(idOf(second)).not.toBe(idOf(first));
  });
});

describe('what goes wrong', () => {
  test.each([
    ['is down', { status: 503 }, /answers with status 503/],
    ['never answers', { delayMs: 1_500 }, /could not be reached \(it did not answer in time\)/],
    ['cuts connections', { cut: 'before' as const }, /could not be reached/],
    ['is behind a block by Cloudflare', { error: 'cloudflare', message: '', httpStatus: 429 }, /Cloudflare/],
    ['has a hidden limit of the channel', { error: 'shared', message: '', httpStatus: 429 }, /asks to wait 2\.0 s/],
  ])('a Discord that %s is a warning, and the id stays usable', async (_, effect, cause) => {
    const webhook = discord.createWebhook();
    faults.add({ service: 'discord', effect });
    const { report, log } = await notify({ webhook, 'message-id': '4711', 'time-limit': '1s' });
    expect(report.outcome).toEqual({ status: 'unchanged', cause: expect.stringMatching(cause) });
    expect(report.outputs).toMatchObject({ 'message-id': '4711', sent: 'false' });
    expect(log.lines).toContainEqual(expect.stringMatching(/^warning: Discord webhook: /));
  });

  test('a deleted webhook is a failure where that is asked for, in either way', async () => {
    const webhook = discord.createWebhook();
    discord.deleteWebhook(webhook);
    for (const more of [{ 'fail-on-error': 'true' }, { nofail: 'false' }]) {
      const { report } = await notify({ webhook, ...more });
      expect(report.outcome).toEqual({ status: 'failed', cause: expect.stringMatching(/The webhook was deleted/) });
    }
    const { report } = await notify({ webhook });
    expect(report.outcome.status).toBe('unchanged');
  });

  test('one bad webhook of two keeps the other from nothing', async () => {
    const [bad, good] = [discord.createWebhook(), discord.createWebhook()];
    discord.deleteWebhook(bad);
    const first = await notify({ webhook: `${bad}\n${good}`, title: 'both', status: 'started' });
    expect(first.report.outputs).toMatchObject({ sent: 'false', 'message-id': expect.stringMatching(/^,\d+$/) });
    await notify({ webhook: `${bad}\n${good}`, title: 'both', 'message-id': idOf(first) });
    expect(discord.messages().at(-1)).toMatchObject({ edits: 1 });
  });

  test('an address that is none keeps the other webhook from nothing, and is not repeated', async () => {
    const good = discord.createWebhook();
    const webhook = `https://hooks.example/bad-secret\n${good}`;
    const { report, message } = await notify({ webhook: good, status: 'started' });
    expect(message).toBeDefined();
    const both = await notify({ webhook, title: 'both', 'message-id': `,${report.outputs['message-id']}` });
    expect(discord.messages().find(({ id }) => id === idOf({ report } as typeof both))).toMatchObject({ edits: 1 });
    expect(both.report.outcome).toEqual({ status: 'unchanged', cause: expect.stringMatching(/input 'webhook'/) });
    expect(JSON.stringify([both.report, both.log.lines])).not.toContain('bad-secret');
    const strict = await notify({ webhook, 'fail-on-error': 'true' });
    expect(strict.report.outcome.status).toBe('failed');
    const checked = await notify({ webhook, preflight: 'true' });
    expect(checked.report.summary).toMatch(/webhook 1 \|.*not the address[\s\S]*ready, in channel/);
  });

  test('a result file that is none, or a link that is none, is said and keeps nobody from being told', async () => {
    const results = join(folder, 'results');
    mkdirSync(results);
    writeFileSync(join(results, 'result-web.json'), '{');
    const at = { startedAt: new Date().toISOString(), endedAt: new Date().toISOString() };
    const bot = {
      component: 'bot',
      environment: 'dev',
      stage: 'bot',
      outcome: { status: 'succeeded', cause: '' },
      ...at,
    };
    writeFileSync(join(results, 'result-bot.json'), JSON.stringify(bot));
    const { message, log, report } = await notify({
      webhook: discord.createWebhook(),
      results,
      components: '["web","bot"]',
      links: 'Bad=https://%\nGood=https://x.test/',
    });
    expect(report.outputs.sent).toBe('true');
    expect(message?.embeds[0]?.fields?.map(({ name }) => name)).toEqual(['❌ web', '✅ bot']);
    expect(message?.embeds[0]?.description).toContain('[Good](https://x.test/)');
    expect(log.lines).toContainEqual(expect.stringMatching(/^warning: result file/));
  });

  test('an id that is none is a warning and a new message, or an error where that is asked for', async () => {
    const webhook = discord.createWebhook();
    const { report, log } = await notify({ webhook, status: 'failed', 'message-id': '../x' });
    expect(report.outputs).toMatchObject({ sent: 'true', 'message-id': expect.stringMatching(/^\d+$/) });
    expect(log.lines).toContainEqual(expect.stringMatching(/^warning: input 'message-id' is "\.\.\/x"/));
    const strict = notify({ webhook, 'fail-on-error': 'true', 'message-id': '../x' });
    await expect(strict).rejects.toThrow(/input 'message-id'/);
  });

  test('no webhook is a visible skip', async () => {
    const { report } = await notify({ ack_no_webhook: 'true' });
    expect(report.outcome).toEqual({ status: 'unchanged', cause: 'no webhook was given' });
    expect(report.annotations).toMatchObject([{ level: 'notice', message: expect.stringMatching(/forks/) }]);
    expect(report.summary).toContain('not sent: no webhook was given');
  });
});

describe('without posting', () => {
  test('dry-run shows the message in the summary', async () => {
    const before = all();
    const { report } = await notify({
      webhook: discord.createWebhook(),
      'dry-run': 'true',
      title: 'sample',
      status: 'failed',
    });
    expect(all()).toBe(before);
    expect(report.summary).toContain('> **[❌ sample failed](https://github.com/acme/sample/actions/runs/42)**');
    expect(report.summary).toContain('"allowed_mentions"');
    expect(JSON.parse(report.outputs.payload ?? '')).toMatchObject({ embeds: [{ title: '❌ sample failed' }] });
  });

  test('preflight asks Discord about each webhook', async () => {
    const [good, bad] = [discord.createWebhook({ name: 'Slipway' }), discord.createWebhook()];
    discord.deleteWebhook(bad);
    const before = all();
    const fine = await notify({ webhook: good, preflight: 'true' });
    expect(fine.report.outcome).toEqual({ status: 'succeeded', cause: '' });
    expect(fine.report.summary).toMatch(/\| Slipway \| ready, in channel \d+ \|/);
    const both = await notify({ webhook: `${good}\n${bad}`, preflight: 'true', 'fail-on-error': 'true' });
    expect(both.report.outcome).toEqual({ status: 'failed', cause: expect.stringMatching(/The webhook was deleted/) });
    expect(all()).toBe(before);
  });
});

describe('what a run has come to', () => {
  const state = async (given: Record<string, string>) => {
    const { report } = await notify({ title: 't', 'dry-run': 'true', ...given });
    return JSON.parse(report.outputs.payload ?? '').embeds[0].title;
  };

  test.each([
    [
      'all skipped: nothing was done',
      '{"build":{"result":"skipped"},"deploy":{"result":"skipped"}}',
      '',
      '⏹️ t was cancelled',
    ],
    ['some skipped', '{"build":{"result":"success"},"deploy":{"result":"skipped"}}', 'success', '✅ t succeeded'],
    ['a step before this one failed', '{"build":{"result":"success"}}', 'failure', '❌ t failed'],
    ['this job was cancelled', '{"build":{"result":"success"}}', 'cancelled', '⏹️ t was cancelled'],
    [
      'outputs with anything in them',
      '{"build":{"result":"success","outputs":{"a":": - {\\t\\u0000"}}}',
      'success',
      '✅ t succeeded',
    ],
  ])('%s', async (_, needs, job, title) => {
    expect(await state({ needs, 'job-status': job })).toBe(title);
  });

  test('what the workflow says outweighs the job', async () => {
    expect(await state({ status: 'succeeded', 'job-status': 'failure' })).toBe('✅ t succeeded');
  });

  test('a re-run does not count the time since the message of its first attempt', async () => {
    const posted = String((BigInt(Date.now() - 3 * 3_600_000 - 1_420_070_400_000) << 22n) + 1n);
    const footer = async (attempt: string) => {
      const given = { status: 'succeeded', 'message-id': posted, 'dry-run': 'true' };
      const { report } = await notify(given, {}, { GITHUB_RUN_ATTEMPT: attempt });
      return JSON.parse(report.outputs.payload ?? '').embeds[0].footer.text;
    };
    expect(await footer('1')).toMatch(/took 3 h/);
    expect(await footer('2')).not.toMatch(/took/);
  });
});

describe('what GitHub knows', () => {
  const head = { sha: 'f'.repeat(40), subject: 'Looked up', author: 'Ada', url: '' };
  const commits = { head, base: '', count: 1, list: [head], authors: ['Ada'], url: '' };

  test('is asked for with a token: the commit, failures before, jobs', async () => {
    const needs = '{"deploy":{"result":"success"},"lint":{"result":"failure"}}';
    const given = { webhook: discord.createWebhook(), needs, token: 'ghs_x' };
    const { message } = await notify(given, {
      commits: async () => commits,
      streak: async () => ({ failures: 2, since: Date.now() - 42 * 60_000 }),
      jobs: async () => [
        { name: 'deploy', url: 'https://x.test/1', ms: 5000 },
        { name: 'lint (a)', url: 'https://x.test/2', ms: 7000 },
      ],
    });
    const [embed] = message?.embeds ?? [];
    expect(embed?.description).toBe(
      [
        '`fffffff` Looked up by Ada',
        '🔁 **Failed 3 times in a row**, for 42 min',
        '[Run](https://github.com/acme/sample/actions/runs/42) · [Log of lint](https://x.test/2)',
      ].join('\n'),
    );
    expect(embed?.fields?.map(({ value }) => value)).toEqual(['failed · 7.0 s', 'succeeded\n5.0 s']);
  });

  test('nobody is asked without a token', async () => {
    const lookUp = { commits: () => Promise.reject(new Error('asked')) };
    expect((await notify({ webhook: discord.createWebhook() }, lookUp)).report.outputs.sent).toBe('true');
  });
});
