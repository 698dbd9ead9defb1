import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcp, type Server } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { percentile } from '../actions/verify-health/soak/statistics.ts';
import { type ActionRun, runAction } from '../test/support/action.ts';
import { type Benchmark, type Case, median } from './benchmark.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..');

/** The load generator that the percentiles are compared with: open loop, as ours. Built from the Go proxy where there is a Go. */
const VEGETA = { module: 'github.com/tsenart/vegeta/v12', version: 'v12.13.0' };
const RATE = 50;
const SOAK_SECONDS = 10;
/** A round of both takes 20 s for each server. */
const MOST_ROUNDS = 5;
const DIFFERENCE_LIMIT_MS = 2;

const DEADLINE_MS = 2_000;
const OVERSHOOT_LIMIT_MS = 500;

async function vegeta(): Promise<string | undefined> {
  const bin = join(ROOT, 'node_modules/.cache/slipway-bench');
  const program = join(bin, 'vegeta');
  if (existsSync(program)) return program;
  await mkdir(bin, { recursive: true });
  const env = { ...process.env, GOBIN: bin, GOFLAGS: '-modcacherw' };
  try {
    await run('go', ['install', `${VEGETA.module}@${VEGETA.version}`], { env });
    return program;
  } catch (error) {
    console.error(`no vegeta to compare with: ${(error as Error).message.split('\n')[0]}`);
    return undefined;
  }
}

interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

/**
 * By its own latencies and nearest rank, as ours: its report estimates percentiles from a digest, which is 2 ms off where latencies
 * are far apart.
 */
async function measuredByVegeta(program: string, url: string): Promise<Percentiles> {
  const attack = `echo "GET $URL" | "$VEGETA" attack -rate=${RATE} -duration=${SOAK_SECONDS}s | "$VEGETA" encode -to=csv`;
  const { stdout } = await run('sh', ['-c', attack], { env: { ...process.env, URL: url, VEGETA: program } });
  const latencies = stdout
    .trim()
    .split('\n')
    .map((line) => Number(line.split(',')[2]) / 1e6);
  const at = (share: number) => percentile(latencies, share) ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

async function measuredByUs(bundle: string, url: string): Promise<Percentiles> {
  const soak = `{ duration: ${SOAK_SECONDS}s, rate: ${RATE} }`;
  const { code, outputs, log } = await runAction('verify-health', { url, soak, successes: '1' }, { bundle });
  if (code !== 0) throw new Error(`the soak failed:\n${log}`);
  const ms = (name: string) => Number(outputs[`latency-${name}`]);
  return { p50: ms('p50'), p95: ms('p95'), p99: ms('p99') };
}

/** The same server and number of requests for both, one after the other; who comes first takes turns. */
async function soakCases(
  kind: 'spread' | 'stall',
  bundle: string,
  program: string | undefined,
  rounds: number,
): Promise<Case[]> {
  const server = spawn(process.execPath, [join(import.meta.dirname, 'latency-server.ts'), kind], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await new Promise<string>((resolve) =>
    server.stdout.once('data', (data) => resolve(String(data).trim())),
  );
  const url = `http://127.0.0.1:${port}/`;
  const ours: Percentiles[] = [];
  const theirs: Percentiles[] = [];
  const measure = async (by: 'us' | 'them') => {
    if (by === 'them' && program === undefined) return;
    await fetch(`${url}reset`);
    if (by === 'us') ours.push(await measuredByUs(bundle, url));
    else theirs.push(await measuredByVegeta(program ?? '', url));
  };
  try {
    for (let round = 0; round < rounds; round++) {
      await measure(round % 2 ? 'us' : 'them');
      await measure(round % 2 ? 'them' : 'us');
    }
  } finally {
    server.kill();
  }
  const names = ['p50', 'p95', 'p99'] as const;
  const of = (all: readonly Percentiles[], name: keyof Percentiles) => median(all.map((p) => p[name]));
  const plain = (all: readonly Percentiles[]) =>
    names.map((name) => ({ name, value: of(all, name), unit: 'ms' as const }));
  if (theirs.length === 0) return [{ name: `soak, ${kind}`, measures: plain(ours) }];
  const differences = names.map((name) => ({
    name: `${name} apart`,
    value: Math.abs(of(ours, name) - of(theirs, name)),
    unit: 'ms' as const,
    limit: DIFFERENCE_LIMIT_MS,
  }));
  return [
    { name: `soak, ${kind}`, apart: true, measures: [...plain(ours), ...differences] },
    { name: `vegeta, ${kind}`, apart: true, measures: plain(theirs) },
  ];
}

interface Fault {
  name: string;
  listen(): Server;
  inputs?: Record<string, string>;
}

const http = (listener: RequestListener) => () => createServer(listener);

/** Services that never become healthy, each in a way of its own. */
const FAULTS: readonly Fault[] = [
  { name: 'says nothing', listen: () => createTcp(() => undefined) },
  { name: 'trickles', listen: http((_, response) => trickle(response.writeHead(200))) },
  { name: 'cuts off', listen: () => createTcp((socket) => socket.destroy()) },
  { name: 'is sick', listen: http((_, response) => void response.writeHead(503).end()) },
  { name: 'sends without end', listen: http((_, response) => pour(response)), inputs: { expect: 'json: { a: 1 }' } },
  {
    name: 'redirects for ever',
    listen: http((request, response) => void response.writeHead(302, { location: `${request.url}x` }).end()),
    inputs: { redirects: 'follow' },
  },
];

function trickle(response: { write(chunk: string): unknown; on(event: 'close', done: () => void): unknown }): void {
  const timer = setInterval(() => response.write('.'), 20);
  response.on('close', () => clearInterval(timer));
}

function pour(response: Parameters<RequestListener>[1]): void {
  const chunk = Buffer.alloc(65_536, 'x');
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.writeHead(200).on('drain', more);
  more();
}

/** How much later than its deadline a run ends, from the start of the process to its end. */
async function overshoot(fault: Fault, bundle: string, rounds: number): Promise<Case> {
  const server = fault.listen().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  server.on('connection', (socket) => socket.on('error', () => undefined));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const inputs = { url, timeout: `${DEADLINE_MS}ms`, interval: '100ms', ...fault.inputs };
  const late: number[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const { outputs, ms }: ActionRun = await runAction('verify-health', inputs, { bundle });
      if (outputs.outcome !== 'timed-out') throw new Error(`${fault.name}: ${outputs.outcome}, ${outputs.cause}`);
      late.push(ms - DEADLINE_MS);
    }
  } finally {
    server.close();
  }
  const measures = [
    { name: 'after the deadline', value: median(late), unit: 'ms' as const, limit: OVERSHOOT_LIMIT_MS },
    { name: 'at most', value: Math.max(...late), unit: 'ms' as const, limit: OVERSHOOT_LIMIT_MS },
  ];
  return { name: `a service that ${fault.name}`, measures };
}

const benchmark: Benchmark = {
  title: `verify-health: when it ends after its deadline of 2 s (start of the process included), and a soak's percentiles beside vegeta's ${VEGETA.version}`,
  async run({ dist, rounds }) {
    const bundle = join(dist, 'verify-health/index.js');
    const cases: Case[] = [];
    for (const fault of FAULTS) cases.push(await overshoot(fault, bundle, Math.min(rounds, MOST_ROUNDS)));
    const program = await vegeta();
    for (const kind of ['spread', 'stall'] as const)
      cases.push(...(await soakCases(kind, bundle, program, Math.min(rounds, MOST_ROUNDS))));
    return cases;
  },
};
export default benchmark;
