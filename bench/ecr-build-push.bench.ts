import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { processes } from '../lib/process.ts';
import { type Local, startLocal } from '../local/start.ts';
import { sizeOf } from '../scripts/build.ts';
import { type Benchmark, type Case, median } from './benchmark.ts';

/** From the start of the process to its end, where the content was built before. */
const REUSE_LIMIT_MS = 1000;
const BUNDLE_LIMIT_MB = 1.5;
/** What a context of a small service may hold. */
const FILES = 300;
const FILE_BYTES = 20_000;

const execFileAsync = promisify(execFile);

interface World {
  local: Local;
  folder: string;
  /** A docker configuration with the registry's password, as `docker login` leaves it. */
  dockerConfig: string;
  image: string;
}

async function makeWorld(): Promise<World> {
  const local = await startLocal({ world: { repositories: ['bench', 'base'] } });
  const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  const dockerConfig = await mkdtemp(join(tmpdir(), 'slipway-bench-docker-'));
  const { username, password, serveraddress } = local.registry.pullCredentials();
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  await writeFile(join(dockerConfig, 'config.json'), JSON.stringify({ auths: { [serveraddress]: { auth } } }));
  await mkdir(join(folder, 'src'));
  for (let i = 0; i < FILES; i++) {
    // No two files alike, so that nothing is saved by compressing.
    const line = (n: number) => `${Math.sin(i * FILE_BYTES + n)}\n`;
    await writeFile(
      join(folder, 'src', `file-${i}.txt`),
      Array.from({ length: FILE_BYTES / 20 }, (_, n) => line(n)).join(''),
    );
  }
  const base = `${local.registry.host}/base:1`;
  await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY src /base\n');
  await docker(['build', '--quiet', '--tag', base, folder], dockerConfig);
  await docker(['push', '--quiet', base], dockerConfig);
  await writeFile(join(folder, 'Dockerfile'), `FROM ${base}\nCOPY src /src\nCMD ["/x"]\n`);
  const { run } = processes();
  for (const args of [
    ['init', '-q'],
    ['add', '.'],
    ['-c', 'user.name=b', '-c', 'user.email=b@example.test', 'commit', '-qm', 'x'],
  ])
    await run(['git', ...args], { cwd: folder });
  return { local, folder, dockerConfig, image: `${local.registry.host}/bench:peer` };
}

async function docker(args: readonly string[], config: string): Promise<void> {
  await execFileAsync('docker', ['--config', config, ...args], { env: { ...process.env, DOCKER_BUILDKIT: '0' } });
}

async function runAction(bundle: string, { local, folder }: World) {
  const temp = await mkdtemp(join(tmpdir(), 'slipway-bench-run-'));
  try {
    for (const name of ['output', 'summary', 'env', 'state']) await writeFile(join(temp, name), '');
    const env = {
      PATH: process.env.PATH ?? '',
      HOME: temp,
      RUNNER_TEMP: temp,
      ...local.env(),
      GITHUB_WORKSPACE: folder,
      GITHUB_REPOSITORY: 'bench/bench',
      GITHUB_OUTPUT: join(temp, 'output'),
      GITHUB_STEP_SUMMARY: join(temp, 'summary'),
      GITHUB_ENV: join(temp, 'env'),
      GITHUB_STATE: join(temp, 'state'),
      INPUT_REPOSITORY: 'bench',
    };
    const started = performance.now();
    const child = spawn(process.execPath, [bundle], { cwd: folder, env });
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        printed += chunk;
      });
    const code = await new Promise<number | null>((done) => child.on('close', done));
    const ms = performance.now() - started;
    if (code !== 0) throw new Error(`ecr-build-push ended with ${code}:\n${printed.slice(-2000)}`);
    return { ms, printed };
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
}

async function timed(name: string, rounds: number, once: () => Promise<number>, limit?: number): Promise<Case> {
  const times: number[] = [];
  // The first run fills the caches, and does not count.
  for (let round = 0; round <= rounds; round++) times.push(await once());
  const value = median(times.slice(1));
  return { name, measures: [{ name: 'wall', value, unit: 'ms', ...(limit !== undefined && { limit }) }] };
}

async function forget({ local }: World): Promise<void> {
  const pattern = `reference=${local.registry.host}/*`;
  const { stdout } = await execFileAsync('docker', ['images', '--quiet', '--filter', pattern]);
  const ids = [...new Set(stdout.split('\n').filter(Boolean))];
  if (ids.length > 0) await execFileAsync('docker', ['rmi', '--force', ...ids]);
}

const benchmark: Benchmark = {
  title: `ecr-build-push: a context that did not change, ${FILES} files of ${FILE_BYTES / 1000} kB (median)`,
  async run({ dist, rounds }) {
    const bundle = join(dist, 'ecr-build-push', 'index.js');
    const world = await makeWorld();
    try {
      const first = await runAction(bundle, world);
      const reuse = await timed(
        'found in the registry: no builder',
        rounds,
        async () => {
          const { ms, printed } = await runAction(bundle, world);
          if (/Building/.test(printed)) throw new Error(`it was built again:\n${printed}`);
          return ms;
        },
        REUSE_LIMIT_MS,
      );
      const peer = await timed('docker build && docker push', rounds, async () => {
        const started = performance.now();
        await docker(['build', '--quiet', '--tag', world.image, world.folder], world.dockerConfig);
        await docker(['push', '--quiet', world.image], world.dockerConfig);
        return performance.now() - started;
      });
      const code = (await sizeOf(dirname(bundle))) / 1e6;
      reuse.measures.push({ name: 'code', value: code, unit: 'MB', limit: BUNDLE_LIMIT_MB, hard: true });
      const once: Case = { name: 'the first build', measures: [{ name: 'wall', value: first.ms, unit: 'ms' }] };
      return [reuse, once, { ...peer, peer: true }];
    } finally {
      await forget(world);
      await world.local.stop();
      for (const folder of [world.folder, world.dockerConfig]) await rm(folder, { recursive: true, force: true });
    }
  },
};
export default benchmark;
