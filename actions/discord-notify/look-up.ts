import type { GitHubContext } from '../../lib/context.ts';
import { messageOf } from '../../lib/errors.ts';
import type { GitHubClient } from '../../lib/github/client.ts';
import { githubLedger } from '../../lib/ledger/github.ts';
import type { Log } from '../../lib/log.ts';
import { authorsOf, subjectOf } from './commits.ts';
import { type PastRun, streakOfLedger, streakOfRuns } from './history.ts';
import type { Commit, Commits, Streak } from './story.ts';

/** A job of this run as GitHub lists it. */
export interface JobFacts {
  name: string;
  url: string;
  ms: number | undefined;
}

/** What GitHub knows of a run beyond what the runner tells. The message is sent without any of it just as well. */
export interface LookUp {
  /** The commits from the earliest of the bases to the head, or the head alone; undefined when they cannot be had. */
  commits(bases: readonly string[]): Promise<Commits | undefined>;
  /** The failures before this run: of the components in the environment, or of the workflow on its branch. */
  streak(environment: string, components: readonly string[]): Promise<Streak | undefined>;
  /** Needs `actions: read`. */
  jobs(): Promise<JobFacts[]>;
}

export interface LookUpOptions {
  context: GitHubContext;
  token: string;
  /** OWNER/REPO/.github/workflows/FILE@REF, as the runner says it in GITHUB_WORKFLOW_REF. */
  workflowRef: string;
  log: Log;
  /** Ends every request. */
  signal: AbortSignal;
}

/** More commits than this are counted, not listed. */
const LISTED = 50;
/** Bases compared at most: each costs a request. */
const BASES = 4;
const RUNS = 50;

export function gitHubLookUp({ context, token, workflowRef, log, signal }: LookUpOptions): LookUp {
  const { owner, name: repo } = context.repository;
  const request = { signal };
  const client = async () => {
    // Not at the top: it is half a megabyte, and as it loads it reads the event file, and would end with a stack where that is no JSON.
    const { getOctokit } = await import('@actions/github');
    return getOctokit(token, { baseUrl: context.apiUrl });
  };
  const tried = async <T>(what: string, f: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await f();
    } catch (error) {
      log.debug(`${what} could not be looked up: ${messageOf(error)}`);
      return undefined;
    }
  };
  return {
    commits: async (bases) => {
      const found = await Promise.all(
        bases.slice(0, BASES).map((base) =>
          tried('The commits', async () => {
            const basehead = `${base}...${context.sha}`;
            const { rest } = await client();
            const { data } = await rest.repos.compareCommitsWithBasehead({ owner, repo, basehead, request });
            const page = `${context.serverUrl}/${context.repository.slug}/compare/${basehead}`;
            return rangeOf(data, base, page);
          }),
        ),
      );
      const [widest] = found.flatMap((one) => one ?? []).toSorted((a, b) => b.count - a.count);
      if (widest && widest.count > 0) return widest;
      return tried('The commit', async () => {
        const { rest } = await client();
        const { data } = await rest.repos.getCommit({ owner, repo, ref: context.sha, request });
        const head = commitOf(data);
        return { head, base: '', count: 1, list: [head], authors: authorsOf([head]), url: '' };
      });
    },
    streak: async (environment, components) => {
      const recorded =
        environment === '' || components.length === 0
          ? undefined
          : await tried('The ledger', async () => {
              const port = ledgerPort(await client(), context, signal);
              const { entries } = (await githubLedger(port, context).recent?.(environment)) ?? { entries: new Map() };
              return { any: entries.size > 0, streak: streakOfLedger(entries, components, context.runUrl) };
            });
      if (recorded?.any) return recorded.streak;
      const [, file] = /\/\.github\/workflows\/([^@/]+)@/.exec(workflowRef) ?? [];
      if (file === undefined) return undefined;
      return tried('Earlier runs', async () => {
        const { rest } = await client();
        const branch = context.refName;
        const { data } = await rest.actions.listWorkflowRuns({
          owner,
          repo,
          workflow_id: file,
          ...(branch && { branch }),
          status: 'completed',
          per_page: RUNS,
          request,
        });
        return streakOfRuns(data.workflow_runs.map(pastRun), context.runId);
      });
    },
    jobs: async () => {
      const found = await tried('The jobs', async () => {
        const { rest } = await client();
        const run = { owner, repo, run_id: Number(context.runId), attempt_number: context.runAttempt };
        const { data } = await rest.actions.listJobsForWorkflowRunAttempt({ ...run, per_page: 100, request });
        return data.jobs.map(({ name, html_url: url, started_at: start, completed_at: end }) => {
          const ms = end === null ? Number.NaN : Date.parse(end) - Date.parse(start);
          return { name, url: url ?? '', ms: Number.isNaN(ms) ? undefined : ms };
        });
      });
      return found ?? [];
    },
  };
}

type Octokit = ReturnType<typeof import('@actions/github').getOctokit>;

/** As much of the shared client as the ledger reads with: one try, since there is no time for more. */
function ledgerPort(octokit: Octokit, { graphqlUrl }: GitHubContext, signal: AbortSignal): GitHubClient {
  return {
    rest: () => Promise.reject(new Error('the ledger is only read here')),
    graphql: async <T>(query: string, variables: Record<string, unknown> = {}) => {
      const { data } = await octokit.request(`POST ${graphqlUrl}`, { query, variables, request: { signal } });
      const body = data as { data?: T; errors?: { message: string }[] };
      if (body.data === undefined || body.errors?.length) throw new Error(body.errors?.[0]?.message ?? 'no data');
      return body.data;
    },
  };
}

interface ApiCommit {
  sha: string;
  html_url: string;
  commit: { message: string; author: { name?: string } | null };
  author: { login?: string } | null;
}

function commitOf({ sha, html_url, commit, author }: ApiCommit): Commit {
  const name = author?.login || commit.author?.name || '';
  return { sha, subject: subjectOf(commit.message), author: name, url: html_url };
}

interface ApiRange {
  total_commits: number;
  commits: ApiCommit[];
}

function rangeOf({ total_commits: count, commits }: ApiRange, base: string, url: string): Commits | undefined {
  const all = commits.map(commitOf).reverse();
  const [head] = all;
  if (!head) return undefined;
  return { head, base, count, list: all.slice(0, LISTED), authors: authorsOf(all), url };
}

function pastRun(run: { id: number; conclusion: string | null; updated_at: string }): PastRun {
  return { id: String(run.id), conclusion: run.conclusion ?? '', endedAt: run.updated_at };
}
