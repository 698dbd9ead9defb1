import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Processes } from '../../lib/process.ts';
import { type Diagnostic, plainText, readDiagnostic, readErrors, readMessage, type UiMessage } from './messages.ts';
import { type Progress, progressOf } from './progress.ts';
import { type StateVersion, stateVersion } from './saved/saved-plan.ts';

export interface CallResult {
  ok: boolean;
  diagnostics: Diagnostic[];
}

export interface PlanOptions {
  out: string;
  varFiles: readonly string[];
  destroy?: boolean;
  /** A plan that nobody will apply takes no lock: it must neither wait for a deployment nor hold one up. */
  lock: boolean;
  lockTimeoutMs: number;
  /** Whether what is there is looked at; without it a plan only compares the configuration with the state. */
  refresh?: boolean;
}

export interface ApplyResult extends CallResult {
  /** What was done, also when something failed. */
  progress: Progress;
}

/** What is in a state, without any value. */
export interface StateContents {
  version: StateVersion;
  /** Managed resources by their type, each instance counted. */
  counts: Record<string, number>;
  /** Version of the program that wrote it; '' for a state that was never written. */
  writtenBy: string;
}

/** Terraform or OpenTofu in one root, as a port. Calls that it refuses come back as diagnostics; they do not throw. */
export interface Terraform {
  readonly product: 'Terraform' | 'OpenTofu';
  readonly version: string;
  init(options: { backend: boolean; backendConfig: readonly string[] }): Promise<CallResult>;
  validate(): Promise<CallResult>;
  /** Files that `fmt` would change, relative to the root. */
  unformatted(): Promise<string[]>;
  plan(options: PlanOptions): Promise<CallResult>;
  /** `show -json` of a saved plan. It holds secrets: summarise it, never print it. */
  show(planFile: string): Promise<unknown>;
  apply(planFile: string, lockTimeoutMs: number): Promise<ApplyResult>;
  /** `output -json`. It holds secrets. */
  output(): Promise<unknown>;
  /** What the backend holds now. */
  state(): Promise<StateContents>;
  /** Takes a lock away from whoever holds it. */
  forceUnlock(id: string): Promise<CallResult>;
}

export interface TerraformPorts {
  processes: Processes;
  log: Log;
  /** Environment of the calls; see environmentFor(). */
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  /** A folder of this run's own, for files that must not be read by others. */
  scratch: string;
  /** How long after a cancellation Terraform is told to give up; for tests. */
  giveUpMs?: number;
}

/** Messages that only say that work goes on; they are there with debug logging. */
const QUIET = new Set(['version', 'refresh_start', 'refresh_complete', 'outputs', 'diagnostic', 'log']);
/** What apply repeats of a saved plan. */
const REPEATED = 'planned_change';

/**
 * The runner kills an action about 10 s after it asked it to stop; until shortly before that Terraform may finish
 * what it has begun and write its state. Source: actions/runner, ProcessInvoker.cs.
 */
const STOP_MS = 9_000;
/** What hangs by then is given up, which leaves Terraform time to keep its state and give its lock back. */
const GIVE_UP_MS = 5_500;

/**
 * Environment of Terraform: variables as TF_VAR_NAME (never as arguments, which every process may read), no prompts, no
 * telemetry, one plugin cache for all roots, and none of the action's own inputs.
 */
export function environmentFor(
  env: NodeJS.ProcessEnv,
  options: { vars: Readonly<Record<string, string>>; environment: string; pluginCache: string },
): NodeJS.ProcessEnv {
  const inherited = Object.entries(env).filter(([name]) => !name.startsWith('INPUT_'));
  const vars = Object.entries(options.vars).map(([name, value]) => [`TF_VAR_${name}`, value]);
  return {
    TF_PLUGIN_CACHE_DIR: options.pluginCache,
    ...(options.environment && { TF_VAR_environment: options.environment }),
    ...Object.fromEntries(inherited),
    ...Object.fromEntries(vars),
    TF_IN_AUTOMATION: '1',
    TF_INPUT: '0',
    CHECKPOINT_DISABLE: '1',
  };
}

/** @throws Problem when TF_CLI_ARGS asks for a part of the root: what was left out would be called free of drift, or approved unseen. */
function checkArguments(env: NodeJS.ProcessEnv): void {
  for (const [name, value = ''] of Object.entries(env)) {
    if (!name.startsWith('TF_CLI_ARGS') || !/(?:^|\s)["']?--?(?:target|exclude)(?:-file)?(?:[\s=]|$)/.test(value))
      continue;
    throw new Problem({
      what: `environment variable ${name}`,
      seen: value,
      cause: 'it makes plans for a part of the root, which say nothing about the rest',
      fix: 'Take -target and -exclude out of it; a part that has a life of its own is better a root of its own',
      kind: 'denied',
    });
  }
}

export async function openTerraform(binary: string, root: string, ports: TerraformPorts): Promise<Terraform> {
  checkArguments(ports.env);
  const { TF_PLUGIN_CACHE_DIR: pluginCache } = ports.env;
  if (pluginCache) await mkdir(pluginCache, { recursive: true });
  const caller = new Caller(binary, root, ports);
  const { product, version } = await caller.identity();
  return {
    product,
    version,
    init: (options) => init(caller, root, options, ports.scratch),
    validate: () => validate(caller),
    async unformatted() {
      const { code, stdout, stderr } = await caller.call(['fmt', '-check', '-list=true', '-recursive', '-no-color']);
      const files = stdout.split('\n').filter((line) => FORMATTED.test(line.trim()));
      if (code === 0 || files.length > 0) return files;
      const [error] = readErrors(stderr);
      throw new Problem({
        what: 'terraform fmt',
        cause: [error?.summary, error?.detail].filter(Boolean).join(': '),
        fix: 'Correct the file that it names',
      });
    },
    async plan({ out, varFiles, destroy = false, lock, lockTimeoutMs, refresh = true }) {
      const { ok, diagnostics } = await caller.stream([
        'plan',
        '-json',
        `-out=${out}`,
        ...varFiles.map((file) => `-var-file=${file}`),
        ...(destroy ? ['-destroy'] : []),
        ...(refresh ? [] : ['-refresh=false']),
        ...(lock ? [lockTimeout(lockTimeoutMs)] : ['-lock=false']),
      ]);
      return { ok, diagnostics };
    },
    show: (planFile) => caller.json(['show', '-json', planFile]),
    async apply(planFile, lockTimeoutMs) {
      const { ok, diagnostics, messages } = await caller.stream([
        'apply',
        '-json',
        lockTimeout(lockTimeoutMs),
        planFile,
      ]);
      return { ok, diagnostics, progress: progressOf(messages) };
    },
    output: () => caller.json(['output', '-json']),
    state: () => readState(caller),
    async forceUnlock(id) {
      const { code, stdout, stderr } = await caller.call(['force-unlock', '-force', '-no-color', id]);
      return { ok: code === 0, diagnostics: code === 0 ? [] : readErrors(stderr || stdout) };
    },
  };
}

/** What `fmt` looks at. Source: "Command: fmt"; OpenTofu has names of its own. */
const FORMATTED = /\.(?:tf|tofu|tfvars|tftest\.hcl|tofutest\.hcl|tfmock\.hcl)$/;

const lockTimeout = (ms: number) => `-lock-timeout=${Math.round(ms / 1000)}s`;

class Caller {
  readonly #binary: string;
  readonly #root: string;
  readonly #ports: TerraformPorts;

  constructor(binary: string, root: string, ports: TerraformPorts) {
    this.#binary = binary;
    this.#root = root;
    this.#ports = ports;
  }

  async call(args: string[], onLine?: (line: string, stream: 'stdout' | 'stderr') => void) {
    const { env, signal, giveUpMs = GIVE_UP_MS } = this.#ports;
    const stop = { signal, group: true, insistAfterMs: giveUpMs, killAfterMs: STOP_MS };
    const options = { cwd: this.#root, env, onLine, ...stop };
    const { code, stdout, stderr } = await this.#ports.processes.run([this.#binary, ...args], options);
    return { code, stdout: stdout.toString('utf8'), stderr };
  }

  async identity(): Promise<{ product: Terraform['product']; version: string }> {
    const value = (await this.json(['version', '-json'])) as { terraform_version?: string };
    const isTofu = /tofu(-bin)?(\.exe)?$/.test(this.#binary);
    return { product: isTofu ? 'OpenTofu' : 'Terraform', version: value.terraform_version ?? 'unknown' };
  }

  /** A call whose standard output is one JSON value. @throws Problem when it fails. */
  async json(args: string[]): Promise<unknown> {
    const { code, stdout, stderr } = await this.call(args);
    try {
      if (code === 0) return JSON.parse(stdout);
    } catch {
      // falls through: what was printed is no JSON
    }
    const cause = readErrors(stderr).map((error) => [error.summary, error.detail].filter(Boolean).join(': '));
    throw new Problem({
      what: `terraform ${args[0]}`,
      cause: code === 0 ? 'it printed no JSON' : cause.join('; '),
      fix: 'Run it by hand in that root to see more',
      kind: 'service',
    });
  }

  /** A call with `-json` messages, logged as they come. */
  async stream(args: string[]): Promise<CallResult & { messages: UiMessage[] }> {
    const messages: UiMessage[] = [];
    const { code, stderr } = await this.call(args, (line, from) => {
      const message = from === 'stdout' ? readMessage(line) : undefined;
      if (message) messages.push(message);
      const text = message?.text ?? line;
      if (message && isQuiet(message.type, args[0])) this.#ports.log.debug(text);
      else if (text.trim() !== '') this.#ports.log.info(text);
    });
    const diagnostics = messages.flatMap((message) => message.diagnostic ?? []);
    const ok = code === 0;
    if (!ok && !diagnostics.some((one) => one.severity === 'error')) diagnostics.push(...readErrors(stderr));
    return { ok, diagnostics, messages };
  }
}

/** @throws Problem when the state cannot be read. */
async function readState(caller: Caller): Promise<StateContents> {
  const { code, stdout, stderr } = await caller.call(['state', 'pull']);
  if (code !== 0) {
    throw new Problem({
      what: 'the state',
      cause: readErrors(stderr)
        .map((error) => [error.summary, error.detail].filter(Boolean).join(': '))
        .join('; '),
      fix: "Check the backend's settings, and that the role may read the state",
      kind: 'service',
    });
  }
  if (stdout.trim() === '') return { version: stateVersion(''), counts: {}, writtenBy: '' };
  const state = JSON.parse(stdout) as {
    terraform_version?: string;
    resources?: { mode?: string; type?: string; instances?: unknown[] }[];
  };
  const counts: Record<string, number> = {};
  for (const { mode, type = '', instances = [] } of state.resources ?? []) {
    if (mode === 'managed') counts[type] = (counts[type] ?? 0) + instances.length;
  }
  return { version: stateVersion(stdout), counts, writtenBy: state.terraform_version ?? '' };
}

function isQuiet(type: string, verb: string | undefined): boolean {
  return QUIET.has(type) || (verb === 'apply' && type === REPEATED);
}

async function init(
  caller: Caller,
  root: string,
  { backend, backendConfig }: { backend: boolean; backendConfig: readonly string[] },
  scratch: string,
): Promise<CallResult> {
  const hasLockFile = existsSync(join(root, '.terraform.lock.hcl'));
  const configs = backend ? await backendFiles(backendConfig, scratch) : [];
  const { code, stdout, stderr } = await caller.call([
    'init',
    '-no-color',
    ...(backend ? ['-reconfigure'] : ['-backend=false']),
    ...configs.map((file) => `-backend-config=${file}`),
    ...(hasLockFile ? ['-lockfile=readonly'] : []),
  ]);
  if (code === 0) return { ok: true, diagnostics: [] };
  // Older versions of init know no -json; validate does, and knows the places of what init stumbled over.
  const said = plainText(`${stdout}\n${stderr}`);
  const placed = (await validate(caller)).diagnostics.filter(
    (one) => one.severity === 'error' && said.includes(one.summary),
  );
  return { ok: false, diagnostics: placed.length > 0 ? placed : readErrors(stderr || stdout) };
}

/** Settings go through a file of ours, so that a key in them is in no process list. A line without '=' names a file. */
async function backendFiles(lines: readonly string[], scratch: string): Promise<string[]> {
  const settings = lines.filter((line) => line.includes('='));
  const files = lines.filter((line) => !line.includes('='));
  if (settings.length === 0) return files;
  const file = join(scratch, 'slipway.tfbackend');
  const text = settings.map((line) => {
    const at = line.indexOf('=');
    return `${line.slice(0, at).trim()} = ${hclValue(line.slice(at + 1).trim())}\n`;
  });
  await mkdir(scratch, { recursive: true });
  await writeFile(file, text.join(''), { mode: 0o600 });
  return [...files, file];
}

/** true, false and numbers as they are; everything else as a quoted text in which nothing is a template. */
function hclValue(value: string): string {
  if (/^(true|false|-?\d+(\.\d+)?)$/.test(value)) return value;
  return JSON.stringify(value).replaceAll('${', '$${').replaceAll('%{', '%%{');
}

async function validate(caller: Caller): Promise<CallResult> {
  const { stdout, stderr } = await caller.call(['validate', '-json']);
  try {
    const value = JSON.parse(stdout) as { valid?: boolean; diagnostics?: unknown[] };
    return { ok: value.valid === true, diagnostics: (value.diagnostics ?? []).map(readDiagnostic) };
  } catch {
    return { ok: false, diagnostics: readErrors(stderr) };
  }
}
