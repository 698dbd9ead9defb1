import { createHash } from 'node:crypto';
import { Agent, get } from 'node:http';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { ManagedHost } from '../../local/hosts/hosts.ts';
import { type Local, startLocal } from '../../local/start.ts';
import { answer, command, type Load, load, only, pushPage, shell, until } from '../support/hosts.ts';
import { pushScript } from '../support/image.ts';

// The host program on a local host: a real shell, a real engine, a real HAProxy, and clients that never stop asking.
const SECRET = 'correct-horse-battery-4711';
const LINES = 'first-line-of-a-key-8812\nsecond-line-of-a-key-8813';
const hash = createHash('sha256').update(SECRET).digest('hex').slice(0, 8);
// An operation takes two seconds or so; on a machine that does other things beside, many more.
jest.setTimeout(180_000);
let local: Local;
let host: ManagedHost;
let url: string;
let clients: Load;
const images: Record<string, string> = {};
const outputs: string[] = [];

const spec = (version: string, release: string, over: object = {}) => ({
  v: 1,
  component: 'web',
  release: release.repeat(16),
  image: images[version],
  http: { port: 8080, 'container-port': 8080, 'health-path': '/health' },
  secrets: [
    { name: 'TOKEN', from: 'ssm:/web/token' },
    { name: 'KEY', from: 'secretsmanager:web#key' },
  ],
  'healthy-within': 20,
  'drain-within': 10,
  ...over,
});

async function run(payload: Record<string, unknown>) {
  const result = await command(host, payload);
  outputs.push(result.output, JSON.stringify(result));
  return result;
}
const deploy = (...args: Parameters<typeof spec>) => run({ operation: 'deploy', spec: spec(...args) });
const fast = { 'healthy-within': 2 };

beforeAll(async () => {
  local = await startLocal({
    world: {
      repositories: ['web'],
      parameters: { '/web/token': { value: SECRET, type: 'SecureString' } },
      secrets: { web: JSON.stringify({ key: LINES }) },
      hosts: [{ tags: { 'slipway:environment': 'prod', 'slipway:host-group': 'web' } }],
    },
  });
  host = only(local);
  url = `http://${host.address}:8080/`;
  images.one = await pushPage(local, 'web:1', 'one');
  images.two = await pushPage(local, 'web:2', 'two');
  images.crash = await pushScript(local, 'web:3', 'echo "no module x; $(cat $TOKEN_FILE $KEY_FILE)"; exit 3\n');
  images.late = await pushScript(local, 'web:4', 'sleep 30\n');
  images.elsewhere = await pushPage(local, 'web:5', 'elsewhere', 9090);
});
afterAll(async () => {
  await clients?.stop();
  await local?.stop();
});

test('a first deployment is served through the proxy, with its secret as a file', async () => {
  expect(await deploy('one', '1')).toMatchObject({ code: 0, state: 'succeeded', image: images.one, previous: '' });
  expect(await answer(url)).toBe(`200 one ${hash}`);
});

describe('while clients ask 200 times a second', () => {
  beforeAll(() => {
    clients = load(url);
  });

  test.each([
    ['crashes at its start', 'crash', fast, 'the container ended with exit code 3'],
    ['never listens', 'late', fast, 'it was not healthy within 2 s: nothing answers HTTP on port 8080'],
    ['listens on another port', 'elsewhere', fast, 'it was not healthy within 2 s: nothing answers HTTP on port 8080'],
    [
      'is not healthy',
      'two',
      { ...fast, http: { port: 8080, 'container-port': 8080, 'health-path': '/nowhere' } },
      'it was not healthy within 2 s: GET /nowhere on port 8080 answered 404',
    ],
    [
      'has a secret that is not there',
      'two',
      { secrets: [{ name: 'TOKEN', from: 'ssm:/web/none' }] },
      'the secret TOKEN cannot be read from ssm:/web/none: no such parameter',
    ],
  ])('one that %s is taken away, and the old one serves', async (_, version, over, cause) => {
    const result = await deploy(version, 'b', over);
    expect(result).toMatchObject({ code: 1, state: 'rolled-back', image: images.one, release: '1'.repeat(16) });
    expect(result.cause).toContain(cause);
  });

  test('the last lines of one that died are told, without the values of its secrets', async () => {
    const { logs } = await deploy('crash', 'c', fast);
    expect(logs.join('\n')).toMatch(/^no module x; \*\*\*/);
  });

  test('a good one takes over, and a request that was on its way to the old one is answered by it', async () => {
    const slow = answer(`${url}cgi-bin/slow`);
    await until(
      () => shell(host, 'ps | grep -c "[s]leep 1.5"'),
      () => true,
    );
    const result = await deploy('two', '2');
    expect(result).toMatchObject({ code: 0, state: 'succeeded', image: images.two, previous: images.one });
    expect(await slow).toBe('200 slow one');
    expect(await answer(url)).toBe(`200 two ${hash}`);
  });

  test('the same again is unchanged', async () => {
    expect(await deploy('two', '2')).toMatchObject({ code: 0, state: 'unchanged', image: images.two });
  });

  test('the one before is kept stopped, and a rollback starts it again', async () => {
    const { facts } = await run({ operation: 'status', component: 'web' });
    expect(facts.containers?.map(({ role, state, release }) => [role, state, release]).sort()).toEqual([
      ['current', 'running', '2'.repeat(16)],
      ['previous', 'exited', '1'.repeat(16)],
    ]);
    const kept = facts.containers?.find(({ role }) => role === 'previous')?.name;
    expect(await run({ operation: 'rollback', component: 'web' })).toMatchObject({
      state: 'succeeded',
      image: images.one,
    });
    const after = (await run({ operation: 'status', component: 'web' })).facts.containers ?? [];
    expect(after.find(({ role }) => role === 'current')?.name).toBe(kept);
  });

  test('a rollback away from a release that is not current changes nothing', async () => {
    const to = '2'.repeat(16);
    expect(await run({ operation: 'rollback', component: 'web', to })).toMatchObject({ code: 0, state: 'unchanged' });
  });

  test('a restart makes it anew beside itself', async () => {
    expect(await run({ operation: 'restart', component: 'web' })).toMatchObject({
      state: 'succeeded',
      image: images.one,
    });
  });

  test('another component on the same port, told apart by name, and one in conflict is refused', async () => {
    const other = (hosts: string[]) => ({
      operation: 'deploy',
      spec: { ...spec('two', '4'), component: 'api', secrets: [], http: { port: 8080, 'container-port': 8080, hosts } },
    });
    expect(await run(other([]))).toMatchObject({
      state: 'failed',
      cause: expect.stringContaining('web takes any name on port 8080 already'),
    });
    expect(await run(other(['api.example', '*.api.example']))).toMatchObject({ state: 'succeeded' });
    expect(await answer(url, 'API.example:8080')).toMatch(/^200 two/);
    expect(await answer(url, 'v2.api.example')).toMatch(/^200 two/);
    expect(await answer(url)).toBe(`200 one ${hash}`);
  });

  test('a client that was idle over a reload is answered on its old connection, by what serves then', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const socketOf = () =>
      new Promise<[socket: string, body: string]>((resolve, reject) => {
        const request = get(url, { agent }, (response) => {
          const port = String(response.socket.localPort);
          response.on('data', (chunk) => resolve([port, String(chunk).trim()]));
        });
        request.on('error', reject);
      });
    const [before] = await socketOf();
    const port = { ...spec('two', '5'), component: 'third', secrets: [], http: { port: 8081, 'container-port': 8080 } };
    expect(await run({ operation: 'deploy', spec: port })).toMatchObject({ state: 'succeeded' });
    // The container that its old process knows is gone by then; the process hands it on to the next one.
    expect(await deploy('two', 'd', { 'drain-within': 60 })).toMatchObject({ state: 'succeeded' });
    expect(await socketOf()).toEqual([before, `two ${hash}`]);
    expect((await socketOf())[0]).not.toBe(before);
    agent.destroy();
    expect(await answer(`http://${host.address}:8081/`)).toMatch(/^200 two/);
    expect(await deploy('one', 'e')).toMatchObject({ state: 'succeeded' });
  });

  test('no request failed, and none took longer than a second', async () => {
    await clients.stop();
    expect(clients.failures).toEqual([]);
    expect(clients.sent).toBeGreaterThan(1000);
    expect(clients.seen.sort()).toEqual([`one ${hash}`, `two ${hash}`]);
  });
});

test('two deployments at once come one after the other', async () => {
  const [first, second] = await Promise.all([deploy('two', '6'), deploy('two', '6')]);
  expect([first.state, second.state].sort()).toEqual(['succeeded', 'unchanged']);
});

test('one that is stopped first keeps its clients waiting, not failing', async () => {
  const patient = load(url, 20);
  const result = await deploy('one', '9', { order: 'stop-first', secrets: [] });
  const back = await deploy('two', 'a', { order: 'stop-first', secrets: [] });
  await patient.stop();
  expect([result.state, back.state]).toEqual(['succeeded', 'succeeded']);
  expect(back.steps.map(({ name }) => name)).toContain('stop-old');
  // A client's patience is a second here; the proxy's is longer.
  expect(patient.failures.filter((failure) => !failure.startsWith('no answer within'))).toEqual([]);
});

test('the check of the spec decides, without waiting for the engine to ask', async () => {
  const check = (command: string) => ({
    http: undefined,
    'health-check': { command: ['CMD-SHELL', command], interval: 60 },
  });
  const worker = (command: string, release: string) => ({
    operation: 'deploy',
    component: 'worker',
    spec: { ...spec('two', release, { ...fast, ...check(command), secrets: [] }), component: 'worker' },
  });
  expect(await run(worker('test -e /nowhere', 'b'))).toMatchObject({
    state: 'failed',
    cause: 'it was not healthy within 2 s: its health check does not pass; nothing ran here before',
  });
  expect(await run(worker('test -e /www', 'c'))).toMatchObject({ state: 'succeeded' });
});

test('the log of what runs is told line by line', async () => {
  const { output } = await run({ operation: 'logs', component: 'web', lines: 5 });
  expect(output).toMatch(/^slipway-log .*\nslipway-result /m);
});

test('what is no longer needed of the images is removed, the newest few and what is kept are not', async () => {
  const images = () => shell(host, `docker image ls --digests ${local.registry.host}/web | grep -c sha256`);
  const before = Number(await images());
  expect(await run({ operation: 'prune', component: 'web', keep: 1 })).toMatchObject({
    code: 0,
    cause: `${before - 3} images removed`,
  });
  // The current one, the one before, and one more.
  expect([before, Number(await images())]).toEqual([before, 3]);
});

test('a secret as a variable is there for the container, and its kept container does not keep it', async () => {
  const secrets = [
    { name: 'TOKEN', from: 'ssm:/web/token', as: 'environment' },
    { name: 'KEY', from: 'secretsmanager:web#key', as: 'environment' },
  ];
  images.variable = await pushScript(
    local,
    'web:6',
    `mkdir /www; printf '%s' "$TOKEN$KEY" | sha256sum | cut -c 1-8 > /www/index.html
trap 'exit 0' TERM; httpd -f -p 8080 -h /www & wait\n`,
  );
  const http = { port: 8080, 'container-port': 8080 };
  expect(await deploy('variable', '7', { secrets, http })).toMatchObject({ state: 'succeeded' });
  expect(await answer(url)).toBe(
    `200 ${createHash('sha256')
      .update(SECRET + LINES)
      .digest('hex')
      .slice(0, 8)}`,
  );
  // Made anew from the spec, since what the engine keeps of such a container would be on its disk.
  expect(await deploy('two', '8')).toMatchObject({ state: 'succeeded' });
  expect((await run({ operation: 'rollback', component: 'web' })).release).toBe('7'.repeat(16));
  expect(await deploy('two', '8')).toMatchObject({ state: 'succeeded' });
});

test('no secret is in what was printed, in an inspection, in an argument, in a record or on the disk', async () => {
  const values = [SECRET, ...LINES.split('\n')];
  const places: Record<string, string> = {
    output: outputs.join('\n'),
    engine: await shell(host, 'docker inspect $(docker ps -aq)'),
    arguments: await shell(host, 'for f in /proc/[0-9]*/cmdline; do tr "\\0" " " < $f; echo; done 2>/dev/null'),
    disk: await shell(host, 'cat /var/lib/slipway/components/* /var/lib/slipway/proxy/* /var/log/*'),
    memory: await shell(host, 'stat -f -c %T /run/slipway/secrets; stat -c %a /run/slipway /run/slipway/secrets'),
    requests: JSON.stringify(local.requests()),
  };
  expect(places.memory?.trim()).toBe('tmpfs\n700\n700');
  expect(places.engine).toContain('slipway.release');
  for (const [place, text] of Object.entries(places))
    expect([place, values.filter((value) => text.includes(value))]).toEqual([place, []]);
  // Those that are needed are there: the search would have found them.
  expect(await shell(host, 'cat /run/slipway/secrets/*/files/TOKEN')).toContain(SECRET);
});
