import { invalidRequest, notFound } from './errors.ts';
import { commentJson, fileJson, pullJson } from './render.ts';
import { type Call, created, idOf, noContent, ok, page, type RouteTable, text } from './route.ts';
import type { Comment, Pull } from './state.ts';

/** Source: REST reference, "List pull requests files": 3,000 files at most, with no sign that there are more. */
const FILES_MAX = 3_000;

export const pullRoutes: RouteTable = {
  'GET /repos/:owner/:repo/pulls': { needs: [['pull-requests', 'read']], handle: list },
  'GET /repos/:owner/:repo/pulls/:number': { needs: [['pull-requests', 'read']], handle: get },
  'GET /repos/:owner/:repo/pulls/:number/files': { needs: [['pull-requests', 'read']], handle: files },
  'GET /repos/:owner/:repo/commits/:sha/pulls': { needs: [['pull-requests', 'read']], handle: ofCommit },
  'GET /repos/:owner/:repo/issues/:number/comments': { needs: either('read'), handle: comments },
  'POST /repos/:owner/:repo/issues/:number/comments': { needs: either('write'), handle: comment },
  'GET /repos/:owner/:repo/issues/comments/:comment_id': {
    needs: either('read'),
    handle: (call) => ok(commentJson(call, findComment(call))),
  },
  'PATCH /repos/:owner/:repo/issues/comments/:comment_id': { needs: either('write'), handle: editComment },
  'DELETE /repos/:owner/:repo/issues/comments/:comment_id': { needs: either('write'), handle: deleteComment },
};

function either(level: 'read' | 'write'): [['issues', 'read' | 'write'], ['pull-requests', 'read' | 'write']] {
  return [
    ['issues', level],
    ['pull-requests', level],
  ];
}

async function shas(call: Call, pull: Pull): Promise<{ head: string; base: string }> {
  const { git } = call.repository;
  return { head: (await git.resolve(pull.head)) ?? '', base: (await git.resolve(pull.base)) ?? '' };
}

function find(call: Call): Pull {
  const number = idOf(call, 'number');
  const pull = call.repository.pulls.find((one) => one.number === number);
  if (!pull) throw notFound();
  return pull;
}

async function list(call: Call) {
  const { query } = call.request;
  const state = query.get('state') ?? 'open';
  const head = query.get('head')?.replace(/^[^:]*:/, '');
  const base = query.get('base');
  const found = call.repository.pulls.filter(
    (pull) =>
      (state === 'all' || pull.state === state) && (!head || pull.head === head) && (!base || pull.base === base),
  );
  const rendered = await Promise.all(found.map(async (pull) => pullJson(call, pull, await shas(call, pull))));
  return page(call, rendered.reverse(), (pull) => pull);
}

async function changed(call: Call, pull: Pull) {
  const { git } = call.repository;
  const { head, base } = await shas(call, pull);
  return git.files(await git.mergeBase(base, head), head);
}

async function get(call: Call) {
  const pull = find(call);
  const ends = await shas(call, pull);
  const files = await changed(call, pull);
  const { total } = await call.repository.git.range(ends.base, ends.head, 0);
  const sum = (key: 'additions' | 'deletions'): number => files.reduce((all, file) => all + file[key], 0);
  const counts = {
    commits: total,
    changed_files: files.length,
    additions: sum('additions'),
    deletions: sum('deletions'),
  };
  return ok(pullJson(call, pull, ends, counts));
}

async function files(call: Call) {
  return page(call, (await changed(call, find(call))).slice(0, FILES_MAX), fileJson);
}

async function ofCommit(call: Call) {
  const { git, pulls } = call.repository;
  const sha = (await git.resolve(call.params.sha ?? '')) ?? '';
  const holding: unknown[] = [];
  for (const pull of pulls) {
    const ends = await shas(call, pull);
    if (sha && ends.head && (await git.isAncestor(sha, ends.head))) holding.push(pullJson(call, pull, ends));
  }
  return page(call, holding, (pull) => pull);
}

/** Comments on issues that nobody opened are refused, as there: only pull requests exist here. */
function comments(call: Call) {
  const { number } = find(call);
  const found = call.repository.comments.filter((one) => one.issue === number);
  return page(call, found, (one) => commentJson(call, one));
}

function bodyOf(call: Call): string {
  const body = text(call, 'body');
  if (body === undefined) throw invalidRequest('"body" wasn\'t supplied.');
  if (body.trim() === '') throw invalidRequest('Body cannot be blank.');
  if (Buffer.byteLength(body) > 65_536 * 4 || [...body].length > 65_536) {
    throw invalidRequest('Body is too long (maximum is 65536 characters)');
  }
  return body;
}

function comment(call: Call) {
  const { number } = find(call);
  const now = call.state.stamp();
  const made: Comment = {
    id: call.state.nextId(),
    issue: number,
    body: bodyOf(call),
    author: call.actor,
    createdAt: now,
    updatedAt: now,
  };
  call.repository.comments.push(made);
  call.changed('comment', { id: made.id, issue: number });
  return created(commentJson(call, made));
}

function findComment(call: Call): Comment {
  const id = idOf(call, 'comment_id');
  const found = call.repository.comments.find((one) => one.id === id);
  if (!found) throw notFound();
  return found;
}

function editComment(call: Call) {
  const found = findComment(call);
  found.body = bodyOf(call);
  found.updatedAt = call.state.stamp();
  call.changed('comment', { id: found.id, issue: found.issue });
  return ok(commentJson(call, found));
}

function deleteComment(call: Call) {
  const found = findComment(call);
  call.repository.comments = call.repository.comments.filter((one) => one !== found);
  call.changed('comment', { id: found.id, issue: found.issue, deleted: true });
  return noContent();
}
