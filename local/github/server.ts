import { systemClock } from '../../lib/clock.ts';
import type { LocalContext } from '../context.ts';
import { listen } from '../http/server.ts';
import { addRun } from './actions.ts';
import { createApi } from './api.ts';
import { bareRepository } from './git.ts';
import { type GithubSnapshot, snapshotOf } from './snapshot.ts';
import {
  type CommitStatus,
  type Dispatch,
  githubState,
  nextNumber,
  type Pull,
  type Repository,
  type RepositoryOptions,
  type Run,
} from './state.ts';
import { type TokenGrant, tokenTable } from './tokens.ts';

export interface GithubDeps extends Partial<Pick<LocalContext, 'bus' | 'faults' | 'clock'>> {
  repositories?: readonly RepositoryOptions[];
  /** token -> what it may do. Any other token is answered with 401. */
  tokens?: Record<string, TokenGrant>;
  /** Called for each accepted dispatch; the run it names can be moved on with `updateRun`. */
  onDispatch?(dispatch: Dispatch): void;
  /** Told of each request that no route serves: "GET /user". */
  onUnknown?(request: string): void;
  /** Requests an hour per token; GitHub's is 1,000 per repository for GITHUB_TOKEN, 5,000 for users. */
  hourlyLimit?: number;
  port?: number;
}

export interface Github {
  /** The API's base, for GITHUB_API_URL. */
  url: string;
  graphqlUrl: string;
  addRepository(options: RepositoryOptions): void;
  allowToken(token: string, grant: TokenGrant): void;
  addPull(slug: string, pull: Omit<Pull, 'number' | 'createdAt' | 'merged'>): Pull;
  /** Merges a pull request that something else has merged in git. */
  mergePull(slug: string, number: number, mergeCommitSha: string): void;
  /** A check run of a commit, as a deployment's required contexts see it. */
  setCheck(slug: string, sha: string, name: string, state: CommitStatus['state']): void;
  /** Registers a run that was not dispatched through the API (a push). */
  addRun(slug: string, run: Parameters<typeof addRun>[1] & { actor?: string }): Run;
  updateRun(slug: string, id: number, change: Partial<Pick<Run, 'status' | 'conclusion' | 'title'>>): void;
  snapshot(): GithubSnapshot;
  close(): Promise<void>;
}

/** GitHub's API as far as the suite and the bot call it, over bare repositories. What it does not know is refused by name. */
export async function createGithub(deps: GithubDeps = {}): Promise<Github> {
  const clock = deps.clock ?? systemClock;
  const state = githubState(clock);
  const tokens = tokenTable(deps.tokens);
  const changed = (kind: string, data: Record<string, unknown>): void =>
    deps.bus?.emit({ kind: `github.${kind}`, text: describe(kind, data), data });
  const need = (slug: string): Repository => {
    const repository = state.repositories.get(slug.toLowerCase());
    if (!repository) throw new Error(`the local GitHub has no repository ${slug}`);
    return repository;
  };

  const serve = createApi({ deps, state, tokens, changed, baseUrl: () => listening.url });
  const listening = await listen({
    port: deps.port ?? 0,
    handle: serve,
  });
  const github: Github = {
    url: listening.url,
    graphqlUrl: `${listening.url}/graphql`,
    addRepository: (options) => {
      const repository = repositoryOf(options, state.nextId);
      state.repositories.set(repository.slug.toLowerCase(), repository);
    },
    allowToken: tokens.allow,
    addPull(slug, pull) {
      const repository = need(slug);
      const added = { ...pull, number: nextNumber(repository), merged: false, createdAt: state.stamp() };
      repository.pulls.push(added);
      return added;
    },
    mergePull(slug, number, mergeCommitSha) {
      const pull = need(slug).pulls.find((one) => one.number === number);
      if (!pull) throw new Error(`the local GitHub has no pull request ${number} in ${slug}`);
      Object.assign(pull, { merged: true, state: 'closed', mergeCommitSha });
      changed('pull', { number, state: 'closed' });
    },
    setCheck(slug, sha, name, check) {
      const { checks } = need(slug);
      checks.set(sha, (checks.get(sha) ?? new Map()).set(name, check));
    },
    addRun: (slug, { actor = 'octocat', ...run }) => addRun({ repository: need(slug), state, actor, changed }, run),
    updateRun(slug, id, change) {
      const run = need(slug).runs.find((one) => one.id === id);
      if (!run) throw new Error(`the local GitHub has no run ${id} in ${slug}`);
      Object.assign(run, change, { updatedAt: state.stamp() });
      changed('run', { id, name: run.name, event: run.event, status: run.status, conclusion: run.conclusion });
    },
    snapshot: () => snapshotOf(state),
    close: listening.close,
  };
  for (const options of deps.repositories ?? []) github.addRepository(options);
  return github;
}

function repositoryOf(options: RepositoryOptions, nextId: () => number): Repository {
  return {
    owner: options.owner,
    name: options.name,
    slug: `${options.owner}/${options.name}`,
    id: options.id ?? nextId(),
    ownerId: options.ownerId ?? nextId(),
    private: options.private ?? false,
    defaultBranch: options.defaultBranch ?? 'main',
    git: bareRepository(options.gitDir),
    deployments: [],
    commitStatuses: [],
    checks: new Map(),
    comments: [],
    pulls: [],
    issues: [],
    runs: [],
  };
}

function describe(kind: string, data: Record<string, unknown>): string {
  const about = ['task', 'environment', 'state', 'status', 'conclusion', 'name', 'ref', 'path']
    .map((key) => data[key])
    .filter((value) => typeof value === 'string' && value !== '');
  return `${kind.replaceAll('_', ' ')} ${about.join(' · ')}`.trim();
}
