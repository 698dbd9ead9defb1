import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../lib/log.ts';
import type { Processes } from '../../lib/process.ts';
import { type Background, runInBackground } from './background.ts';
import { errorsIn, imagesIn, type MachineLine, readLine, saidIn, type TemplateError } from './machine.ts';

export interface PackerResult {
  ok: boolean;
  errors: TemplateError[];
  /** Machine images by region. */
  images: Map<string, string>;
}

/** Packer on one template, as a port. What it refuses comes back as errors; it does not throw. */
export interface Packer {
  readonly version: string;
  /** Installs the plugins that the template requires. Packer before 1.7 carries its plugins and knows no init. */
  init(): Promise<PackerResult>;
  /** Whether the files are in canonical format. Packer before 1.7 does not say. */
  format(): Promise<PackerResult>;
  validate(): Promise<PackerResult>;
  build(): Promise<PackerResult>;
}

export interface PackerPorts {
  processes: Processes;
  /** How a build is run; a test may replay one. */
  background?: typeof runInBackground;
  log: Log;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  /** A folder of this run's own: variables may be secrets. */
  scratch: string;
  /** Told when a build starts: it may go on after this process was ended, to remove what it has made. */
  onBuild(started: Background): void;
}

/** What is asked of Packer before a build holds nothing at AWS. */
const STOP_MS = 3_000;
/** The runner kills 10 s after it asked to stop. A build that takes longer to remove what it has made goes on without this process. */
const GRACE_MS = 5_000;

/**
 * Packer's environment: no telemetry, no colours, none of the action's own inputs, and GitHub's token for its plugins.
 * @param plugins folder that plugins are installed into, absolute; '' leaves Packer's own.
 */
export function environmentFor(env: NodeJS.ProcessEnv, token: string, plugins = ''): NodeJS.ProcessEnv {
  return {
    ...(plugins && { PACKER_PLUGIN_PATH: plugins }),
    ...(token && { PACKER_GITHUB_API_TOKEN: token }),
    ...Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('INPUT_'))),
    CHECKPOINT_DISABLE: '1',
    PACKER_NO_COLOR: '1',
  };
}

/**
 * @param folder where Packer runs, absolute.
 * @param template the template in it: a file's name, or '.'.
 */
export async function openPacker(
  binary: string,
  folder: string,
  template: string,
  vars: Readonly<Record<string, string>>,
  ports: PackerPorts,
): Promise<Packer> {
  const call = (verb: string, args: readonly string[]) =>
    run([binary, verb, '-machine-readable', ...args, template], folder, ports);
  const { lines } = await run([binary, 'version', '-machine-readable'], folder, ports, true);
  const version = lines.find((line) => line.type === 'version')?.data[0] ?? 'unknown';
  const file = await variableFile(vars, ports.scratch);
  const withVars = file === '' ? [] : [`-var-file=${file}`];
  return {
    version,
    init: async () => (isSeventh(version) ? call('init', []) : NOTHING),
    format: async () =>
      isSeventh(version) ? formatted([binary, 'fmt', '-check', '-diff', template], folder, ports) : NOTHING,
    validate: () => call('validate', withVars),
    build: () => build([binary, 'build', '-machine-readable', '-color=false', ...withVars, template], folder, ports),
  };
}

const NOTHING: PackerResult = { ok: true, errors: [], images: new Map() };

/** Packer learned init, and with it plugins of their own versions, in 1.7, and fmt became final. Source: its changelog. */
function isSeventh(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 1 || minor >= 7;
}

/** Variables go through a file, so that none is in a list of processes. Templates of both languages read this one. */
async function variableFile(vars: Readonly<Record<string, string>>, scratch: string): Promise<string> {
  if (Object.keys(vars).length === 0) return '';
  const values = Object.entries(vars).map(([name, value]) => [name, structured(value)]);
  const file = join(scratch, 'slipway.pkrvars.json');
  await mkdir(scratch, { recursive: true });
  await writeFile(file, JSON.stringify(Object.fromEntries(values)), { mode: 0o600 });
  return file;
}

/** Lists and maps are written as JSON; everything else is text, which Packer turns into what the variable is. */
function structured(value: string): unknown {
  if (!/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

async function run(
  argv: readonly [string, ...string[]],
  cwd: string,
  { processes, log, env, signal }: PackerPorts,
  quiet = false,
): Promise<PackerResult & { lines: MachineLine[] }> {
  const heard = listener(log, quiet);
  const { code } = await processes.run(argv, {
    cwd,
    env,
    signal,
    group: true,
    killAfterMs: STOP_MS,
    onLine: heard.onLine,
  });
  return heard.result(code);
}

async function build(
  argv: readonly [string, ...string[]],
  cwd: string,
  { background = runInBackground, log, env, signal, scratch, onBuild }: PackerPorts,
): Promise<PackerResult> {
  const heard = listener(log);
  const output = join(scratch, 'build.log');
  await mkdir(scratch, { recursive: true });
  const code = await background(argv, {
    cwd,
    env,
    signal,
    output,
    graceMs: GRACE_MS,
    onStart: onBuild,
    onLine: heard.onLine,
  });
  return heard.result(code);
}

/** fmt knows no machine-readable output: names of files and, with -diff, what it would change. */
async function formatted(
  argv: readonly [string, ...string[]],
  cwd: string,
  { processes, log, env, signal }: PackerPorts,
): Promise<PackerResult> {
  const lines: string[] = [];
  const onLine = (line: string) => {
    lines.push(line);
    log.info(line);
  };
  const { code } = await processes.run(argv, { cwd, env, signal, group: true, killAfterMs: STOP_MS, onLine });
  if (code === 0) return NOTHING;
  const files = lines.filter((line) => /^\S+\.pkr(?:vars)?\.hcl$/.test(line));
  const errors = files.map((file) => ({ message: 'it is not in canonical format: run packer fmt', file }));
  return { ok: false, errors: errors.length > 0 ? errors : [{ message: lines.join(' ') }], images: new Map() };
}

/** Reads what Packer prints, shows people what is for them, and keeps the rest for the result. */
function listener(log: Log, quiet = false) {
  const lines: MachineLine[] = [];
  const loose: string[] = [];
  return {
    onLine(line: string) {
      const read = readLine(line);
      if (read) lines.push(read);
      else if (line.trim() !== '') loose.push(line);
      const text = read ? saidIn(read)?.text : line;
      if (text !== undefined && text.trim() !== '') log[quiet ? 'debug' : 'info'](text);
    },
    result(code: number): PackerResult & { lines: MachineLine[] } {
      const errors = errorsIn(lines);
      if (code !== 0 && errors.length === 0) {
        errors.push({ message: loose.slice(-5).join(' ') || `it ended with exit code ${code} and gave no reason` });
      }
      return { ok: code === 0, errors: code === 0 ? [] : errors, images: imagesIn(lines), lines };
    },
  };
}
