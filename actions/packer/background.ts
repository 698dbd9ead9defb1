import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { cancelled } from '../../lib/errors.ts';

/** A program that may outlive this process; what a later process needs to wait for it. */
export interface Background {
  pid: number;
  /** Stands in its command line: another process may have its number by then. */
  program: string;
  /** File with all that it prints. */
  output: string;
}

export interface BackgroundOptions {
  cwd: string;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  output: string;
  /** How long it may take after it was interrupted, before this process goes without it. */
  graceMs: number;
  onStart(started: Background): void;
  onLine(line: string): void;
}

const LOOK_MS = 200;

/**
 * Runs a program in a session of its own, with its output in a file. The runner ends an action 10 s after a cancellation, and a program
 * with a pipe to it dies of the first line that it prints then; this one goes on, and the post step waits for it.
 * @returns its exit code.
 * @throws Problem kind `cancelled` after the signal, whether it has ended by then or not; it gets one SIGINT and never a kill.
 */
export async function runInBackground(
  argv: readonly [string, ...string[]],
  options: BackgroundOptions,
): Promise<number> {
  const [program, ...args] = argv;
  const { cwd, env, signal, output, graceMs } = options;
  if (signal.aborted) throw cancelled(program);
  const file = await open(output, 'a', 0o600);
  const child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', file.fd, file.fd] });
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, by) => resolve(code ?? 128 + (by === 'SIGINT' ? 2 : 15)));
  });
  // Rejections are seen where it is awaited.
  ended.catch(() => undefined);
  if (child.pid !== undefined) options.onStart({ pid: child.pid, program, output });
  const follow = follower(output, options.onLine);
  let isOver = false;
  const over = ended.then(
    () => {
      isOver = true;
    },
    () => {
      isOver = true;
    },
  );
  let deadline = Number.POSITIVE_INFINITY;
  const interrupt = () => {
    interruptGroup(child);
    deadline = Date.now() + graceMs;
  };
  signal.addEventListener('abort', interrupt, { once: true });
  try {
    while (!isOver && Date.now() < deadline) {
      await Promise.race([over, delay(LOOK_MS)]);
      await follow();
    }
    if (isOver) await follow(true);
    else await follow.remember();
    if (signal.aborted) throw cancelled(program);
    return await ended;
  } finally {
    signal.removeEventListener('abort', interrupt);
    child.unref();
    await file.close();
  }
}

/**
 * As Ctrl-C in a terminal: the whole group gets it. Packer runs itself a second time below itself, the first passes no interrupt on, and only
 * the second cancels the build (seen with 1.6.6).
 */
function interruptGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGINT');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Reads on in a file that grows, line by line. */
export interface Follower {
  /** Hands on the lines that came; `last`: also one that no line end has come for. */
  (last?: boolean): Promise<void>;
  /** Writes down how far it has come, for the follower of a later process. */
  remember(): Promise<void>;
}

const OFFSET = '.read';

/** @param resume goes on where the follower before has come to. */
export function follower(path: string, onLine: (line: string) => void, resume = false): Follower {
  let rest = Buffer.alloc(0);
  let offset: number | undefined = resume ? undefined : 0;
  const follow = async (last = false) => {
    offset ??= Number(await readFile(path + OFFSET, 'utf8').catch(() => 0));
    const file = await open(path, 'r');
    try {
      for (;;) {
        const { bytesRead, buffer } = await file.read({ buffer: Buffer.alloc(64 * 1024), position: offset });
        if (bytesRead === 0) break;
        offset += bytesRead;
        rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
      }
    } finally {
      await file.close();
    }
    const whole = last ? rest.length : rest.lastIndexOf(0x0a) + 1;
    const lines = rest.subarray(0, whole).toString('utf8').split('\n');
    rest = rest.subarray(whole);
    // What follows the last line end is no line.
    if (lines.at(-1) === '') lines.pop();
    for (const line of lines) onLine(line.replace(/\r$/, ''));
  };
  return Object.assign(follow, { remember: () => writeFile(path + OFFSET, String((offset ?? 0) - rest.length)) });
}
