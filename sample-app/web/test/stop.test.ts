import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get, request } from 'node:http';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill('SIGKILL');
});

interface Instance {
  child: ChildProcess;
  port: number;
  exit: Promise<number | null>;
}

async function start(env: Record<string, string> = {}): Promise<Instance> {
  const child = spawn(process.execPath, [MAIN], {
    env: { ...process.env, HOST: '127.0.0.1', PORT: '0', DRAIN_MS: '300', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  let output = '';
  for await (const chunk of child.stdout) {
    output += chunk;
    const port = /listening at http:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1];
    if (port) {
      child.stdout.on('data', () => {}).resume();
      return { child, port: Number(port), exit };
    }
  }
  throw new Error(`the service did not start: ${output}`);
}

/** Status of one GET; rejects when the connection fails. */
function status(port: number, path: string, agent?: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, ...(agent ? { agent } : {}) }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode ?? 0));
      answer.once('error', reject);
    }).once('error', reject);
  });
}

test('while it stops it says "not ready", keeps serving, and exits 0', async () => {
  const { child, port, exit } = await start();
  assert.equal(await status(port, '/health/ready'), 200);
  child.kill('SIGTERM');
  await sleep(100);
  assert.equal(await status(port, '/health/ready'), 503);
  assert.equal(await status(port, '/health/live'), 200);
  assert.equal(await status(port, '/api/v1/info'), 200);
  assert.equal(await exit, 0);
});

test('a request in flight is finished', async () => {
  const { child, port, exit } = await start();
  const body = JSON.stringify({ query: 'slipway' });
  const slow = request({
    host: '127.0.0.1',
    port,
    method: 'POST',
    path: '/api/v1/search',
    headers: { 'content-type': 'application/json', 'content-length': body.length },
  });
  slow.write(body.slice(0, 5));
  await sleep(100);
  child.kill('SIGTERM');
  await sleep(700); // well past the drain time: the port is closed, this connection is not
  const answer = once(slow, 'response');
  slow.end(body.slice(5));
  const [response] = await answer;
  assert.equal(response.statusCode, 200);
  assert.equal(response.headers.connection, 'close');
  response.resume();
  assert.equal(await exit, 0);
});

test('a request that never ends does not hold the stop for ever', async () => {
  const { child, port, exit } = await start({ STOP_MS: '600' });
  const stuck = request({ host: '127.0.0.1', port, method: 'POST', path: '/api/v1/search' });
  stuck.setHeader('content-type', 'application/json');
  stuck.on('error', () => {});
  stuck.write('{');
  await sleep(100);
  const started = performance.now();
  child.kill('SIGTERM');
  assert.equal(await exit, 1);
  assert.ok(performance.now() - started < 2_000);
});

test('replacing one instance by another behind a balancer loses no request', async () => {
  const old = await start();
  const young = await start();
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  let serving: Instance[] = [old];
  const failures: string[] = [];
  let sent = 0;
  let running = true;
  // Clients that go to whichever instance last said it was ready, on connections kept open.
  const clients = Array.from({ length: 8 }, async () => {
    for (let turn = 0; running; turn++) {
      const target = serving[turn % serving.length];
      if (!target) throw new Error('no instance is ready');
      sent++;
      await status(target.port, '/api/v1/info', agent).then(
        (code) => code === 200 || failures.push(`status ${code}`),
        (error: Error) => failures.push(String(error)),
      );
      await sleep(2);
    }
  });
  const balancer = (async () => {
    while (running) {
      const ready = await Promise.all(
        [old, young].map((one) =>
          status(one.port, '/health/ready').then(
            (code) => code === 200,
            () => false,
          ),
        ),
      );
      serving = [old, young].filter((_, index) => ready[index]);
      await sleep(50);
    }
  })();
  await sleep(200);
  old.child.kill('SIGTERM');
  assert.equal(await old.exit, 0);
  await sleep(100);
  running = false;
  await Promise.all([...clients, balancer]);
  agent.destroy();
  young.child.kill('SIGTERM');
  await young.exit;
  assert.deepEqual(failures, []);
  assert.ok(sent > 200, `only ${sent} requests were sent`);
});
