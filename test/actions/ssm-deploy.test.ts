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

beforeAll(async () => {
  local = await startLocal({
    lag: 'real',
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
  images.crash = await pushScript(local, 'bot:3', 'echo "cannot find module x" >&2\nexit 3\n');
}, 90_000);
afterAll(async () => {
  await recorder?.close();
  await local?.stop();
}, 30_000);

async function deploy(
  image: string,
  inputs: Record<string, string> = {},
  options: ActionOptions = {},
): Promise<ActionRun> {
  const given = {
    name: 'bot',
    targets: 'tag:Role=docker-host',
    image: images[image] ?? image,
    revision: 'abc123',
    port: '8080:8080',
    secrets: 'TOKEN=${ssm:/sample/token}',
    'stable-for': '1s',
    timeout: '60s',
    ...inputs,
  };
  const env = { ...local.env(), AWS_ENDPOINT_URL: recorder.url };
  const run = await runAction('ssm-deploy', given, { ...options, env });
  runs.push(run);
  return run;
}

/** What answers on each of the two hosts. */
const answers = () =>
  Promise.all(
    [ONE, TWO].map(async (id) => {
      const response = await fetch(`http://${local.hosts.find(id)?.address}:8080/`).catch(() => undefined);
      return response ? (await response.text()).trim() : 'nothing';
    }),
  );
const hash = createHash('sha256').update(SECRET).digest('hex');
const both = (version: string) => [`${version} abc123 ${hash}  -`, `${version} abc123 ${hash}  -`];
const hostsOf = (run: ActionRun) => JSON.parse(run.outputs.hosts ?? '[]') as Record<string, string>[];

describe('two hosts, in order', () => {
  test('a first deployment runs on both, with its secret as a file and its identity', async () => {
    const run = await deploy('good');
    expect([run.code, run.log]).toEqual([0, expect.stringContaining('bot on 2 hosts')]);
    expect(run.outputs).toMatchObject({ outcome: 'succeeded', 'command-id': expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(hostsOf(run)).toMatchObject([
      { instance: ONE, status: 'succeeded', image: images.good },
      { instance: TWO, status: 'succeeded', image: images.good },
    ]);
    expect(await answers()).toEqual(both('one'));
  }, 60_000);

  test('the same again is unchanged, and no container is touched', async () => {
    const ids = async () =>
      (await local.engine.list({ labels: { 'slipway.component': 'bot' } })).map((c) => c.id).sort();
    const before = await ids();
    const run = await deploy('good');
    expect([run.code, run.outputs.outcome]).toEqual([0, 'unchanged']);
    expect([before.length, await ids()]).toEqual([2, before]);
  }, 60_000);

  test('another version takes over', async () => {
    expect((await deploy('better')).outputs.outcome).toBe('succeeded');
    expect(await answers()).toEqual(both('two'));
  }, 60_000);

  test('one that crashes is rolled back, with its exit code and last lines', async () => {
    const run = await deploy('crash');
    expect([run.code, run.outputs.outcome]).toEqual([1, 'rolled-back']);
    expect(run.outputs.cause).toMatch(/^i-0+[12]: the container ended with exit code 3 \(and 1 more\)$/);
    for (const text of [run.log, run.summary]) expect(text).toContain('cannot find module x');
    expect(run.log.match(/^::error::/gm)).toHaveLength(1);
    expect(await answers()).toEqual(both('two'));
  }, 60_000);

  test('status tells what runs', async () => {
    const run = await deploy('', { operation: 'status' });
    expect(run.outputs.outcome).toBe('succeeded');
    expect(hostsOf(run)).toMatchObject([{ image: images.better, previous: images.good }, { image: images.better }]);
  }, 60_000);

  test('a rollback brings back what ran before', async () => {
    const run = await deploy('', { operation: 'rollback' });
    expect([run.code, run.outputs.outcome]).toEqual([0, 'succeeded']);
    expect(await answers()).toEqual(both('one'));
  }, 60_000);

  test('a cancelled run cancels its command at once; running it again converges', async () => {
    const run = await deploy('better', { 'stable-for': '50s' }, { interruptOn: /Command [0-9a-f-]{36}: deploy/ });
    expect([run.code, run.outputs.outcome]).toEqual([1, 'stopped']);
    expect(run.endedInMs).toBeLessThan(5000);
    const cancel = local.requests().filter((r) => r.operation === 'CancelCommand');
    expect(cancel).toMatchObject([{ status: 200, input: { CommandId: expect.any(String) } }]);
    expect((await deploy('better')).outputs.outcome).toBe('succeeded');
    expect(await answers()).toEqual(both('two'));
  }, 90_000);
});

describe('nothing is sent', () => {
  const sent = () => local.requests().filter((r) => r.operation === 'SendCommand').length;

  test.each([
    [
      'to a host whose agent is offline',
      { targets: LOST },
      /^input 'targets' is "InstanceIds=i-0+f": no host with an on/,
    ],
    ['to a tag that nobody has', { targets: 'tag:Role=none' }, /is "tag:Role=none": no host with an online SSM agent/],
    ['to fewer hosts than asked for', { minimum: '3' }, /only 2 of at least 3 hosts are online/],
    ['of an image by tag', { image: 'registry.invalid/bot:latest' }, /'image' is .*a tag may move between two hosts/],
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
  expect(run.outputs).toMatchObject({
    outcome: 'rolled-back',
    cause: expect.stringMatching(/the secret TOKEN cannot be read from ssm:\/sample\/other: no such parameter/),
  });
  expect(await answers()).toEqual(both('two'));
}, 60_000);

test('no request body, log, summary or output ever held the secret', () => {
  const commands = recorder.sent.filter(({ about }) => about.endsWith('.SendCommand'));
  expect(commands.length).toBeGreaterThan(5);
  expect(layersOf(commands[0]?.body ?? '').some((layer) => layer.includes('/sample/token'))).toBe(true);
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
