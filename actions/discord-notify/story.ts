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

/** One part of a run: a component that ships, or a job. */
export interface Stage {
  name: string;
  state: StageState;
  /** How long it took, in milliseconds. */
  ms?: number;
  /** Digest of the image, whole. */
  digest?: string;
  /** Commit at which the image was built. */
  revision?: string;
  cause?: string;
  next?: string;
  /** The last lines of what failed, free of secrets. */
  log?: string[];
  /** Where it answers. */
  url?: string;
  /** Its own log. */
  logUrl?: string;
}

export type StoryState = 'started' | 'running' | 'succeeded' | 'failed' | 'cancelled';

export interface Commit {
  sha: string;
  /** First line of its message. */
  subject: string;
  author: string;
  url: string;
}

/** What a run brings: the commits after `base`, up to and with the head. */
export interface Commits {
  head: Commit;
  base: string;
  /** How many there are; those in `list`, newest first, may be fewer. */
  count: number;
  list: Commit[];
  /** Everybody who wrote one of them. */
  authors: string[];
  /** Page that shows the range. */
  url: string;
}

/** Runs in a row that failed before this one. */
export interface Streak {
  failures: number;
  /** When the first of them ended, in milliseconds since the epoch. */
  since: number;
}

export interface Link {
  label: string;
  url: string;
}

/** What a message tells, free of any markup. */
export interface Story {
  title: string;
  environment: string;
  state: StoryState;
  repository: string;
  runUrl: string;
  /** Number of the run and attempt for people, or ''. */
  run: string;
  actor: string;
  commits: Commits;
  stages: Stage[];
  streak: Streak | undefined;
  links: Link[];
  /** When it was told and how long the run took until then, in milliseconds. */
  now: number;
  ms: number | undefined;
}

export interface NeedsEntry {
  result: string;
  outputs?: Record<string, string>;
}

export type Needs = Readonly<Record<string, NeedsEntry>>;

const BAD: ReadonlySet<StageState> = new Set(['failed', 'rolled-back', 'blocked']);

export function isBad({ state }: Pick<Stage, 'state'>): boolean {
  return BAD.has(state);
}

/** The state of the whole run, from its parts: any failure outweighs everything else. */
export function stateOf(stages: readonly Stage[], needs: Needs): StoryState {
  const jobs = Object.values(needs).map((n) => n.result);
  if (stages.some(isBad) || jobs.includes('failure')) return 'failed';
  if (stages.some(({ state }) => state === 'cancelled') || jobs.includes('cancelled')) return 'cancelled';
  if (stages.length === 0 && jobs.length === 0) return 'started';
  // Where nothing was done, nothing has succeeded.
  if (stages.length > 0 && stages.every(({ state }) => state === 'skipped')) return 'cancelled';
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

export interface Parts {
  needs: Needs;
  results: readonly Result[];
  /** Names of what the run set out to ship; those without a result have not ended yet. */
  planned: readonly string[];
  /** Whether the run goes on, and which of the planned are at it. */
  underWay: boolean;
  running?: readonly string[];
}

/**
 * The stages of a run: one for each component that is planned or left a result, and one for each job that failed without leaving any
 * (a runner that died, a step before the deployment): a failure that nobody reports would look like success. Without components the
 * jobs are the stages.
 */
export function stagesOf({ needs, results, planned, underWay, running = [] }: Parts): Stage[] {
  const known = new Map(results.map((result) => [result.component, stageOfResult(result)]));
  const open = planned
    .filter((name) => !known.has(name))
    .map((name): Stage => {
      if (!underWay) return { name, ...lost(needs) };
      return { name, state: running.includes(name) ? 'running' : 'waiting' };
    });
  const order = new Map(planned.map((name, place) => [name, place]));
  const place = ({ name }: Stage): number => order.get(name) ?? planned.length;
  const components = [...known.values(), ...open].toSorted((a, b) => place(a) - place(b));
  return [...components, ...jobStages(needs, components)];
}

/** What a component without a result has come to at the end: nobody may take its silence for success. */
function lost(needs: Needs): Pick<Stage, 'state' | 'cause' | 'next'> {
  if (Object.values(needs).some(({ result }) => result === 'cancelled')) return { state: 'cancelled' };
  return {
    state: 'failed',
    cause: 'its job left no result: it did not start, timed out or lost its runner',
    next: 'Read the log of that job and re-run the failed jobs',
  };
}

function jobStages(needs: Needs, components: readonly Stage[]): Stage[] {
  const explained = components.some((s) => isBad(s) || s.state === 'cancelled');
  return Object.entries(needs)
    .filter(([, { result }]) =>
      components.length === 0 ? result in BY_RESULT : (result === 'failure' || result === 'cancelled') && !explained,
    )
    .map(([name, { result, outputs }]) => stageOfJob(name, result, outputs ?? {}));
}

/** What the outputs of our own actions say is taken over where a job passes them on under their names. */
function stageOfJob(name: string, result: string, outputs: Record<string, string>): Stage {
  const { cause, digest, revision, url } = outputs;
  return {
    name,
    state: BY_RESULT[result] ?? 'failed',
    ...(cause && result !== 'success' && { cause }),
    ...(digest && { digest }),
    ...(revision && { revision }),
    ...(url && { url }),
  };
}

function stageOfResult(result: Result): Stage {
  const { outcome, startedAt, endedAt, digest, revision, log, url } = result;
  const ms = Date.parse(endedAt) - Date.parse(startedAt);
  return {
    name: result.component,
    state: BY_OUTCOME[outcome.status] ?? 'failed',
    // A leg that never ran was planned and ended at one moment.
    ...(ms > 0 && { ms }),
    ...(digest && { digest }),
    ...(revision && { revision }),
    ...(outcome.cause !== '' && { cause: outcome.cause }),
    ...(outcome.next && { next: outcome.next }),
    ...(log?.length && { log }),
    ...(url && { url }),
  };
}
