import { Octokit } from '@octokit/core';
import type { Clock } from '../clock.ts';
import { systemClock } from '../clock.ts';
import type { GitHubContext } from '../context.ts';
import { cancelled, messageOf, Problem, type ProblemKind } from '../errors.ts';

export interface GitHubResponse<T> {
  status: number;
  data: T;
}

/** The GitHub API as a port: @octokit/core with time-outs and bounded retries. */
export interface GitHubClient {
  /** One REST call, for instance rest('POST', '/repos/{owner}/{repo}/deployments', {...}). */
  rest<T>(
    method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE',
    route: string,
    parameters?: Record<string, unknown>,
  ): Promise<GitHubResponse<T>>;
  graphql<T>(query: string, variables?: Record<string, unknown>): Promise<T>;
}

export interface GitHubClientOptions {
  context: Pick<GitHubContext, 'apiUrl' | 'graphqlUrl'>;
  token: string;
  signal?: AbortSignal | undefined;
  clock?: Clock;
}

const ATTEMPTS = 4;
const TIMEOUT_MS = 15_000;
/** A rate limit that resets later than this is not worth a job's time. */
const LONGEST_WAIT_MS = 60_000;

interface RequestFailure extends Error {
  status?: number;
  response?: { headers: Record<string, string | undefined>; data?: unknown };
}

/**
 * Why not getOctokit of @actions/github: it carries every REST route, half a megabyte in each bundle, for the handful used here.
 * @throws Problem (from the calls) kinds credentials, denied, not-found, throttled, network, conflict, service, cancelled.
 */
export function github({ context, token, signal, clock = systemClock }: GitHubClientOptions): GitHubClient {
  const octokit = new Octokit({ ...(token && { auth: token }), baseUrl: context.apiUrl, userAgent: 'slipway' });
  const options = () => ({
    request: {
      signal: signal ? AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) : AbortSignal.timeout(TIMEOUT_MS),
    },
  });
  const attempt = async <T>(what: string, safe: boolean, f: () => Promise<T>): Promise<T> => {
    for (let n = 1; ; n++) {
      try {
        return await f();
      } catch (error) {
        if (signal?.aborted) throw cancelled(what);
        const wait = n < ATTEMPTS ? retryDelay(error as RequestFailure, n, safe) : undefined;
        if (wait === undefined) throw explain(error as RequestFailure, what, token !== '');
        await clock.sleep(wait, signal);
      }
    }
  };
  return {
    rest: (method, route, parameters = {}) =>
      attempt(`GitHub ${method} ${route}`, method !== 'POST', async () => {
        const { status, data } = await octokit.request(`${method} ${route}`, { ...parameters, ...options() });
        return { status, data };
      }),
    graphql: <T>(query: string, variables: Record<string, unknown> = {}) =>
      attempt('GitHub GraphQL', true, async () => {
        const { data } = await octokit.request(`POST ${context.graphqlUrl}`, { query, variables, ...options() });
        return graphqlData<T>(data);
      }),
  };
}

function graphqlData<T>(body: { data?: T; errors?: { message: string; type?: string }[] }): T {
  if (body.errors?.length || body.data === undefined) {
    const denied = body.errors?.some((e) => e.type === 'FORBIDDEN' || /not accessible by integration/.test(e.message));
    throw new Problem({
      what: 'GitHub GraphQL',
      cause: body.errors?.map((e) => e.message).join('; ') ?? 'the answer holds no data',
      fix: denied
        ? 'Give the job `permissions: deployments: read`'
        : 'Run it again; if it stays, look at githubstatus.com',
      kind: denied ? 'denied' : 'service',
    });
  }
  return body.data;
}

/** Milliseconds to wait before the next attempt, or undefined when another attempt cannot help. */
function retryDelay(error: RequestFailure, attempt: number, safe: boolean): number | undefined {
  if (error instanceof Problem) return undefined;
  const backoff = Math.random() * 500 * 2 ** attempt;
  const headers = error.response?.headers ?? {};
  if (
    error.status === 429 ||
    (error.status === 403 && (headers['retry-after'] || headers['x-ratelimit-remaining'] === '0'))
  ) {
    const reset = headers['retry-after']
      ? Number(headers['retry-after']) * 1000
      : Number(headers['x-ratelimit-reset'] ?? 0) * 1000 - Date.now();
    return reset <= LONGEST_WAIT_MS ? Math.max(reset, backoff) : undefined;
  }
  // A POST whose answer was lost may have been carried out; only a refused connection surely was not.
  const refused = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN/.test(
    messageOf(error) + messageOf((error.cause as Error | undefined) ?? ''),
  );
  if (isNetwork(error)) return safe || refused ? backoff : undefined;
  if (error.status !== undefined && error.status >= 500)
    return safe || error.status === 502 || error.status === 503 ? backoff : undefined;
  return undefined;
}

// @octokit/request reports a failed fetch as a RequestError of status 500 that has no response.
function isNetwork(error: RequestFailure): boolean {
  return error.response === undefined && (error.status === undefined || error.status === 500);
}

function explain(error: RequestFailure, what: string, hasToken: boolean): Problem {
  if (error instanceof Problem) return error;
  const [kind, fix] = diagnose(error, hasToken);
  return new Problem({
    what,
    cause:
      kind === 'network'
        ? `GitHub could not be reached (${messageOf(error)})`
        : `${error.status && error.response ? `status ${error.status}: ` : ''}${messageOf(error)}`,
    fix,
    kind,
    underlying: error,
  });
}

function diagnose(error: RequestFailure, hasToken: boolean): [ProblemKind, string] {
  if (isNetwork(error)) return ['network', 'Check the runner’s network and GITHUB_API_URL'];
  switch (error.status) {
    case 401:
      return [
        'credentials',
        hasToken
          ? 'The token is not valid (any more): pass `token: ${{ github.token }}`'
          : 'Pass `token: ${{ github.token }}`',
      ];
    case 403:
      return [
        'denied',
        'Give the job the permission the message names (`deployments: write` for the ledger); forks never have it',
      ];
    case 404:
      return ['not-found', 'Check the name, and that the token may see the repository'];
    case 409:
    case 422:
      return ['conflict', 'Correct what the message names'];
    case 429:
      return ['throttled', 'Run it again after the rate limit has reset'];
    default:
      return ['service', 'Run it again; if it stays, look at githubstatus.com'];
  }
}
