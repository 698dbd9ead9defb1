import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { createDiscord, type Discord } from './server.ts';

const TOKEN = 'bot-token';
const COMMANDS = [
  { name: 'status', description: 'What runs where' },
  {
    name: 'deploy',
    description: 'Deploy',
    options: [{ name: 'component', description: 'Which', type: 3, required: true }],
  },
];
let discord: Discord;
let application = '';

beforeEach(async () => {
  discord = await createDiscord({
    guild: { roles: [{ name: 'deployer', id: '700' }], members: [{ username: 'ada', id: '500', roles: ['deployer'] }] },
  });
  application = discord.addBot({ name: 'Slipway', token: TOKEN });
});
afterEach(() => discord.close());

interface Frame {
  op: number;
  t: string | null;
  s: number | null;
  // biome-ignore lint/suspicious/noExplicitAny: frames are looked at field by field
  d: any;
}

/** A raw client: collects frames, waits for one. */
async function connect(query = '?v=10&encoding=json') {
  const socket = new WebSocket(`${discord.url.replace('http', 'ws')}/${query}`);
  const frames: Frame[] = [];
  const waiting = new Set<() => void>();
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  socket.on('message', (raw) => {
    frames.push(JSON.parse(String(raw)) as Frame);
    for (const wake of waiting) wake();
  });
  await new Promise((resolve) => socket.once('open', resolve));
  return {
    closed,
    send: (op: number, d: unknown) => socket.send(JSON.stringify({ op, d })),
    raw: (text: string) => socket.send(text),
    close: () => socket.close(),
    until: (match: (frame: Frame) => boolean) =>
      new Promise<Frame>((resolve) => {
        const look = (): void => {
          const found = frames.find(match);
          if (!found) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
}
type Client = Awaited<ReturnType<typeof connect>>;
const event = (name: string) => (frame: Frame) => frame.t === name;
async function identified(): Promise<Client> {
  const client = await connect();
  client.send(2, { token: TOKEN, intents: 1, properties: {} });
  await client.until(event('GUILD_CREATE'));
  return client;
}
const api = (method: string, path: string, body?: unknown, token = TOKEN) =>
  fetch(`${discord.apiUrl}/v10${path}`, {
    method,
    headers: { authorization: `Bot ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const register = (commands: unknown) =>
  api('PUT', `/applications/${application}/guilds/${discord.guildId}/commands`, commands);

describe('connection', () => {
  test('hello, heartbeat, identify, ready, guild', async () => {
    const gateway = (await (await api('GET', '/gateway/bot')).json()) as { url: string; shards: number };
    expect(gateway).toMatchObject({ url: discord.url.replace('http', 'ws'), shards: 1 });
    const client = await connect();
    expect((await client.until((frame) => frame.op === 10)).d.heartbeat_interval).toBe(41_250);
    client.send(1, null);
    await client.until((frame) => frame.op === 11);
    client.send(2, { token: TOKEN, intents: 1, properties: {} });
    const ready = await client.until(event('READY'));
    expect(ready).toMatchObject({
      s: 1,
      d: { user: { username: 'Slipway', bot: true }, guilds: [{ unavailable: true }] },
    });
    expect((await client.until(event('GUILD_CREATE'))).d).toMatchObject({
      id: discord.guildId,
      channels: [{ name: 'deployments' }],
    });
    expect(discord.gateway.online(application)).toBe(true);
    client.close();
  });

  test('without the intent for guilds a bot learns of none, and still gets commands', async () => {
    await register(COMMANDS);
    const client = await connect();
    client.send(2, { token: TOKEN, intents: 0, properties: {} });
    expect((await client.until(event('READY'))).d.guilds).toEqual([]);
    void discord.command({ command: 'status' }, 100);
    expect((await client.until(event('INTERACTION_CREATE'))).d.member.roles).toEqual(['700']);
    client.close();
  });

  test.each<[string, (client: Client) => void, number]>([
    ['a wrong token', (client) => client.send(2, { token: 'x', intents: 1 }), 4004],
    ['intents that do not exist', (client) => client.send(2, { token: TOKEN, intents: 2 ** 30 }), 4013],
    ['a command before identify', (client) => client.send(3, {}), 4003],
    ['no JSON', (client) => client.raw('{'), 4002],
  ])('%s closes with the documented code', async (_name, act, code) => {
    const client = await connect();
    act(client);
    expect(await client.closed).toBe(code);
  });

  test('an old version and a second identify are refused', async () => {
    expect(await (await connect('?v=6')).closed).toBe(4012);
    const client = await identified();
    client.send(2, { token: TOKEN, intents: 1 });
    expect(await client.closed).toBe(4005);
  });

  test('a resumed session gets what it missed; an invalidated one must start anew', async () => {
    await register(COMMANDS);
    const first = await identified();
    const ready = await first.until(event('READY'));
    first.close();
    await first.closed;
    const missed = discord.command({ command: 'status' }, 200);
    const second = await connect();
    second.send(6, { token: TOKEN, session_id: ready.d.session_id, seq: 2 });
    expect((await second.until(event('INTERACTION_CREATE'))).s).toBe(3);
    await second.until(event('RESUMED'));
    await missed;
    discord.gateway.reconnect();
    await second.until((frame) => frame.op === 7);
    discord.gateway.invalidate();
    expect((await second.until((frame) => frame.op === 9)).d).toBe(false);
    const third = await connect();
    third.send(6, { token: TOKEN, session_id: ready.d.session_id, seq: 3 });
    expect((await third.until((frame) => frame.op === 9)).d).toBe(false);
    second.close();
    third.close();
  });
});

describe('slash commands', () => {
  test('registered, typed, deferred, answered, edited', async () => {
    expect(await (await register(COMMANDS)).json()).toMatchObject([
      { name: 'status', application_id: application },
      {},
    ]);
    const client = await identified();
    const done = discord.command({ command: 'deploy', options: { component: 'web' }, user: 'ada' });
    const { d } = await client.until(event('INTERACTION_CREATE'));
    expect(d.member).toMatchObject({ user: { username: 'ada' }, roles: ['700'] });
    expect(d.data).toMatchObject({ name: 'deploy', options: [{ name: 'component', type: 3, value: 'web' }] });
    const callback = `/interactions/${d.id}/${d.token}/callback`;
    expect((await api('POST', callback, { type: 5, data: { flags: 64 } })).status).toBe(204);
    expect(await (await api('POST', callback, { type: 4, data: { content: 'again' } })).json()).toMatchObject({
      code: 40_060,
    });
    const original = `/webhooks/${application}/${d.token}/messages/@original`;
    expect((await api('PATCH', original, { content: 'Started run 7' })).status).toBe(200);
    expect(await done).toMatchObject({ state: 'answered', ephemeral: true, messages: [{ content: 'Started run 7' }] });
    expect((await api('PATCH', original, { content: 'Run 7 is done' })).status).toBe(200);
    await api('POST', `/webhooks/${application}/${d.token}`, { content: 'More' });
    const shown = discord.snapshot().messages;
    expect(shown.map((one) => one.content)).toEqual(['Run 7 is done', 'More']);
    expect(shown[0]).toMatchObject({ ephemeral: true, interaction: { user: 'ada', command: 'deploy' } });
    client.close();
  });

  test('an answer may come with the callback’s response; a late one is unknown', async () => {
    await register(COMMANDS);
    const client = await identified();
    const done = discord.command({ command: 'status' });
    const { d } = await client.until(event('INTERACTION_CREATE'));
    const body = { type: 4, data: { embeds: [{ title: 'dev' }] } };
    const response = await api('POST', `/interactions/${d.id}/${d.token}/callback?with_response=true`, body);
    expect(await response.json()).toMatchObject({ resource: { type: 4, message: { embeds: [{ title: 'dev' }] } } });
    expect((await done).state).toBe('answered');
    expect((await (await api('POST', '/interactions/1/x/callback', body)).json()) as object).toMatchObject({
      code: 10_062,
    });
    client.close();
  });

  test('nobody answers: the interaction ends after three seconds', async () => {
    await register(COMMANDS);
    expect((await discord.command({ command: 'status' })).state).toBe('expired');
  });

  test('the control endpoint types a command, and says what it does not know', async () => {
    await register(COMMANDS);
    const type = async (body: unknown, headers: Record<string, string> = {}) => {
      const response = await fetch(`${discord.url}/_control/interactions`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      });
      return [response.status, ((await response.json()) as { message?: string }).message];
    };
    expect(await type({ command: 'nope' })).toEqual([
      400,
      'no bot has registered /nope; registered are: /status, /deploy',
    ]);
    expect(await type({ command: 'deploy' })).toEqual([400, '/deploy needs the option component']);
    expect(await type({ command: 'status', user: 'eve' })).toEqual([400, 'the guild has no member eve']);
    expect((await type({ command: 'status' }, { origin: 'https://evil.example' }))[0]).toBe(403);
  });

  test.each<[string, unknown, string]>([
    ['an upper-case name', [{ name: 'Status', description: 'd' }], 'APPLICATION_COMMAND_INVALID_NAME'],
    ['a duplicate', [COMMANDS[0], COMMANDS[0]], 'APPLICATION_COMMANDS_DUPLICATE_NAME'],
    ['no description', [{ name: 'a' }], 'BASE_TYPE_REQUIRED'],
    [
      'a required option after an optional one',
      [
        {
          name: 'a',
          description: 'd',
          options: [
            { name: 'o', description: 'd', type: 3 },
            { name: 'r', description: 'd', type: 3, required: true },
          ],
        },
      ],
      'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID',
    ],
  ])('registration refuses %s', async (_name, commands, code) => {
    const response = await register(commands);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(code);
  });

  test('a wrong token and a foreign application are refused', async () => {
    expect((await api('GET', '/gateway/bot', undefined, 'x')).status).toBe(401);
    expect((await api('GET', '/applications/1/commands')).status).toBe(403);
  });
});
