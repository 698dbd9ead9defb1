import { Routes } from '../http/routes.ts';
import type { HttpReply, HttpRequest } from '../http/server.ts';
import type { GithubState, Repository } from './state.ts';

type Show = (repository: Repository, params: Record<string, string>) => Promise<Facts | undefined> | Facts | undefined;

/** What a small page tells: a heading and facts by name. */
interface Facts {
  title: string;
  facts: [string, string][];
  text?: string;
}

const STYLE =
  ':root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:44rem;margin:3rem auto;padding:0 1.2rem}' +
  'dl{display:grid;grid-template-columns:8rem 1fr;gap:.4rem 1rem}dt{opacity:.7}dd{margin:0;overflow-wrap:anywhere}pre{white-space:pre-wrap}';
/** Nothing is loaded; the one style is let in by its place alone. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * The few pages that messages and summaries link to: a run, a workflow, a commit, a range, a pull request, the repository. GitHub's own show far more;
 * these only make sure that a link leads somewhere. Without a token, as a browser comes.
 * @returns undefined for what is no such page
 */
export async function webPage(state: GithubState, request: HttpRequest): Promise<HttpReply | undefined> {
  const match = request.method === 'GET' ? ROUTES.find('GET', request.path) : undefined;
  const { owner = '', repo = '', ...params } = match?.params ?? {};
  const repository = state.repositories.get(`${owner}/${repo}`.toLowerCase());
  const shown = repository && (await match?.target(repository, params));
  if (!repository || !shown) return undefined;
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
  };
  return { status: 200, headers, body: html(repository.slug, shown) };
}

const ROUTES = new Routes<Show>()
  .add('GET /:owner/:repo', ({ slug, defaultBranch, runs }) => ({
    title: slug,
    facts: [
      ['Default branch', defaultBranch],
      ['Runs', String(runs.length)],
    ],
  }))
  .add('GET /:owner/:repo/actions/runs/:id', ({ runs }, { id }) => {
    const run = runs.find((one) => String(one.id) === id);
    if (!run) return undefined;
    return {
      title: run.title,
      facts: [
        ['Run', `${run.id}, attempt ${run.attempt}`],
        ['Workflow', run.path || run.name],
        ['Event', `${run.event} on ${run.headBranch} by ${run.actor}`],
        ['Commit', run.headSha],
        ['State', run.conclusion ?? run.status],
        ['Changed', run.updatedAt],
      ],
    };
  })
  .add('GET /:owner/:repo/actions/workflows/:file', async ({ git, defaultBranch }, { file = '' }) => {
    const sha = await git.resolve(defaultBranch);
    const path = `.github/workflows/${file}`;
    const entry = sha && (await git.entry(sha, path));
    if (!entry || Array.isArray(entry)) return undefined;
    return { title: file, facts: [['Workflow', path]], text: (await git.blob(entry.sha)).toString('utf8') };
  })
  .add('GET /:owner/:repo/compare/:range', async ({ git }, { range = '' }) => {
    const [base = '', head = ''] = range.split('...');
    const [from, to] = [await git.resolve(base), await git.resolve(head)];
    if (from === undefined || to === undefined) return undefined;
    const { total, commits } = await git.range(from, to, 250);
    const text = commits.map(({ sha, message }) => `${sha.slice(0, 7)} ${message.split('\n')[0] ?? ''}`).join('\n');
    return { title: range, facts: [['Commits', String(total)]], text };
  })
  .add('GET /:owner/:repo/commit/:sha', async ({ git }, { sha = '' }) => {
    const id = await git.resolve(sha);
    const commit = id && (await git.commit(id));
    if (!commit) return undefined;
    const files = await git.files(commit.parents[0], commit.sha);
    return {
      title: commit.message.split('\n')[0] ?? '',
      facts: [
        ['Commit', commit.sha],
        ['Author', `${commit.author.name}, ${commit.author.date}`],
      ],
      text: files
        .map(({ status, filename, additions, deletions }) => `${status} ${filename} (+${additions} -${deletions})`)
        .join('\n'),
    };
  })
  .add('GET /:owner/:repo/pull/:number', ({ pulls }, { number }) => {
    const pull = pulls.find((one) => String(one.number) === number);
    if (!pull) return undefined;
    return {
      title: pull.title,
      facts: [['Pull request', `${pull.number}, ${pull.state}: ${pull.head} into ${pull.base}`]],
    };
  });

function html(slug: string, { title, facts, text }: Facts): string {
  const rows = facts.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`).join('');
  const more = text ? `<pre>${escaped(text)}</pre>` : '';
  return (
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">` +
    `<title>${escaped(title)} · ${escaped(slug)}</title><style>${STYLE}</style><body><main><p>${escaped(slug)}</p>` +
    `<h1>${escaped(title)}</h1><dl>${rows}</dl>${more}</main></body></html>`
  );
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
