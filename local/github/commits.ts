import { GithubFault, invalidRequest, notFound, validationFailed } from './errors.ts';
import type { GitEntry, GitRef } from './git.ts';
import { commitJson, commitStatusJson, fileJson, repositoryJson } from './render.ts';
import { contextsOf } from './required-contexts.ts';
import { type Call, created, flag, noContent, ok, page, type RouteTable, text } from './route.ts';
import type { CommitStatus } from './state.ts';

/** Figures of the REST reference: "Compare two commits" and "Get a commit". */
const COMPARE_COMMITS = 250;
const FILES = 300;

export const commitRoutes: RouteTable = {
  'GET /repos/:owner/:repo': { needs: [['metadata', 'read']], handle: (call) => ok(repositoryJson(call)) },
  'GET /repos/:owner/:repo/commits/:ref/status': { needs: [['statuses', 'read']], handle: combinedStatus },
  'POST /repos/:owner/:repo/statuses/:sha': { needs: [['statuses', 'write']], handle: createStatus },
  'GET /repos/:owner/:repo/commits/:ref*': { needs: [['contents', 'read']], handle: getCommit },
  'GET /repos/:owner/:repo/compare/:basehead*': { needs: [['contents', 'read']], handle: compare },
  'GET /repos/:owner/:repo/git/ref/:ref*': { needs: [['contents', 'read']], handle: getRef },
  'GET /repos/:owner/:repo/git/matching-refs/:ref*': { needs: [['contents', 'read']], handle: matchingRefs },
  'POST /repos/:owner/:repo/git/refs': { needs: [['contents', 'write']], handle: createRef },
  'PATCH /repos/:owner/:repo/git/refs/:ref*': { needs: [['contents', 'write']], handle: updateRef },
  'DELETE /repos/:owner/:repo/git/refs/:ref*': { needs: [['contents', 'write']], handle: deleteRef },
  'GET /repos/:owner/:repo/contents': { needs: [['contents', 'read']], handle: contents },
  'GET /repos/:owner/:repo/contents/:path*': { needs: [['contents', 'read']], handle: contents },
  'GET /repos/:owner/:repo/branches/:branch*': { needs: [['contents', 'read']], handle: branch },
};

async function resolved(call: Call, ref: string): Promise<string> {
  const sha = await call.repository.git.resolve(ref.replace(/^(heads|tags)\//, 'refs/$1/'));
  if (sha === undefined) throw new GithubFault(422, `No commit found for SHA: ${ref}`);
  return sha;
}

async function getCommit(call: Call) {
  const { git } = call.repository;
  const sha = await resolved(call, call.params.ref ?? '');
  const commit = await git.commit(sha);
  if (!commit) throw notFound();
  if (call.request.headers.accept?.includes('vnd.github.sha')) return { status: 200, body: sha };
  const files = await git.files(commit.parents[0], sha);
  return ok(commitJson(call, commit, files.slice(0, FILES)));
}

/** Source: REST reference, "Compare two commits": 250 commits and 300 files at most, three dots only. */
async function compare(call: Call) {
  const { git } = call.repository;
  const [baseName = '', headName = ''] = (call.params.basehead ?? '').split('...');
  const [base, head] = [await git.resolve(baseName), await git.resolve(headName)];
  if (base === undefined || head === undefined) throw notFound();
  const mergeBase = await git.mergeBase(base, head);
  if (mergeBase === undefined) throw new GithubFault(404, `No common ancestor between ${baseName} and ${headName}.`);
  const ahead = await git.range(base, head, COMPARE_COMMITS);
  const behind = await git.range(head, base, 0);
  const status =
    ahead.total && behind.total ? 'diverged' : ahead.total ? 'ahead' : behind.total ? 'behind' : 'identical';
  const [baseCommit, forkCommit] = [await git.commit(base), await git.commit(mergeBase)];
  if (!baseCommit || !forkCommit) throw notFound();
  const files = await git.files(mergeBase, head);
  return ok({
    url: `${call.baseUrl}${call.request.path}`,
    base_commit: commitJson(call, baseCommit),
    merge_base_commit: commitJson(call, forkCommit),
    status,
    ahead_by: ahead.total,
    behind_by: behind.total,
    total_commits: ahead.total,
    commits: ahead.commits.map((commit) => commitJson(call, commit)),
    files: files.slice(0, FILES).map(fileJson),
  });
}

function refJson(call: Call, { ref, sha, type }: GitRef): Record<string, unknown> {
  const base = `${call.baseUrl}/repos/${call.repository.slug}/git`;
  return {
    ref,
    node_id: Buffer.from(ref).toString('base64url'),
    url: `${base}/${ref}`,
    object: { sha, type, url: `${base}/${type}s/${sha}` },
  };
}

async function getRef(call: Call) {
  const wanted = `refs/${call.params.ref}`;
  const found = (await call.repository.git.refs(wanted)).find((one) => one.ref === wanted);
  if (!found) throw notFound();
  return ok(refJson(call, found));
}

async function matchingRefs(call: Call) {
  const found = await call.repository.git.refs(`refs/${call.params.ref}`);
  return page(call, found, (ref) => refJson(call, ref));
}

async function createRef(call: Call) {
  const [ref, sha] = [text(call, 'ref'), text(call, 'sha')];
  if (ref === undefined || sha === undefined)
    throw invalidRequest(`"${ref === undefined ? 'ref' : 'sha'}" wasn't supplied.`);
  if (!/^refs\/[^/]+\/.+/.test(ref)) throw new GithubFault(422, `Reference name is not valid: ${ref}`);
  const { git } = call.repository;
  if ((await git.refs(ref)).some((one) => one.ref === ref)) throw new GithubFault(422, 'Reference already exists');
  if (!(await git.commit(sha))) throw new GithubFault(422, 'Object does not exist');
  await git.createRef(ref, sha);
  call.changed('ref', { ref, sha });
  return created(refJson(call, { ref, sha, type: 'commit' }));
}

async function updateRef(call: Call) {
  const ref = `refs/${call.params.ref}`;
  const sha = text(call, 'sha');
  if (sha === undefined) throw invalidRequest('"sha" wasn\'t supplied.');
  const { git } = call.repository;
  const old = (await git.refs(ref)).find((one) => one.ref === ref);
  if (!old) throw new GithubFault(422, 'Reference does not exist');
  if (!(await git.commit(sha))) throw new GithubFault(422, 'Object does not exist');
  if (!flag(call, 'force') && !(await git.isAncestor(old.sha, sha))) {
    throw new GithubFault(422, 'Update is not a fast forward');
  }
  await git.updateRef(ref, sha);
  call.changed('ref', { ref, sha });
  return ok(refJson(call, { ref, sha, type: 'commit' }));
}

async function deleteRef(call: Call) {
  const ref = `refs/${call.params.ref}`;
  const { git } = call.repository;
  if (!(await git.refs(ref)).some((one) => one.ref === ref)) throw new GithubFault(422, 'Reference does not exist');
  await git.deleteRef(ref);
  call.changed('ref', { ref, deleted: true });
  return noContent();
}

async function branch(call: Call) {
  const name = call.params.branch ?? '';
  const found = (await call.repository.git.refs(`refs/heads/${name}`)).find((one) => one.ref === `refs/heads/${name}`);
  const commit = found && (await call.repository.git.commit(found.sha));
  if (!commit) throw new GithubFault(404, 'Branch not found');
  return ok({ name, commit: commitJson(call, commit), protected: false });
}

async function contents(call: Call) {
  const { git, defaultBranch } = call.repository;
  const ref = call.request.query.get('ref') ?? defaultBranch;
  const sha = await git.resolve(ref);
  if (sha === undefined) throw new GithubFault(404, `No commit found for the ref ${ref}`);
  const found = await git.entry(sha, call.params.path ?? '');
  if (!found) throw notFound();
  const json = (entry: GitEntry): Record<string, unknown> => ({
    type: { blob: 'file', tree: 'dir', commit: 'submodule' }[entry.type],
    name: entry.name,
    path: entry.path,
    sha: entry.sha,
    size: entry.size,
    url: `${call.baseUrl}/repos/${call.repository.slug}/contents/${entry.path}?ref=${encodeURIComponent(ref)}`,
  });
  if (Array.isArray(found)) return ok(found.map(json));
  const bytes = await git.blob(found.sha);
  if (call.request.headers.accept?.includes('vnd.github.raw')) {
    return { status: 200, headers: { 'content-type': 'application/vnd.github.raw; charset=utf-8' }, body: bytes };
  }
  const content = bytes.toString('base64').replace(/(.{60})/g, '$1\n');
  return ok({ ...json(found), encoding: 'base64', content });
}

async function createStatus(call: Call) {
  const sha = await resolved(call, call.params.sha ?? '');
  const state = text(call, 'state') as CommitStatus['state'] | undefined;
  if (!state || !['error', 'failure', 'pending', 'success'].includes(state)) {
    throw validationFailed({
      resource: 'Status',
      code: 'custom',
      field: 'state',
      message: 'state is not included in the list',
    });
  }
  const status: CommitStatus = {
    id: call.state.nextId(),
    sha,
    context: text(call, 'context') ?? 'default',
    state,
    description: text(call, 'description') ?? null,
    targetUrl: text(call, 'target_url') ?? null,
    createdAt: call.state.stamp(),
  };
  call.repository.commitStatuses.push(status);
  return created(commitStatusJson(call, status));
}

async function combinedStatus(call: Call) {
  const sha = await resolved(call, call.params.ref ?? '');
  const states = [...contextsOf(call, sha).values()];
  const latest = new Map(
    call.repository.commitStatuses.filter((one) => one.sha === sha).map((one) => [one.context, one]),
  );
  const failed = states.some((state) => state === 'failure' || state === 'error');
  const state = failed
    ? 'failure'
    : states.length > 0 && states.every((one) => one === 'success')
      ? 'success'
      : 'pending';
  const statuses = [...latest.values()].map((status) => commitStatusJson(call, status));
  return ok({ sha, state, statuses, total_count: statuses.length, repository: repositoryJson(call) });
}
