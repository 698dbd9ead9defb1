import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { type Answers, recordingFront } from '../actions/ecs-deploy/test/recording-front.ts';
import {
  baseDefinition,
  DIGEST,
  type Moment,
  type Script,
  type ScriptedEcs,
  type StoppedTask,
  scriptedEcs,
} from '../actions/ecs-deploy/test/scripted-ecs.ts';
import { systemClock } from '../lib/clock.ts';
import { type Benchmark, type Case, type Measure, median } from './benchmark.ts';

const ROLLOUT_MS = 22_000;
/** By round: what is done a little later meets a poll at another moment of its pause. */
const LATER_MS = [0, 750, 1_500];
const DIES_AT_MS = 6_000;
const MIB = 1_048_576;
/** A run takes half a minute, so that few have to do. */
const ROUNDS = LATER_MS.length;
const GIVEN_UP_AFTER_MS = 180_000;

const LIMITS = { outcomeMs: 2_500, reasonMs: 3_000, requests: 20, firstRequestMs: 200, mib: 80 };

/** A rollout by the script: two tasks, one after the other, then the old ones go. */
const completes =
  (doneMs: number): Script['deployment'] =>
  (t) => {
    if (t < 800) return { status: 'PENDING' };
    if (t < doneMs)
      return { status: 'IN_PROGRESS', running: t < 10_000 ? 0 : t < 16_000 ? 1 : 2, pending: t < 16_000 ? 1 : 0 };
    return { status: 'SUCCESSFUL', running: 2, rollout: 'COMPLETED' };
  };

const CRASHES = [DIES_AT_MS, DIES_AT_MS + 3_000, DIES_AT_MS + 6_000].map(
  (at): StoppedTask => ({
    id: `task${at}`,
    at,
    livedMs: 1_000,
    stopCode: 'EssentialContainerExited',
    stoppedReason: 'Essential container in task exited',
    containers: [{ name: 'web', exitCode: 3 }],
  }),
);

/** One that the circuit breaker turns back, done at the same time as the other. */
const turnsBack =
  (doneMs: number): Script['deployment'] =>
  (t): Moment => {
    const failed = CRASHES.filter((c) => t >= c.at).length;
    if (t < 800) return { status: 'PENDING' };
    if (failed < CRASHES.length) return { status: 'IN_PROGRESS', pending: 2, failed };
    const triggered = { failed, breaker: 'TRIGGERED', rollbackTo: 'web:1' } as const;
    return { ...triggered, status: t < doneMs ? 'ROLLBACK_IN_PROGRESS' : 'ROLLBACK_SUCCESSFUL' };
  };

/** What the official action asks for too; its digest is the one that the script runs. */
function taskDefinition(): unknown {
  const definition = baseDefinition();
  const [container] = definition.containerDefinitions as Record<string, unknown>[];
  const image = `123456789012.dkr.ecr.eu-central-1.amazonaws.com/sample-web@${DIGEST}`;
  const healthCheck = { command: ['CMD-SHELL', 'true'] };
  return {
    ...definition,
    requiresCompatibilities: ['FARGATE'],
    executionRoleArn: 'arn:aws:iam::123456789012:role/execution',
    containerDefinitions: [{ ...container, image, healthCheck }],
  };
}

/** Under the names of both actions. */
const INPUTS = {
  cluster: 'sample',
  service: 'web',
  'task-definition': 'task-definition.json',
  timeout: '5m',
  ledger: 'none',
  'wait-for-service-stability': 'true',
  'wait-for-minutes': '5',
};

const INDEX = { manifests: [{ digest: DIGEST, platform: { os: 'linux', architecture: 'amd64' } }] };

/** What preflight and a failed task's log are asked of other services than ECS. */
const REST: Answers = {
  'ecr:BatchGetImage': () => ({ images: [{ imageManifest: JSON.stringify(INDEX) }] }),
  'iam:GetRole': () =>
    '<GetRoleResponse><GetRoleResult><Role><RoleName>execution</RoleName></Role></GetRoleResult></GetRoleResponse>',
  'logs:DescribeLogGroups': () => ({ logGroups: [{ logGroupName: '/ecs/web' }] }),
  'logs:GetLogEvents': () => ({ events: [{ timestamp: 0, message: 'no database' }] }),
};

interface Once {
  /** From what the script made true to the end of the process, which is when a workflow knows. */
  lateMs: number;
  /** From the first task's end to the line that tells its exit code; undefined when none does. */
  reasonMs: number | undefined;
  firstRequestMs: number;
  requests: number;
  mib: number;
  code: number;
}

async function runOnce(bundle: string, script: Script, doneMs = ROLLOUT_MS): Promise<Once> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  const started = performance.now();
  let firstRequestMs = Number.NaN;
  let updatedAt = Number.NaN;
  const ecs = await scriptedEcs(systemClock, {
    ...script,
    stopped: script.stopped ?? [],
    answering: (operation) => {
      if (Number.isNaN(firstRequestMs)) firstRequestMs = performance.now() - started;
      if (operation === 'UpdateService') updatedAt = performance.now();
      return undefined;
    },
  });
  const front = await recordingFront(ecs.url, REST);
  try {
    await writeFile(join(folder, 'task-definition.json'), JSON.stringify(taskDefinition()));
    const run = await runBundle(bundle, folder, ecs, front.url);
    return {
      lateMs: run.endedAt - updatedAt - doneMs,
      reasonMs: run.reasonAt === undefined ? undefined : run.reasonAt - updatedAt - DIES_AT_MS,
      firstRequestMs,
      requests: front.calls.length,
      mib: run.mib,
      code: run.code,
    };
  } finally {
    await front.close();
    await ecs.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function runBundle(bundle: string, folder: string, ecs: ScriptedEcs, endpoint: string) {
  const file = (name: string) => join(folder, name);
  // Peak memory is known only inside the process, at its end.
  await writeFile(
    file('peak.cjs'),
    "const fs = require('node:fs'); process.on('exit', () => fs.writeFileSync(process.env.BENCH_PEAK, /VmHWM:\\s+(\\d+)/.exec(fs.readFileSync('/proc/self/status', 'latin1'))[1]));",
  );
  for (const name of ['output', 'summary', 'env', 'state']) await writeFile(file(name), '');
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    RUNNER_TEMP: folder,
    BENCH_PEAK: file('peak'),
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'bench',
    GITHUB_WORKSPACE: folder,
    GITHUB_REPOSITORY: 'bench/bench',
    GITHUB_OUTPUT: file('output'),
    GITHUB_STEP_SUMMARY: file('summary'),
    GITHUB_ENV: file('env'),
    GITHUB_STATE: file('state'),
    ...Object.fromEntries(Object.entries(INPUTS).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
  };
  const child = spawn(process.execPath, ['--require', file('peak.cjs'), bundle], { cwd: folder, env });
  const timer = setTimeout(() => child.kill('SIGKILL'), GIVEN_UP_AFTER_MS);
  let printed = '';
  let reasonAt: number | undefined;
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      printed += chunk;
      if (reasonAt === undefined && /exit(?:ed with)? code 3/.test(printed)) reasonAt = performance.now();
    });
  const code = await new Promise<number>((done) => child.on('close', (c) => done(c ?? -1)));
  const endedAt = performance.now();
  clearTimeout(timer);
  const mib = Number(await readFile(file('peak'), 'utf8').catch(() => 'NaN')) / 1024;
  if (ecs.count('UpdateService') === 0)
    throw new Error(`${bundle} updated no service. It printed:\n${printed.slice(0, 2000)}`);
  return { endedAt, reasonAt, mib, code };
}

async function rollout(name: string, bundle: string, rounds: number, ours: boolean): Promise<Case> {
  // A first, short run fills the file cache, and does not count.
  await runOnce(bundle, { deployment: () => ({ status: 'SUCCESSFUL', running: 2 }) });
  const went: Once[] = [];
  const back: Once[] = [];
  for (let round = 0; round < rounds; round++) {
    const doneMs = ROLLOUT_MS + (LATER_MS[round] ?? 0);
    // They wait nearly all of the time: two at once do not disturb each other.
    const [one, other] = await Promise.all([
      runOnce(bundle, { deployment: completes(doneMs) }, doneMs),
      runOnce(bundle, { deployment: turnsBack(doneMs), stopped: CRASHES }, doneMs),
    ]);
    went.push(one);
    back.push(other);
  }
  const of = (runs: readonly Once[], value: (run: Once) => number | undefined) =>
    median(runs.map((r) => value(r) ?? Number.NaN));
  const worst = (runs: readonly Once[], value: (run: Once) => number | undefined) =>
    Math.max(...runs.map((r) => value(r) ?? Number.NaN));
  const told = back.filter((r) => r.reasonMs !== undefined).length;
  const measures: (Measure | false)[] = [
    { name: 'outcome known after', value: worst(went, (r) => r.lateMs), unit: 'ms', limit: LIMITS.outcomeMs },
    { name: 'rollback known after', value: worst(back, (r) => r.lateMs), unit: 'ms', limit: LIMITS.outcomeMs },
    told === rounds && {
      name: 'first reason after',
      value: worst(back, (r) => r.reasonMs),
      unit: 'ms',
      limit: LIMITS.reasonMs,
    },
    { name: 'causes told', value: told / rounds, unit: 'count' },
    {
      name: 'rollbacks that exit 0',
      value: back.filter((r) => r.code === 0).length,
      unit: 'count',
      limit: 0,
      hard: true,
    },
    {
      name: 'requests',
      // Of the rollout of just this time; the later ones of the other rounds may take one more.
      value: went[0]?.requests ?? Number.NaN,
      unit: 'count',
      limit: LIMITS.requests,
      hard: true,
    },
    { name: 'first request', value: of(went, (r) => r.firstRequestMs), unit: 'ms', limit: LIMITS.firstRequestMs },
    { name: 'peak memory', value: (of(went, (r) => r.mib) * MIB) / 1e6, unit: 'MB', limit: (LIMITS.mib * MIB) / 1e6 },
  ];
  const all = measures.filter((m) => m !== false);
  // Our limits bind nobody else.
  return { name, measures: ours ? all : all.map(({ name, value, unit }) => ({ name, value, unit })), peer: !ours };
}

const benchmark: Benchmark = {
  title: `ecs-deploy: a rollout of ${ROLLOUT_MS / 1000} s against an ECS that plays a script (the worst of its rounds; median of start and memory)`,
  async run({ dist, peer, rounds }) {
    const some = Math.min(rounds, ROUNDS);
    const cases = [await rollout('ecs-deploy', join(dist, 'ecs-deploy', 'index.js'), some, true)];
    if (peer !== undefined) {
      const name = `peer: ${basename(dirname(dirname(resolve(peer))))}`;
      cases.push(await rollout(name, resolve(peer), some, false));
    }
    return cases;
  },
};
export default benchmark;
