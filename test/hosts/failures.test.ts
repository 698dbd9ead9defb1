import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { encodePayload } from '../../actions/ssm-deploy/document.ts';
import type { ManagedHost } from '../../local/hosts/hosts.ts';
import { type Local, startLocal } from '../../local/start.ts';
import { answer, command, load, only, pushPage, shell, until } from '../support/hosts.ts';
import { pushScript } from '../support/image.ts';

// What goes wrong around a deployment: whatever it is, the old one serves and the next deployment converges.
// An operation takes two seconds or so; on a machine that does other things beside, many more.
jest.setTimeout(180_000);
let local: Local;
let host: ManagedHost;
const images: Record<string, string> = {};
const url = () => `http://${host.address}:8080/`;

const web = (version: string, release: string, over: object = {}) => ({
  v: 1,
  component: 'web',
  release: release.repeat(16),
  image: images[version],
  http: { port: 8080, 'container-port': 8080, 'health-path': '/health' },
  secrets: [{ name: 'TOKEN', from: 'ssm:/web/token' }],
  'healthy-within': 15,
  ...over,
});
/** A worker: it has no port and must not run twice. */
const bot = (version: string, release: string, over: object = {}) => ({
  v: 1,
  component: 'bot',
  release: release.repeat(16),
  image: images[version],
  order: 'stop-first',
  'stable-for': 1,
  'stop-timeout': 2,
  ...over,
});
const deploy = (spec: object, options: { killAt?: string } = {}) =>
  command(host, { operation: 'deploy', spec }, options);
const running = async (component: string) =>
  (
    await shell(
      host,
      `docker ps -q --filter label=slipway.component=${component} | xargs -r docker inspect --format '{{.Config.Image}}'`,
    )
  )
    .trim()
    .split('\n');
const shown = (version: string) => images[version] ?? '';

beforeAll(async () => {
  local = await startLocal({
    world: {
      repositories: ['web', 'bot'],
      parameters: { '/web/token': 'token-5511' },
      hosts: [{ tags: { 'slipway:environment': 'prod', 'slipway:host-group': 'web' } }],
    },
  });
  host = only(local);
  images.one = await pushPage(local, 'web:1', 'one');
  images.two = await pushPage(local, 'web:2', 'two');
  images.three = await pushPage(local, 'web:3', 'three');
  images.bot1 = await pushScript(local, 'bot:1', "echo one; trap 'exit 0' TERM; sleep 600 & wait\n");
  images.bot2 = await pushScript(local, 'bot:2', "echo two; trap 'exit 0' TERM; sleep 600 & wait\n");
  images.bot3 = await pushScript(local, 'bot:3', 'sleep 0.5; exit 4\n');
  expect((await deploy(web('one', '1'))).state).toBe('succeeded');
});
afterAll(async () => {
  await local?.stop();
});

describe('what cannot be had', () => {
  test.each([
    [
      'engine-stop',
      'engine-start',
      { code: 69, state: 'failed', cause: 'the docker engine does not answer on this host' },
    ],
    [
      'disk-full',
      'disk-free',
      { code: 1, state: 'rolled-back', cause: expect.stringContaining('no space left on device') },
    ],
  ] as const)('%s', async (before, after, expected) => {
    await local.hosts.does(host.id, before);
    const result = await deploy(web('two', '2'));
    expect(await answer(url())).toMatch(/^200 one/);
    await local.hosts.does(host.id, after);
    expect(result).toMatchObject(expected);
  });

  test('an image that is not in the registry', async () => {
    images.none = shown('two').replace(/[0-9a-f]{64}$/, '0'.repeat(64));
    const result = await deploy(web('none', '2'));
    expect(result).toMatchObject({
      state: 'rolled-back',
      cause: expect.stringMatching(/^the image cannot be pulled: /),
    });
    expect(await answer(url())).toMatch(/^200 one/);
  });

  test('a registry that is down', async () => {
    const id = local.faults.add({ service: 'registry', effect: { status: 503 } });
    const result = await deploy(web('two', '2'));
    local.faults.remove(id);
    expect(result).toMatchObject({
      state: 'rolled-back',
      cause: expect.stringMatching(/^the image cannot be pulled: /),
    });
    expect(await answer(url())).toMatch(/^200 one/);
  });

  test('a decision older than the last one', async () => {
    expect(await command(host, { operation: 'deploy', spec: web('one', '1'), base: 7 })).toMatchObject({
      state: 'unchanged',
    });
    expect(await command(host, { operation: 'deploy', spec: web('two', '2'), base: 5 })).toMatchObject({
      code: 1,
      state: 'failed',
      cause: expect.stringContaining('told of version 7'),
    });
    // A decision on version 0 says that there is no parameter: what follows counts from there.
    for (const base of [0, 1])
      expect(await command(host, { operation: 'deploy', spec: web('one', '1'), base })).toMatchObject({
        state: 'unchanged',
      });
  });

  test('versions that began again at 1, since the parameter was deleted and made anew, or is of another group', async () => {
    const aux = { operation: 'deploy', spec: bot('bot1', 'a', { component: 'aux' }) };
    expect(await command(host, { ...aux, base: 7 })).toMatchObject({ state: 'succeeded' });
    expect(await command(host, { ...aux, base: 3, group: 'workers' })).toMatchObject({ state: 'unchanged' });
    expect(await command(host, { ...aux, base: 7 })).toMatchObject({ state: 'unchanged' });
    expect(await command(host, { ...aux, base: 1 })).toMatchObject({ state: 'failed' });
    await shell(
      host,
      `aws ssm put-parameter --type String --name /slipway/prod/web/aux --value '${JSON.stringify(aux.spec)}'`,
    );
    expect(await command(host, { ...aux, base: 1 })).toMatchObject({ state: 'unchanged' });
  });

  test('a record that is damaged: the others serve, and the parameter brings the component back', async () => {
    const clients = load(url(), 20);
    await shell(
      host,
      `printf '{"spec":' > /var/lib/slipway/components/aux.json; /usr/local/sbin/slipway-host reconcile`,
    );
    await clients.stop();
    expect(clients.failures).toEqual([]);
    expect(await running('aux')).toEqual([shown('bot1')]);
    expect(await shell(host, 'jq -r .base /var/lib/slipway/components/aux.json')).toBe('1\n');
  });

  test('a parameter of another component than its name says', async () => {
    const value = JSON.stringify(web('two', '2'));
    await shell(host, `aws ssm put-parameter --type String --name /slipway/prod/web/other --value '${value}'`);
    const log = await shell(host, '/usr/local/sbin/slipway-host reconcile 2>&1; ls /var/lib/slipway/components');
    expect(log).toContain('the parameter of other, version 1, is not used: it is of another component');
    expect(log).not.toContain('other.json');
  });
});

describe('killed', () => {
  // What is killed before the switch leaves the old one current: the next attempt, killed a step later, begins from its leavings.
  test.each([[['pull', 'create', 'start', 'health']], [['switch']], [['drain']], [['stop']]])(
    'at %j: no client notices, and the next deployment converges',
    async (steps) => {
      // Each time another release, from whichever serves by now.
      const from = (await answer(url())).includes('one') ? 'one' : 'two';
      const to = from === 'one' ? 'two' : 'one';
      const spec = { ...web(to, '1'), release: createHash('sha256').update(`${steps}`).digest('hex').slice(0, 16) };
      const clients = load(url(), 50);
      for (const step of steps) {
        const killed = await deploy(spec, { killAt: step });
        expect([step, killed.code, killed.output.includes('slipway-result')]).toEqual([step, undefined, false]);
        expect(await answer(url())).toMatch(/^200 (one|two)/);
      }
      const again = await deploy(spec);
      await clients.stop();
      expect(again).toMatchObject({ code: 0, state: expect.stringMatching(/^(succeeded|unchanged)$/) });
      expect(await answer(url())).toMatch(new RegExp(`^200 ${to}`));
      expect(await running('web')).toEqual([shown(to)]);
      expect(clients.failures).toEqual([]);
    },
  );

  test('a worker after its old container was stopped: it is started again, by itself', async () => {
    expect(await deploy(bot('bot1', 'a'))).toMatchObject({ state: 'succeeded' });
    const killed = await deploy(bot('bot2', 'b'), { killAt: 'start' });
    expect(killed.code).toBeUndefined();
    await until(
      () => running('bot'),
      (images) => images.length === 1 && images[0] === shown('bot1'),
    );
    expect(await deploy(bot('bot2', 'b'))).toMatchObject({ state: 'succeeded' });
    expect(await running('bot')).toEqual([shown('bot2')]);
  });

  test('a worker that dies young is replaced by the one before', async () => {
    expect(await deploy(bot('bot3', 'c'))).toMatchObject({
      state: 'rolled-back',
      cause: 'the container ended with exit code 4',
    });
    expect(await running('bot')).toEqual([shown('bot2')]);
  });
});

test('a container that dies as it takes over: the one before serves on', async () => {
  const from = (await answer(url())).includes('one') ? 'one' : 'two';
  const ended: Promise<string>[] = [];
  const result = await command(
    host,
    { operation: 'deploy', spec: web('three', '9') },
    {
      onStep: (step) => {
        if (step === 'switch')
          ended.push(shell(host, `docker kill $(docker ps -q --filter label=slipway.release=${'9'.repeat(16)})`));
      },
    },
  );
  await Promise.all(ended);
  if (result.state === 'succeeded') {
    // It lived through the look: then its death is seen, and it is started again.
    await until(
      () => answer(url()),
      (seen) => /^200 three/.test(seen),
    );
  } else {
    expect(result).toMatchObject({ state: 'rolled-back', cause: 'the container ended when it had taken over' });
    expect(await answer(url())).toMatch(new RegExp(`^200 ${from}`));
  }
});

test('an operation that is told to end puts back what it stopped', async () => {
  expect(await deploy(bot('bot2', 'b'))).toMatchObject({ code: 0 });
  const spec = bot('bot1', 'd', { 'stable-for': 30 });
  const payload = encodePayload({ v: 1, operation: 'deploy', environment: 'prod', group: 'web', spec });
  const output = await shell(
    host,
    `export payload=${payload}
/usr/local/sbin/slipway-host > /tmp/operation & operation=$!
until grep -q 'slipway-step health' /tmp/operation; do sleep 0.1; done
kill -TERM $operation; wait $operation; echo "exit $?"; cat /tmp/operation`,
  );
  expect(output).toMatch(/^exit 1\n/);
  const line = /^slipway-result (.*)$/m.exec(output)?.[1] ?? '';
  expect(JSON.parse(Buffer.from(line, 'base64').toString())).toMatchObject({
    state: 'rolled-back',
    cause: 'the operation was stopped',
    image: shown('bot2'),
  });
  expect(await running('bot')).toEqual([shown('bot2')]);
});

describe('the host itself', () => {
  test('a container whose check fails is replaced beside itself, and no client notices', async () => {
    const check = { command: ['CMD-SHELL', '! test -e /sick'], interval: 1, timeout: 5, retries: 1 };
    expect(await deploy(web('two', '8', { 'health-check': check }))).toMatchObject({ state: 'succeeded' });
    const name = () => shell(host, 'jq -r .container /var/lib/slipway/components/web.json');
    const before = await name();
    const clients = load(url(), 20);
    await shell(host, `docker exec ${before.trim()} touch /sick`);
    await until(name, (now) => now !== before && now !== '');
    await until(
      () => running('web'),
      (images) => images.length === 1,
    );
    await clients.stop();
    expect(clients.failures).toEqual([]);
  });

  test('a container that dies is started again, and its proxy finds it', async () => {
    await shell(host, 'docker kill $(docker ps -q --filter label=slipway.component=web)');
    await until(
      () => answer(url()),
      (seen) => /^200/.test(seen),
    );
  });

  test('an older program gives way to that of a command, and what it serves goes on', async () => {
    const program = '/usr/local/sbin/slipway-host';
    const version = () => shell(host, `sed -n 's/^PROGRAM_VERSION=//p' ${program}`);
    const newest = await version();
    await shell(
      host,
      `sed 's/^PROGRAM_VERSION=.*/PROGRAM_VERSION=0/' ${program} > /tmp/old; chmod 755 /tmp/old; mv /tmp/old ${program}`,
    );
    expect((await version()).trim()).toBe('0');
    await command(host, { operation: 'status', component: 'web' });
    expect(await version()).toBe(newest);
    // The one that runs continues with the new text, and still sees a death.
    await shell(host, 'docker kill $(docker ps -q --filter label=slipway.component=web)');
    await until(
      () => answer(url()),
      (seen) => /^200/.test(seen),
    );
  });

  test('a reboot brings back exactly what was deployed', async () => {
    expect(await deploy(web('two', 'e'))).toMatchObject({ state: 'succeeded' });
    const reboot = await fetch(`${local.endpoints.page}/_control/hosts/${host.id}/reboot`, { method: 'POST' });
    expect(reboot.status).toBe(204);
    expect(
      await until(
        () => answer(url()),
        (seen) => /^200/.test(seen),
      ),
    ).toMatch(/^200 two/);
    expect(
      await until(
        async () => [...(await running('web')), ...(await running('bot'))],
        (seen) => seen.length === 2 && !seen.includes(''),
      ),
    ).toEqual([shown('two'), shown('bot2')]);
  });

  test('a replacement serves what its group serves, and takes a newer parameter over its record', async () => {
    for (const spec of [web('three', 'f'), bot('bot2', 'b')])
      await shell(
        host,
        `aws ssm put-parameter --type String --name /slipway/prod/web/${spec.component} --value '${JSON.stringify(spec)}'`,
      );
    host = await local.hosts.replace(host.id);
    expect(
      await until(
        () => answer(url()),
        (seen) => /^200/.test(seen),
      ),
    ).toMatch(/^200 three/);
    await until(
      () => running('bot'),
      (seen) => seen.length === 1 && seen[0] === shown('bot2'),
    );
    await shell(
      host,
      `aws ssm put-parameter --overwrite --name /slipway/prod/web/web --value '${JSON.stringify(web('one', '1'))}'`,
    );
    await shell(host, '/usr/local/sbin/slipway-host reconcile');
    expect(await answer(url())).toMatch(/^200 one/);
  });
});
