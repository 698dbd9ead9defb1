import type { Config } from './config.ts';

export interface Deployment {
  id: number;
  sha: string;
  task: string;
  payload: unknown;
}

export interface GitHub {
  /** An environment's deployments, newest first. */
  deployments(environment: string): Promise<Deployment[]>;
  /** The states that a deployment has had. */
  states(deployment: number): Promise<string[]>;
  /** Starts the pipeline. @returns the run's page where GitHub tells it, else the workflow's page. */
  dispatch(inputs: Record<string, string>): Promise<string>;
}

const TIMEOUT_MS = 10_000;
const PAGE = 100;
const MAX_PAGES = 3;

/** A refusal or failure of GitHub, in words that may be shown in a channel. */
export class GitHubError extends Error {
  status: number | undefined;

  constructor(message: string, options: { status?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.status = options.status;
  }
}

export function github({ apiUrl, token, repository, workflow, ref }: Config['github']): GitHub {
  async function call<T>(
    method: string,
    path: string,
    body?: object,
  ): Promise<{ status: number; data: T | undefined }> {
    if (!repository) throw new GitHubError('GITHUB_REPOSITORY is not set for this bot.');
    const answer = await fetch(`${apiUrl}/repos/${repository}/${path}`, {
      method,
      headers: {
        accept: 'application/vnd.github+json',
        'user-agent': 'sample-bot',
        ...(token ? { authorization: `Bearer ${token}` } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((error: Error) => {
      throw new GitHubError(`GitHub could not be reached (${error.name}).`, { cause: error });
    });
    const text = await answer.text();
    if (!answer.ok)
      throw new GitHubError(explain(answer.status, Boolean(token), repository), { status: answer.status });
    return { status: answer.status, data: text ? (JSON.parse(text) as T) : undefined };
  }

  return {
    async deployments(environment) {
      const all: Deployment[] = [];
      for (let page = 1; page <= MAX_PAGES; page++) {
        const query = new URLSearchParams({ environment, per_page: String(PAGE), page: String(page) });
        const { data = [] } = await call<Deployment[]>('GET', `deployments?${query}`);
        all.push(...data);
        if (data.length < PAGE) break;
      }
      return all;
    },

    async states(deployment) {
      const { data = [] } = await call<{ state: string }[]>(
        'GET',
        `deployments/${deployment}/statuses?per_page=${PAGE}`,
      );
      return data.map((status) => status.state);
    },

    async dispatch(inputs) {
      if (!token) throw new GitHubError('GITHUB_TOKEN is not set for this bot, so it cannot start a workflow.');
      const path = `actions/workflows/${encodeURIComponent(workflow)}/dispatches`;
      const start = (more: object) => call<{ html_url?: string }>('POST', path, { ref, inputs, ...more });
      const { data } = await start({ return_run_details: true }).catch((error: GitHubError) => {
        // Older GitHub servers refuse the field that asks for the run's address.
        if (error.status === 422) return start({});
        throw error;
      });
      const site = apiUrl === 'https://api.github.com' ? 'https://github.com' : new URL(apiUrl).origin;
      return data?.html_url ?? `${site}/${repository}/actions/workflows/${workflow}`;
    },
  };
}

function explain(status: number, hasToken: boolean, repository: string): string {
  const says = `GitHub answered ${status} for ${repository}.`;
  if (status === 401) return `${says} The bot's token is not valid.`;
  if (status === 403 || status === 429) return `${says} The token lacks a right, or a rate limit is reached.`;
  if (status === 404)
    return `${says} ${hasToken ? 'Is the name right, and may the token see it?' : 'A private repository needs a token.'}`;
  if (status === 422) return `${says} The branch, the workflow or one of its inputs does not exist.`;
  return says;
}
