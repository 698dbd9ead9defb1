/** What a run is, as far as its identity token says it. */
export interface RunIdentity {
  /** owner/name */
  repository: string;
  repositoryId?: number;
  ownerId?: number;
  ref?: string;
  sha?: string;
  eventName?: string;
  environment?: string;
  actor?: string;
  runId?: string;
  runNumber?: number;
  runAttempt?: number;
  workflow?: string;
  /** The caller's workflow: owner/name/.github/workflows/deploy.yml@refs/heads/main */
  workflowRef?: string;
  /** The innermost called workflow, which roles are bound to. */
  jobWorkflowRef?: string;
  headRef?: string;
  baseRef?: string;
  visibility?: 'public' | 'private' | 'internal';
  /** `id` (repositories created or renamed since 2026-07-15): repo:OWNER@ID/REPO@ID:…; `name`: repo:OWNER/REPO:… */
  subjectForm?: 'name' | 'id';
  /** Claims that replace or join the computed ones, for tokens that no real run would get. */
  override?: Record<string, unknown>;
}

/**
 * The claims of a job's identity token. Source: GitHub documentation, "OpenID Connect reference" (claims, and the subject's
 * precedence: environment, then pull_request, then ref); subject with ids by the changelog of 2026-04-23.
 */
export function claimsOf(identity: RunIdentity): Record<string, unknown> {
  const { repository, ref = 'refs/heads/main', sha = '0'.repeat(40), eventName = 'push' } = identity;
  const [owner = ''] = repository.split('/');
  const ids = { owner: identity.ownerId ?? 65_001, repository: identity.repositoryId ?? 1_296_269 };
  const workflowRef = identity.workflowRef ?? `${repository}/.github/workflows/pipeline.yml@${ref}`;
  return {
    sub: subject(identity, ids),
    ref,
    sha,
    repository,
    repository_owner: owner,
    repository_owner_id: String(ids.owner),
    repository_id: String(ids.repository),
    repository_visibility: identity.visibility ?? 'private',
    run_id: identity.runId ?? '1',
    run_number: String(identity.runNumber ?? 1),
    run_attempt: String(identity.runAttempt ?? 1),
    actor: identity.actor ?? 'octocat',
    actor_id: '583231',
    workflow: identity.workflow ?? 'pipeline',
    head_ref: identity.headRef ?? '',
    base_ref: identity.baseRef ?? '',
    event_name: eventName,
    ref_type: ref.startsWith('refs/tags/') ? 'tag' : 'branch',
    ref_protected: 'false',
    workflow_ref: workflowRef,
    workflow_sha: sha,
    job_workflow_ref: identity.jobWorkflowRef ?? workflowRef,
    job_workflow_sha: sha,
    runner_environment: 'github-hosted',
    ...(identity.environment ? { environment: identity.environment } : {}),
    ...identity.override,
  };
}

function subject(identity: RunIdentity, ids: { owner: number; repository: number }): string {
  const [owner = '', name = ''] = identity.repository.split('/');
  const repo = identity.subjectForm === 'id' ? `${owner}@${ids.owner}/${name}@${ids.repository}` : identity.repository;
  if (identity.environment) return `repo:${repo}:environment:${identity.environment.replaceAll(':', '%3A')}`;
  if (identity.eventName === 'pull_request') return `repo:${repo}:pull_request`;
  return `repo:${repo}:ref:${identity.ref ?? 'refs/heads/main'}`;
}
