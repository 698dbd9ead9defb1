import { compileCondition, type JobResult } from './conditions.ts';
import type { Job } from './files.ts';

/** How a run of the pipeline may go, up to and including one job. */
export interface Path {
  results: ReadonlyMap<string, JobResult>;
  /** Stage jobs that have something to ship. */
  planned: ReadonlySet<string>;
  /** Before which job somebody cancelled the run; none when nobody did. */
  cancelledBefore: string | undefined;
}

export interface Decision extends Path {
  job: string;
  runs: boolean;
  cancelled: boolean;
}

interface Compiled {
  id: string;
  needs: readonly string[];
  ancestors: readonly string[];
  runs: ReturnType<typeof compileCondition>;
  /** Output of `detect` that holds its matrix. */
  matrix: string | undefined;
}

const ENDS: readonly JobResult[] = ['success', 'failure', 'cancelled'];

/**
 * Walks through every way that a run can go: each stage with something to ship or nothing, each job that runs ending well, badly or
 * cancelled, and somebody cancelling the run before any job or never. Calls back for each decision whether a job runs, until that returns false.
 */
export function walk(jobs: Record<string, Job>, decided: (decision: Decision) => boolean): void {
  const order = compile(jobs);
  let going = true;
  const step = (index: number, path: Path): void => {
    const job = order[index];
    if (!job || !going) return;
    for (const planned of job.matrix ? [true, false] : [true]) {
      const now = { ...path, planned: planned ? new Set([...path.planned, job.id]) : path.planned };
      visit(job, now, index);
      if (now.cancelledBefore === undefined) visit(job, { ...now, cancelledBefore: job.id }, index);
    }
  };
  const visit = (job: Compiled, path: Path, index: number): void => {
    const cancelled = path.cancelledBefore !== undefined;
    // No condition looks at the matrix of a later stage, so what a stage has to ship is chosen only when it is reached.
    const outputs = outputsOf(order, path);
    const needs = Object.fromEntries(
      job.needs.map((id) => [
        id,
        { result: resultOf(path, id), outputs: id === 'detect' && resultOf(path, id) === 'success' ? outputs : {} },
      ]),
    );
    const ancestors = job.ancestors.map((id) => resultOf(path, id));
    const runs = job.runs({ needs, ancestors, cancelled });
    going = going && decided({ ...path, job: job.id, runs, cancelled });
    for (const result of runs ? ENDS : (['skipped'] as const))
      step(index + 1, { ...path, results: new Map([...path.results, [job.id, result]]) });
  };
  step(0, { results: new Map(), planned: new Set(), cancelledBefore: undefined });
}

function resultOf(path: Path, id: string): JobResult {
  const result = path.results.get(id);
  if (!result) throw new Error(`${id} has no result yet: jobs are not in the order of their needs`);
  return result;
}

function outputsOf(order: readonly Compiled[], path: Path): Record<string, string> {
  return Object.fromEntries(
    order.flatMap((job) => (job.matrix ? [[job.matrix, path.planned.has(job.id) ? `["${job.id}"]` : '[]']] : [])),
  );
}

function compile(jobs: Record<string, Job>): Compiled[] {
  const needsOf = (id: string) => [jobs[id]?.needs ?? []].flat();
  const ancestorsOf = (id: string): string[] => [
    ...new Set(needsOf(id).flatMap((need) => [need, ...ancestorsOf(need)])),
  ];
  return Object.entries(jobs).map(([id, job]) => ({
    id,
    needs: needsOf(id),
    ancestors: ancestorsOf(id),
    runs: compileCondition(job.if),
    matrix: /^\$\{\{ needs\.detect\.outputs\.([\w-]+) \}\}$/.exec(String(job.with?.components ?? ''))?.[1],
  }));
}
