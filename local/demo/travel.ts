import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Result, readResults } from '../../lib/result.ts';
import { runWorkflow } from '../act/run.ts';
import type { RunView } from '../page/sources.ts';
import type { Mark, Prober, Tally } from './prober.ts';
import type { Push } from './pushes.ts';
import { ACTOR, BRANCH, push as pushCommit, SLUG } from './repository.ts';
import { type Stage, Story, viewOf } from './story.ts';
import type { Surroundings } from './surroundings.ts';
import type { Terminal } from './terminal.ts';

/** Where the run finds programs and files. */
export interface Tools {
  act: string;
  root: string;
  tree: string;
  folder: string;
  logFile: string;
}

/** What became of one push. */
export interface Travelled {
  title: string;
  sha: string;
  files: string[];
  exitCode: number;
  startedAt: number;
  ms: number;
  stages: Stage[];
  /** Why each component ships or does not, in the words of change detection. */
  reasons: Record<string, string>;
  results: Result[];
  probe: Tally;
}

const WORKFLOW = '.github/workflows/pipeline.yml';
const REDRAW_MS = 120;
const TELL_MS = 500;

/** Commits the change, pushes it, and runs the repository's own workflow on it as GitHub would. */
export async function travel(
  push: Push,
  number: number,
  around: Surroundings,
  ports: { tools: Tools; terminal: Terminal; prober: Prober; signal: AbortSignal; tellPage(run: RunView): void },
): Promise<Travelled> {
  const { local, repository } = around;
  await push.change(repository);
  const pushed = await pushCommit(repository, push.subject);
  ports.terminal.heading(push.title, `${pushed.sha.slice(0, 7)} ${push.subject}`);
  const run = local.github.addRun(SLUG, {
    name: 'pipeline',
    title: push.subject,
    path: WORKFLOW,
    event: 'push',
    headBranch: BRANCH,
    headSha: pushed.sha,
    actor: ACTOR,
  });
  const story = new Story();
  const mark: Mark = ports.prober.mark();
  const startedAt = Date.now();
  const head = { id: String(run.id), title: push.title, commit: pushed.sha, branch: BRANCH, actor: ACTOR, startedAt };
  const redraw = setInterval(() => ports.terminal.live(story.stages, Date.now(), ports.prober.tally(mark)), REDRAW_MS);
  const tell = setInterval(() => ports.tellPage(viewOf(story, head)), TELL_MS);
  try {
    local.github.updateRun(SLUG, run.id, { status: 'in_progress' });
    const scratch = join(ports.tools.folder, `run-${number}`);
    await mkdir(scratch, { recursive: true });
    const exitCode = await runWorkflow({
      ...ports.tools,
      source: ports.tools.root,
      repository: repository.clone,
      workflow: WORKFLOW,
      eventName: 'push',
      event: pushed.event,
      slug: SLUG,
      actor: ACTOR,
      runId: run.id,
      remote: repository.remote,
      scratch,
      env: around.env,
      secrets: around.secrets,
      signal: ports.signal,
      onEvent: (event) => {
        const stage = story.take(event);
        if (stage?.endedAt !== undefined) ports.terminal.stage(stage);
      },
    });
    local.github.updateRun(SLUG, run.id, { status: 'completed', conclusion: exitCode === 0 ? 'success' : 'failure' });
    const ended = { endedAt: Date.now(), outcome: exitCode === 0 ? 'succeeded' : 'failed' };
    const results = await resultsOf(scratch, run.id);
    const cause = results.find(({ outcome }) => outcome.cause !== '')?.outcome.cause ?? '';
    ports.tellPage({ ...viewOf(story, head), ...ended, ...(exitCode !== 0 && cause !== '' && { cause }) });
    return {
      title: push.title,
      sha: pushed.sha,
      files: pushed.files,
      exitCode,
      startedAt,
      ms: ended.endedAt - startedAt,
      stages: [...story.stages],
      reasons: reasonsOf(story.output('detect', 'reasons')),
      results,
      probe: ports.prober.tally(mark),
    };
  } finally {
    clearInterval(redraw);
    clearInterval(tell);
  }
}

/** The plan first, then what each leg left over it, as the workflows read them. */
async function resultsOf(scratch: string, runId: number): Promise<Result[]> {
  const folder = join(scratch, 'artifacts', String(runId));
  const names = await readdir(folder).catch(() => []);
  const results = new Map<string, Result>();
  const plans = names.filter((name) => name.startsWith('slipway-plan-'));
  for (const name of [...plans, ...names.filter((name) => name.startsWith('result-'))])
    for (const [component, result] of await readResults(join(folder, name))) results.set(component, result);
  return [...results.values()];
}

function reasonsOf(json: string): Record<string, string> {
  if (json === '') return {};
  const reasons = JSON.parse(json) as Record<string, { reason?: string }>;
  return Object.fromEntries(Object.entries(reasons).map(([name, { reason = '' }]) => [name, reason]));
}
