import { notFound, validationFailed } from './errors.ts';
import { type Call, created, flag, ok, type RouteTable, text } from './route.ts';
import type { Repository } from './state.ts';

interface Release {
  id: number;
  tag: string;
  target: string;
  name: string | null;
  body: string | null;
  draft: boolean;
  prerelease: boolean;
  author: string;
  createdAt: string;
}

const releases = new WeakMap<Repository, Release[]>();

/** Source: REST reference, "Create a release" and "Get a release by tag name". */
export const releaseRoutes: RouteTable = {
  'POST /repos/:owner/:repo/releases': { needs: [['contents', 'write']], handle: create },
  'GET /repos/:owner/:repo/releases/tags/:tag*': { needs: [['contents', 'read']], handle: byTag },
};

async function create(call: Call) {
  const { git, defaultBranch } = call.repository;
  const tag = text(call, 'tag_name') ?? '';
  if (tag === '') throw validationFailed({ resource: 'Release', code: 'missing_field', field: 'tag_name' });
  const all = releases.get(call.repository) ?? [];
  if (all.some((one) => one.tag === tag && !one.draft))
    throw validationFailed({ resource: 'Release', code: 'already_exists', field: 'tag_name' });
  const target = text(call, 'target_commitish') ?? defaultBranch;
  const draft = flag(call, 'draft') ?? false;
  if (!draft && !(await git.refs(`refs/tags/${tag}`)).some(({ ref }) => ref === `refs/tags/${tag}`)) {
    const sha = await git.resolve(target);
    if (sha === undefined) throw validationFailed({ resource: 'Release', code: 'invalid', field: 'target_commitish' });
    await git.createRef(`refs/tags/${tag}`, sha);
  }
  const notes = flag(call, 'generate_release_notes')
    ? `\n\n**Full Changelog**: ${call.repository.slug}/commits/${tag}`
    : '';
  const release: Release = {
    id: call.state.nextId(),
    tag,
    target,
    name: text(call, 'name') ?? null,
    body: `${text(call, 'body') ?? ''}${notes}`,
    draft,
    prerelease: flag(call, 'prerelease') ?? false,
    author: call.actor,
    createdAt: call.state.stamp(),
  };
  releases.set(call.repository, [...all, release]);
  call.changed('release', { tag });
  return created(releaseJson(call, release));
}

function byTag(call: Call) {
  const found = releases.get(call.repository)?.find((one) => one.tag === call.params.tag && !one.draft);
  if (!found) throw notFound();
  return ok(releaseJson(call, found));
}

function releaseJson(call: Call, release: Release): Record<string, unknown> {
  const { slug } = call.repository;
  return {
    id: release.id,
    url: `${call.baseUrl}/repos/${slug}/releases/${release.id}`,
    html_url: `${call.baseUrl}/${slug}/releases/tag/${release.tag}`,
    tag_name: release.tag,
    target_commitish: release.target,
    name: release.name,
    body: release.body,
    draft: release.draft,
    prerelease: release.prerelease,
    author: { login: release.author },
    created_at: release.createdAt,
    published_at: release.draft ? null : release.createdAt,
    assets: [],
  };
}
