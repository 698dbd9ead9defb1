/** What happens in a run, read from act's log. */
export type ActEvent =
  | { kind: 'job-started'; job: JobRef; at: number }
  | { kind: 'step-started'; job: JobRef; step: string; at: number }
  | { kind: 'step-ended'; job: JobRef; step: string; result: 'success' | 'failure' | 'skipped'; ms: number; at: number }
  | { kind: 'output'; job: JobRef; step: string; text: string; at: number }
  | { kind: 'set-output'; job: JobRef; step: string; name: string; value: string; at: number }
  | {
      kind: 'annotation';
      job: JobRef;
      step: string;
      level: 'error' | 'warning' | 'notice';
      message: string;
      title: string;
      at: number;
    }
  | { kind: 'summary'; job: JobRef; step: string; markdown: string; at: number }
  | { kind: 'job-ended'; job: JobRef; result: 'success' | 'failure' | 'skipped'; at: number };

/** One leg of one job. */
export interface JobRef {
  /** Id in the workflow file. */
  id: string;
  /** Unique in a run: the id and the matrix. */
  key: string;
  matrix: Record<string, string>;
}

interface Line {
  job?: string;
  jobID?: string;
  matrix?: Record<string, unknown>;
  msg?: string;
  step?: string;
  stage?: string;
  stepResult?: string;
  jobResult?: string;
  raw_output?: boolean;
  executionTime?: number;
  command?: string;
  arg?: string;
  name?: string;
  content?: string;
  kvPairs?: Record<string, string>;
  time?: string;
}

/**
 * Reads one line of `act --json`; nothing when it says nothing about a job, or is no JSON (act prints its last error plain).
 * Times in it are whole seconds, so the moment of reading counts.
 * @param now milliseconds since the epoch
 */
export function readLine(text: string, now: number): ActEvent | undefined {
  const line = parseLine(text);
  if (!line?.jobID || !line.job) return undefined;
  const matrix = Object.fromEntries(Object.entries(line.matrix ?? {}).map(([key, value]) => [key, String(value)]));
  const job: JobRef = { id: line.jobID, key: [line.jobID, ...Object.values(matrix)].join(' '), matrix };
  return stepEvent(line, job, now) ?? jobEvent(line, job, now);
}

function jobEvent(line: Line, job: JobRef, at: number): ActEvent | undefined {
  if (line.jobResult) return { kind: 'job-ended', job, result: asResult(line.jobResult), at };
  if (line.step === 'Set up job' && line.msg?.includes('Run Set up job')) return { kind: 'job-started', job, at };
  return undefined;
}

function stepEvent(line: Line, job: JobRef, at: number): ActEvent | undefined {
  const { step } = line;
  if (!step) return undefined;
  if (line.raw_output) return { kind: 'output', job, step, text: (line.msg ?? '').replace(/\n$/, ''), at };
  // A post step sets outputs as well, which nobody can read any more.
  if (line.command === 'set-output' && line.stage === 'Main')
    return { kind: 'set-output', job, step, name: line.name ?? '', value: line.arg ?? '', at };
  if (line.command === 'summary') return { kind: 'summary', job, step, markdown: line.content ?? '', at };
  if (line.command === 'error' || line.command === 'warning' || line.command === 'notice')
    return {
      kind: 'annotation',
      job,
      step,
      level: line.command,
      message: line.arg ?? '',
      title: line.kvPairs?.title ?? '',
      at,
    };
  if (line.stage !== 'Main') return undefined;
  if (line.stepResult)
    return {
      kind: 'step-ended',
      job,
      step,
      result: asResult(line.stepResult),
      ms: (line.executionTime ?? 0) / 1e6,
      at,
    };
  if (line.msg?.includes(`Run Main ${step}`)) return { kind: 'step-started', job, step, at };
  return undefined;
}

function asResult(result: string): 'success' | 'failure' | 'skipped' {
  return result === 'success' || result === 'skipped' ? result : 'failure';
}

function parseLine(text: string): Line | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
}
