import { parse } from 'yaml';
import { GithubFault, invalidRequest, notFound } from './errors.ts';
import { runJson } from './render.ts';
import { type Call, flag, idOf, noContent, ok, page, type RouteTable, text } from './route.ts';
import type { Run } from './state.ts';
import { workflowDispatchInputs } from './workflow-inputs.ts';

export const actionRoutes: RouteTable = {
  'POST /repos/:owner/:repo/actions/workflows/:workflow_id/dispatches': {
    needs: [['actions', 'write']],
    handle: workflowDispatch,
  },
  'POST /repos/:owner/:repo/dispatches': { needs: [['contents', 'write']], handle: repositoryDispatch },
  'GET /repos/:owner/:repo/actions/runs': { needs: [['actions', 'read']], handle: listRuns },
  'GET /repos/:owner/:repo/actions/workflows/:workflow_id/runs': { needs: [['actions', 'read']], handle: listRuns },
  'GET /repos/:owner/:repo/actions/runs/:run_id': {
    needs: [['actions', 'read']],
    handle: (call) => ok(runJson(call, find(call))),
  },
};

/**
 * Source: REST reference, "Create a workflow dispatch event"; `return_run_details` by the changelog of 2026-02-19. The workflow
 * file at the ref decides which inputs there are.
 */
async function workflowDispatch(call: Call) {
  const { git } = call.repository;
  const ref = text(call, 'ref');
  if (ref === undefined) throw invalidRequest('"ref" wasn\'t supplied.');
  const name = ref.replace(/^refs\/(heads|tags)\//, '');
  const sha = await git.resolve(name);
  if (sha === undefined) throw new GithubFault(422, `No ref found for: ${ref}`);
  const path = `.github/workflows/${call.params.workflow_id}`;
  const file = await git.entry(sha, path);
  if (!file || Array.isArray(file)) throw notFound();
  const workflow = parse((await git.blob(file.sha)).toString('utf8')) as Record<string, unknown>;
  const inputs = workflowDispatchInputs(workflow, call.body.inputs);
  const title = typeof workflow.name === 'string' ? workflow.name : path;
  const run = addRun(call, { name: title, title, path, event: 'workflow_dispatch', headBranch: name, headSha: sha });
  call.dispatched({
    kind: 'workflow_dispatch',
    repository: call.repository.slug,
    runId: run.id,
    ref: name,
    sha,
    workflow: call.params.workflow_id ?? '',
    inputs,
    actor: call.actor,
  });
  if (!flag(call, 'return_run_details')) return noContent();
  const { url, html_url } = runJson(call, run) as { url: string; html_url: string };
  return ok({ workflow_run_id: run.id, run_url: url, html_url });
}

/** Source: REST reference, "Create a repository dispatch event": name of 100 characters, 10 top-level properties, 64 KB. */
async function repositoryDispatch(call: Call) {
  const type = text(call, 'event_type');
  if (type === undefined) throw invalidRequest('"event_type" wasn\'t supplied.');
  if ([...type].length > 100) throw invalidRequest(`Event type is too long (maximum is 100 characters).`);
  const payload = call.body.client_payload ?? {};
  if (typeof payload !== 'object' || Array.isArray(payload)) throw invalidRequest('"client_payload" is not an object.');
  const keys = Object.keys(payload as object).length;
  if (keys > 10) throw invalidRequest(`No more than 10 properties are allowed; ${keys} were supplied.`);
  if (Buffer.byteLength(JSON.stringify(payload)) >= 64 * 1024) throw invalidRequest('client_payload is too large.');
  const branch = call.repository.defaultBranch;
  const sha = (await call.repository.git.resolve(branch)) ?? '';
  const run = addRun(call, {
    name: type,
    title: type,
    path: '',
    event: 'repository_dispatch',
    headBranch: branch,
    headSha: sha,
  });
  call.dispatched({
    kind: 'repository_dispatch',
    repository: call.repository.slug,
    runId: run.id,
    ref: branch,
    sha,
    workflow: '',
    inputs: {},
    eventType: type,
    payload,
    actor: call.actor,
  });
  return noContent();
}

type NewRun = Pick<Run, 'name' | 'title' | 'path' | 'event' | 'headBranch' | 'headSha'>;

/** Registers a run that is waiting to be started. */
export function addRun(call: Pick<Call, 'repository' | 'state' | 'actor' | 'changed'>, run: NewRun): Run {
  const now = call.state.stamp();
  const added: Run = {
    ...run,
    id: call.state.nextId(),
    number: call.repository.runs.length + 1,
    attempt: 1,
    status: 'queued',
    conclusion: null,
    actor: call.actor,
    createdAt: now,
    updatedAt: now,
  };
  call.repository.runs.push(added);
  call.changed('run', { id: added.id, name: added.name, event: added.event, status: added.status });
  return added;
}

function find(call: Call): Run {
  const id = idOf(call, 'run_id');
  const run = call.repository.runs.find((one) => one.id === id);
  if (!run) throw notFound();
  return run;
}

function listRuns(call: Call) {
  const { query } = call.request;
  const wanted = (name: string, value: string): boolean => (query.get(name) ?? value) === value;
  const state = query.get('status');
  const file = call.params.workflow_id;
  const found = call.repository.runs.filter(
    (run) =>
      wanted('branch', run.headBranch) &&
      wanted('event', run.event) &&
      wanted('head_sha', run.headSha) &&
      (state === null || run.status === state || run.conclusion === state) &&
      (file === undefined || run.path.endsWith(`/${file}`)),
  );
  const reply = page(call, found.reverse(), (run) => runJson(call, run));
  return { ...reply, body: { total_count: found.length, workflow_runs: reply.body } };
}
