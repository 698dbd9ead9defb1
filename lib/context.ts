import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Problem } from './errors.ts';

/** What the runner tells about the run, read once from its environment and event file. */
export interface GitHubContext {
  repository: { owner: string; name: string; slug: string };
  sha: string;
  ref: string;
  refName: string;
  refType: 'branch' | 'tag' | '';
  eventName: string;
  /** The webhook payload; its shape depends on eventName, so read it with care. */
  event: Record<string, unknown>;
  workflow: string;
  job: string;
  runId: string;
  runAttempt: number;
  runUrl: string;
  actor: string;
  apiUrl: string;
  graphqlUrl: string;
  serverUrl: string;
  workspace: string;
  tempDir: string;
}

/**
 * Reads the default environment variables of a workflow run.
 * Source: GitHub documentation, "Default environment variables".
 * @throws Problem when GITHUB_EVENT_PATH names a file that is not JSON.
 */
export function githubContext(env: NodeJS.ProcessEnv): GitHubContext {
  const slug = env.GITHUB_REPOSITORY ?? '';
  const [owner = '', name = ''] = slug.split('/');
  const serverUrl = env.GITHUB_SERVER_URL || 'https://github.com';
  const apiUrl = env.GITHUB_API_URL || 'https://api.github.com';
  const runId = env.GITHUB_RUN_ID ?? '';
  const refType = env.GITHUB_REF_TYPE;
  return {
    repository: { owner, name, slug },
    sha: env.GITHUB_SHA ?? '',
    ref: env.GITHUB_REF ?? '',
    refName: env.GITHUB_REF_NAME ?? '',
    refType: refType === 'branch' || refType === 'tag' ? refType : '',
    eventName: env.GITHUB_EVENT_NAME ?? '',
    event: readEvent(env.GITHUB_EVENT_PATH),
    workflow: env.GITHUB_WORKFLOW ?? '',
    job: env.GITHUB_JOB ?? '',
    runId,
    runAttempt: Number(env.GITHUB_RUN_ATTEMPT ?? '1') || 1,
    runUrl: slug && runId ? `${serverUrl}/${slug}/actions/runs/${runId}` : '',
    actor: env.GITHUB_ACTOR ?? '',
    apiUrl,
    graphqlUrl: env.GITHUB_GRAPHQL_URL || `${apiUrl}/graphql`,
    serverUrl,
    workspace: env.GITHUB_WORKSPACE || process.cwd(),
    tempDir: env.RUNNER_TEMP || tmpdir(),
  };
}

function readEvent(path: string | undefined): Record<string, unknown> {
  if (!path) return {};
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // A step started by hand often has no event file; every reader of the event copes with an empty one.
    return {};
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw new Error('it holds no JSON object');
  } catch (error) {
    throw new Problem({
      what: 'GITHUB_EVENT_PATH',
      seen: path,
      cause: `the event file is not readable as JSON (${(error as Error).message})`,
      fix: 'Point it at the JSON payload of the event, or unset it',
      kind: 'environment',
      underlying: error,
    });
  }
}
