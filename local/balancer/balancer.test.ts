import { once } from 'node:events';
import { Agent, createServer, type RequestListener, request, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { createBus } from '../bus.ts';
import { createLag } from '../lag.ts';
import { createWorld } from '../world.ts';
import { type Balancer, createBalancer } from './balancer.ts';
import type { TargetGroup } from './target-group.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

const deps = {
  account: '123456789012',
  region: 'eu-central-1',
  bus: createBus(),
  lag: createLag({ mode: 'off', seed: 1 }),
};

async function balancer(delaySeconds = 2): Promise<{ balancer: Balancer; group: TargetGroup }> {
  const group = {
    name: 'web',
    deregistrationDelaySeconds: delaySeconds,
    healthCheck: { intervalSeconds: 0.05, timeoutSeconds: 0.5, unhealthyThresholdCount: 2, healthyThresholdCount: 1 },
  };
  const { balancers } = createWorld({ balancers: [{ name: 'web', targetGroups: [group] }] });
  const [spec] = balancers;
  if (!spec) throw new Error('the world has no balancer');
  const made = await createBalancer(spec, { ...deps, limits: { idleMs: 600, connectMs: 500 } });
  open.push(() => made.close());
  return { balancer: made, group: made.targetGroups[0] as TargetGroup };
}

async function app(listener: RequestListener): Promise<{ port: number; server: Server }> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, server };
}

async function registered(group: TargetGroup, port: number, state = 'healthy'): Promise<void> {
  group.register({ id: `10.0.0.${port % 250}`, port, connect: { host: '127.0.0.1', port } });
  await until(() => group.target(`10.0.0.${port % 250}`, port)?.health.state === state);
}

function deregistered(group: TargetGroup, port: number): Promise<void> {
  return group.deregister(`10.0.0.${port % 250}`, port);
}

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 5000;
  while (!condition()) {
    if (Date.now() > end) throw new Error('the condition did not come true within 5 s');
    await delay(10);
  }
}

test('requests go round the healthy targets, and to the unhealthy ones when no other is left', async () => {
  const { balancer: alb, group } = await balancer();
  const sick = { a: false, b: false };
  const a = await app((from, to) => to.writeHead(from.url === '/health' && sick.a ? 500 : 200).end('a'));
  const b = await app((from, to) => to.writeHead(from.url === '/health' && sick.b ? 500 : 200).end('b'));
  expect((await fetch(alb.url)).status).toBe(503);
  await registered(group, a.port);
  await registered(group, b.port);
  const names = async (): Promise<string> =>
    (await Promise.all([1, 2, 3, 4].map(async () => (await fetch(alb.url)).text()))).sort().join('');
  expect(await names()).toBe('aabb');
  sick.a = true;
  await until(() => group.targets[0]?.health.state === 'unhealthy');
  expect(await names()).toBe('bbbb');
  sick.b = true;
  await until(() => group.targets[1]?.health.state === 'unhealthy');
  expect(group.targets[1]?.health.description).toBe('Health checks failed with these codes: [500]');
  expect(await names()).toBe('aabb');
});

test('a dead target is 502 and a silent one 504, both in the name of the balancer; nothing is sent twice', async () => {
  const { balancer: alb, group } = await balancer();
  let posts = 0;
  const target = await app((from, to) => {
    if (from.url === '/health') to.end();
    else if (from.url === '/cut') {
      posts++;
      from.socket.destroy();
    }
  });
  await registered(group, target.port);
  const cut = await fetch(`${alb.url}/cut`, { method: 'POST', body: 'order' });
  expect([cut.status, cut.headers.get('server'), posts]).toEqual([502, 'awselb/2.0', 1]);
  expect((await fetch(`${alb.url}/silent`)).status).toBe(504);
  target.server.closeAllConnections();
  target.server.close();
  expect((await fetch(alb.url)).status).toBe(502);
  expect(alb.counts.failed).toBe(3);
});

test('headers, both bodies and their pace pass through', async () => {
  const { balancer: alb, group } = await balancer();
  const target = await app((from, to) => {
    if (from.url === '/health') return void to.end();
    to.setHeader('Set-Cookie', ['a=1', 'b=2']);
    to.setHeader(
      'X-Seen',
      `${from.headers['x-forwarded-for']} ${from.headers['x-forwarded-proto']} ${from.headers.host}`,
    );
    to.writeHead(201, 'Made');
    to.write('first ');
    from.on('data', (chunk) => setTimeout(() => to.write(chunk), 30));
    from.on('end', () => setTimeout(() => to.end(), 60));
  });
  await registered(group, target.port);
  const body = 'x'.repeat(300_000);
  const response = await fetch(alb.url, { method: 'POST', body });
  expect(response.status).toBe(201);
  expect(response.statusText).toBe('Made');
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(response.headers.get('x-seen')).toBe(`127.0.0.1 http 127.0.0.1:${alb.port}`);
  const reader = response.body?.getReader();
  expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toMatch(/^first /);
  let rest = 0;
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) rest += part.value.length;
  expect(rest).toBeGreaterThanOrEqual(body.length - 65_536);
});

test('a connection that the target closes while it idles costs no request', async () => {
  const { balancer: alb, group } = await balancer();
  const sockets = new Set<Socket>();
  const target = await app((_, to) => to.end('ok'));
  target.server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await registered(group, target.port);
  const statuses = new Set<number>();
  for (let i = 0; i < 200; i++) {
    statuses.add((await fetch(alb.url)).status);
    // Closed by the target in the very moment in which the next request is on its way.
    if (i % 2 === 0) for (const socket of sockets) setImmediate(() => socket.end());
  }
  expect([...statuses]).toEqual([200]);
});

test('a draining target ends what it has begun and gets nothing new', async () => {
  const { balancer: alb, group } = await balancer();
  const seen = { old: 0, new: 0 };
  const old = await app((from, to) => {
    if (from.url === '/health') return void to.end();
    seen.old++;
    setTimeout(() => to.end('old'), 400);
  });
  await registered(group, old.port);
  const slow = fetch(alb.url).then((response) => response.text());
  await until(() => seen.old === 1);
  const fresh = await app((from, to) => {
    if (from.url !== '/health') seen.new++;
    to.end('new');
  });
  await registered(group, fresh.port);
  let drained = false;
  const draining = deregistered(group, old.port).then(() => {
    drained = true;
  });
  expect(group.targets[0]?.health).toMatchObject({ state: 'draining', reason: 'Target.DeregistrationInProgress' });
  for (let i = 0; i < 5; i++) expect(await (await fetch(alb.url)).text()).toBe('new');
  expect(drained).toBe(false);
  expect(await slow).toBe('old');
  await draining;
  expect(seen).toEqual({ old: 1, new: 5 });
  expect(group.targets.map(({ port }) => port)).toEqual([fresh.port]);
});

test('the deregistration delay bounds the draining, and a target that is idle leaves at once', async () => {
  const { balancer: alb, group } = await balancer(0.2);
  const stuck = await app((from, to) => void (from.url === '/health' && to.end()));
  await registered(group, stuck.port);
  const outcome = fetch(alb.url).then((response) => response.status);
  await until(() => (group.targets[0]?.inFlight ?? 0) > 0);
  const begun = Date.now();
  await deregistered(group, stuck.port);
  expect(Date.now() - begun).toBeGreaterThanOrEqual(190);
  expect(await outcome).toBe(502);
  const idle = await app((_, to) => to.end());
  await registered(group, idle.port);
  const again = Date.now();
  await deregistered(group, idle.port);
  expect(Date.now() - again).toBeLessThan(100);
});

test('a client that goes away frees the target', async () => {
  const { balancer: alb, group } = await balancer();
  const target = await app((from, to) => void (from.url === '/health' && to.end()));
  await registered(group, target.port);
  const client = request({ port: alb.port, host: '127.0.0.1', agent: new Agent() });
  client.on('error', () => undefined);
  client.end();
  await until(() => group.targets[0]?.inFlight === 1);
  client.destroy();
  await until(() => group.targets[0]?.inFlight === 0);
});
