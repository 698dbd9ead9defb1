import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { FakeDiscord } from './discord.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const HEALTHCHECK = fileURLToPath(new URL('../src/healthcheck.ts', import.meta.url));
const ROLE = '920000000000000001';
const EPHEMERAL = 64;

const folder = mkdtempSync(join(tmpdir(), 'sample-bot-'));
const healthFile = join(folder, 'healthy');
const discord = new FakeDiscord();
const dispatches: Record<string, unknown>[] = [];
let githubStatus = 200;
const github = createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request) text += chunk;
  const reply = (status: number, body: unknown) => response.writeHead(status).end(JSON.stringify(body));
  const url = new URL(request.url ?? '', 'http://github');
  if (githubStatus !== 200) return reply(githubStatus, {});
  if (url.pathname === '/repos/acme/shop/deployments') {
    if (url.searchParams.get('environment') !== 'dev') return reply(200, []);
    const payload = {
      slipway: 1,
      commit: 'b'.repeat(40),
      state: 'deployed',
      at: '2026-01-02T03:04:05Z',
      runUrl: 'https://ci.test/1',
    };
    const held = { ...payload, commit: 'c'.repeat(40), state: 'held', cause: 'never healthy' };
    return reply(200, [
      { id: 4, sha: 'c'.repeat(40), task: 'slipway/web', payload: held },
      { id: 3, sha: 'd'.repeat(40), task: 'deploy', payload: {} },
      { id: 2, sha: 'b'.repeat(40), task: 'slipway/web', payload: JSON.stringify(payload) },
    ]);
  }
  if (url.pathname === '/repos/acme/shop/deployments/2/statuses')
    return reply(200, [{ state: 'inactive' }, { state: 'success' }]);
  if (url.pathname === '/repos/acme/shop/actions/workflows/pipeline.yml/dispatches') {
    const body = JSON.parse(text);
    if (body.return_run_details) return reply(422, {}); // an older server
    dispatches.push({ ...body, authorization: request.headers.authorization });
    return response.writeHead(204).end();
  }
  return reply(404, {});
});

let environment: NodeJS.ProcessEnv;
let bot: ChildProcess;
let output = '';

before(async () => {
  github.listen(0, '127.0.0.1');
  await once(github, 'listening');
  writeFileSync(join(folder, 'token'), `${discord.token}\n`);
  environment = {
    PATH: process.env.PATH,
    DISCORD_TOKEN_FILE: join(folder, 'token'),
    DISCORD_API_URL: await discord.start(),
    DISCORD_GUILD_ID: '900000000000000004',
    GITHUB_API_URL: `http://127.0.0.1:${(github.address() as { port: number }).port}`,
    GITHUB_TOKEN: 'github-token-for-tests',
    GITHUB_REPOSITORY: 'acme/shop',
    DEPLOY_ROLE_IDS: ROLE,
    HEALTH_FILE: healthFile,
    SLIPWAY_REVISION: 'abcdef0123456789',
  };
  bot = run(environment);
  bot.stdout?.on('data', (data) => {
    output += data;
  });
  await discord.waitFor((call) => call.method === 'PUT');
});

after(async () => {
  bot.kill('SIGKILL');
  await discord.stop();
  github.closeAllConnections();
  github.close();
  rmSync(folder, { recursive: true });
});

function run(env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'inherit'] });
}

async function healthy(): Promise<boolean> {
  const check = spawn(process.execPath, [HEALTHCHECK], { env: { HEALTH_FILE: healthFile }, stdio: 'ignore' });
  const [code] = await once(check, 'exit');
  return code === 0;
}

const answerTo = async (id: string) =>
  (await discord.waitFor((call) => call.path === `/interactions/${id}/interaction-${id}/callback`)).body;
const editOf = async (id: string) =>
  (await discord.waitFor((call) => call.path.includes(`interaction-${id}/messages`))).body;

test('registers its commands with the server', () => {
  const [{ body, path } = assert.fail('no registration')] = discord.calls.filter((call) => call.method === 'PUT');
  assert.match(path, /\/guilds\/900000000000000004\/commands$/);
  const names = Object.values(body).map((command) => (command as { name: string }).name);
  assert.deepEqual(names.sort(), ['deploy', 'ping', 'status']);
});

test('is healthy while connected', async () => {
  for (let tries = 0; !existsSync(healthFile) && tries < 100; tries++) await sleep(20);
  assert.ok(await healthy());
});

test('/ping answers with the revision that runs', async () => {
  const answer = (await answerTo(discord.command('ping'))) as { data: { content: string } };
  assert.match(answer.data.content, /^Pong.*`abcdef0`/);
});

test('/status reads the ledger: success anywhere in the history counts, a held attempt is told', async () => {
  const id = discord.command('status');
  const { embeds } = (await editOf(id)) as { embeds: { title: string; description: string }[] };
  assert.deepEqual(
    embeds.map((embed) => embed.title),
    ['dev', 'prod'],
  );
  assert.match(
    embeds[0]?.description ?? '',
    /\*\*web\*\* `bbbbbbb` <t:1767323045:R> \(\[run\]\(https:\/\/ci\.test\/1\)\)/,
  );
  assert.match(embeds[0]?.description ?? '', /`ccccccc` held: never healthy/);
  assert.equal(embeds[1]?.description, 'Nothing was deployed here yet.');
});

test('/deploy refuses members without an allowed role, and only they see it', async () => {
  const id = discord.command('deploy', { environment: 'dev' }, ['920000000000000009']);
  const { data } = (await answerTo(id)) as { data: { content: string; flags: number } };
  assert.match(data.content, new RegExp(`<@&${ROLE}>`));
  assert.equal(data.flags, EPHEMERAL);
  assert.deepEqual(dispatches, []);
});

test('/deploy starts the pipeline for an allowed role', async () => {
  const id = discord.command('deploy', { environment: 'dev', components: 'web, bot' }, [ROLE]);
  const { content } = (await editOf(id)) as { content: string };
  assert.match(content, /\*\*dev\*\*: http/);
  assert.deepEqual(dispatches, [
    {
      ref: 'main',
      inputs: { operation: 'deploy', environment: 'dev', components: 'web, bot' },
      authorization: 'Bearer github-token-for-tests',
    },
  ]);
});

test('a failure of GitHub is told in words', async () => {
  githubStatus = 403;
  const { content } = (await editOf(discord.command('status', { environment: 'dev' }))) as { content: string };
  githubStatus = 200;
  assert.match(content, /GitHub answered 403 for acme\/shop/);
});

test('no secret is in the log', () => {
  assert.match(output, /"commands registered"/);
  assert.ok(!output.includes(discord.token) && !output.includes('github-token-for-tests'));
});

test('SIGTERM ends it with 0 and takes the health file away', async () => {
  const started = performance.now();
  bot.kill('SIGTERM');
  const [code] = await once(bot, 'exit');
  assert.equal(code, 0);
  assert.ok(performance.now() - started < 2_000);
  assert.equal(await healthy(), false);
});

const wrong: [string, NodeJS.ProcessEnv, RegExp][] = [
  ['no token', { DISCORD_TOKEN_FILE: '' }, /DISCORD_TOKEN is not set/],
  [
    'a token file that is not there',
    { DISCORD_TOKEN_FILE: '/nowhere/token' },
    /DISCORD_TOKEN_FILE names .* \(ENOENT\)/,
  ],
  [
    'a token that Discord refuses',
    { DISCORD_TOKEN_FILE: '', DISCORD_TOKEN: 'wrong-word' },
    /Discord refuses the token/,
  ],
  ['a role name for an id', { DEPLOY_ROLE_IDS: 'admins' }, /DEPLOY_ROLE_IDS .* "admins"/],
  ['a repository without owner', { GITHUB_REPOSITORY: 'shop' }, /GITHUB_REPOSITORY must be owner\/name/],
];
for (const [name, env, expected] of wrong) {
  test(`${name}: one clear line, exit code 1`, async () => {
    const child = run({ ...environment, ...env });
    let text = '';
    child.stdout?.on('data', (data) => {
      text += data;
    });
    const [code] = await once(child, 'close');
    assert.equal(code, 1);
    const lines = text.trim().split('\n');
    assert.equal(lines.length, 1);
    assert.match(JSON.parse(lines[0] ?? '').message, expected);
    assert.ok(!text.includes('wrong-word'));
  });
}
