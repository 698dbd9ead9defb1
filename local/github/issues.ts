import { invalidRequest, notFound, validationFailed } from './errors.ts';
import { commentJson, issueJson } from './render.ts';
import { type Call, created, idOf, noContent, ok, page, type RouteTable, text } from './route.ts';
import { type Comment, type Issue, nextNumber } from './state.ts';

const ISSUES = '/repos/:owner/:repo/issues';

export const issueRoutes: RouteTable = {
  [`GET ${ISSUES}`]: { needs: either('read'), handle: list },
  [`POST ${ISSUES}`]: { needs: [['issues', 'write']], handle: open },
  [`GET ${ISSUES}/:number`]: { needs: either('read'), handle: (call) => ok(issueJson(call, find(call))) },
  [`PATCH ${ISSUES}/:number`]: { needs: [['issues', 'write']], handle: edit },
  [`GET ${ISSUES}/:number/comments`]: { needs: either('read'), handle: comments },
  [`POST ${ISSUES}/:number/comments`]: { needs: either('write'), handle: comment },
  [`GET ${ISSUES}/comments/:comment_id`]: {
    needs: either('read'),
    handle: (call) => ok(commentJson(call, findComment(call))),
  },
  [`PATCH ${ISSUES}/comments/:comment_id`]: { needs: either('write'), handle: editComment },
  [`DELETE ${ISSUES}/comments/:comment_id`]: { needs: either('write'), handle: deleteComment },
};

function either(level: 'read' | 'write'): [['issues', 'read' | 'write'], ['pull-requests', 'read' | 'write']] {
  return [
    ['issues', level],
    ['pull-requests', level],
  ];
}

function find(call: Call): Issue {
  const number = idOf(call, 'number');
  const issue = call.repository.issues.find((one) => one.number === number);
  if (!issue) throw notFound();
  return issue;
}

function list(call: Call) {
  const { query } = call.request;
  const state = query.get('state') ?? 'open';
  const labels = (query.get('labels') ?? '').split(',').filter(Boolean);
  const creator = query.get('creator');
  const found = call.repository.issues.filter(
    (one) =>
      (state === 'all' || one.state === state) &&
      labels.every((label) => one.labels.some((own) => own.toLowerCase() === label.toLowerCase())) &&
      (!creator || one.author === creator),
  );
  const oldestFirst = query.get('direction') === 'asc';
  return page(call, oldestFirst ? found : found.toReversed(), (one) => issueJson(call, one));
}

function labelsOf(call: Call): string[] | undefined {
  const { labels } = call.body;
  if (labels === undefined) return undefined;
  if (!Array.isArray(labels) || !labels.every((one) => typeof one === 'string'))
    throw invalidRequest("For 'properties/labels', it is not an array of strings.");
  return labels;
}

function open(call: Call) {
  const title = text(call, 'title');
  if (!title) throw validationFailed({ resource: 'Issue', field: 'title', code: 'missing_field' });
  const now = call.state.stamp();
  const issue: Issue = {
    number: nextNumber(call.repository),
    title,
    body: call.body.body === undefined ? null : bodyOf(call),
    state: 'open',
    stateReason: null,
    labels: labelsOf(call) ?? [],
    author: call.actor,
    createdAt: now,
    updatedAt: now,
    closedAt: null,
  };
  call.repository.issues.push(issue);
  call.changed('issue', { number: issue.number, state: issue.state });
  return created(issueJson(call, issue));
}

function edit(call: Call) {
  const issue = find(call);
  const state = text(call, 'state');
  if (state !== undefined && state !== 'open' && state !== 'closed')
    throw validationFailed({ resource: 'Issue', field: 'state', code: 'invalid' });
  const labels = labelsOf(call);
  const title = text(call, 'title');
  if (title !== undefined) issue.title = title;
  if (call.body.body !== undefined) issue.body = bodyOf(call);
  if (labels !== undefined) issue.labels = labels;
  if (state !== undefined) {
    issue.state = state;
    issue.stateReason = text(call, 'state_reason') ?? (state === 'closed' ? 'completed' : 'reopened');
    issue.closedAt = state === 'closed' ? call.state.stamp() : null;
  }
  issue.updatedAt = call.state.stamp();
  call.changed('issue', { number: issue.number, state: issue.state });
  return ok(issueJson(call, issue));
}

/** The number of an issue or a pull request; comments are the same on both. */
function commented(call: Call): number {
  const number = idOf(call, 'number');
  const { issues, pulls } = call.repository;
  if (![...issues, ...pulls].some((one) => one.number === number)) throw notFound();
  return number;
}

function comments(call: Call) {
  const number = commented(call);
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
  const number = commented(call);
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
