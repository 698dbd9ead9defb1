import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Result, readResults } from '../../lib/result.ts';
import { runWorkflow } from '../act/run.ts';
import { ACTOR, BRANCH, SLUG } from './repository.ts';
import { type Stage, Story } from './story.ts';
import type { Surroundings } from './surroundings.ts';

/** Where runs find programs and files. */
export interface Tools {
  act: string;
  root: string;
  tree: string;
  /** Runs keep their workspaces and artifacts below it. */
  folder: string;
  logFile: string;
}

/** Something that happened to the repository, and the workflow that it starts. */
export interface Happening {
  title: string;
  sha: string;
  /** Relative to the clone. */
  workflow: string;
  eventName: string;
  event: Record<string, unknown>;
}

export interface EventRun {
  runId: number;
  exitCode: number;
  story: Story;
  results: Result[];
}

export interface Watcher {
  /** Told of the run once GitHub knows it. */
  onStart?(runId: number, story: Story): void;
  onStageEnd?(stage: Stage): void;
  signal?: AbortSignal;
}

/** Runs the repository's own workflow for an event, as GitHub would on the commit that the clone has checked out. */
export async function runEvent(
  around: Surroundings,
  tools: Tools,
  happening: Happening,
  watcher: Watcher = {},
): Promise<EventRun> {
  const { github } = around.local;
  const { title, sha, workflow: path, eventName: event } = happening;
  const added = github.addRun(SLUG, {
    name: 'pipeline',
    title,
    path,
    event,
    headBranch: BRANCH,
    headSha: sha,
    actor: ACTOR,
  });
  const story = new Story();
  const scratch = join(tools.folder, `run-${added.id}`);
  await mkdir(scratch, { recursive: true });
  github.updateRun(SLUG, added.id, { status: 'in_progress' });
  watcher.onStart?.(added.id, story);
  const exitCode = await runWorkflow({
    ...tools,
    ...happening,
    source: tools.root,
    repository: around.repository.clone,
    slug: SLUG,
    actor: ACTOR,
    runId: added.id,
    remote: around.repository.remote,
    scratch,
    env: around.env,
    secrets: around.secrets,
    ...(watcher.signal && { signal: watcher.signal }),
    onEvent: (event) => {
      const stage = story.take(event);
      if (stage?.endedAt !== undefined) watcher.onStageEnd?.(stage);
    },
  });
  github.updateRun(SLUG, added.id, { status: 'completed', conclusion: exitCode === 0 ? 'success' : 'failure' });
  return { runId: added.id, exitCode, story, results: await resultsOf(join(scratch, 'artifacts', String(added.id))) };
}

/** The plan first, then what each leg left over it, as the workflows read them. */
async function resultsOf(folder: string): Promise<Result[]> {
  const names = await readdir(folder).catch(() => []);
  const isPlan = (name: string) => name.startsWith('slipway-plan-');
  const results = new Map<string, Result>();
  for (const name of [...names.filter(isPlan), ...names.filter((name) => !isPlan(name))])
    for (const [component, result] of await readResults(join(folder, name))) results.set(component, result);
  return [...results.values()];
}
