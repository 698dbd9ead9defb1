import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cancelled, messageOf, Problem } from './errors.ts';
import type { Log } from './log.ts';

export interface RunOptions {
  cwd?: string | undefined;
  /** The child's whole environment; by default it inherits ours. */
  env?: NodeJS.ProcessEnv | undefined;
  stdin?: string | Buffer | undefined;
  /** When it fires the child gets SIGINT, and SIGKILL after `killAfterMs`. */
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
  killAfterMs?: number | undefined;
  /**
   * A second SIGINT, this long after the first. For Terraform: on it what hangs is given up, but the state is kept and the lock given
   * back, which a kill would leave behind.
   */
  insistAfterMs?: number | undefined;
  /**
   * Ends what the program has started together with it, as Ctrl-C in a terminal does. For git, whose transport helpers outlive it and hold
   * our pipes: without this a cancelled fetch from a server that does not answer would never end; and for Terraform, which kills the shell
   * of a local-exec and leaves what that shell has started at work. Not for programs that pass signals on themselves.
   */
  group?: boolean | undefined;
  /** Called with each whole line as it comes. */
  onLine?: ((line: string, stream: 'stdout' | 'stderr') => void) | undefined;
}

export interface RunResult {
  code: number;
  /** Bytes, since file names are bytes. */
  stdout: Buffer;
  stderr: string;
}

/** Child processes as a port. A program is started from an argv array, never through a shell. */
export interface Processes {
  run(argv: readonly [string, ...string[]], options?: RunOptions): Promise<RunResult>;
}

const STDERR_KEPT = 64 * 1024;
const STDOUT_LIMIT = 512 * 1024 * 1024;

/**
 * Why not @actions/exec: it can neither be cancelled nor hand over bytes, and the runner signals only this process, so a
 * cancelled run would leave its children behind. Where neither matters it is used: lib/program-version.ts.
 * @throws Problem kind `environment` when the program is missing, `cancelled` when the signal fires, `service` on a time-out.
 */
export function processes(log?: Pick<Log, 'debug'>): Processes {
  return {
    run: (argv, options = {}) => {
      log?.debug(`$ ${argv.map((a) => JSON.stringify(a)).join(' ')}`);
      return start(argv, options);
    },
  };
}

function start(argv: readonly [string, ...string[]], options: RunOptions): Promise<RunResult> {
  const [program, ...args] = argv;
  const { signal, timeoutMs, killAfterMs = 3000, insistAfterMs, onLine } = options;
  const grouped = options.group === true && process.platform !== 'win32';
  if (signal?.aborted) return Promise.reject(cancelled(program));
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: 'pipe',
      windowsHide: true,
      // A process group of its own, so that one signal reaches all of it.
      detached: grouped,
    });
    const stdout: Buffer[] = [];
    let size = 0;
    let stderr = '';
    let ending: Problem | undefined;
    let killTimer: NodeJS.Timeout | undefined;
    let insistTimer: NodeJS.Timeout | undefined;
    const kill = (name: NodeJS.Signals) => (grouped ? killGroup(child.pid, name) : child.kill(name));
    const end = (why: Problem) => {
      ending ??= why;
      kill('SIGINT');
      killTimer ??= setTimeout(kill, killAfterMs, 'SIGKILL');
      if (insistAfterMs !== undefined) insistTimer ??= setTimeout(kill, insistAfterMs, 'SIGINT');
    };
    const onAbort = () => end(cancelled(program));
    signal?.addEventListener('abort', onAbort, { once: true });
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => end(tooLong(program, timeoutMs)), timeoutMs);
    const outLines = lineSplitter((l) => onLine?.(l, 'stdout'));
    const errLines = lineSplitter((l) => onLine?.(l, 'stderr'));
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > STDOUT_LIMIT) return end(tooMuch(program));
      stdout.push(chunk);
      if (onLine) outLines.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString('utf8')).slice(-STDERR_KEPT);
      if (onLine) errLines.push(chunk);
    });
    const finish = () => {
      clearTimeout(timer);
      clearTimeout(killTimer);
      clearTimeout(insistTimer);
      signal?.removeEventListener('abort', onAbort);
    };
    child.on('error', (error) => {
      finish();
      reject(notStarted(program, error));
    });
    child.on('close', (code, killedBy) => {
      finish();
      outLines.end();
      errLines.end();
      if (ending) {
        // What ignored the first signal and kept no pipe of ours would be left behind.
        if (grouped) kill('SIGKILL');
        return reject(ending);
      }
      resolve({ code: code ?? 128 + (killedBy === 'SIGKILL' ? 9 : 15), stdout: Buffer.concat(stdout), stderr });
    });
    // A child that ends without reading its input closes the pipe; its exit code tells the story.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.stdin ?? '');
  });
}

/** Signals all members of the group that a process leads, also when the process itself has ended. */
function killGroup(leader: number | undefined, name: NodeJS.Signals): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function lineSplitter(emit: (line: string) => void) {
  const decoder = new TextDecoder();
  let rest = '';
  return {
    push(chunk: Buffer) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) emit(part.replace(/\r$/, ''));
    },
    end() {
      if (rest !== '') emit(rest);
      rest = '';
    },
  };
}

function notStarted(program: string, error: NodeJS.ErrnoException): Problem {
  const missing = error.code === 'ENOENT';
  return new Problem({
    what: `program '${program}'`,
    cause: missing
      ? 'it was not found on PATH (or the working directory does not exist)'
      : `it could not be started (${messageOf(error)})`,
    fix: missing
      ? `Install ${program} on the runner, or put it on PATH in a step before this one`
      : 'Check that it is executable',
    kind: 'environment',
    underlying: error,
  });
}

function tooLong(program: string, ms: number): Problem {
  return new Problem({
    what: `program '${program}'`,
    cause: `it did not end within ${Math.round(ms / 1000)} s and was stopped`,
    fix: 'Look at its last lines in the log; raise the time-out if it was still at work',
    kind: 'service',
  });
}

function tooMuch(program: string): Problem {
  return new Problem({
    what: `program '${program}'`,
    cause: `it printed more than ${STDOUT_LIMIT / 1024 / 1024} MiB`,
    fix: 'Narrow what it is asked for',
    kind: 'service',
  });
}

/** Whether a program is on the PATH of an environment; asked before a run where there is another way without it. */
export function isOnPath(program: string, env: NodeJS.ProcessEnv): boolean {
  const folders = (env.PATH ?? '').split(delimiter).filter(Boolean);
  return folders.some((folder) => existsSync(join(folder, program)) || existsSync(join(folder, `${program}.exe`)));
}
