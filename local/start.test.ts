import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, expect, test } from '@jest/globals';
import { INSTANCE_LABEL, PID_LABEL } from './context.ts';
import { dockerEngine } from './engine/docker.ts';
import { isAlive } from './process-identity.ts';
import { startLocal } from './start.ts';

const work = mkdtempSync(join(tmpdir(), 'slipway-start-test-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const main = new URL('./main.ts', import.meta.url).pathname;
const world = { hosts: [{ tags: { Role: 'x' } }], repositories: ['web'] };

interface State {
  pid: number;
  aws: string;
}

async function start(name: string): Promise<{ child: ChildProcess; state: State; file: string }> {
  const file = join(work, `${name}.json`);
  const worldFile = join(work, `${name}.yml`);
  writeFileSync(worldFile, JSON.stringify(world));
  const child = spawn(process.execPath, [main, '--state', file, '--world', worldFile, '--quiet'], { stdio: 'inherit' });
  while (!existsSync(file)) {
    if (child.exitCode !== null) throw new Error(`main ended with ${child.exitCode}`);
    await delay(50);
  }
  return { child, state: JSON.parse(readFileSync(file, 'utf8')), file };
}

/** Containers and directories of a process. */
async function tracesOf(pid: number): Promise<string[]> {
  const containers = await dockerEngine({ instance: 'none' }).list({
    labels: { [INSTANCE_LABEL]: '', [PID_LABEL]: '' },
  });
  const mine = containers.filter(({ labels }) => labels[PID_LABEL]?.startsWith(`${pid}:`)).map(({ name }) => name);
  const directories = readdirSync(tmpdir()).filter((name) => {
    const owner = join(tmpdir(), name, 'owner.json');
    return (
      name.startsWith('slipway-local-') && existsSync(owner) && readFileSync(owner, 'utf8').includes(`"owner":"${pid}:`)
    );
  });
  return [...mine, ...directories];
}

test('what a client needs is in the environment, and one stop ends all of it within 5 seconds', async () => {
  const local = await startLocal({ world });
  const sts = new STSClient({
    endpoint: local.endpoints.aws,
    region: 'eu-central-1',
    credentials: {
      accessKeyId: local.env().AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: local.env().AWS_SECRET_ACCESS_KEY ?? '',
    },
  });
  expect((await sts.send(new GetCallerIdentityCommand({}))).Account).toBe('123456789012');
  expect(Object.keys(local.env({ credentials: false }))).not.toContain('AWS_SECRET_ACCESS_KEY');
  expect(await tracesOf(process.pid)).toHaveLength(2);
  const began = Date.now();
  await Promise.all([local.stop(), local.stop()]);
  expect(Date.now() - began).toBeLessThan(5000);
  expect(await tracesOf(process.pid)).toEqual([]);
  await expect(fetch(local.endpoints.aws)).rejects.toThrow();
}, 30_000);

test('a start that fails halfway leaves nothing', async () => {
  const twice = { name: 'a', port: 0, targetGroups: [{ name: 't' }] };
  const taken = await startLocal({ world: { balancers: [twice] } });
  const port = Number(new URL(taken.endpoints.balancers.a ?? '').port);
  try {
    await expect(startLocal({ world: { ...world, balancers: [{ ...twice, port }] } })).rejects.toThrow(
      new RegExp(String(port)),
    );
    expect(await tracesOf(process.pid)).toEqual([`slipway-local-${taken.instance}`]);
  } finally {
    await taken.stop();
  }
  await expect(startLocal({ world: { hosts: [{ id: 'x' }], nonsense: 1 } as never })).rejects.toThrow(
    /hosts\.0\.id.*nonsense/,
  );
}, 30_000);

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s ends the process with 0, its containers and files with it',
  async (signal) => {
    const { child, state, file } = await start(signal);
    expect(await tracesOf(state.pid)).toHaveLength(2);
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill(signal);
    expect(await ended).toBe(0);
    expect(await tracesOf(state.pid)).toEqual([]);
    expect(existsSync(file)).toBe(false);
  },
  30_000,
);

test('what a killed one left behind is removed by the next start', async () => {
  const { child, state } = await start('killed');
  const [directory = ''] = (await tracesOf(state.pid)).filter((name) => name.startsWith('slipway-local-'));
  const { children } = JSON.parse(readFileSync(join(tmpdir(), directory, 'owner.json'), 'utf8')) as {
    children: string[];
  };
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  expect(await tracesOf(state.pid)).toHaveLength(2);
  expect(children.map(isAlive)).toEqual([true]);
  const next = await startLocal();
  try {
    expect(await tracesOf(state.pid)).toEqual([]);
    expect(children.map(isAlive)).toEqual([false]);
    expect(existsSync(join('/dev/shm', directory))).toBe(false);
  } finally {
    await next.stop();
  }
}, 30_000);
