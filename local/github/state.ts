import type { Clock } from '../../lib/clock.ts';
import type { BareRepository } from './git.ts';

export type StatusState = 'error' | 'failure' | 'inactive' | 'in_progress' | 'queued' | 'pending' | 'success';

export interface DeploymentStatus {
  id: number;
  state: StatusState;
  description: string;
  environment: string;
  logUrl: string;
  environmentUrl: string;
  creator: string;
  createdAt: string;
}

export interface Deployment {
  id: number;
  sha: string;
  ref: string;
  task: string;
  payload: unknown;
  originalEnvironment: string;
  environment: string;
  description: string | null;
  transient: boolean;
  production: boolean;
  creator: string;
  createdAt: string;
  updatedAt: string;
  /** Oldest first. */
  statuses: DeploymentStatus[];
}

export interface CommitStatus {
  id: number;
  sha: string;
  context: string;
  state: 'error' | 'failure' | 'pending' | 'success';
  description: string | null;
  targetUrl: string | null;
  createdAt: string;
}

export interface Comment {
  id: number;
  issue: number;
  body: string;
  author: string;
  createdAt: string;
  updatedAt: string;
}

export interface Issue {
  number: number;
  title: string;
  body: string | null;
  state: 'open' | 'closed';
  stateReason: string | null;
  labels: string[];
  author: string;
  createdAt: string;
  updatedAt: string;
  closedAt: string | null;
}

export interface Pull {
  number: number;
  title: string;
  body: string | null;
  state: 'open' | 'closed';
  draft: boolean;
  author: string;
  head: string;
  base: string;
  merged: boolean;
  /** The commit that brought it to its base; a squash is no ancestor of the head. */
  mergeCommitSha?: string;
  createdAt: string;
}

export interface Run {
  id: number;
  number: number;
  attempt: number;
  name: string;
  title: string;
  path: string;
  event: string;
  headBranch: string;
  headSha: string;
  status: 'queued' | 'in_progress' | 'completed' | 'waiting';
  conclusion: string | null;
  actor: string;
  createdAt: string;
  updatedAt: string;
}

/** A dispatch that somebody asked for: the demo starts the run from it. */
export interface Dispatch {
  kind: 'workflow_dispatch' | 'repository_dispatch';
  repository: string;
  runId: number;
  ref: string;
  sha: string;
  workflow: string;
  inputs: Record<string, string>;
  eventType?: string;
  payload?: unknown;
  actor: string;
}

export interface RepositoryOptions {
  owner: string;
  name: string;
  /** Path of the bare repository that backs commits, refs, contents and comparisons. */
  gitDir: string;
  defaultBranch?: string;
  id?: number;
  ownerId?: number;
  private?: boolean;
}

export interface Repository {
  owner: string;
  name: string;
  slug: string;
  id: number;
  ownerId: number;
  private: boolean;
  defaultBranch: string;
  git: BareRepository;
  deployments: Deployment[];
  commitStatuses: CommitStatus[];
  /** Check runs, as far as a deployment's required contexts look at them: commit -> name -> state. */
  checks: Map<string, Map<string, CommitStatus['state']>>;
  comments: Comment[];
  pulls: Pull[];
  issues: Issue[];
  runs: Run[];
}

export interface GithubState {
  repositories: Map<string, Repository>;
  clock: Pick<Clock, 'now'>;
  nextId(): number;
  /** The time as GitHub prints it: whole seconds, UTC. */
  stamp(): string;
}

const FIRST_ID = 1_000_000;

/** Empty state; identifiers count up from a fixed number, so that a seeded run repeats them. */
export function githubState(clock: Pick<Clock, 'now'>): GithubState {
  let id = FIRST_ID;
  return {
    repositories: new Map(),
    clock,
    nextId: () => {
      id += 1;
      return id;
    },
    stamp: () => new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z'),
  };
}

/** Issues and pull requests are numbered together. */
export function nextNumber({ pulls, issues }: Repository): number {
  return pulls.length + issues.length + 1;
}
