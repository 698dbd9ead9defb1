import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

export interface ActionRun {
  code: number;
  outputs: Record<string, string>;
  /** Variables exported to later steps. */
  exported: Record<string, string>;
  state: Record<string, string>;
  summary: string;
  /** stdout and stderr as the runner would show them. */
  log: string;
  ms: number;
  /** From the interruption to the end; only of a run that was interrupted. */
  endedInMs?: number;
}

export interface ActionOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** Sent to the process after so many milliseconds, as the runner does on cancellation. */
  interruptAfterMs?: number;
  /** Sends it when the log says this. */
  interruptOn?: RegExp;
  /** Sends it when this resolves. */
  interruptWhen?: Promise<unknown>;
  /** What is sent; SIGINT unless told. */
  interruptWith?: NodeJS.Signals;
  /** Its bundle, to start that in place of main.ts. */
  bundle?: string;
}

/**
 * Starts an action's main.ts as the runner starts its bundle: a process of its own, inputs as INPUT_ variables, files for
 * outputs, environment, state and summary. Nothing of this process's environment is passed but PATH and HOME.
 */
export async function runAction(
  name: string,
  inputs: Record<string, string>,
  options: ActionOptions = {},
): Promise<ActionRun> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-run-'));
  const files = Object.fromEntries(
    ['OUTPUT', 'ENV', 'STATE', 'STEP_SUMMARY'].map((kind) => [`GITHUB_${kind}`, join(folder, kind)]),
  );
  for (const file of Object.values(files)) writeFileSync(file, '');
  const given = Object.fromEntries(
    Object.entries(inputs).map(([key, value]) => [`INPUT_${key.replaceAll(' ', '_').toUpperCase()}`, value]),
  );
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    RUNNER_TEMP: folder,
    // Spares each of many starts the same compilation.
    NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/slipway-compile'),
    ...files,
    ...options.env,
    ...given,
  };
  const started = performance.now();
  try {
    const child = spawn(process.execPath, [options.bundle ?? join(root, 'actions', name, 'main.ts')], {
      env,
      cwd: options.cwd ?? folder,
    });
    let log = '';
    let interruptedAt: number | undefined;
    const interrupt = () => {
      interruptedAt ??= performance.now();
      child.kill(options.interruptWith ?? 'SIGINT');
    };
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        log += chunk;
        if (interruptedAt === undefined && options.interruptOn?.test(log)) interrupt();
      });
    if (options.interruptAfterMs !== undefined) setTimeout(interrupt, options.interruptAfterMs).unref();
    void options.interruptWhen?.then(interrupt);
    const code = await new Promise<number>((resolve, reject) =>
      child.on('error', reject).on('close', (c) => resolve(c ?? -1)),
    );
    const read = (kind: string) => readFileSync(files[`GITHUB_${kind}`] ?? '', 'utf8');
    return {
      code,
      outputs: parseFile(read('OUTPUT')),
      exported: parseFile(read('ENV')),
      state: parseFile(read('STATE')),
      summary: read('STEP_SUMMARY'),
      log,
      ms: performance.now() - started,
      ...(interruptedAt !== undefined && { endedInMs: performance.now() - interruptedAt }),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Reads NAME<<DELIMITER … DELIMITER, the form in which the toolkit writes to the runner's files. */
function parseFile(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [, name = '', , value = ''] of text.matchAll(/^(.+?)<<(ghadelimiter_\S+)\n([\s\S]*?)\n?\2$/gm))
    values[name] = value;
  return values;
}
