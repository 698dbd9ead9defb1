import type { GitHubContext } from '../../lib/context.ts';
import type { Result } from '../../lib/result.ts';

export type StageState =
  | 'waiting'
  | 'running'
  | 'succeeded'
  | 'unchanged'
  | 'failed'
  | 'rolled-back'
  | 'blocked'
  | 'skipped'
  | 'cancelled';

export interface Stage {
  name: string;
  state: StageState;
  detail?: string;
  cause?: string;
  next?: string;
  log?: string[];
  url?: string;
  ms?: number;
}

export type StoryState = 'started' | 'succeeded' | 'failed' | 'cancelled';

/** What a message tells, free of any markup. */
export interface Story {
  title: string;
  environment: string;
  state: StoryState;
  repository: string;
  runUrl: string;
  actor: string;
  commit: { sha: string; message: string; author: string; url: string };
  stages: Stage[];
}

export interface NeedsEntry {
  result: string;
  outputs?: Record<string, string>;
}

const FAILED: ReadonlySet<StageState> = new Set(['failed', 'rolled-back', 'blocked']);

/** The state of the whole run, from its parts: any failure outweighs everything else. */
export function stateOf(stages: readonly Stage[], needs: Readonly<Record<string, NeedsEntry>>): StoryState {
  const jobs = Object.values(needs).map((n) => n.result);
  if (stages.some((s) => FAILED.has(s.state)) || jobs.includes('failure')) return 'failed';
  if (jobs.includes('cancelled')) return 'cancelled';
  if (stages.length === 0 && jobs.length === 0) return 'started';
  return 'succeeded';
}

const BY_OUTCOME: Readonly<Record<string, StageState>> = {
  succeeded: 'succeeded',
  unchanged: 'unchanged',
  'rolled-back': 'rolled-back',
  blocked: 'blocked',
  superseded: 'skipped',
  stopped: 'cancelled',
};

const BY_RESULT: Readonly<Record<string, StageState>> = {
  success: 'succeeded',
  failure: 'failed',
  cancelled: 'cancelled',
  skipped: 'skipped',
};

/**
 * The stages of a run: one for each component that left a result, and one for each job that failed without leaving any
 * (a runner that died, a step before the deployment): a failure that nobody reports would look like success.
 */
export function stagesOf(needs: Readonly<Record<string, NeedsEntry>>, results: readonly Result[]): Stage[] {
  const fromResults = results.map(stageOfResult);
  const explained = fromResults.some((s) => FAILED.has(s.state) || s.state === 'cancelled');
  const fromJobs = Object.entries(needs)
    .filter(([, { result }]) => (result === 'failure' || result === 'cancelled') && !explained)
    .map(
      ([name, { result, outputs }]): Stage => ({
        name,
        state: BY_RESULT[result] ?? 'failed',
        ...(outputs?.cause && { cause: outputs.cause }),
      }),
    );
  return [...fromResults, ...fromJobs];
}

function stageOfResult(result: Result): Stage {
  const { outcome, startedAt, endedAt, digest, revision, log, url } = result;
  const detail = [digest?.slice(0, 19), revision && `built at ${revision.slice(0, 7)}`].filter(Boolean).join(', ');
  return {
    name: result.component,
    state: BY_OUTCOME[outcome.status] ?? 'failed',
    ms: Date.parse(endedAt) - Date.parse(startedAt),
    ...(detail !== '' && { detail }),
    ...(outcome.cause !== '' && { cause: outcome.cause }),
    ...(outcome.next && { next: outcome.next }),
    ...(log?.length && { log }),
    ...(url && { url }),
  };
}

/** The commit of the run, from its event; empty texts where the event has none. */
export function commitOf(context: GitHubContext): Story['commit'] {
  const head = context.event.head_commit as { message?: string; author?: { name?: string } } | null | undefined;
  const { sha, serverUrl, repository } = context;
  return {
    sha,
    message: head?.message?.split('\n')[0] ?? '',
    author: head?.author?.name ?? context.actor,
    url: sha ? `${serverUrl}/${repository.slug}/commit/${sha}` : '',
  };
}
