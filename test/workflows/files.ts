import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export type Mapping = Record<string, unknown>;

export interface Workflow {
  /** Relative to the repository. */
  path: string;
  text: string;
  content: { on: unknown; permissions?: Mapping; jobs: Record<string, Job> } & Mapping;
}

export interface Job extends Mapping {
  uses?: string;
  if?: string;
  needs?: string | string[];
  with?: Mapping;
  permissions?: Mapping;
  steps?: Step[];
}

export interface Step extends Mapping {
  uses?: string;
  run?: string;
  if?: string;
  with?: Mapping;
}

export const ROOT = join(import.meta.dirname, '../..');

/** Every workflow file of a folder of the repository. */
export function workflows(folder: string): Workflow[] {
  return readdirSync(join(ROOT, folder))
    .filter((file) => file.endsWith('.yml'))
    .sort()
    .map((file) => {
      const path = join(folder, file);
      const text = readFileSync(join(ROOT, path), 'utf8');
      return { path, text, content: parse(text) };
    });
}

export const own = workflows('.github/workflows');
export const callers = [...workflows('workflows'), ...workflows('sample-app/.github/workflows')];

export function jobsOf(list: readonly Workflow[]): { where: string; id: string; job: Job; workflow: Workflow }[] {
  return list.flatMap((workflow) =>
    Object.entries(workflow.content.jobs).map(([id, job]) => ({ where: `${workflow.path}: ${id}`, id, job, workflow })),
  );
}

/** Everything that is used, by a step or by a job, with what it is given. */
export function usesOf(
  list: readonly Workflow[],
): { where: string; uses: string; given: Mapping; workflow: Workflow }[] {
  return jobsOf(list).flatMap(({ where, job, workflow }) =>
    [job, ...(job.steps ?? [])]
      .filter((user) => user.uses !== undefined)
      .map((user) => ({ where, uses: String(user.uses), given: user.with ?? {}, workflow })),
  );
}
