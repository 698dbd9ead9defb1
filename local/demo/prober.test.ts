import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { startProber } from './prober.ts';

async function serving(answer: (n: number) => number | 'cut') {
  let requests = 0;
  const server = createServer((_, response) => {
    const status = answer(requests++);
    if (status === 'cut') response.destroy();
    else response.writeHead(status).end('ok');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => new Promise((resolve) => server.close(resolve)) };
}

test('keeps its rate and counts what failed, by kind', async () => {
  const { url, close } = await serving((n) => (n === 3 ? 503 : n === 5 ? 'cut' : 200));
  const prober = startProber(url, 50);
  await sleep(500);
  const mark = prober.mark();
  await sleep(500);
  const tally = await prober.stop();
  await close();
  expect(tally.sent).toBeGreaterThanOrEqual(45);
  expect(tally.perSecond).toBeGreaterThan(40);
  expect(tally.failed).toBe(2);
  expect(tally.failures).toEqual({ 'status 503': 1, ECONNRESET: 1 });
  expect(prober.tally(mark).failed).toBe(0);
  expect(prober.tally(mark).sent).toBeLessThan(tally.sent);
});

test('a service that is gone fails every request', async () => {
  const { url, close } = await serving(() => 200);
  await close();
  const prober = startProber(url, 50);
  await sleep(200);
  const { sent, failed, failures } = await prober.stop();
  expect(failed).toBe(sent);
  expect(Object.keys(failures)).toEqual(['ECONNREFUSED']);
});
