import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Problem } from '../../../lib/errors.ts';
import type { Log } from '../../../lib/log.ts';
import type { Processes } from '../../../lib/process.ts';
import { plainText } from '../messages.ts';

/** Programs beside Terraform, as the checks need them. */
export interface ToolPorts {
  processes: Processes;
  log: Pick<Log, 'info' | 'warning'>;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  /** Full path of a program; undefined where it is not installed. */
  find(tool: string): Promise<string | undefined>;
}

const TIMEOUT_MS = 10 * 60_000;

/** Runs a program whose output is JSON. @throws Problem when what it prints is none: a check that did not run is no passed one. */
export async function jsonOf(
  argv: readonly [string, ...string[]],
  cwd: string,
  { processes, env, signal }: ToolPorts,
): Promise<unknown> {
  const { stdout, stderr, code } = await processes.run(argv, { cwd, env, signal, timeoutMs: TIMEOUT_MS });
  try {
    return JSON.parse(stdout.toString('utf8'));
  } catch {
    const name = argv[0].slice(dirname(argv[0]).length).replace(/^[\\/]/, '');
    throw new Problem({
      what: name,
      cause: `it ended with ${code} and printed no JSON: ${plainText(stderr || stdout.toString('utf8')).slice(-500) || 'nothing at all'}`,
      fix: `Run ${name} by hand in ${cwd}; a plugin that was not installed is a frequent cause`,
      kind: 'environment',
    });
  }
}

/**
 * A program's settings file in a root or, as repositories have one for all of their roots, in a folder above it. The programs
 * themselves look into the folder that they run in alone.
 * @returns its path from the folder; undefined where there is none up to the root of the repository
 */
export function nearestFile(name: string, folder: string, root: string): string | undefined {
  const levels = root === '.' || root === '' ? 0 : root.split(/[\\/]/).filter(Boolean).length;
  let place = folder;
  for (let level = 0; level <= levels; level++, place = dirname(place)) {
    const path = join(place, name);
    if (existsSync(path)) return relative(folder, path);
  }
  return undefined;
}
