import { systemClock } from '../../lib/clock.ts';
import { withFaults } from '../http/faults.ts';
import { Routes } from '../http/routes.ts';
import type { HttpReply, HttpRequest } from '../http/server.ts';
import { actionRoutes } from './actions.ts';
import { commitRoutes } from './commits.ts';
import { deploymentRoutes } from './deployments.ts';
import { GithubFault, notFound } from './errors.ts';
import { gitDataRoutes } from './git-data.ts';
import { answerGraphql } from './graphql.ts';
import { issueRoutes } from './issues.ts';
import { pullRoutes } from './pulls.ts';
import { createQuota } from './quota.ts';
import { releaseRoutes } from './releases.ts';
import type { Call, GithubRoute } from './route.ts';
import type { GithubDeps } from './server.ts';
import type { Dispatch, GithubState } from './state.ts';
import { authorize, type TokenGrant, type Tokens } from './tokens.ts';
import { webPage } from './web.ts';

export interface ApiParts {
  deps: Pick<GithubDeps, 'clock' | 'faults' | 'hourlyLimit' | 'onDispatch' | 'onUnknown'>;
  state: GithubState;
  tokens: Tokens;
  changed: Call['changed'];
  baseUrl(): string;
}

const HOURLY_LIMIT = 5_000;

/** The HTTP side: who asks, how much is left, which route, what fails on purpose, then the answer. */
export function createApi({
  deps,
  state,
  tokens,
  changed,
  baseUrl,
}: ApiParts): (request: HttpRequest) => Promise<HttpReply> {
  const quota = createQuota(deps.clock ?? systemClock, deps.hourlyLimit ?? HOURLY_LIMIT);
  const routes = routeTable();

  async function serve(request: HttpRequest): Promise<HttpReply> {
    const shown = request.headers.authorization === undefined ? await webPage(state, request) : undefined;
    if (shown) return shown;
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
    const carryOut = async (): Promise<HttpReply> => {
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
        baseUrl: baseUrl(),
        changed,
        dispatched,
      };
      return target.handle(call);
    };
    return withFaults(deps.faults, about, WORDS, () => carryOut().catch(faultReply));
  }

  return (request) => serve(request).catch(faultReply).then(stamp);
}

function routeTable(): Routes<GithubRoute> {
  const routes = new Routes<GithubRoute>();
  // The pull requests come first: the REF of a commit may hold slashes and would take "SHA/pulls" for one.
  for (const table of [
    pullRoutes,
    commitRoutes,
    gitDataRoutes,
    issueRoutes,
    deploymentRoutes,
    actionRoutes,
    releaseRoutes,
  ]) {
    for (const [pattern, route] of Object.entries(table)) routes.add(pattern, route);
  }
  return routes;
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
