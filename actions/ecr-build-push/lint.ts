import { messageOf, Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { isOnPath, type Processes } from '../../lib/process.ts';
import type { Annotation } from '../../lib/report.ts';

export interface LintPorts {
  processes: Processes;
  log: Log;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  cwd: string;
}

const TIMEOUT_MS = 30_000;
// An error on a step that ends well would mislead: nothing here fails a build.
const LEVELS: Readonly<Record<string, Annotation['level']>> = { error: 'warning', warning: 'warning' };
/** GitHub shows ten annotations of a kind for a step; more would hide others. */
const SHOWN = 10;

/**
 * What hadolint says of the Dockerfile, as annotations on its lines. It is advice and fails no build; `.hadolint.yaml` of the
 * checkout counts.
 * @param kind `auto` says nothing where hadolint is not installed; `hadolint` is an error there.
 */
export async function lintDockerfile(
  kind: 'auto' | 'hadolint' | 'none',
  dockerfile: string,
  { processes, log, env, signal, cwd }: LintPorts,
): Promise<Annotation[]> {
  if (kind === 'none' || (kind === 'auto' && !isOnPath('hadolint', env))) return [];
  const argv = ['hadolint', '--no-fail', '--no-color', '--format', 'json', '--', dockerfile] as const;
  try {
    const { code, stdout, stderr } = await processes.run(argv, { cwd, env, signal, timeoutMs: TIMEOUT_MS });
    if (code !== 0) throw unusable(stderr.trim() || `exit code ${code}`);
    const annotations = annotationsOf(stdout.toString('utf8'), dockerfile);
    for (const { line, title, message } of annotations) log.info(`${dockerfile}:${line} ${title}: ${message}`);
    return annotations.slice(0, SHOWN);
  } catch (error) {
    if (error instanceof Problem && error.kind === 'cancelled') throw error;
    if (kind === 'hadolint') throw error;
    log.warning(messageOf(error));
    return [];
  }
}

/** Reads hadolint's JSON, an array of findings with line, column, level, code and message. */
export function annotationsOf(json: string, file: string): Annotation[] {
  return findingsIn(json).map(({ line, column, level, code, message }) => ({
    level: LEVELS[level] ?? 'notice',
    title: code,
    message,
    file,
    line,
    column,
  }));
}

interface HadolintFinding {
  line: number;
  column: number;
  level: string;
  code: string;
  message: string;
}

function findingsIn(json: string): HadolintFinding[] {
  try {
    return JSON.parse(json) as HadolintFinding[];
  } catch (error) {
    throw unusable(`its report is no JSON: ${messageOf(error)}`);
  }
}

function unusable(words: string): Problem {
  return new Problem({
    what: 'hadolint',
    cause: `it could not look at the Dockerfile (${words})`,
    fix: 'Correct its configuration, or set `lint: none`',
    kind: 'environment',
  });
}
