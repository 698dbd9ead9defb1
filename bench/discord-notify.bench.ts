import { spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fields } from '../actions/discord-notify/inputs.ts';
import { run } from '../actions/discord-notify/run.ts';
import { systemClock } from '../lib/clock.ts';
import { githubContext } from '../lib/context.ts';
import { readInputs } from '../lib/inputs.ts';
import { recordingLog } from '../lib/log.ts';
import { createDiscord } from '../local/discord/server.ts';
import { createFaults } from '../local/faults.ts';
import { type Benchmark, type Case, median } from './benchmark.ts';

const LIMIT_MS = 10_000;
/** Of measuring: the limit holds for the whole step, its start included. */
const MARGIN_MS = 100;
const UPDATES = 30;

async function notify(webhook: string, more: Record<string, string>) {
  const inputs = readInputs(fields, (name) => ({ webhook, title: 'bench', ...more })[name] ?? '');
  return run(inputs, {
    fetch: (url, init) => fetch(url, init),
    clock: systemClock,
    random: Math.random,
    log: recordingLog(),
    signal: new AbortController().signal,
    context: githubContext({}),
    runNumber: '',
    lookUp: undefined,
  });
}

/** 30 updates at once under Discord's own limit of 5 requests in 2 s: how long until the last is settled, and what it cost. */
async function burst(): Promise<Case> {
  const discord = await createDiscord();
  let refused = 0;
  let asked = 0;
  const front = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { method = 'GET', url = '/', headers } = incoming;
    const answer = await fetch(new URL(url, discord.url), {
      method,
      headers: { 'content-type': headers['content-type'] ?? '' },
      ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
    });
    asked += 1;
    if (answer.status === 429) refused += 1;
    outgoing.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()));
  });
  try {
    const webhook = discord.createWebhook().replace(discord.url, await listening(front));
    const first = await notify(webhook, { status: 'started' });
    const id = first.outputs['message-id'] ?? '';
    const started = performance.now();
    const updates: ReturnType<typeof notify>[] = [];
    for (let n = 0; n < UPDATES; n++) {
      const more = { status: 'running', title: `update ${n}`, 'message-id': id, 'time-limit': '120s' };
      updates.push(notify(webhook, more));
      await systemClock.sleep(5);
    }
    const done = await Promise.all(updates);
    const ms = performance.now() - started;
    const shown = discord.messages()[0]?.embeds[0]?.title;
    if (!shown?.includes(`update ${UPDATES - 1} `)) throw new Error(`it ended in ${shown}`);
    const sent = done.filter(({ outputs }) => outputs.sent === 'true').length;
    if (sent !== UPDATES) throw new Error(`only ${sent} of ${UPDATES} updates were settled`);
    return {
      name: `${UPDATES} updates at once`,
      apart: true,
      measures: [
        { name: 'time', value: ms, unit: 'ms' },
        { name: 'requests', value: asked, unit: 'count', limit: UPDATES * 4, hard: true },
        { name: 'of them 429', value: refused, unit: 'count', limit: UPDATES * 2.5, hard: true },
      ],
    };
  } finally {
    await closed(front);
    await discord.close();
  }
}

/** The whole step, as the runner starts it, against a Discord that does not serve: how long it holds the job up. */
async function bound(name: string, dist: string, webhook: string, rounds: number): Promise<Case> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++)
    times.push(await timed(join(dist, 'discord-notify', 'index.js'), webhook));
  const limit = LIMIT_MS + MARGIN_MS;
  return { name, apart: true, measures: [{ name: 'time', value: Math.max(...times), unit: 'ms', limit, hard: true }] };
}

async function timed(bundle: string, webhook: string): Promise<number> {
  const started = performance.now();
  const env = { PATH: process.env.PATH, INPUT_WEBHOOK: webhook, INPUT_STATUS: 'succeeded' };
  const child = spawn(process.execPath, [bundle], { env, stdio: 'ignore' });
  const code = await new Promise<number | null>((done) => child.on('close', done));
  if (code !== 0) throw new Error(`the step ended with ${code}; a Discord that is down may fail nothing`);
  return performance.now() - started;
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An address that nobody listens at any more. */
async function closedPort(): Promise<string> {
  const server = createServer();
  const address = await listening(server);
  await closed(server);
  return address;
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
}

/** A message of the usual size, rendered. */
async function rendering(): Promise<Case> {
  const discord = await createDiscord({ rates: { bucket: { limit: 1000, windowMs: 1000 } } });
  try {
    const webhook = discord.createWebhook();
    const times: number[] = [];
    for (let n = 0; n < 50; n++) {
      const started = performance.now();
      await notify(webhook, { status: 'started', 'dry-run': 'true', description: 'x **y** '.repeat(2000) });
      times.push(performance.now() - started);
    }
    return {
      name: 'a message with 16,000 characters',
      apart: true,
      measures: [{ name: 'time', value: median(times), unit: 'ms' }],
    };
  } finally {
    await discord.close();
  }
}

const benchmark: Benchmark = {
  title: `discord-notify: a burst under Discord's limits, and what a Discord that does not serve costs (limit ${LIMIT_MS / 1000} s)`,
  async run({ dist, rounds }) {
    const cases = [await rendering(), await burst()];
    const faults = createFaults(1);
    const discord = await createDiscord({ faults });
    try {
      const webhook = discord.createWebhook();
      const few = Math.min(rounds, 2);
      for (const [name, effect] of [
        ['Discord answers 503', { status: 503 }],
        ['Discord is too slow', { delayMs: 30_000 }],
        ['Discord cuts connections', { cut: 'before' as const }],
        ['Discord asks to wait too long', { error: 'shared', message: '', httpStatus: 429 }],
      ] as const) {
        faults.clear();
        faults.add({ service: 'discord', effect });
        cases.push(await bound(name, dist, webhook, few));
      }
      cases.push(await bound('nobody listens', dist, `${await closedPort()}/api/webhooks/1/token`, few));
    } finally {
      await discord.close();
    }
    return cases;
  },
};
export default benchmark;
