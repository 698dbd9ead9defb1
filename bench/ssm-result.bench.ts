import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { good, type ScriptedSsm, SECRET_KEY, scriptedSsm } from '../actions/ssm-deploy/test/scripted-ssm.ts';
import { systemClock } from '../lib/clock.ts';
import { isOnPath } from '../lib/process.ts';
import { type Benchmark, type Case, type Measure, median } from './benchmark.ts';

/** By round: a command that ends a little later meets a look at another moment of its pause. */
const WORKS_MS = [3_000, 7_250, 4_600, 12_900, 5_950];
const LIMITS = { knownMs: 1_500, requests: { one: 30, three: 60 } };
const HOSTS = ['i-00000000000000001', 'i-00000000000000002', 'i-00000000000000003'];

const CREDENTIALS = {
  AWS_REGION: 'eu-central-1',
  AWS_DEFAULT_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: SECRET_KEY,
};

interface Once {
  /** From the end of the last command on its last host to the line that tells its result. */
  knownMs: number;
  /** To the end of the process, which is when a workflow knows. */
  overMs: number;
  requests: number;
}

/** Everything is on this machine's clock: the script's, and that of the process's lines. */
async function runOnce(bundle: string, hosts: readonly string[], ms: number): Promise<Once> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  const ssm = await scriptedSsm(systemClock, { hosts: hostsThat(hosts, ms) });
  const file = (name: string) => join(folder, name);
  const inputs = {
    name: 'bot',
    targets: 'tag:Role=docker-host',
    image: `registry.test/bot@sha256:${'a'.repeat(64)}`,
    'max-concurrency': '100%',
  };
  try {
    for (const name of ['output', 'summary', 'env', 'state']) await writeFile(file(name), '');
    const env = {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      RUNNER_TEMP: folder,
      AWS_ENDPOINT_URL: ssm.url,
      ...CREDENTIALS,
      GITHUB_OUTPUT: file('output'),
      GITHUB_STEP_SUMMARY: file('summary'),
      GITHUB_ENV: file('env'),
      GITHUB_STATE: file('state'),
      ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
    };
    const child = spawn(process.execPath, [bundle], { cwd: folder, env });
    let printed = '';
    let knownAt = Number.NaN;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        printed += chunk;
        if (String(chunk).includes(': ✅ succeeded')) knownAt = Date.now();
      });
    const code = await new Promise<number>((done) => child.on('close', (c) => done(c ?? -1)));
    if (code !== 0) throw new Error(`${bundle} ended with ${code}: ${printed.slice(-2000)}`);
    return { knownMs: knownAt - ssm.endedAt(), overMs: Date.now() - ssm.endedAt(), requests: ssm.calls.length };
  } finally {
    await ssm.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const hostsThat = (hosts: readonly string[], ms: number) =>
  Object.fromEntries(
    hosts.map((host) => [
      host,
      {
        does: (payload: Parameters<typeof good>[0]) => ({
          ...good(payload),
          ...(payload.operation === 'deploy' && { ms }),
        }),
      },
    ]),
  );

/** What a workflow does by hand: the aws command sends, and waits with its own waiter, which looks every 5 s. */
async function byHand(ms: number): Promise<Once> {
  const [host = ''] = HOSTS;
  const ssm = await scriptedSsm(systemClock, { hosts: hostsThat([host], ms) });
  try {
    const id = await sendTo(ssm, host);
    await aws(ssm, ['ssm', 'wait', 'command-executed', '--command-id', id, '--instance-id', host]);
    const knownMs = Date.now() - ssm.endedAt();
    return { knownMs, overMs: knownMs, requests: ssm.calls.length };
  } finally {
    await ssm.close();
  }
}

async function sendTo(ssm: ScriptedSsm, host: string): Promise<string> {
  const payload = Buffer.from(JSON.stringify({ operation: 'deploy', spec: {} })).toString('base64');
  const sent = await aws(ssm, [
    ...['ssm', 'send-command', '--document-name', 'Slipway-Deploy-x', '--instance-ids', host, '--max-concurrency', '1'],
    ...['--max-errors', '0', '--parameters', JSON.stringify({ payload: [payload] }), '--output', 'json'],
  ]);
  return (JSON.parse(sent) as { Command: { CommandId: string } }).Command.CommandId;
}

async function aws(ssm: ScriptedSsm, argv: readonly string[]): Promise<string> {
  const child = spawn('aws', argv, {
    env: { PATH: process.env.PATH ?? '', AWS_ENDPOINT_URL: ssm.url, ...CREDENTIALS },
  });
  let printed = '';
  child.stdout.on('data', (chunk) => {
    printed += chunk;
  });
  const code = await new Promise<number>((done) => child.on('error', () => done(-1)).on('close', (c) => done(c ?? -1)));
  if (code !== 0) throw new Error(`aws ${argv.slice(0, 2).join(' ')} ended with ${code}`);
  return printed;
}

function caseOf(name: string, runs: readonly Once[], limits?: { known: number; requests: number }): Case {
  const worst = (value: (run: Once) => number) => Math.max(...runs.map(value));
  const measures: Measure[] = [
    {
      name: 'result known after, worst',
      value: worst((r) => r.knownMs),
      unit: 'ms',
      ...(limits && { limit: limits.known }),
    },
    { name: 'median', value: median(runs.map((r) => r.knownMs)), unit: 'ms' },
    { name: 'process over after', value: median(runs.map((r) => r.overMs)), unit: 'ms' },
    {
      name: 'requests',
      value: worst((r) => r.requests),
      unit: 'count',
      ...(limits && { limit: limits.requests, hard: true }),
    },
  ];
  return { name, measures };
}

const benchmark: Benchmark = {
  title: `ssm-deploy: from a command's end to its known result, against an SSM that plays a script (commands of ${Math.min(...WORKS_MS) / 1000} to ${Math.max(...WORKS_MS) / 1000} s)`,
  async run({ dist, rounds }) {
    const bundle = join(dist, 'ssm-deploy', 'index.js');
    const times = WORKS_MS.slice(0, Math.max(1, Math.min(rounds, WORKS_MS.length)));
    // A first, short run fills the file cache, and does not count.
    await runOnce(bundle, HOSTS.slice(0, 1), 200);
    const one: Once[] = [];
    const three: Once[] = [];
    const hand: Once[] = [];
    const withHand = isOnPath('aws', process.env);
    for (const ms of times) {
      // They wait nearly all of the time: some at once do not disturb each other.
      const [a, b, c] = await Promise.all([
        runOnce(bundle, HOSTS.slice(0, 1), ms),
        runOnce(bundle, HOSTS, ms),
        withHand ? byHand(ms) : undefined,
      ]);
      one.push(a);
      three.push(b);
      if (c) hand.push(c);
    }
    const known = LIMITS.knownMs;
    return [
      caseOf('one host', one, { known, requests: LIMITS.requests.one }),
      caseOf('three hosts: preflight, the first, the others', three, { known, requests: LIMITS.requests.three }),
      ...(hand.length > 0 ? [{ ...caseOf('one host, aws ssm wait command-executed', hand), peer: true }] : []),
    ];
  },
};
export default benchmark;
