import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createFaults, type FaultEffect } from '../faults.ts';
import { LIMITS, type LimitName } from './limits.ts';
import { createDiscord, type Discord } from './server.ts';

const faults = createFaults(1);
const ROOMY = { bucket: { limit: 1000, windowMs: 1000 }, global: { limit: 1000, windowMs: 1000 } };
let discord: Discord;
let hook = '';

beforeEach(async () => {
  faults.clear();
  discord = await createDiscord({
    faults,
    rates: ROOMY,
    guild: {
      channels: [{ name: 'deployments' }, { name: 'releases', kind: 'forum' }],
      roles: [{ name: 'oncall', id: '700' }],
      members: [{ username: 'ada', id: '500' }],
    },
  });
  hook = v10(discord.createWebhook());
});
afterEach(() => discord.close());

const v10 = (url: string): string => url.replace('/api/', '/api/v10/');
interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field
  body: any;
}
async function ask(method: string, url: string, body?: unknown): Promise<Answer> {
  const init =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await fetch(url, { method, ...init });
  const text = await response.text();
  const json = response.headers.get('content-type')?.includes('json');
  return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
}
const post = (body: unknown, query = '?wait=true') => ask('POST', hook + query, body);
const x = (length: number): string => 'x'.repeat(length);
const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const V2 = { flags: 32_768 };

describe('limits, each at its figure and one above', () => {
  const field = { name: 'n', value: 'v' };
  const cases: [LimitName, (size: number) => unknown, (string | number)[]][] = [
    ['content', (n) => ({ content: x(n) }), ['content']],
    ['embeds', (n) => ({ embeds: many(n, () => ({ title: 't' })) }), ['embeds']],
    ['embedTitle', (n) => ({ embeds: [{ title: x(n) }] }), ['embeds', 0, 'title']],
    ['embedDescription', (n) => ({ embeds: [{ description: x(n) }] }), ['embeds', 0, 'description']],
    ['embedFields', (n) => ({ embeds: [{ fields: many(n, () => field) }] }), ['embeds', 0, 'fields']],
    ['fieldName', (n) => ({ embeds: [{ fields: [{ ...field, name: x(n) }] }] }), ['embeds', 0, 'fields', 0, 'name']],
    ['fieldValue', (n) => ({ embeds: [{ fields: [{ ...field, value: x(n) }] }] }), ['embeds', 0, 'fields', 0, 'value']],
    ['footerText', (n) => ({ embeds: [{ footer: { text: x(n) } }] }), ['embeds', 0, 'footer', 'text']],
    ['authorName', (n) => ({ embeds: [{ author: { name: x(n) } }] }), ['embeds', 0, 'author', 'name']],
    ['embedTotal', (n) => ({ embeds: [{ description: x(n - 2000) }, { description: x(2000) }] }), ['embeds']],
    ['username', (n) => ({ content: 'c', username: x(n) }), ['username']],
    [
      'mentionedUsers',
      (n) => ({ content: 'c', allowed_mentions: { users: many(n, String) } }),
      ['allowed_mentions', 'users'],
    ],
    [
      'mentionedRoles',
      (n) => ({ content: 'c', allowed_mentions: { roles: many(n, String) } }),
      ['allowed_mentions', 'roles'],
    ],
    ['components', (n) => ({ ...V2, components: many(n, () => ({ type: 10, content: 'c' })) }), ['components']],
    [
      'displayableText',
      (n) => ({
        ...V2,
        components: [
          { type: 10, content: x(n - 10) },
          { type: 10, content: x(10) },
        ],
      }),
      ['components'],
    ],
    [
      'buttonsPerRow',
      (n) => ({
        ...V2,
        components: [
          { type: 1, components: many(n, () => ({ type: 2, style: 5, label: 'l', url: 'https://a.example' })) },
        ],
      }),
      ['components', 0, 'components'],
    ],
    [
      'buttonLabel',
      (n) => ({
        ...V2,
        components: [{ type: 1, components: [{ type: 2, style: 5, label: x(n), url: 'https://a.example' }] }],
      }),
      ['components', 0, 'components', 0, 'label'],
    ],
    [
      'attachmentDescription',
      (n) => ({ content: 'c', attachments: [{ id: 0, description: x(n) }] }),
      ['attachments', 0, 'description'],
    ],
  ];
  test.each(cases)('%s', async (name, build, path) => {
    const { value } = LIMITS[name];
    const fits = await post(build(value), '?wait=true&with_components=true');
    expect([name, fits.status, fits.body.errors]).toEqual([name, 200, undefined]);
    const over = await post(build(value + 1), '?wait=true&with_components=true');
    expect([over.status, over.body.code]).toEqual([400, 50_035]);
    const node = path.reduce((tree, key) => tree?.[key], over.body.errors);
    expect(node?._errors?.[0]?.message).toMatch(String(value));
  });

  test('code points are counted, and white space around embed texts is not', async () => {
    expect((await post({ content: '🚀'.repeat(2000) })).status).toBe(200);
    expect((await post({ content: '🚀'.repeat(2001) })).status).toBe(400);
    expect((await post({ embeds: [{ title: `  ${x(256)}\n ` }] })).body.embeds[0].title).toHaveLength(256);
  });

  test('text displays over the undocumented byte limit are a 500', async () => {
    const long = (bytes: number) =>
      post({ ...V2, components: [{ type: 10, content: '漢'.repeat(bytes / 3) }] }, '?with_components=1');
    expect((await long(10_158)).status).toBe(204);
    expect((await long(10_161)).status).toBe(500);
  });

  test('every mistake is reported at once, with its path', async () => {
    const { body } = await post({
      content: x(2001),
      embeds: [{ color: -1, url: 'ftp://x' }, { fields: [{ name: '', value: 'v' }] }],
    });
    expect(body.message).toBe('Invalid Form Body');
    expect(body.errors.content._errors[0].code).toBe('BASE_TYPE_MAX_LENGTH');
    expect(body.errors.embeds[0].color._errors[0].code).toBe('NUMBER_TYPE_MIN');
    expect(body.errors.embeds[0].url._errors[0].code).toBe('URL_TYPE_INVALID_SCHEME');
    expect(body.errors.embeds[1].fields[0].name._errors[0].code).toBe('BASE_TYPE_REQUIRED');
  });

  test('the unversioned URL, which people copy, answers errors in the old form', async () => {
    const url = hook.replace('/v10', '');
    expect((await ask('POST', url, { content: x(2001) })).body).toEqual({
      content: ['Must be 2000 or fewer in length.'],
    });
    expect((await ask('POST', url, { embeds: [{ title: x(257) }] })).body).toEqual({ embeds: ['0'] });
  });
});

describe('refusals', () => {
  test.each<[string, unknown, number, number]>([
    ['nothing', {}, 400, 50_006],
    ['blank content', { content: '  \n' }, 400, 50_006],
    ['an empty embed', { embeds: [{}] }, 400, 50_006],
    ['components without with_components', { components: [{ type: 1, components: [] }] }, 400, 50_006],
    ['a name with Discord in it', { content: 'c', username: 'My Discord bot' }, 400, 50_035],
    [
      'parse and ids of the same kind',
      { content: 'c', allowed_mentions: { parse: ['users'], users: ['1'] } },
      400,
      50_035,
    ],
    ['a thread name outside a forum', { content: 'c', thread_name: 't' }, 400, 220_003],
  ])('%s', async (_name, body, status, code) => {
    const answer = await post(body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  test('broken JSON, another content type, an unknown webhook, a wrong token, an unknown message, an old version', async () => {
    const json = { 'content-type': 'application/json' };
    const broken = await fetch(hook, { method: 'POST', headers: json, body: '{' });
    expect(await broken.json()).toMatchObject({ code: 50_109 });
    const plain = await fetch(hook, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'hi' });
    expect(await plain.json()).toMatchObject({ code: 50_035 });
    const [base, id, token] = [hook.slice(0, hook.indexOf('/webhooks')), ...hook.split('/').slice(-2)];
    expect((await ask('POST', `${base}/webhooks/123/${token}`, { content: 'c' })).body.code).toBe(10_015);
    expect((await ask('POST', `${base}/webhooks/${id}/wrong`, { content: 'c' })).body).toMatchObject({ code: 50_027 });
    expect((await ask('PATCH', `${hook}/messages/1`, { content: 'c' })).body.code).toBe(10_008);
    expect((await ask('GET', hook.replace('/v10', '/v5'))).body.code).toBe(50_041);
    discord.deleteWebhook(hook);
    expect((await post({ content: 'c' })).body.code).toBe(10_015);
  });

  test('an unknown route is refused by name, without the token', async () => {
    const answer = await ask('POST', `${hook}/slack`, { text: 'x' });
    expect(answer.status).toBe(404);
    expect(answer.headers.get('x-slipway-unknown-route')).toMatch(/\/webhooks\/\d+\/.*slack/);
    expect(answer.headers.get('x-slipway-unknown-route')).not.toContain(hook.split('/').pop());
  });
});

describe('a living message', () => {
  test('posted, read, edited, deleted', async () => {
    const made = await post({ content: 'building', embeds: [{ title: 'web', color: 0x5865f2 }], username: 'Slipway' });
    expect(made.body).toMatchObject({
      content: 'building',
      author: { username: 'Slipway', bot: true },
      edited_timestamp: null,
    });
    const url = `${hook}/messages/${made.body.id}`;
    const edited = await ask('PATCH', url, { content: 'done' });
    expect(edited.body).toMatchObject({ content: 'done', embeds: [{ title: 'web' }] });
    expect(edited.body.edited_timestamp).not.toBeNull();
    expect((await ask('PATCH', url, { embeds: null })).body.embeds).toEqual([]);
    expect((await ask('PATCH', url, { content: null })).body.code).toBe(50_006);
    expect((await ask('GET', url)).body.content).toBe('done');
    expect((await ask('DELETE', url)).status).toBe(204);
    expect((await ask('PATCH', url, { content: 'x' })).body.code).toBe(10_008);
    expect(discord.snapshot().messages).toHaveLength(0);
  });

  test('without wait there is no body', async () => {
    const answer = await post({ content: 'c' }, '');
    expect([answer.status, answer.body]).toEqual([204, '']);
  });

  test('the webhook can be looked up without posting', async () => {
    expect((await ask('GET', hook)).body).toMatchObject({ type: 1, name: 'Captain Hook' });
    expect(discord.messages()).toHaveLength(0);
  });

  test('Components V2 cannot be mixed with text, nor taken back', async () => {
    const query = '?wait=true&with_components=true';
    const text = (content: string) => ({ ...V2, components: [{ type: 17, components: [{ type: 10, content }] }] });
    expect((await post({ ...text('a'), content: 'b' }, query)).body.errors.content._errors[0].code).toMatch(
      /COMPONENTS_V2/,
    );
    const made = await post(text('one'), query);
    expect(made.status).toBe(200);
    const url = `${hook}/messages/${made.body.id}?with_components=true`;
    expect((await ask('PATCH', url, { content: 'plain', flags: 0 })).status).toBe(400);
    expect((await ask('PATCH', url, { components: [{ type: 10, content: 'two' }] })).body.flags & V2.flags).toBe(
      V2.flags,
    );
  });

  test('a button with an action needs a webhook that an application owns', async () => {
    const row = { components: [{ type: 1, components: [{ type: 2, style: 1, label: 'go', custom_id: 'go' }] }] };
    expect((await post({ content: 'c', ...row }, '?with_components=true')).status).toBe(400);
    const owned = v10(discord.createWebhook({ application: discord.addBot({ name: 'b', token: 't' }) }));
    expect((await ask('POST', `${owned}?wait=true`, { content: 'c', ...row })).body.components).toHaveLength(1);
  });

  test('files come as multipart, and an edit keeps only those it lists', async () => {
    const form = new FormData();
    form.set('payload_json', JSON.stringify({ content: 'log', attachments: [{ id: 0, description: 'the log' }] }));
    form.set('files[0]', new Blob(['line 1\n']), 'run.log');
    const response = await fetch(`${hook}?wait=true`, { method: 'POST', body: form });
    const made = (await response.json()) as {
      id: string;
      attachments: { id: string; filename: string; url: string; description: string }[];
    };
    const [file] = made.attachments;
    expect(file).toMatchObject({ filename: 'run.log', description: 'the log', size: 7 });
    expect(await (await fetch(file?.url ?? '')).text()).toBe('line 1\n');
    const url = `${hook}/messages/${made.id}`;
    expect((await ask('PATCH', url, { content: 'a', attachments: [{ id: file?.id }] })).body.attachments).toHaveLength(
      1,
    );
    expect((await ask('PATCH', url, { content: 'a', attachments: [] })).body.attachments).toHaveLength(0);
    const more = async (attachments: unknown): Promise<string[]> => {
      const change = new FormData();
      change.set('payload_json', JSON.stringify({ attachments }));
      change.set('files[1]', new Blob(['line 2\n']), 'second.log');
      const body = (await (await fetch(url, { method: 'PATCH', body: change })).json()) as typeof made;
      return body.attachments.map(({ filename }) => filename);
    };
    expect(await more([])).toEqual([]);
    expect(await more([{ id: 1 }])).toEqual(['second.log']);
    expect(await more(undefined)).toEqual(['second.log', 'second.log']);
    const big = new FormData();
    big.set('files[0]', new Blob([new Uint8Array(LIMITS.fileBytes.value + 1)]), 'big.bin');
    const refused = await fetch(hook, { method: 'POST', body: big });
    expect([refused.status, await refused.json()]).toMatchObject([413, { code: 40_005 }]);
  });
});

describe('mentions', () => {
  const text = '@everyone <@500> <@&700> `<@501>`';
  const nobody = { users: [], roles: [], everyone: false };
  test.each<[string, unknown, object]>([
    ['the default pings users', undefined, { ...nobody, users: ['500'] }],
    ['closed', { parse: [] }, nobody],
    ['roles and everyone', { parse: ['roles', 'everyone'] }, { users: [], roles: ['700'], everyone: true }],
    ['only a listed id that is there', { users: ['500', '999'] }, { ...nobody, users: ['500'] }],
    ['a listed role', { parse: [], roles: ['700'] }, { ...nobody, roles: ['700'] }],
  ])('%s', async (_name, allowed, expected) => {
    await post({ content: text, ...(allowed ? { allowed_mentions: allowed } : {}) });
    expect(discord.messages().at(-1)?.mentions).toEqual(expected);
  });

  test('an edit without allowed_mentions falls back to the default: the trap', async () => {
    const made = await post({ content: text, allowed_mentions: { parse: [] } });
    const url = `${hook}/messages/${made.body.id}`;
    await ask('PATCH', url, { content: `${text}!`, allowed_mentions: { parse: [] } });
    expect(discord.messages().at(-1)?.pinged).toEqual([]);
    await ask('PATCH', url, { content: text });
    expect(discord.messages().at(-1)?.pinged).toMatchObject([{ by: 'edit', pings: { users: ['500'] } }]);
  });

  test('embeds never ping', async () => {
    await post({ embeds: [{ description: text }], allowed_mentions: { parse: ['users', 'everyone'] } });
    expect(discord.messages().at(-1)?.pinged).toEqual([]);
  });
});

describe('threads and forums', () => {
  test('a thread is reached by thread_id, also by edits; it wakes up when posted to', async () => {
    const thread = discord.createThread('deployments', 'run 1');
    thread.archived = true;
    const made = await post({ content: 'in thread' }, `?wait=true&thread_id=${thread.id}`);
    expect([made.body.channel_id, thread.archived]).toEqual([thread.id, false]);
    expect((await ask('PATCH', `${hook}/messages/${made.body.id}`, { content: 'x' })).body.code).toBe(10_008);
    const url = `${hook}/messages/${made.body.id}?thread_id=${thread.id}`;
    expect((await ask('PATCH', url, { content: 'x' })).status).toBe(200);
    thread.archived = true;
    expect((await ask('PATCH', url, { content: 'y' })).body.code).toBe(50_083);
    thread.locked = true;
    expect((await post({ content: 'c' }, `?thread_id=${thread.id}`)).body.code).toBe(160_005);
    expect((await post({ content: 'c' }, '?thread_id=1')).body.code).toBe(10_003);
  });

  test('a forum wants exactly one of thread_id and thread_name', async () => {
    hook = v10(discord.createWebhook({ channel: 'releases' }));
    expect((await post({ content: 'c' })).body.code).toBe(220_001);
    const made = await post({ content: 'c', thread_name: 'v1.2' });
    expect(discord.channel('v1.2')).toMatchObject({ id: made.body.channel_id, kind: 'thread' });
    expect((await post({ content: 'c', thread_name: 'n' }, `?thread_id=${made.body.channel_id}`)).body.code).toBe(
      220_002,
    );
  });
});

describe('faults', () => {
  test.each<[string, FaultEffect, number, unknown]>([
    ['a storm of 429s', { throttle: true }, 429, { retry_after: 0.5, global: false }],
    ['the hidden channel limit', { error: 'shared', message: '', httpStatus: 429 }, 429, { retry_after: 2 }],
    ['Cloudflare', { error: 'cloudflare', message: '', httpStatus: 429 }, 429, 'error code: 1015'],
    ['a code of Discord', { error: '30046', message: 'Maximum number of edits' }, 400, { code: 30_046 }],
    ['a bad gateway', { status: 502 }, 502, expect.stringContaining('<html>')],
  ])('%s', async (_name, effect, status, body) => {
    faults.add({ service: 'discord', operation: 'POST /webhooks/:webhook_id/:webhook_token', times: 1, effect });
    const struck = await post({ content: 'c' });
    expect(struck.status).toBe(status);
    if (typeof body === 'object' && !('asymmetricMatch' in (body ?? {})))
      expect(struck.body).toMatchObject(body as object);
    else expect(struck.body).toEqual(body);
    expect((await post({ content: 'c' })).status).toBe(200);
  });

  test('down, slow, and cut after it was carried out', async () => {
    faults.add({ service: 'discord', times: 1, effect: { cut: 'before' } });
    await expect(post({ content: 'a' })).rejects.toThrow();
    faults.add({ service: 'discord', times: 1, effect: { delayMs: 80 } });
    const start = performance.now();
    await post({ content: 'b' });
    expect(performance.now() - start).toBeGreaterThanOrEqual(79);
    faults.add({ service: 'discord', times: 1, effect: { cut: 'after' } });
    await expect(post({ content: 'c' })).rejects.toThrow();
    expect(discord.messages().map((one) => one.content)).toEqual(['b', 'c']);
  });
});
