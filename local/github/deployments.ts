import { GithubFault, invalidRequest, notFound, validationFailed } from './errors.ts';
import { deploymentJson, statusJson } from './render.ts';
import { requireContexts } from './required-contexts.ts';
import { type Call, created, flag, idOf, noContent, ok, page, type RouteTable, text } from './route.ts';
import type { Deployment, DeploymentStatus, StatusState } from './state.ts';

const STATES: readonly StatusState[] = ['error', 'failure', 'inactive', 'in_progress', 'queued', 'pending', 'success'];
const DESCRIPTION_MAX = 140;

export const deploymentRoutes: RouteTable = {
  'POST /repos/:owner/:repo/deployments': { needs: [['deployments', 'write']], handle: createDeployment },
  'GET /repos/:owner/:repo/deployments': { needs: [['deployments', 'read']], handle: listDeployments },
  'GET /repos/:owner/:repo/deployments/:deployment_id': {
    needs: [['deployments', 'read']],
    handle: (call) => ok(deploymentJson(call, find(call))),
  },
  'DELETE /repos/:owner/:repo/deployments/:deployment_id': {
    needs: [['deployments', 'write']],
    handle: deleteDeployment,
  },
  'POST /repos/:owner/:repo/deployments/:deployment_id/statuses': {
    needs: [['deployments', 'write']],
    handle: createStatus,
  },
  'GET /repos/:owner/:repo/deployments/:deployment_id/statuses': {
    needs: [['deployments', 'read']],
    handle: (call) => {
      const deployment = find(call);
      return page(call, [...deployment.statuses].reverse(), (status) => statusJson(call, deployment, status));
    },
  },
};

/**
 * Create a deployment. Source: GitHub REST reference, "Create a deployment": defaults, auto-merge (202), failed contexts and
 * merge conflicts (409), validation (422).
 */
async function createDeployment(call: Call) {
  const { repository, state } = call;
  const ref = text(call, 'ref');
  if (ref === undefined) throw invalidRequest('"ref" wasn\'t supplied.');
  const sha = await repository.git.resolve(ref);
  if (sha === undefined) throw new GithubFault(422, `No ref found for: ${ref}`);
  const merged = (flag(call, 'auto_merge') ?? true) ? await autoMerge(call, ref, sha) : undefined;
  if (merged !== undefined) return { status: 202, body: { message: merged } };
  requireContexts(call, ref, sha);
  const environment = text(call, 'environment') ?? 'production';
  const now = state.stamp();
  const deployment: Deployment = {
    id: state.nextId(),
    sha,
    ref,
    task: text(call, 'task') ?? 'deploy',
    payload: payloadOf(call),
    originalEnvironment: environment,
    environment,
    description: text(call, 'description') ?? null,
    transient: flag(call, 'transient_environment') ?? false,
    production: flag(call, 'production_environment') ?? environment === 'production',
    creator: call.actor,
    createdAt: now,
    updatedAt: now,
    statuses: [],
  };
  repository.deployments.push(deployment);
  call.changed('deployment', { id: deployment.id, environment, task: deployment.task, sha });
  return created(deploymentJson(call, deployment));
}

/** The message of a 202, or undefined when there is nothing to merge: only a branch behind the default branch is. */
async function autoMerge(call: Call, ref: string, sha: string): Promise<string | undefined> {
  const { git, defaultBranch } = call.repository;
  if (ref === defaultBranch) return undefined;
  const isBranch = (await git.refs(`refs/heads/${ref}`)).some((found) => found.ref === `refs/heads/${ref}`);
  const tip = await git.resolve(defaultBranch);
  if (!isBranch || tip === undefined || (await git.isAncestor(tip, sha))) return undefined;
  const merged = await git.merge(tip, ref, `Merge branch '${defaultBranch}' into ${ref}`);
  if (merged === undefined) throw new GithubFault(409, `Conflict merging ${defaultBranch} into ${ref}`);
  return `Auto-merged ${defaultBranch} into ${ref} on deployment.`;
}

function payloadOf(call: Call): unknown {
  const { payload } = call.body;
  if (payload === undefined || payload === null) return {};
  if (typeof payload === 'string' || (typeof payload === 'object' && !Array.isArray(payload))) return payload;
  throw invalidRequest(`For 'anyOf/0', ${JSON.stringify(payload)} is not an object.`);
}

function listDeployments(call: Call) {
  const { query } = call.request;
  const wanted = (name: string, value: string): boolean => {
    const asked = query.get(name);
    return asked === null || asked === 'none' || asked === '' || asked === value;
  };
  const found = call.repository.deployments.filter(
    (one) =>
      wanted('sha', one.sha) &&
      wanted('ref', one.ref) &&
      wanted('task', one.task) &&
      wanted('environment', one.environment),
  );
  return page(call, found.reverse(), (deployment) => deploymentJson(call, deployment));
}

function find(call: Call): Deployment {
  const id = idOf(call, 'deployment_id');
  const deployment = call.repository.deployments.find((one) => one.id === id);
  if (!deployment) throw notFound();
  return deployment;
}

/** Source: REST reference, "Delete a deployment": an active one can only go when it is the only one. */
function deleteDeployment(call: Call) {
  const deployment = find(call);
  const last = deployment.statuses.at(-1)?.state;
  const { repository } = call;
  if (last !== 'inactive' && repository.deployments.length > 1) {
    throw new GithubFault(
      422,
      'We cannot delete an active deployment unless it is the only deployment in a given environment.',
    );
  }
  repository.deployments = repository.deployments.filter((one) => one !== deployment);
  call.changed('deployment', { id: deployment.id, deleted: true });
  return noContent();
}

function createStatus(call: Call) {
  const deployment = find(call);
  const state = text(call, 'state') as StatusState | undefined;
  if (state === undefined) throw invalidRequest('"state" wasn\'t supplied.');
  if (!STATES.includes(state))
    throw validationFailed({ resource: 'DeploymentStatus', code: 'invalid', field: 'state' });
  const description = text(call, 'description') ?? '';
  if ([...description].length > DESCRIPTION_MAX) {
    const message = `description is too long (maximum is ${DESCRIPTION_MAX} characters)`;
    throw validationFailed({ resource: 'DeploymentStatus', code: 'custom', field: 'description', message });
  }
  const environment = text(call, 'environment') ?? deployment.statuses.at(-1)?.environment ?? deployment.environment;
  const status = append(call, deployment, {
    state,
    description,
    environment,
    logUrl: text(call, 'log_url') ?? text(call, 'target_url') ?? '',
    environmentUrl: text(call, 'environment_url') ?? '',
  });
  deployment.environment = environment;
  if (state === 'success' && (flag(call, 'auto_inactive') ?? true)) inactivateOthers(call, deployment);
  return created(statusJson(call, deployment, status));
}

/** Prior, non-transient, non-production deployments of the same environment whose state is success become inactive. */
function inactivateOthers(call: Call, current: Deployment): void {
  for (const other of call.repository.deployments) {
    if (other.id >= current.id || other.environment !== current.environment) continue;
    if (other.transient || other.production || other.statuses.at(-1)?.state !== 'success') continue;
    append(call, other, {
      state: 'inactive',
      description: '',
      environment: other.environment,
      logUrl: '',
      environmentUrl: '',
    });
  }
}

type NewStatus = Omit<DeploymentStatus, 'id' | 'createdAt' | 'creator'>;

function append(call: Call, deployment: Deployment, status: NewStatus): DeploymentStatus {
  const added = { ...status, id: call.state.nextId(), createdAt: call.state.stamp(), creator: call.actor };
  deployment.statuses.push(added);
  deployment.updatedAt = added.createdAt;
  const { id, environment, task, sha } = deployment;
  call.changed('deployment_status', {
    id,
    environment,
    task,
    sha,
    state: status.state,
    description: status.description,
  });
  return added;
}
