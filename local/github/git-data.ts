import { GithubFault, notFound } from './errors.ts';
import { type Call, ok, type RouteTable } from './route.ts';

/** Figure of the REST reference, "Get a tree" with `recursive`: entries in one answer (7 MB of names are the other limit). */
const TREE_ENTRIES = 100_000;

export const gitDataRoutes: RouteTable = {
  'GET /repos/:owner/:repo/git/commits/:sha': { needs: [['contents', 'read']], handle: commit },
  'GET /repos/:owner/:repo/git/trees/:sha': { needs: [['contents', 'read']], handle: tree },
  'GET /repos/:owner/:repo/git/blobs/:sha': { needs: [['contents', 'read']], handle: blob },
};

async function commit(call: Call) {
  const found = await call.repository.git.commit(idOf(call));
  if (!found) throw notFound();
  const { sha, tree: id, author, committer, message, parents } = found;
  return ok({
    sha,
    author,
    committer,
    message,
    tree: { sha: id },
    parents: parents.map((parent) => ({ sha: parent })),
  });
}

async function tree(call: Call) {
  const sha = idOf(call);
  // As GitHub does, any value of `recursive` counts, "0" too.
  const found = await call.repository.git.tree(sha, call.request.query.has('recursive'));
  if (!found) throw notFound();
  const listed = found.slice(0, TREE_ENTRIES);
  return ok({ sha, truncated: found.length > listed.length, tree: listed });
}

async function blob(call: Call) {
  const sha = idOf(call);
  const bytes = await call.repository.git.blob(sha);
  const content = bytes.toString('base64').replace(/(.{60})/g, '$1\n');
  return ok({ sha, size: bytes.length, encoding: 'base64', content });
}

function idOf(call: Call): string {
  const { sha = '' } = call.params;
  if (/^[0-9a-f]{40}$/.test(sha)) return sha;
  throw new GithubFault(422, 'The sha parameter must be exactly 40 characters and contain only [0-9a-f].');
}
