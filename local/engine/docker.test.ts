import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { BASE_IMAGE, ensureBaseImage } from '../../scripts/base-image.ts';
import { dockerEngine } from './docker.ts';
import type { Engine, EngineEvent, LogLine } from './engine.ts';
import { tarOf } from './tar.ts';
import { CRASH_MESSAGE, ensurePauseImage, tinyProgram } from './tiny-program.ts';

const instance = `engine-test-${randomBytes(4).toString('hex')}`;
const engine: Engine = dockerEngine({ instance, labels: { 'slipway.owner': 'engine-test' } });
const image = BASE_IMAGE;

beforeAll(async () => {
  await ensureBaseImage();
}, 60_000);

afterAll(async () => {
  await engine.removeAll(10_000);
});

function name(): string {
  return `${instance}-${randomBytes(3).toString('hex')}`;
}

test('a container runs with its environment, command and port, gives its log in order, and its exit code', async () => {
  const { id, ports, ip } = await engine.run({
    name: name(),
    image,
    env: { GREETING: 'grüß dich' },
    entryPoint: ['sh', '-c'],
    // It lives until it has been looked at: one that has ended has neither port nor address.
    command: ['echo one; echo "$GREETING" >&2; until [ -e /tmp/end ]; do sleep 0.1; done; echo last; exit 7'],
    ports: [{ containerPort: 8080 }],
  });
  expect(ports['8080/tcp']).toBeGreaterThan(0);
  expect(ip).toMatch(/^\d+\./);
  const seen: LogLine[] = [];
  const ended = Promise.all([engine.wait(id), engine.followLogs(id, (line) => seen.push(line))]);
  await engine.exec(id, ['touch', '/tmp/end']);
  const [code] = await ended;
  expect(code).toBe(7);
  expect(seen.filter(({ stream }) => stream === 'stdout').map(({ message }) => message)).toEqual(['one', 'last']);
  expect(seen.filter(({ stream }) => stream === 'stderr').map(({ message }) => message)).toEqual(['grüß dich']);
  expect(await engine.inspect(id)).toMatchObject({ running: false, exitCode: 7, oomKilled: false });
});

test('a command inside a container gets its input and environment and gives both streams and its exit code', async () => {
  const { id } = await engine.run({ name: name(), image, command: ['sleep', '60'] });
  const result = await engine.exec(id, ['sh', '-c', 'cat; echo "$X" >&2; exit 3'], {
    stdin: 'line\n',
    env: { X: 'err' },
  });
  expect(result).toEqual({ code: 3, stdout: 'line\n', stderr: 'err\n' });
  await engine.remove(id);
  await engine.remove(id);
});

test('health changes and ends arrive as events of this instance', async () => {
  const seen: EngineEvent[] = [];
  const end = new AbortController();
  const listening = engine.events((event) => seen.push(event), end.signal);
  const { id } = await engine.run({
    name: name(),
    image,
    labels: { part: 'health' },
    command: ['sleep', '60'],
    healthCheck: { test: ['CMD-SHELL', 'exit 1'], intervalMs: 200, timeoutMs: 1000, retries: 1 },
  });
  await until(() => seen.some(({ action }) => action === 'unhealthy'));
  await engine.kill(id);
  const died = (event: EngineEvent): boolean => event.action === 'die' && event.id === id;
  await until(() => seen.some(died));
  end.abort();
  await listening;
  expect(seen.find(died)).toMatchObject({ exitCode: 137, labels: { part: 'health' } });
});

test('what does not exist is told apart from other failures', async () => {
  await expect(engine.run({ name: name(), image: 'slipway-test-none:missing' })).rejects.toMatchObject({ status: 404 });
  await expect(engine.run({ name: name(), image, command: ['/no/such/program'] })).rejects.toThrow(/no such file/);
  await expect(engine.pull('127.0.0.1:9/none:missing')).rejects.toThrow(/127\.0\.0\.1:9/);
  expect(await engine.image('slipway-test-none:missing')).toBeUndefined();
  expect(await engine.list()).toEqual(
    expect.not.arrayContaining([expect.objectContaining({ image: 'slipway-test-none:missing' })]),
  );
});

test('the tiny programs run in any image: one waits, one fails', async () => {
  const { architecture } = await engine.ping();
  const failing = await engine.run({
    name: name(),
    image,
    entryPoint: ['/fault'],
    files: { fault: { content: tinyProgram('exit-1', architecture), mode: 0o755 } },
  });
  const said: string[] = [];
  await engine.followLogs(failing.id, ({ message }) => said.push(message));
  expect([await engine.wait(failing.id), ...said]).toEqual([1, CRASH_MESSAGE]);
  const pause = await ensurePauseImage(engine);
  const waiting = await engine.run({ name: name(), image: pause });
  const inside = await engine.run({
    name: name(),
    image,
    command: ['sleep', '60'],
    network: `container:${waiting.id}`,
  });
  expect((await engine.inspect(waiting.id)).running).toBe(true);
  expect(inside.running).toBe(true);
});

test('an image is made from files, with the instructions given, tagged and removed', async () => {
  const { architecture } = await engine.ping();
  const [made, other] = [`${instance}:made`, `${instance}:other`];
  const program = { content: tinyProgram('exit-1', architecture), mode: 0o755 };
  await engine.importImage(tarOf({ program }), made, ['ENTRYPOINT ["/program"]', 'LABEL made=here', 'USER 7']);
  await engine.tag(made, other);
  expect(await engine.image(other)).toMatchObject({
    tags: [made, other],
    digests: [],
    labels: { made: 'here' },
    user: '7',
  });
  const { id } = await engine.run({ name: name(), image: other });
  expect(await engine.wait(id)).toBe(1);
  await engine.remove(id);
  for (const reference of [made, other]) await engine.removeImage(reference);
  expect(await engine.image(made)).toBeUndefined();
});

test('removing the instance leaves nothing of it', async () => {
  await engine.createNetwork(name());
  await engine.createVolume(name());
  expect((await engine.list()).length).toBeGreaterThan(0);
  await engine.removeAll(10_000);
  expect(await engine.list()).toEqual([]);
});

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error('the condition did not come true within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
