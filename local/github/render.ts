import type { GitCommit, GitFileChange } from './git.ts';
import type { Call } from './route.ts';
import type { Comment, CommitStatus, Deployment, DeploymentStatus, Issue, Pull, Repository, Run } from './state.ts';

type Json = Record<string, unknown>;
type Where = Pick<Call, 'baseUrl' | 'repository'>;

const nodeId = (kind: string, id: number): string => Buffer.from(`${kind}:${id}`).toString('base64url');
const api = ({ baseUrl, repository }: Where, path: string): string => `${baseUrl}/repos/${repository.slug}${path}`;
const web = ({ baseUrl, repository }: Where, path: string): string => `${baseUrl}/${repository.slug}${path}`;

export function userJson(login: string): Json {
  const bot = login.endsWith('[bot]');
  return {
    login,
    id: idOf(login),
    node_id: nodeId('User', idOf(login)),
    type: bot ? 'Bot' : 'User',
    site_admin: false,
  };
}

/** A stable number for a login, so that the same person has the same id in every run. */
function idOf(login: string): number {
  let hash = 7;
  for (const char of login) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % 100_000_007;
  return hash;
}

export function repositoryJson(where: Where): Json {
  const { repository } = where;
  return {
    id: repository.id,
    node_id: nodeId('Repository', repository.id),
    name: repository.name,
    full_name: repository.slug,
    private: repository.private,
    visibility: repository.private ? 'private' : 'public',
    owner: { ...userJson(repository.owner), id: repository.ownerId, type: 'Organization' },
    html_url: web(where, ''),
    url: api(where, ''),
    default_branch: repository.defaultBranch,
    fork: false,
    archived: false,
    disabled: false,
  };
}

export function deploymentJson(where: Where, deployment: Deployment): Json {
  const url = api(where, `/deployments/${deployment.id}`);
  return {
    url,
    id: deployment.id,
    node_id: nodeId('Deployment', deployment.id),
    sha: deployment.sha,
    ref: deployment.ref,
    task: deployment.task,
    payload: deployment.payload,
    original_environment: deployment.originalEnvironment,
    environment: deployment.environment,
    description: deployment.description,
    creator: userJson(deployment.creator),
    created_at: deployment.createdAt,
    updated_at: deployment.updatedAt,
    statuses_url: `${url}/statuses`,
    repository_url: api(where, ''),
    transient_environment: deployment.transient,
    production_environment: deployment.production,
    performed_via_github_app: null,
  };
}

export function statusJson(where: Where, deployment: Deployment, status: DeploymentStatus): Json {
  const deploymentUrl = api(where, `/deployments/${deployment.id}`);
  return {
    url: `${deploymentUrl}/statuses/${status.id}`,
    id: status.id,
    node_id: nodeId('DeploymentStatus', status.id),
    state: status.state,
    creator: userJson(status.creator),
    description: status.description,
    environment: status.environment,
    target_url: status.logUrl,
    log_url: status.logUrl,
    environment_url: status.environmentUrl,
    created_at: status.createdAt,
    updated_at: status.createdAt,
    deployment_url: deploymentUrl,
    repository_url: api(where, ''),
    performed_via_github_app: null,
  };
}

export function commitJson(where: Where, commit: GitCommit, files?: GitFileChange[]): Json {
  const author = (who: GitCommit['author']): Json => ({ ...who });
  return {
    sha: commit.sha,
    node_id: nodeId('Commit', Number.parseInt(commit.sha.slice(0, 8), 16)),
    url: api(where, `/commits/${commit.sha}`),
    html_url: web(where, `/commit/${commit.sha}`),
    commit: {
      author: author(commit.author),
      committer: author(commit.committer),
      message: commit.message,
      tree: { sha: commit.tree, url: api(where, `/git/trees/${commit.tree}`) },
      url: api(where, `/git/commits/${commit.sha}`),
      comment_count: 0,
    },
    author: userJson(loginOf(commit.author)),
    committer: userJson(loginOf(commit.committer)),
    parents: commit.parents.map((sha) => ({
      sha,
      url: api(where, `/commits/${sha}`),
      html_url: web(where, `/commit/${sha}`),
    })),
    ...(files ? { stats: totals(files), files: files.map((file) => fileJson(file)) } : {}),
  };
}

function loginOf(author: GitCommit['author']): string {
  return (author.email.split('@')[0] || author.name).toLowerCase().replace(/[^a-z0-9-]+/g, '-');
}

function totals(files: GitFileChange[]): Json {
  const additions = files.reduce((sum, file) => sum + file.additions, 0);
  const deletions = files.reduce((sum, file) => sum + file.deletions, 0);
  return { total: additions + deletions, additions, deletions };
}

export function fileJson(file: GitFileChange): Json {
  return {
    sha: /^0+$/.test(file.sha) ? null : file.sha,
    filename: file.filename,
    status: file.status,
    additions: file.additions,
    deletions: file.deletions,
    changes: file.additions + file.deletions,
    ...(file.previous === undefined ? {} : { previous_filename: file.previous }),
  };
}

export function commitStatusJson(where: Where, status: CommitStatus): Json {
  return {
    url: api(where, `/statuses/${status.sha}`),
    id: status.id,
    state: status.state,
    context: status.context,
    description: status.description,
    target_url: status.targetUrl,
    created_at: status.createdAt,
    updated_at: status.createdAt,
  };
}

export function commentJson(where: Where, comment: Comment): Json {
  return {
    url: api(where, `/issues/comments/${comment.id}`),
    html_url: web(where, `/pull/${comment.issue}#issuecomment-${comment.id}`),
    issue_url: api(where, `/issues/${comment.issue}`),
    id: comment.id,
    node_id: nodeId('IssueComment', comment.id),
    body: comment.body,
    user: userJson(comment.author),
    author_association: 'CONTRIBUTOR',
    created_at: comment.createdAt,
    updated_at: comment.updatedAt,
  };
}

export function issueJson(where: Where, issue: Issue): Json {
  return {
    url: api(where, `/issues/${issue.number}`),
    html_url: web(where, `/issues/${issue.number}`),
    comments_url: api(where, `/issues/${issue.number}/comments`),
    id: issue.number,
    node_id: nodeId('Issue', issue.number),
    number: issue.number,
    title: issue.title,
    body: issue.body,
    state: issue.state,
    state_reason: issue.stateReason,
    labels: issue.labels.map((name) => ({ name, id: idOf(name), color: 'ededed', default: false, description: null })),
    user: userJson(issue.author),
    locked: false,
    created_at: issue.createdAt,
    updated_at: issue.updatedAt,
    closed_at: issue.closedAt,
  };
}

export function pullJson(where: Where, pull: Pull, shas: { head: string; base: string }, counts?: Json): Json {
  const side = (ref: string, sha: string): Json => ({
    label: `${where.repository.owner}:${ref}`,
    ref,
    sha,
    repo: repositoryJson(where),
  });
  return {
    url: api(where, `/pulls/${pull.number}`),
    id: pull.number,
    node_id: nodeId('PullRequest', pull.number),
    html_url: web(where, `/pull/${pull.number}`),
    number: pull.number,
    state: pull.state,
    title: pull.title,
    body: pull.body,
    draft: pull.draft,
    user: userJson(pull.author),
    head: side(pull.head, shas.head),
    base: side(pull.base, shas.base),
    created_at: pull.createdAt,
    updated_at: pull.createdAt,
    merged_at: pull.merged ? pull.createdAt : null,
    ...(counts ? { merged: pull.merged, ...counts } : {}),
  };
}

export function runJson(where: Where, run: Run): Json {
  const url = api(where, `/actions/runs/${run.id}`);
  return {
    id: run.id,
    node_id: nodeId('WorkflowRun', run.id),
    name: run.name,
    display_title: run.title,
    path: run.path,
    event: run.event,
    status: run.status,
    conclusion: run.conclusion,
    head_branch: run.headBranch,
    head_sha: run.headSha,
    run_number: run.number,
    run_attempt: run.attempt,
    actor: userJson(run.actor),
    triggering_actor: userJson(run.actor),
    created_at: run.createdAt,
    updated_at: run.updatedAt,
    run_started_at: run.createdAt,
    url,
    html_url: web(where, `/actions/runs/${run.id}`),
    jobs_url: `${url}/jobs`,
    repository: repositoryJson(where),
  };
}

export const repositoryUrl = (where: { baseUrl: string; repository: Repository }): string => web(where, '');
