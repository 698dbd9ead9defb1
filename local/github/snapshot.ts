import type { GithubState, Issue, Run, StatusState } from './state.ts';

export interface LedgerRow {
  id: number;
  environment: string;
  component: string;
  task: string;
  sha: string;
  state: StatusState | 'pending';
  /** A success status is somewhere in the history, which is what the ledger goes by. */
  succeeded: boolean;
  description: string;
  logUrl: string;
  payload: unknown;
  at: string;
}

export interface GithubSnapshot {
  repositories: {
    slug: string;
    defaultBranch: string;
    /** Newest first. */
    deployments: LedgerRow[];
    runs: Run[];
    comments: { issue: number; author: string; body: string }[];
    issues: Issue[];
  }[];
}

const LEDGER_TASK = 'slipway/';

/** What the page shows of GitHub. */
export function snapshotOf(state: GithubState): GithubSnapshot {
  const repositories = [...state.repositories.values()].map((repository) => ({
    slug: repository.slug,
    defaultBranch: repository.defaultBranch,
    deployments: repository.deployments
      .map((one): LedgerRow => {
        const last = one.statuses.at(-1);
        return {
          id: one.id,
          environment: one.environment,
          component: one.task.startsWith(LEDGER_TASK) ? one.task.slice(LEDGER_TASK.length) : '',
          task: one.task,
          sha: one.sha,
          state: last?.state ?? 'pending',
          succeeded: one.statuses.some((status) => status.state === 'success'),
          description: last?.description || one.description || '',
          logUrl: last?.logUrl ?? '',
          payload: one.payload,
          at: last?.createdAt ?? one.createdAt,
        };
      })
      .reverse(),
    runs: [...repository.runs].reverse(),
    comments: repository.comments.map(({ issue, author, body }) => ({ issue, author, body })),
    issues: repository.issues.map((issue) => ({ ...issue })),
  }));
  return { repositories };
}
