/**
 * Runs every check and ends with one line, 'N passed, N failed': each test of jest counts, and each other check as one.
 *
 *   node scripts/test.ts [--only lint|dist|sample|jest]
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

type Group = 'lint' | 'dist' | 'sample' | 'jest';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

interface Check {
  name: string;
  group: Group;
  run(): Promise<Counts>;
}

const ROOT = resolve(import.meta.dirname, '..');
/** What runs on hosts is checked whole: its parts use each other's names. */
const HOST_PROGRAM = 'terraform/ami/files/slipway-host';
const HOST_PARTS = /^actions\/ssm-deploy\/host\//;
const GROUPS: readonly Group[] = ['lint', 'dist', 'sample', 'jest'];
const PASSED: Counts = { passed: 1, failed: 0, skipped: 0 };
const FAILED: Counts = { passed: 0, failed: 1, skipped: 0 };

/** Runs a program; what it prints is shown only when it fails, or as it comes when `live`. */
function run(argv: readonly string[], options: { cwd?: string; live?: boolean; env?: NodeJS.ProcessEnv } = {}) {
  const [program = '', ...args] = argv;
  return new Promise<{ ok: boolean; output: string }>((done) => {
    const child = spawn(program, args, {
      cwd: options.cwd ?? ROOT,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', options.live ? 'inherit' : 'pipe', options.live ? 'inherit' : 'pipe'],
    });
    const output: Buffer[] = [];
    child.stdout?.on('data', (chunk) => output.push(chunk));
    child.stderr?.on('data', (chunk) => output.push(chunk));
    child.on('error', (error) => done({ ok: false, output: `${program}: ${error.message}. Run: make setup-test` }));
    child.on('close', (code) => done({ ok: code === 0, output: Buffer.concat(output).toString('utf8') }));
  });
}

function command(group: Group, name: string, argv: readonly string[], cwd = ROOT): Check {
  return {
    name,
    group,
    run: async () => {
      const { ok, output } = await run(argv, { cwd });
      if (!ok) console.log(`\n${argv.join(' ')}\n${output}`);
      return ok ? PASSED : FAILED;
    },
  };
}

async function checks(): Promise<Check[]> {
  const bin = (name: string) => join(ROOT, 'node_modules/.bin', name);
  const node = process.execPath;
  const samples = ['web', 'bot'].map((part) => ({ part, folder: join(ROOT, 'sample-app', part) }));
  return [
    command('lint', 'biome', [bin('biome'), 'check', '--error-on-warnings', '.']),
    command('lint', 'types', [bin('tsc'), '--noEmit']),
    command('lint', 'shellcheck', ['shellcheck', '.ci/run', HOST_PROGRAM, ...(await filesNamed(/\.sh$/, HOST_PARTS))]),
    command('lint', 'hadolint', [
      'hadolint',
      '--no-color',
      '--failure-threshold',
      'warning',
      ...(await filesNamed(/(^|\/)Dockerfile$/)),
    ]),
    command('dist', 'dist is what the sources build', [node, 'scripts/check-dist.ts']),
    ...samples.flatMap(({ part, folder }) => [
      command('sample', `sample-app/${part}: types`, [join(folder, 'node_modules/.bin/tsc'), '--noEmit'], folder),
      command('sample', `sample-app/${part}: tests`, [node, '--test', 'test/*.test.ts'], folder),
    ]),
    { name: 'jest', group: 'jest', run: jest },
  ];
}

/** Files of the repository by name, without what is installed, built or only an example. */
async function filesNamed(pattern: RegExp, without = /^$/): Promise<string[]> {
  const left = /(^|\/)(node_modules|dist|build|\.git|\.tools|\.slipway|fixtures)\//;
  const entries = await readdir(ROOT, { recursive: true, withFileTypes: true });
  const files = entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name).slice(ROOT.length + 1));
  return files.filter((path) => pattern.test(path) && !left.test(path) && !without.test(path)).sort();
}

/** As much of jest's JSON report as is counted. */
interface JestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  numRuntimeErrorTestSuites: number;
  testResults: { name: string; status: 'passed' | 'failed' }[];
}

/**
 * All tests, two files at a time; then what failed once more, alone. Many tests run real containers against real clocks, and
 * on a busy machine one can run out of time beside another. What passes only alone is counted as passed, and said.
 */
async function jest(): Promise<Counts> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-jest-'));
  try {
    const first = await jestRun(join(folder, 'all.json'), ['--maxWorkers', String(availableParallelism())]);
    const files = first.testResults.filter((file) => file.status === 'failed').map((file) => file.name);
    if (files.length === 0) return countsOf(first);
    console.log(`\nOnce more, alone: ${files.map((file) => file.slice(ROOT.length + 1)).join(', ')}\n`);
    const again = countsOf(await jestRun(join(folder, 'again.json'), ['--runInBand', '--runTestsByPath', ...files]));
    const counts = countsOf(first);
    const mended = counts.failed - again.failed;
    if (mended > 0) console.log(`\n${mended} of ${counts.failed} failures did not happen again when run alone.`);
    return { ...counts, passed: counts.passed + Math.max(0, mended), failed: again.failed };
  } catch (error) {
    console.log(`jest left no results: ${error instanceof Error ? error.message : error}`);
    return FAILED;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs jest and reads its report. @throws Error when there is none, or when it failed without a failed test. */
async function jestRun(results: string, options: readonly string[]): Promise<JestReport> {
  const flags = '--experimental-vm-modules --disable-warning=ExperimentalWarning';
  const env = { NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} ${flags}`.trim() };
  const program = [process.execPath, join(ROOT, 'node_modules/jest/bin/jest.js')];
  const all = [...program, '--json', '--outputFile', results, '--silent', ...options];
  // Its report comes by stderr as it goes; stdout would be the JSON once more.
  const { ok } = await run(['sh', '-c', 'exec "$@" >/dev/null', 'sh', ...all], { live: true, env });
  const report = JSON.parse(await readFile(results, 'utf8')) as JestReport;
  if (!ok && countsOf(report).failed === 0)
    throw new Error('it failed without a failed test (an open handle, a broken set-up)');
  return report;
}

function countsOf(report: JestReport): Counts {
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { only: { type: 'string' } } });
  if (values.only !== undefined && !GROUPS.includes(values.only as Group)) {
    throw new Error(`--only is ${JSON.stringify(values.only)}: it takes ${GROUPS.join(', ')}`);
  }
  const total = { passed: 0, failed: 0, skipped: 0 };
  const rows: string[] = [];
  for (const check of await checks()) {
    if (values.only !== undefined && check.group !== values.only) continue;
    const began = performance.now();
    const counts = await check.run();
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += counts[key];
    const row = `${counts.failed === 0 ? 'ok  ' : 'FAIL'}  ${check.name.padEnd(34)} ${seconds.padStart(6)} s`;
    console.log(row);
    rows.push(row);
  }
  console.log(`\n${rows.join('\n')}\n`);
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
  console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
  process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
