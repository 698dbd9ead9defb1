import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ensureBaseImage } from '../../scripts/base-image.ts';

// Builds the sample's images with the real engine and looks at what a deployment relies on.

const run = promisify(execFile);
const SAMPLE = join(import.meta.dirname, '../../sample-app');
const LABEL = `slipway.owner=sample-images-${randomBytes(4).toString('hex')}`;
const PORT = 8080;

async function docker(...args: string[]): Promise<string> {
  return (await run('docker', args, { maxBuffer: 16 * 1024 * 1024 })).stdout.trim();
}

const images: Record<string, string> = {};
beforeAll(async () => {
  await ensureBaseImage();
  for (const name of ['web', 'bot']) images[name] = await docker('build', '--quiet', join(SAMPLE, name));
}, 180_000);
afterAll(async () => {
  const ids = (await docker('ps', '--all', '--quiet', '--filter', `label=${LABEL}`)).split('\n').filter(Boolean);
  if (ids.length > 0) await docker('rm', '--force', ...ids);
});

interface Configuration {
  User: string;
  StopSignal: string;
  Cmd: string[];
  Healthcheck: { Test: string[] };
}

describe.each([
  ['web', 20],
  ['bot', 30],
])('the image of %s', (name, megabytes) => {
  test('runs as another user than root, stops on SIGTERM, checks itself, and starts no shell', async () => {
    const format = '{{json .Config}}';
    const config = JSON.parse(
      await docker('image', 'inspect', '--format', format, images[name] ?? ''),
    ) as Configuration;
    expect(config).toMatchObject({ User: 'node', StopSignal: 'SIGTERM', Cmd: ['node', 'dist/main.js'] });
    expect(config.Healthcheck.Test).toEqual(['CMD', 'node', 'dist/healthcheck.js']);
  });

  test(`adds less than ${megabytes} MB to its base, and only what runs`, async () => {
    const size = async (image: string) => Number(await docker('image', 'inspect', '--format', '{{.Size}}', image));
    expect((await size(images[name] ?? '')) - (await size('node:24-slim'))).toBeLessThan(megabytes * 1_000_000);
    const listing = await docker('run', '--rm', '--label', LABEL, images[name] ?? '', 'node', '-p', LISTING);
    const files = JSON.parse(listing) as string[];
    expect(files.sort()).toEqual(['dist', 'node_modules', 'package.json']);
  });
});

const LISTING = "JSON.stringify(require('node:fs').readdirSync('/app'))";

test('without a token the bot says so in one line', async () => {
  const error = (await run('docker', ['run', '--rm', '--label', LABEL, images.bot ?? '']).catch((e: unknown) => e)) as {
    code: number;
    stdout: string;
  };
  expect(error.code).toBe(1);
  expect(JSON.parse(error.stdout).message).toMatch(/^DISCORD_TOKEN is not set/);
});

interface Instance {
  id: string;
  port: number;
}

async function start(): Promise<Instance> {
  const options = [
    '--detach',
    '--publish',
    `127.0.0.1::${PORT}`,
    '--label',
    LABEL,
    '--read-only',
    '--env',
    'SLIPWAY_REVISION=abc',
  ];
  const id = await docker('run', ...options, images.web ?? '');
  const port = Number((await docker('port', id, `${PORT}/tcp`)).split(':').at(-1));
  for (let tries = 0; (await ask(port, '/health/ready').catch(() => 0)) !== 200; tries++) {
    if (tries > 200) throw new Error(`no answer: ${await docker('logs', id)}`);
    await sleep(50);
  }
  return { id, port };
}

/** Status of one GET. @throws the connection's error. */
function ask(port: number, path: string, agent?: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    get(
      { host: '127.0.0.1', port, path, signal: AbortSignal.timeout(5_000), ...(agent ? { agent } : {}) },
      (answer) => {
        answer.resume().once('end', () => resolve(answer.statusCode ?? 0));
        answer.once('error', reject);
      },
    ).once('error', reject);
  });
}

test('a web container whose root cannot be written ends by itself when asked to; behind a balancer no request is lost', async () => {
  const [old, young] = await Promise.all([start(), start()]);
  const agent = new Agent({ keepAlive: true });
  let serving = [old, young];
  let running = true;
  let sent = 0;
  const lost: string[] = [];
  // As a balancer does: requests go to whatever last said that it was ready, on connections kept open.
  const balancer = async () => {
    for (; running; await sleep(50)) {
      const ready = await Promise.all([old, young].map(({ port }) => ask(port, '/health/ready').catch(() => 0)));
      serving = [old, young].filter((_, index) => ready[index] === 200);
    }
  };
  const client = async () => {
    for (let turn = 0; running; turn++) {
      sent++;
      const status = await ask(serving[turn % serving.length]?.port ?? 0, '/api/v1/info', agent).catch(String);
      if (status !== 200) lost.push(String(status));
      await sleep(5);
    }
  };
  const all = [balancer(), ...Array.from({ length: 8 }, client)];
  await sleep(300);
  await docker('stop', '--time', '20', old.id);
  await sleep(100);
  running = false;
  await Promise.all(all);
  agent.destroy();
  expect(lost).toEqual([]);
  expect(sent).toBeGreaterThan(100);
  expect(await docker('inspect', '--format', '{{.State.ExitCode}}', old.id)).toBe('0');
}, 120_000);
