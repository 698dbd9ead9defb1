import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Local, startLocal } from '../../local/start.ts';
import { type ActionOptions, type ActionRun, runAction } from '../support/action.ts';
import { pushScript } from '../support/image.ts';
import { layersOf, type Recorder, recordBefore } from '../support/recorder.ts';

const ONE = 'i-00000000000000001';
const TWO = 'i-00000000000000002';
const LOST = 'i-0000000000000000f';
const SECRET = 'correct-horse-battery-staple-4711';

/** Says of itself which version it is and, as a hash, which secret it was given. */
const app = (version: string) => `mkdir /www
echo "${version} $SLIPWAY_REVISION $(sha256sum < "$TOKEN_FILE")" > /www/index.html
trap 'exit 0' TERM
httpd -f -p 8080 -h /www & wait
`;

// The action as the runner starts it; its commands are run by real shells on containers that play hosts.
let local: Local;
let recorder: Recorder;
const images: Record<string, string> = {};
const runs: ActionRun[] = [];
const PARAMETER = '/slipway/default/docker-host/bot';

beforeAll(async () => {
  local = await startLocal({
    lag: 'off',
    seed: 5,
    world: {
      repositories: ['bot'],
      parameters: { '/sample/token': { value: SECRET, type: 'SecureString' } },
      hosts: [
        { id: ONE, tags: { Role: 'docker-host' } },
        { id: TWO, tags: { Role: 'docker-host' } },
        { id: LOST, tags: { Role: 'lost' }, online: false },
      ],
    },
  });
  recorder = await recordBefore(local.endpoints.aws);
  images.good = await pushScript(local, 'bot:1', app('one'));
  images.better = await pushScript(local, 'bot:2', app('two'));
  // Long enough in starting that a signal always meets it at work.
  images.slow = await pushScript(local, 'bot:4', `sleep 4\n${app('two')}`);
  images.crash = await pushScript(local, 'bot:3', 'echo "cannot find module x" >&2\nexit 3\n');
}, 90_000);
afterAll(async () => {
  await recorder?.close();
  await local?.stop();
}, 30_000);

/** Everything that a deployment is given; `preflight` and the gate have tests of their own where they cost nothing. */
const GIVEN = {
  name: 'bot',
  targets: 'tag:Role=docker-host',
  revision: 'abc123',
  port: '8080',
  'health-path': '/',
  secrets: 'TOKEN=${ssm:/sample/token}',
  'stable-for': '1s',
  'drain-within': '1s',
  'stop-timeout': '2s',
  timeout: '60s',
  gate: 'false',
  preflight: 'false',
  'max-concurrency': '2',
};

async function act(inputs: Record<string, string>, options: ActionOptions = {}): Promise<ActionRun> {
  const env = { ...local.env(), AWS_ENDPOINT_URL: recorder.url, ...options.env };
  const run = await runAction('ssm-deploy', { ...GIVEN, ...inputs }, { ...options, env });
  runs.push(run);
  return run;
}

const deploy = (image: string, inputs: Record<string, string> = {}, options: ActionOptions = {}) =>
  act({ image: images[image] ?? image, ...inputs }, options);
const operate = (operation: string, inputs: Record<string, string> = {}) => act({ operation, ...inputs });

/** What the runner does after a cancelled step: the same file once more, with what the step has saved. */
async function post(run: ActionRun): Promise<ActionRun> {
  const env = { ...local.env(), AWS_ENDPOINT_URL: recorder.url, STATE_hosts: run.state.hosts ?? '' };
  const after = await runAction('ssm-deploy', {}, { env });
  runs.push(after);
  return after;
}

/** What answers on each of the two hosts. */
const answers = () =>
  Promise.all(
    [ONE, TWO].map(async (id) => {
      const response = await fetch(`http://${local.hosts.find(id)?.address}:8080/`).catch(() => undefined);
      return response?.ok ? (await response.text()).trim() : 'nothing';
    }),
  );
const hash = createHash('sha256').update(SECRET).digest('hex');
const says = (version: string) => `${version} abc123 ${hash}  -`;
const both = (version: string) => [says(version), says(version)];
const hostsOf = (run: ActionRun) => JSON.parse(run.outputs.hosts ?? '[]') as Record<string, string>[];
const requests = (operation: string) => local.requests().filter((r) => r.operation === operation);
const written = () => requests('PutParameter').length;

describe('two hosts', () => {
  test('good: both serve it through their proxies, with its secret as a file, and it is written down', async () => {
    const run = await deploy('good', { preflight: 'true', gate: 'true', 'max-concurrency': '1' });
    expect([run.code, run.outputs.outcome, run.outputs.cause]).toEqual([0, 'succeeded', '']);
    expect(run.outputs).toMatchObject({
      'desired-state': PARAMETER,
      'command-ids': expect.stringMatching(/^[0-9a-f-]{36}(,[0-9a-f-]{36}){2}$/),
    });
    const release = run.outputs['release-fingerprint']?.slice(0, 16) ?? '';
    expect(hostsOf(run)).toMatchObject([
      { instance: ONE, status: 'succeeded', image: images.good, release },
      { instance: TWO, status: 'succeeded', image: images.good, release },
    ]);
    expect(await answers()).toEqual(both('one'));
    expect(requests('AddTagsToResource').length + written()).toBe(1);
    expect(run.summary).toMatch(/\d MB/);
  }, 60_000);

  test('the same again is unchanged: no container is touched, nothing is written', async () => {
    const ids = async () =>
      (await local.engine.list({ labels: { 'slipway.component': 'bot' } })).map((c) => c.id).sort();
    const before = await ids();
    const run = await deploy('good');
    expect([run.code, run.outputs.outcome]).toEqual([0, 'unchanged']);
    expect([before.length, await ids(), written()]).toEqual([2, before, 1]);
  }, 60_000);

  test('broken: the first host keeps the others as they are, and tells exit code and last lines', async () => {
    const run = await deploy('crash', { gate: 'true' });
    expect([run.code, run.outputs.outcome]).toEqual([1, 'rolled-back']);
    expect(run.outputs.cause).toMatch(new RegExp(`^${ONE}: .*exit code 3`));
    for (const text of [run.log, run.summary, run.outputs.log]) expect(text).toContain('cannot find module x');
    expect(run.log.match(/^::error::/gm)).toHaveLength(1);
    expect(hostsOf(run)[1]).toMatchObject({
      instance: TWO,
      status: 'stopped',
      cause: expect.stringContaining('not tried'),
    });
    expect([await answers(), written()]).toEqual([both('one'), 1]);
  }, 60_000);

  test('twice at once: one deploys, both end well, and one container serves', async () => {
    const [a, b] = await Promise.all([deploy('better'), deploy('better')]);
    expect([a.outputs.outcome, b.outputs.outcome].filter((o) => o === 'succeeded' || o === 'unchanged')).toHaveLength(
      2,
    );
    expect(await answers()).toEqual(both('two'));
    const running = await local.engine.list({ labels: { 'slipway.component': 'bot' } });
    expect(running.filter((c) => c.status === 'running')).toHaveLength(2);
  }, 90_000);

  test('status tells what serves; a rollback brings back what served before, and writes it down', async () => {
    const run = await operate('status');
    expect(run.outputs).toMatchObject({ outcome: 'succeeded', steady: 'true', trouble: '' });
    expect(hostsOf(run)).toMatchObject([
      { image: images.better, drift: '' },
      { image: images.better, drift: '' },
    ]);
    const back = await operate('rollback');
    expect([back.code, back.outputs.outcome]).toEqual([0, 'succeeded']);
    expect(await answers()).toEqual(both('one'));
    const after = await operate('status');
    expect(after.outputs).toMatchObject({ steady: 'true', 'release-fingerprint': back.outputs['release-fingerprint'] });
  }, 90_000);

  test('restart, logs and prune', async () => {
    const [logs, prune] = await Promise.all([operate('logs', { lines: '5' }), operate('prune', { keep: '0' })]);
    expect([logs.outputs.outcome, prune.outputs.outcome]).toEqual([
      'succeeded',
      expect.stringMatching(/^(succeeded|unchanged)$/),
    ]);
    expect((await operate('restart')).outputs.outcome).toBe('succeeded');
    expect(await answers()).toEqual(both('one'));
  }, 90_000);
});

test('all or nothing: the host that had switched serves again what it served before', async () => {
  const inputs = { 'all-or-nothing': 'true', gate: 'true', 'environment-variables': 'TRIED=all' };
  await local.hosts.does(TWO, 'engine-stop');
  const run = await deploy('better', inputs);
  await local.hosts.does(TWO, 'engine-start');
  expect([run.code, run.outputs.outcome]).toEqual([1, 'failed']);
  expect(run.outputs.cause).toMatch(/^i-0+2: .*the host that had switched was put back \(all-or-nothing\)$/);
  expect(hostsOf(run)).toMatchObject([
    { instance: ONE, status: 'rolled-back' },
    { instance: TWO, status: 'failed' },
  ]);
  expect(await answers()).toEqual(both('one'));
  expect((await operate('status')).outputs).toMatchObject({ steady: 'true' });
}, 60_000);

describe('cancelled', () => {
  test.each([
    ['when the command has been sent', /Command [0-9a-f-]{36}: deploy/],
    ['while the candidate starts', /i-0+1 \| start /],
    ['at the switch', /i-0+1 \| switch /],
  ])(
    '%s: the command too, both hosts go on serving, and the post step tells how they stand',
    async (step, interruptOn) => {
      // Each is a release of its own, and the second host comes after the first: there is always something left to cut.
      const inputs = { 'log-group': '/slipway/deploy', gate: 'true', 'environment-variables': `STEP=${step}` };
      const run = await deploy('slow', inputs, { interruptOn });
      expect([run.code, run.outputs.outcome]).toEqual([1, 'stopped']);
      expect(run.endedInMs).toBeLessThan(5_000);
      const after = await post(run);
      expect(after.outputs.cause).toMatch(/^the run was cut/);
      for (const answer of await answers()) expect([says('one'), says('two')]).toContain(answer);
    },
    60_000,
  );

  test('running it again converges', async () => {
    expect((await deploy('better')).outputs.outcome).toBe('succeeded');
    expect(await answers()).toEqual(both('two'));
    expect((await operate('status')).outputs.steady).toBe('true');
  }, 60_000);
});

describe('nothing is sent', () => {
  const sent = () => requests('SendCommand').length;

  test.each([
    [
      'to a host whose agent is offline',
      { targets: LOST },
      /^input 'targets' is "InstanceIds=i-0+f": no host with an on/,
    ],
    ['to fewer hosts than asked for', { minimum: '3' }, /only 2 of at least 3 hosts are online/],
  ])('%s', async (_, inputs, cause) => {
    const before = sent();
    const run = await deploy('good', inputs);
    expect([run.code, run.outputs.outcome, sent()]).toEqual([1, 'failed', before]);
    expect(run.outputs.cause).toMatch(cause);
  });

  test('with a secret that is written out, and the error does not repeat it', async () => {
    const run = await deploy('good', { secrets: 'TOKEN=written-out-5522' });
    expect(run.outputs.cause).toMatch(/^input 'secrets', TOKEN: it is not a reference/);
    expect(run.log + run.summary + JSON.stringify(run.outputs)).not.toContain('written-out-5522');
  });
});

test('a secret that cannot be read leaves what runs in place', async () => {
  const run = await deploy('good', { secrets: 'TOKEN=${ssm:/sample/other}' });
  expect([run.code, run.outputs.cause]).toEqual([1, expect.stringContaining('/sample/other')]);
  expect(await answers()).toEqual(both('two'));
}, 60_000);

test('no request, log, summary, state or output ever held the secret', () => {
  const commands = recorder.sent.filter(({ about }) => about.endsWith('.SendCommand'));
  expect(commands.length).toBeGreaterThan(10);
  expect(commands.some(({ body }) => layersOf(body).some((layer) => layer.includes('/sample/token')))).toBe(true);
  for (const { about, body } of recorder.sent) {
    const leaks = layersOf(body).filter((layer) => layer.includes(SECRET));
    expect([about, leaks]).toEqual([about, []]);
  }
  expect(JSON.stringify(local.requests())).not.toContain(SECRET);
  for (const run of runs) {
    const said = JSON.stringify([run.log, run.summary, run.outputs, run.exported, run.state]);
    expect(layersOf(said).filter((layer) => layer.includes(SECRET))).toEqual([]);
  }
});
