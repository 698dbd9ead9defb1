import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, Problem } from './errors.ts';
import type { Outcome } from './outcome.ts';

/** What one leg of the pipeline leaves for the legs after it and for the final message. */
export interface Result {
  component: string;
  environment: string;
  stage: 'ami' | 'terraform' | 'service' | 'worker' | 'bot' | 'task';
  /** `blocked` means that it was not tried, because something it needs did not end well. */
  outcome: Outcome | { status: 'blocked'; cause: string; next?: string };
  image?: string;
  digest?: string;
  revision?: string;
  /** Non-sensitive outputs that later components may refer to. */
  outputs?: Record<string, string>;
  url?: string;
  /** ISO 8601. */
  startedAt: string;
  endedAt: string;
  /** The last log lines of what failed, already free of secrets. */
  log?: string[];
}

const NAME = /^result-([a-z][a-z0-9-]*)\.json$/;

/** Writes result-COMPONENT.json whole or not at all. */
export async function writeResult(directory: string, result: Result): Promise<string> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, `result-${result.component}.json`);
  await writeFile(`${path}.part`, `${JSON.stringify(result, null, 2)}\n`);
  await rename(`${path}.part`, path);
  return path;
}

/**
 * Reads every result below the directory (download-artifact makes a folder for each); none when it does not exist.
 * @param broken takes what is wrong with a file that writeResult() did not write, for those who can do without it
 * @throws Problem for such a file, unless `broken` takes it
 */
export async function readResults(
  directory: string,
  broken: (problem: Problem) => void = fail,
): Promise<Map<string, Result>> {
  const results = new Map<string, Result>();
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isFile() || !NAME.test(entry.name)) continue;
    const result = await readResult(join(entry.parentPath, entry.name));
    if (result instanceof Problem) broken(result);
    else results.set(result.component, result);
  }
  return results;
}

function fail(problem: Problem): never {
  throw problem;
}

async function readResult(path: string): Promise<Result | Problem> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as Partial<Result>;
    if (typeof value.component !== 'string' || typeof value.outcome?.status !== 'string')
      throw new Error('it has no component or outcome');
    return value as Result;
  } catch (error) {
    return new Problem({
      what: 'result file',
      seen: path,
      cause: `it cannot be used (${messageOf(error)})`,
      fix: 'Re-run the leg that wrote it; do not write into the result directory by other means',
      kind: 'environment',
      underlying: error,
    });
  }
}
