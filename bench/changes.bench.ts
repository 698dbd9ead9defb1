import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { processes } from '../lib/process.ts';
import { sizeOf } from '../scripts/build.ts';
import { type Benchmark, type Case, type Measure, median } from './benchmark.ts';

const FILES = 50_000;
const FOLDERS = 200;
const COMPONENTS = 20;

/** By changed files: what a run may take. The largest has no limit of its own: it shows how time grows. */
const LIMITS: Readonly<Record<number, { ms?: number; mib?: number }>> = {
  5000: { ms: 200, mib: 70 },
  20000: { ms: 350 },
  40000: {},
};
const SIZE_OF_PEERS = 5000;
const BUNDLE_LIMIT_MB = 0.6;
const DEPTH_1_OBJECTS = 500;

const pathOf = (i: number) => `src/f${String(i % FOLDERS).padStart(3, '0')}/file-${i}.ts`;

/** Each component is ten of the folders, without the texts in them. */
const patterns = Array.from({ length: COMPONENTS }, (_, i) => {
  const tens = String(i).padStart(2, '0');
  return [`part-${tens}`, [`src/f${tens}?/**`, '!**/*.md']] as const;
});
const FILTERS = patterns.map(([name, list]) => `${name}: ${JSON.stringify(list)}`).join('\n');
const CONFIG = `version: 1
registry: { account: '123456789012', region: eu-central-1 }
components:
${patterns.map(([name, list]) => `  ${name}: { kind: worker, paths: ${JSON.stringify(list)}, image: { repository: ${name}, context: src }, deploy: { to: ecs, cluster: bench, service: ${name}, container: app } }`).join('\n')}
`;

interface World {
  folder: string;
  /** By number of changed files: the commit that changes them, whose parent is `before`. */
  heads: Map<number, string>;
  before: string;
}

/** One commit of all files, and for each size a commit on it that changes so many, evenly over the folders. */
async function makeWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  const git = gitIn(folder);
  await git(['init', '--quiet', '--initial-branch=main']);
  const person = 'bench <bench@example.test> 1760000000 +0000';
  const lines = ['blob', 'mark :1', 'data 2', 'a', '', 'blob', 'mark :2', 'data 2', 'b', ''];
  lines.push('commit refs/heads/main', 'mark :3', `committer ${person}`, 'data 0');
  for (let i = 0; i < FILES; i++) lines.push(`M 100644 :1 ${pathOf(i)}`);
  for (const size of Object.keys(LIMITS).map(Number)) {
    lines.push('', `commit refs/heads/changed-${size}`, `committer ${person}`, 'data 0', 'from :3');
    for (let i = 0; i < size; i++) lines.push(`M 100644 :2 ${pathOf(i)}`);
  }
  await git(['fast-import', '--quiet'], `${lines.join('\n')}\n`);
  await git(['config', 'uploadpack.allowFilter', 'true']);
  await git(['config', 'uploadpack.allowAnySHA1InWant', 'true']);
  await writeFile(join(folder, 'slipway.yml'), CONFIG);
  const heads = new Map<number, string>();
  for (const size of Object.keys(LIMITS).map(Number)) {
    heads.set(size, await git(['rev-parse', `refs/heads/changed-${size}`]));
  }
  return { folder, heads, before: await git(['rev-parse', 'refs/heads/main']) };
}

/** As the runner leaves it: the branch that was pushed stands at the commit of the run. Some peers ask the branch, not GITHUB_SHA. */
async function checkOut({ folder }: World, head: string): Promise<void> {
  await gitIn(folder)(['update-ref', 'refs/heads/main', head]);
}

function gitIn(cwd: string) {
  const { run } = processes();
  return async (args: string[], stdin?: string): Promise<string> => {
    const { code, stdout, stderr } = await run(['git', ...args], { cwd, stdin });
    if (code !== 0) throw new Error(`git ${args[0]}: ${stderr}`);
    return stdout.toString('utf8').trim();
  };
}

interface RunOnce {
  bundle: string;
  workspace: string;
  world: World;
  head: string;
  inputs: Record<string, string>;
  path?: string;
}

interface Once {
  ms: number;
  mib: number;
  found: number;
}

/** One run of a bundle in an environment like the runner's: wall time in ms, and the most memory that was resident, in MiB. */
async function runOnce({ bundle, workspace, world, head, inputs, path }: RunOnce): Promise<Once> {
  const temp = await mkdtemp(join(tmpdir(), 'slipway-bench-run-'));
  try {
    const file = (name: string) => join(temp, name);
    // Peak memory is known only inside the process, at its end.
    await writeFile(
      file('peak.cjs'),
      "const fs = require('node:fs'); process.on('exit', () => fs.writeFileSync(process.env.BENCH_PEAK, /VmHWM:\\s+(\\d+)/.exec(fs.readFileSync('/proc/self/status', 'latin1'))[1]));",
    );
    for (const name of ['output', 'summary', 'env', 'state']) await writeFile(file(name), '');
    const repository = { default_branch: 'main', full_name: 'bench/bench', name: 'bench', owner: { login: 'bench' } };
    const event = { before: world.before, after: head, ref: 'refs/heads/main', repository, commits: [] };
    await writeFile(file('event.json'), JSON.stringify(event));
    const env = {
      PATH: path ?? process.env.PATH ?? '',
      HOME: temp,
      RUNNER_TEMP: temp,
      BENCH_PEAK: file('peak'),
      GITHUB_WORKSPACE: workspace,
      GITHUB_REPOSITORY: 'bench/bench',
      GITHUB_EVENT_NAME: 'push',
      GITHUB_EVENT_PATH: file('event.json'),
      GITHUB_SHA: head,
      GITHUB_REF: 'refs/heads/main',
      GITHUB_REF_NAME: 'main',
      GITHUB_OUTPUT: file('output'),
      GITHUB_STEP_SUMMARY: file('summary'),
      GITHUB_ENV: file('env'),
      GITHUB_STATE: file('state'),
      ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
    };
    const started = performance.now();
    const child = spawn(process.execPath, ['--require', file('peak.cjs'), bundle], { cwd: workspace, env });
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        printed += chunk;
      });
    const code = await new Promise<number | null>((done) => child.on('close', done));
    const ms = performance.now() - started;
    if (code !== 0) throw new Error(`${bundle} ended with ${code}. It printed:\n${printed.slice(0, 2000)}`);
    const found = foundIn(await readFile(file('output'), 'utf8'));
    return { ms, mib: Number(await readFile(file('peak'), 'utf8')) / 1024, found };
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
}

/** Something that is timed beside others. */
interface Contender {
  name: string;
  limits?: { ms?: number; mib?: number } | undefined;
  peer?: boolean;
  once(): Promise<Once>;
}

/** Each round runs every contender once, so that a busy minute of the machine falls on all of them. */
async function race(contenders: readonly Contender[], rounds: number): Promise<Case[]> {
  const runs = contenders.map((): Once[] => []);
  // The first round fills the file cache, and does not count.
  for (let round = 0; round <= rounds; round++) {
    for (const [i, contender] of contenders.entries()) runs[i]?.push(await contender.once());
  }
  return contenders.map(({ name, limits: { ms, mib } = {}, peer = false }, i) => {
    const counted = runs[i]?.slice(1) ?? [];
    const of = (pick: (once: Once) => number) => median(counted.map(pick));
    const measures: Measure[] = [
      { name: 'wall', value: of((r) => r.ms), unit: 'ms', ...(ms !== undefined && { limit: ms }) },
      { name: 'peak memory', value: of((r) => r.mib), unit: 'MiB', ...(mib !== undefined && { limit: mib }) },
      // What found nothing was quick for another reason.
      { name: 'found', value: of((r) => r.found), unit: 'count' },
    ];
    return { name, measures, peer };
  });
}

/** Components that the outputs call changed; each peer has its own way to say it. */
function foundIn(output: string): number {
  const names = patterns.map(([name]) => name);
  return names.filter((name) => new RegExp(`^${name}(?:_any_changed)?<<(.+)\\ntrue\\n\\1$`, 'm').test(output)).length;
}

/** A checkout of one commit whose base has to be fetched: how often, and how many objects come. */
async function depth1(bundle: string, world: World, rounds: number): Promise<Case> {
  const head = world.heads.get(5_000) ?? '';
  const clone = await mkdtemp(join(tmpdir(), 'slipway-bench-clone-'));
  try {
    const git = gitIn(clone);
    await git(['init', '--quiet']);
    await git(['remote', 'add', 'origin', `file://${world.folder}`]);
    await git(['fetch', '--quiet', '--depth=1', 'origin', head]);
    await git(['update-ref', '--no-deref', 'HEAD', head]);
    const counter = join(clone, '.git', 'bench');
    await mkdir(counter);
    const real = (await processes().run(['which', 'git'])).stdout.toString('utf8').trim();
    const log = join(counter, 'log');
    const script = `#!/bin/sh\n'${real}' "$@"; code=$?\n[ "$1" = fetch ] && '${real}' count-objects -v >> '${log}'\nexit $code\n`;
    await writeFile(join(counter, 'git'), script);
    await chmod(join(counter, 'git'), 0o755);
    const given = { bundle, workspace: clone, world, head, inputs: { filters: FILTERS } };
    await runOnce({ ...given, path: `${counter}${delimiter}${process.env.PATH}` });
    const counts = await readFile(log, 'utf8');
    const sum = (key: RegExp) => [...counts.matchAll(key)].reduce((all, m) => all + Number(m[1]), 0);
    const [timed] = await race([{ name: 'depth 1, 5000 changed', once: () => runOnce(given) }], rounds);
    const measures = timed?.measures ?? [];
    const fetches = [...counts.matchAll(/^count:/gm)].length;
    measures.push({ name: 'fetches', value: fetches, unit: 'count', limit: 1, hard: true });
    const objects = sum(/^count: (\d+)/gm) + sum(/^in-pack: (\d+)/gm);
    measures.push({ name: 'objects', value: objects, unit: 'count', limit: DEPTH_1_OBJECTS, hard: true });
    return { name: timed?.name ?? '', measures, apart: true };
  } finally {
    await rm(clone, { recursive: true, force: true });
  }
}

/** What a peer takes: the defaults of the action.yml beside its bundle, and the same patterns as ours. */
async function peerInputs(bundle: string): Promise<Record<string, string>> {
  const file = join(dirname(dirname(bundle)), 'action.yml');
  const action = parse(await readFile(file, 'utf8')) as { inputs?: Record<string, { default?: unknown }> };
  const defaults = Object.entries(action.inputs ?? {}).flatMap(([name, { default: value }]) =>
    value === undefined || String(value).includes('${{') ? [] : [[name, String(value)] as const],
  );
  return { ...Object.fromEntries(defaults), filters: FILTERS, files_yaml: FILTERS, base: 'main' };
}

const benchmark: Benchmark = {
  title: `changes: a tree of ${FILES} files, ${COMPONENTS} components (median; peak memory of the action's process)`,
  async run({ dist, peer, rounds }) {
    const bundle = join(dist, 'changes', 'index.js');
    const world = await makeWorld();
    try {
      const cases: Case[] = [];
      for (const [size, head] of world.heads) {
        await checkOut(world, head);
        const given = { bundle, workspace: world.folder, world, head };
        const contender = (name: string, inputs: Record<string, string>): Contender => ({
          name,
          limits: LIMITS[size],
          once: () => runOnce({ ...given, inputs }),
        });
        const contenders = [
          contender(`${size} changed`, { filters: FILTERS }),
          contender(`${size} changed, config file`, { config: 'slipway.yml' }),
        ];
        // One size: at the next a peer may take minutes.
        if (peer !== undefined && size === SIZE_OF_PEERS) {
          const name = `peer: ${basename(dirname(dirname(resolve(peer))))}`;
          const theirs = await peerInputs(resolve(peer));
          const once = () => runOnce({ ...given, bundle: resolve(peer), inputs: theirs });
          contenders.push({ name, peer: true, once });
        }
        const apart = size !== SIZE_OF_PEERS;
        cases.push(...(await race(contenders, rounds)).map((one) => ({ ...one, apart })));
      }
      cases.push(await depth1(bundle, world, rounds));
      const code = (await sizeOf(dirname(bundle))) / 1e6;
      cases[0]?.measures.push({ name: 'code', value: code, unit: 'MB', limit: BUNDLE_LIMIT_MB, hard: true });
      return cases;
    } finally {
      await rm(world.folder, { recursive: true, force: true });
    }
  },
};
export default benchmark;
