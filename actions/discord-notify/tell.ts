import type { Clock } from '../../lib/clock.ts';
import type { GitHubContext } from '../../lib/context.ts';
import type { Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { type Result, readResults } from '../../lib/result.ts';
import { basesOf, commitsOfEvent } from './commits.ts';
import { failsOnError, stateOfJob, stateOfWord } from './compatibility.ts';
import type { NotifyInputs } from './inputs.ts';
import type { JobFacts, LookUp } from './look-up.ts';
import { type Link, type Needs, type Stage, type Story, type StoryState, stagesOf, stateOf } from './story.ts';
import { postedAt } from './webhook/address.ts';

export interface TellPorts {
  clock: Pick<Clock, 'now'>;
  log: Log;
  context: GitHubContext;
  /** GITHUB_RUN_NUMBER. */
  runNumber: string;
  /** What GitHub knows; undefined without a token. */
  lookUp: LookUp | undefined;
}

/** Nothing that a pipeline does takes so long; a time further back is not that of this run. */
const LONGEST_RUN_MS = 7 * 24 * 3_600_000;

/** Puts together what there is to tell: from the inputs, the results that were left, the event, and what GitHub knows. */
export async function tell(inputs: NotifyInputs, ports: TellPorts): Promise<Story> {
  const { context, log, lookUp } = ports;
  const needs: Needs = inputs.needs ?? {};
  const broken = (problem: Problem): void => {
    if (failsOnError(inputs)) throw problem;
    log.warning(problem.message);
  };
  const results = inputs.results === '' ? [] : [...(await readResults(inputs.results, broken)).values()];
  const given = stateOfWord(inputs.status);
  const underWay = given === 'started' || given === 'running';
  const found = stagesOf({ needs, results, planned: inputs.components, underWay, running: inputs.running });
  const nothing = found.length === 0 && Object.keys(needs).length === 0;
  const own = stateOfJob(inputs['job-status']);
  const state = given ?? (nothing ? own : undefined) ?? withOwn(stateOf(found, needs), own);
  const [commits, streak, jobs] = await Promise.all([
    commitsOf(inputs, ports),
    state === 'succeeded' || state === 'failed' ? lookUp?.streak(inputs.environment, shippedOf(results)) : undefined,
    results.length === 0 && inputs.needs ? lookUp?.jobs() : undefined,
  ]);
  const now = ports.clock.now();
  return {
    title: inputs.job || inputs.title || context.workflow || 'deployment',
    environment: inputs.environment,
    state,
    repository: context.repository.slug,
    runUrl: context.runUrl,
    run: [ports.runNumber, context.runAttempt > 1 ? `(attempt ${context.runAttempt})` : ''].filter(Boolean).join(' '),
    actor: context.actor,
    commits,
    stages: withJobs(found, jobs ?? []),
    streak,
    links: linksOf(inputs.links),
    now,
    // The message and the results of a re-run may be those of an attempt long ago.
    ms: context.runAttempt > 1 ? undefined : took(inputs['message-id'], results, now),
  };
}

/** A job that tells of others and has failed itself fails the run as much as they do. */
function withOwn(state: StoryState, own: StoryState | undefined): StoryState {
  return state === 'succeeded' && own !== undefined ? own : state;
}

async function commitsOf(inputs: NotifyInputs, { context, lookUp }: TellPorts) {
  const told = commitsOfEvent(context);
  const bases = basesOf(inputs.base);
  const known = told.head.subject !== '' && (bases.length === 0 || (bases.length === 1 && bases[0] === told.base));
  return (known ? undefined : await lookUp?.commits(bases)) ?? told;
}

function shippedOf(results: readonly Result[]): string[] {
  return results.map(({ component }) => component);
}

/** How long the run has been going: since its message was posted, or since the first of its parts began. */
function took(ids: readonly string[], results: readonly Result[], now: number): number | undefined {
  const posted = ids.map((id) => postedAt(id.split('/').at(-1) ?? ''));
  const starts = [...posted, ...results.map(({ startedAt }) => Date.parse(startedAt))].filter(
    (time) => time !== undefined && time <= now && time > now - LONGEST_RUN_MS,
  );
  return starts.length === 0 ? undefined : now - Math.min(...(starts as number[]));
}

/** Durations and logs of jobs. GitHub lists them by their names, which are their ids unless the workflow says otherwise. */
function withJobs(stages: readonly Stage[], jobs: readonly JobFacts[]): Stage[] {
  return stages.map((stage) => {
    const own = jobs.filter(({ name }) => name === stage.name || /^ ?[(/]/.test(tail(name, stage.name)));
    const times = own.flatMap(({ ms }) => ms ?? []);
    const [first] = own;
    return {
      ...stage,
      ...(times.length > 0 && stage.ms === undefined && { ms: Math.max(...times) }),
      ...(first && stage.logUrl === undefined && { logUrl: first.url }),
    };
  });
}

const tail = (name: string, start: string): string => (name.startsWith(start) ? name.slice(start.length) : '');

/** Lines of LABEL=URL, or an address alone. Those without an address are left out: an expression may be empty. */
function linksOf(lines: readonly string[]): Link[] {
  return lines.flatMap((line) => {
    const [, label = '', url = ''] = /^(?:([^=]*?)\s*=\s*)?(https?:\/\/\S+)$/.exec(line) ?? [];
    return URL.canParse(url) ? [{ label: label || new URL(url).hostname, url }] : [];
  });
}
