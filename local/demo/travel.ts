import type { Result } from '../../lib/result.ts';
import type { RunView } from '../page/sources.ts';
import type { Prober, Tally } from './prober.ts';
import type { Push } from './pushes.ts';
import { ACTOR, BRANCH, push as pushCommit } from './repository.ts';
import { type EventRun, runEvent, type Tools } from './run-event.ts';
import { type Stage, type Story, viewOf } from './story.ts';
import type { Surroundings } from './surroundings.ts';
import type { Terminal } from './terminal.ts';

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

export interface TravelPorts {
  tools: Tools;
  terminal: Terminal;
  prober: Prober;
  signal: AbortSignal;
  tellPage(run: RunView): void;
}

const WORKFLOW = '.github/workflows/pipeline.yml';
const REDRAW_MS = 120;
const TELL_MS = 500;

/** Commits the change, pushes it, and runs the repository's own workflow on it as GitHub would. */
export async function travel(push: Push, around: Surroundings, ports: TravelPorts): Promise<Travelled> {
  await push.change(around.repository);
  const pushed = await pushCommit(around.repository, push.subject);
  ports.terminal.heading(push.title, `${pushed.sha.slice(0, 7)} ${push.subject}`);
  const mark = ports.prober.mark();
  const startedAt = Date.now();
  const head = { title: push.title, commit: pushed.sha, branch: BRANCH, actor: ACTOR, startedAt };
  const timers: NodeJS.Timeout[] = [];
  const onStart = (runId: number, story: Story) => {
    const { terminal, prober } = ports;
    const tell = () => ports.tellPage(viewOf(story, { ...head, id: String(runId) }));
    timers.push(setInterval(() => terminal.live(story.stages, Date.now(), prober.tally(mark)), REDRAW_MS));
    timers.push(setInterval(tell, TELL_MS));
  };
  try {
    const happening = {
      title: push.subject,
      workflow: WORKFLOW,
      eventName: 'push',
      sha: pushed.sha,
      event: pushed.event,
    };
    const run = await runEvent(around, ports.tools, happening, {
      onStart,
      onStageEnd: (stage) => ports.terminal.stage(stage),
      signal: ports.signal,
    });
    const endedAt = Date.now();
    ports.tellPage(endOf(run, { ...head, id: String(run.runId), endedAt }));
    return {
      title: push.title,
      sha: pushed.sha,
      files: pushed.files,
      exitCode: run.exitCode,
      startedAt,
      ms: endedAt - startedAt,
      stages: [...run.story.stages],
      reasons: reasonsOf(run.story.output('detect', 'reasons')),
      results: run.results,
      probe: ports.prober.tally(mark),
    };
  } finally {
    for (const timer of timers) clearInterval(timer);
  }
}

function endOf({ story, exitCode, results }: EventRun, head: Omit<RunView, 'stages'>): RunView {
  const cause = results.find(({ outcome }) => outcome.cause !== '')?.outcome.cause ?? '';
  const outcome = exitCode === 0 ? 'succeeded' : 'failed';
  return { ...viewOf(story, head), outcome, ...(exitCode !== 0 && cause !== '' && { cause }) };
}

function reasonsOf(json: string): Record<string, string> {
  if (json === '') return {};
  const reasons = JSON.parse(json) as Record<string, { reason?: string }>;
  return Object.fromEntries(Object.entries(reasons).map(([name, { reason = '' }]) => [name, reason]));
}
