import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { processes } from '../lib/process.ts';
import { BUNDLE_LIMIT, sizeOf } from '../scripts/build.ts';
import { type Benchmark, type Case, type Measure, median } from './benchmark.ts';

/** From the start of the process to the arrival of its first request, in ms. */
const FIRST_REQUEST_LIMIT_MS = 250;
const GIVEN_UP_AFTER_MS = 10_000;

/** Inputs with which each action asks for something at once. Terraform and Packer run a program first, so they have none. */
const INPUTS: Readonly<Record<string, (endpoint: string) => Record<string, string>>> = {
  changes: () => ({ base: 'ledger', environment: 'dev', config: 'slipway.yml', token: 'token' }),
  'discord-notify': (endpoint) => ({
    webhook: `${endpoint}/api/webhooks/1/token`,
    status: 'succeeded',
    title: 'bench',
  }),
  'ecr-build-push': () => ({ repository: 'bench', context: '.', login: 'false' }),
  'ecs-deploy': () => ({ operation: 'status', cluster: 'bench', service: 'bench' }),
  'setup-aws': () => ({ region: 'eu-central-1' }),
  ship: () => ({ operation: 'status', component: 'web', environment: 'dev', config: 'slipway.yml', ledger: 'none' }),
  'ssm-deploy': () => ({ operation: 'status', targets: 'tag:Role=bench', name: 'bench' }),
  'verify-health': (endpoint) => ({ url: `${endpoint}/health`, timeout: '5s' }),
};

/** Inputs that deploy actions of other projects ask for, under every usual name. */
const PEER_INPUTS = {
  'aws-region': 'eu-central-1',
  cluster: 'bench',
  service: 'bench',
  'task-definition': 'task-definition.json',
  'wait-for-service-stability': 'false',
};

const CONFIG = `version: 1
registry: { account: '123456789012', region: eu-central-1 }
components:
  web:
    kind: service
    image: { repository: bench, context: . }
    deploy: { to: ecs, cluster: bench, service: bench, task-definition: task-definition.json }
environments:
  dev: { region: eu-central-1 }
`;

const TASK_DEFINITION = {
  family: 'bench',
  containerDefinitions: [{ name: 'web', image: 'bench', memory: 64, essential: true }],
};

interface Listener {
  endpoint: string;
  /** Resolves at the next request. */
  next(): Promise<number>;
  close(): void;
}

async function listen(): Promise<Listener> {
  let arrived: (at: number) => void = () => {};
  const server = createServer((request) => {
    arrived(performance.now());
    // The process is ended now; an answer would only let it go on.
    request.socket.destroy();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    next: () =>
      new Promise((done) => {
        arrived = done;
      }),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A git repository with all that an action may want to read. */
async function makeWorkspace(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n');
  await writeFile(join(folder, 'slipway.yml'), CONFIG);
  await writeFile(join(folder, 'task-definition.json'), JSON.stringify(TASK_DEFINITION));
  const { run } = processes();
  const identity = ['-c', 'user.name=bench', '-c', 'user.email=bench@example.test'];
  for (const args of [
    ['init', '-q'],
    ['add', '.'],
    [...identity, 'commit', '-qm', 'bench'],
  ]) {
    const { code, stderr } = await run(['git', ...args], { cwd: folder });
    if (code !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
  }
  await mkdir(join(folder, '.home'));
  return folder;
}

function environment(endpoint: string, workspace: string, inputs: Record<string, string>): NodeJS.ProcessEnv {
  const given = Object.entries(inputs).map(([name, value]) => [
    `INPUT_${name.replaceAll(' ', '_').toUpperCase()}`,
    value,
  ]);
  return {
    PATH: process.env.PATH,
    HOME: join(workspace, '.home'),
    RUNNER_TEMP: join(workspace, '.home'),
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'bench',
    GITHUB_WORKSPACE: workspace,
    GITHUB_REPOSITORY: 'bench/bench',
    GITHUB_API_URL: endpoint,
    GITHUB_GRAPHQL_URL: `${endpoint}/graphql`,
    GITHUB_SERVER_URL: endpoint,
    GITHUB_EVENT_NAME: 'push',
    GITHUB_SHA: 'HEAD',
    GITHUB_REF: 'refs/heads/main',
    GITHUB_RUN_ID: '1',
    ...Object.fromEntries(given),
  };
}

/** @throws Error with what the action printed, when it ends without a request or makes none in time. */
async function timeOnce(
  bundle: string,
  env: NodeJS.ProcessEnv,
  workspace: string,
  listener: Listener,
): Promise<number> {
  const arrival = listener.next();
  const started = performance.now();
  const child = spawn(process.execPath, [bundle], { cwd: workspace, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      printed += chunk;
    });
  const ended = new Promise<void>((done) => child.on('close', () => done()));
  const timer = setTimeout(() => child.kill('SIGKILL'), GIVEN_UP_AFTER_MS);
  const at = await Promise.race([arrival, ended]);
  clearTimeout(timer);
  child.kill('SIGKILL');
  await ended;
  if (at === undefined) throw new Error(`${bundle} made no request. It printed:\n${printed.slice(0, 2000)}`);
  return at - started;
}

async function caseOf(
  name: string,
  bundle: string,
  inputs: ((endpoint: string) => Record<string, string>) | undefined,
  rounds: number,
): Promise<Case> {
  const measures: Measure[] = [
    { name: 'code', value: (await sizeOf(dirname(bundle))) / 1e6, unit: 'MB', limit: BUNDLE_LIMIT / 1e6, hard: true },
  ];
  if (!inputs) return { name, measures };
  const listener = await listen();
  const workspace = await makeWorkspace();
  try {
    const env = environment(listener.endpoint, workspace, inputs(listener.endpoint));
    const times: number[] = [];
    // The first start fills the file cache, and does not count.
    for (let round = 0; round <= rounds; round++) times.push(await timeOnce(bundle, env, workspace, listener));
    const value = median(times.slice(1));
    measures.push({ name: 'first request', value, unit: 'ms', limit: FIRST_REQUEST_LIMIT_MS });
    return { name, measures };
  } finally {
    listener.close();
    await rm(workspace, { recursive: true, force: true });
  }
}

const benchmark: Benchmark = {
  title: 'Bundles: size of the code, and time from the start of the process to its first request (median)',
  async run({ dist, peer, rounds }) {
    const names = (await readdir(dist).catch(() => [])).sort();
    if (names.length === 0) throw new Error(`${dist} is empty. Run: make build`);
    const cases: Case[] = [];
    for (const name of names) cases.push(await caseOf(name, join(dist, name, 'index.js'), INPUTS[name], rounds));
    if (peer !== undefined) {
      const found = await caseOf(
        `peer: ${basename(dirname(dirname(resolve(peer))))}`,
        resolve(peer),
        () => PEER_INPUTS,
        rounds,
      );
      // Our limits bind nobody else.
      const measures = found.measures.map(({ name, value, unit }) => ({ name, value, unit }));
      cases.push({ ...found, measures, peer: true });
    }
    return cases;
  },
};
export default benchmark;
