/**
 * Bundles every action: TypeScript to JavaScript by tsc, then one file per action by ncc, in dist/NAME/.
 * The same sources and lock file give the same bytes in any folder, at any time and in any locale.
 *
 *   node scripts/build.ts [--out DIR] [--only NAME]... [--why]
 *
 * --why tells which packages a bundle is made of.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { minify } from 'terser';
import { licencesOf } from './licences.ts';
import { writePackageView } from './package-view.ts';

/** Limit of a bundle in bytes: every run of an action downloads and parses it. */
export const BUNDLE_LIMIT = 1_500_000;

export interface Bundle {
  name: string;
  bytes: number;
  /** Source bytes by package, biggest first. */
  parts: [name: string, bytes: number][];
}

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '..');
const ERROR_SHOWN = 2000;
const NCC = join(ROOT, 'node_modules/@vercel/ncc/dist/ncc/cli.js');

/** Names of the actions that have a main.ts, sorted. */
export async function rooms(): Promise<string[]> {
  const entries = await readdir(join(ROOT, 'actions'), { recursive: true });
  return entries.flatMap((path) => /^([^/]+)\/main\.ts$/.exec(path)?.[1] ?? []).sort();
}

/**
 * Builds the named actions into `out`, replacing what stands there under their names.
 * @throws Error with the compiler's or bundler's own words.
 */
export async function build(out: string, only?: readonly string[]): Promise<Bundle[]> {
  const all = await rooms();
  const unknown = only?.filter((name) => !all.includes(name)) ?? [];
  if (unknown.length > 0) throw new Error(`no actions/${unknown[0]}/main.ts; there are: ${all.join(', ')}`);
  const names = only ?? all;
  // Two builds at once must not meet, and the folder's changing name must not reach the bytes: everything runs inside it.
  await mkdir(join(ROOT, 'build'), { recursive: true });
  const work = await mkdtemp(join(ROOT, 'build', 'run-'));
  try {
    await compile(work);
    const bundles: Bundle[] = [];
    const queue = [...names];
    const worker = async () => {
      for (let name = queue.shift(); name !== undefined; name = queue.shift())
        bundles.push(await bundle(name, work, out));
    };
    await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker));
    return bundles.sort((a, b) => a.name.localeCompare(b.name, 'en'));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function compile(work: string): Promise<void> {
  const project = join(ROOT, 'tsconfig.build.json');
  const compiled = join(work, 'js');
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  await node(work, compiler, '-p', project, '--outDir', compiled).catch((error) => {
    throw new Error(`tsc: ${error.stdout || error.message}`);
  });
  await Promise.all((await assets()).map((path) => cp(join(ROOT, path), join(compiled, path))));
  await writePackageView(join(ROOT, 'node_modules'), compiled);
  await writeFile(join(compiled, 'package.json'), '{"type":"module"}\n');
}

/** Files that an action reads at run time by a URL relative to its module; ncc puts them beside the bundle. */
async function assets(): Promise<string[]> {
  const entries = await readdir(join(ROOT, 'actions'), { recursive: true });
  return entries
    .filter((path) => /\.(sh|ps1|json|sql|graphql)$/.test(path) && !/(^|\/)(test|fixtures)\//.test(path))
    .map((path) => join('actions', path));
}

async function bundle(name: string, work: string, out: string): Promise<Bundle> {
  const staged = join(work, 'bundles', name);
  const stats = join(work, `${name}.json`);
  const options = ['-m', '-q', '-C', '--stats-out', stats, '-o', staged];
  await node(work, NCC, 'build', join('js/actions', name, 'main.js'), ...options).catch((error) => {
    throw new Error(`ncc, action ${name}: ${(error.stderr || error.message).slice(0, ERROR_SHOWN)}`);
  });
  await minifyCode(staged);
  const parts = partsOf(JSON.parse(await readFile(stats, 'utf8')));
  await writeFile(
    join(staged, 'licenses.txt'),
    await licencesOf(
      parts.map(([part]) => part),
      ROOT,
    ),
  );
  const bytes = await sizeOf(staged);
  const target = join(out, name);
  await mkdir(out, { recursive: true });
  await rm(target, { recursive: true, force: true });
  await rename(staged, target).catch(() => cp(staged, target, { recursive: true }));
  return { name, bytes, parts };
}

/**
 * Names of classes stay, since errors are told apart by them; but for those of AWS's clients, hundreds of exceptions and commands, each
 * of which writes its name down in a field or gives it as a word.
 */
const KEPT_CLASSES = /^(?!\w*(?:Exception|Command|NotFound|Exists|Exceeded)$|Invalid\w+$)/;

/** ncc leaves what is loaded late as it is, and the entry half done. */
async function minifyCode(folder: string): Promise<void> {
  for (const file of await codeOf(folder)) {
    const { code } = await minify(await readFile(file, 'utf8'), {
      module: true,
      keep_classnames: KEPT_CLASSES,
    });
    if (code === undefined) throw new Error(`terser gave nothing for ${file}`);
    await writeFile(file, code);
  }
}

async function codeOf(folder: string): Promise<string[]> {
  const files = await readdir(folder);
  return files.filter((file) => file.endsWith('.js')).map((file) => join(folder, file));
}

/** Bytes of all code of a bundle: what is loaded late stands in files beside index.js. */
export async function sizeOf(folder: string): Promise<number> {
  const sizes = await Promise.all((await codeOf(folder)).map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function node(cwd: string, ...argv: string[]) {
  // The locale and the clock must not reach the bytes; the folder does not, since all paths in a bundle are relative.
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC', NODE_ENV: 'production' };
  return run(process.execPath, argv, { cwd, env, maxBuffer: 64 * 1024 * 1024 });
}

interface StatsModule {
  name?: string;
  size: number;
  /** Seen but left out of the bundle. */
  orphan?: boolean;
  modules?: StatsModule[];
}

function partsOf(stats: { modules: StatsModule[] }): [string, number][] {
  const sizes = new Map<string, number>();
  const visit = ({ name = '', size, orphan, modules }: StatsModule) => {
    if (orphan) return;
    if (modules) return modules.forEach(visit);
    const inPackage = /.*node_modules\/((?:@[^/]+\/)?[^/ |]+)/.exec(name)?.[1] ?? 'slipway';
    sizes.set(inPackage, (sizes.get(inPackage) ?? 0) + size);
  };
  stats.modules.forEach(visit);
  return [...sizes].sort((a, b) => b[1] - a[1]);
}

function printReport(bundles: readonly Bundle[], why: boolean): void {
  for (const { name, bytes, parts } of bundles) {
    const over = bytes > BUNDLE_LIMIT ? `  over the limit of ${(BUNDLE_LIMIT / 1e6).toFixed(1)} MB` : '';
    console.log(`${name.padEnd(16)} ${(bytes / 1000).toFixed(0).padStart(5)} kB${over}`);
    if (!why && over === '') continue;
    for (const [part, size] of parts.slice(0, 12))
      console.log(`    ${(size / 1000).toFixed(0).padStart(5)} kB  ${part}`);
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: join(ROOT, 'dist') },
      only: { type: 'string', multiple: true },
      why: { type: 'boolean', default: false },
    },
  });
  try {
    printReport(await build(resolve(values.out), values.only), values.why);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
