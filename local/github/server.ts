import { systemClock } from '../../lib/clock.ts';
import type { LocalContext } from '../context.ts';
import { withFaults } from '../http/faults.ts';
import { Routes } from '../http/routes.ts';
import { type HttpReply, type HttpRequest, listen } from '../http/server.ts';
import { actionRoutes, addRun } from './actions.ts';
import { commitRoutes } from './commits.ts';
import { deploymentRoutes } from './deployments.ts';
import { GithubFault, notFound } from './errors.ts';
import { bareRepository } from './git.ts';
import { answerGraphql } from './graphql.ts';
import { pullRoutes } from './pulls.ts';
import { createQuota } from './quota.ts';
import type { Call, GithubRoute } from './route.ts';
import { type GithubSnapshot, snapshotOf } from './snapshot.ts';
import {
  type CommitStatus,
  type Dispatch,
  githubState,
  type Pull,
  type Repository,
  type RepositoryOptions,
  type Run,
} from './state.ts';
import { authorize, type TokenGrant, tokenTable } from './tokens.ts';

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
  const quota = createQuota(clock, deps.hourlyLimit ?? 5_000);
  const routes = new Routes<GithubRoute>();
  for (const table of [commitRoutes, pullRoutes, deploymentRoutes, actionRoutes]) {
    for (const [pattern, route] of Object.entries(table)) routes.add(pattern, route);
  }
  const changed = (kind: string, data: Record<string, unknown>): void =>
    deps.bus?.emit({ kind: `github.${kind}`, text: describe(kind, data), data });
  const need = (slug: string): Repository => {
    const repository = state.repositories.get(slug.toLowerCase());
    if (!repository) throw new Error(`the local GitHub has no repository ${slug}`);
    return repository;
  };

  async function serve(request: HttpRequest): Promise<HttpReply> {
    const path = request.path.replace(/^\/api\/v3(?=\/)/, '').replace(/^\/api\/graphql$/, '/graphql');
    const grant = tokens.authenticate(request.headers.authorization);
    const spent = quota.spend(request.headers.authorization ?? '', path === '/graphql' ? 'graphql' : 'core');
    if (spent.refused) return { ...spent.refused.reply(), headers: spent.headers };
    const reply = path === '/graphql' ? await graphql(request, grant) : await rest(request, path, grant);
    return { ...reply, headers: { ...spent.headers, ...reply.headers } };
  }

  async function graphql(request: HttpRequest, grant: TokenGrant): Promise<HttpReply> {
    if (request.method !== 'POST') throw notFound();
    const body = readJson(request);
    const about = { service: 'github', operation: 'POST /graphql', input: body };
    return withFaults(deps.faults, about, WORDS, async () => ({
      status: 200,
      body: await answerGraphql(state, grant, body),
    }));
  }

  async function rest(request: HttpRequest, path: string, grant: TokenGrant): Promise<HttpReply> {
    const match = routes.find(request.method === 'HEAD' ? 'GET' : request.method, path);
    if (!match) {
      deps.onUnknown?.(`${request.method} ${path}`);
      changed('unknown-route', { method: request.method, path });
      const reply = notFound().reply();
      return { ...reply, headers: { 'x-slipway-unknown-route': `${request.method} ${path}` } };
    }
    const { params, target } = match;
    const body = readJson(request);
    const about = { service: 'github', operation: match.pattern, input: { ...params, ...body } };
    return withFaults(deps.faults, about, WORDS, async () => {
      const repository = state.repositories.get(`${params.owner}/${params.repo}`.toLowerCase());
      if (!repository) throw notFound();
      authorize(grant, repository.slug, target.needs);
      const actor = grant.login;
      const dispatched = (dispatch: Dispatch): void => deps.onDispatch?.(dispatch);
      const call: Call = {
        request,
        params,
        body,
        repository,
        state,
        actor,
        baseUrl: listening.url,
        changed,
        dispatched,
      };
      return target.handle(call);
    }).catch(faultReply);
  }

  const listening = await listen({
    port: deps.port ?? 0,
    handle: (request) => serve(request).catch(faultReply).then(stamp),
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
      const added = { ...pull, number: repository.pulls.length + 1, merged: false, createdAt: state.stamp() };
      repository.pulls.push(added);
      return added;
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
    runs: [],
  };
}

function readJson(request: HttpRequest): Record<string, unknown> {
  if (request.body.length === 0) return {};
  try {
    const value: unknown = JSON.parse(request.body.toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    throw new GithubFault(400, 'Problems parsing JSON');
  }
  throw new GithubFault(400, 'Body should be a JSON object');
}

function faultReply(error: unknown): HttpReply {
  if (error instanceof GithubFault) return error.reply();
  throw error;
}

/** Headers that every answer has. */
function stamp(reply: HttpReply): HttpReply {
  const always = { 'x-github-media-type': 'github.v3; format=json', 'x-github-api-version-selected': '2022-11-28' };
  return { ...reply, headers: { ...always, ...reply.headers } };
}

/** A throttled request is GitHub's secondary limit; source: "Rate limits for the REST API". */
const WORDS = {
  throttle: (): HttpReply =>
    new GithubFault(
      403,
      'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
      undefined,
      { 'retry-after': '1' },
    ).reply(),
  denied: (): HttpReply => new GithubFault(403, 'Resource not accessible by integration').reply(),
  failure: (status: number, _code: string | undefined, message: string | undefined): HttpReply =>
    new GithubFault(status, message ?? (status >= 500 ? 'Server Error' : 'Bad Request')).reply(),
};

function describe(kind: string, data: Record<string, unknown>): string {
  const about = ['task', 'environment', 'state', 'status', 'conclusion', 'name', 'ref', 'path']
    .map((key) => data[key])
    .filter((value) => typeof value === 'string' && value !== '');
  return `${kind.replaceAll('_', ' ')} ${about.join(' · ')}`.trim();
}
