import { notFound } from './errors.ts';
import { fileJson, pullJson } from './render.ts';
import { type Call, idOf, ok, page, type RouteTable } from './route.ts';
import type { Pull } from './state.ts';

/** Source: REST reference, "List pull requests files": 3,000 files at most, with no sign that there are more. */
const FILES_MAX = 3_000;

export const pullRoutes: RouteTable = {
  'GET /repos/:owner/:repo/pulls': { needs: [['pull-requests', 'read']], handle: list },
  'GET /repos/:owner/:repo/pulls/:number': { needs: [['pull-requests', 'read']], handle: get },
  'GET /repos/:owner/:repo/pulls/:number/files': { needs: [['pull-requests', 'read']], handle: files },
  'GET /repos/:owner/:repo/commits/:sha/pulls': { needs: [['pull-requests', 'read']], handle: ofCommit },
};

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
    const merged = pull.mergeCommitSha !== undefined && pull.mergeCommitSha === sha;
    if (merged || (sha && ends.head && (await git.isAncestor(sha, ends.head))))
      holding.push(pullJson(call, pull, ends));
  }
  return page(call, holding, (pull) => pull);
}
