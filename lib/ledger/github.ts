import type { GitHubContext } from '../context.ts';
import { Problem } from '../errors.ts';
import type { GitHubClient } from '../github/client.ts';
import { decodeEntry, encodeEntry, unreadable } from './entry.ts';
import { isComplete, type Ledger, type LedgerEntry, type LedgerHistory, withinDepth } from './ledger.ts';

const TASK_PREFIX = 'slipway/';
const PAGE = 100;
/** How far back the last two successes of each component are looked for. */
const MAX_PAGES = 10;
/** How far back anything at all of a component is looked for. Beyond it nobody may conclude that it was never deployed. */
const LAST_PAGE = 50;
/** Pages of a survey, which must see the end: 10,000 deployments. */
const SURVEY_PAGES = 100;
const DESCRIPTION_LIMIT = 140;

/** The deployment status that stands for an entry; `inactive` is GitHub's word for what is there no more. */
const STATUS = { deployed: 'success', held: 'failure', failed: 'failure', destroyed: 'inactive' } as const;

const QUERY = `query ($owner: String!, $name: String!, $environments: [String!], $first: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    deployments(environments: $environments, first: $first, after: $after, orderBy: { field: CREATED_AT, direction: DESC }) {
      pageInfo { hasNextPage endCursor }
      nodes { task commitOid createdAt payload statuses(first: 20) { nodes { state } } }
    }
  }
}`;

interface DeploymentNode {
  task: string | null;
  commitOid: string;
  createdAt: string;
  payload: string | null;
  statuses: { nodes: { state: string }[] } | null;
}

interface Deployments {
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
  nodes: DeploymentNode[];
}

interface Page {
  repository: { deployments: Deployments } | null;
}

/**
 * The ledger as GitHub Deployments, one per recorded entry: `task: slipway/COMPONENT`, the entry as payload, and a status.
 * An entry counts as deployed when any of its statuses is a success, because later deployments of others may inactivate it.
 */
export function githubLedger(client: GitHubClient, context: Pick<GitHubContext, 'repository'>): Ledger & LedgerHistory {
  const { owner, name } = context.repository;
  const page = async (environment: string | undefined, after: string | null): Promise<Deployments> => {
    const environments = environment === undefined ? null : [environment];
    const variables = { owner, name, environments, first: PAGE, after };
    const { repository } = await client.graphql<Page>(QUERY, variables);
    if (!repository) throw unknownRepository(context.repository.slug);
    return repository.deployments;
  };
  return {
    async read(environment, components) {
      const entries = new Map<string, LedgerEntry[]>();
      const wanted = new Set(components);
      let after: string | null = null;
      for (let n = 1; ; n++) {
        const { nodes, pageInfo } = await page(environment, after);
        for (const entry of entriesOf(nodes, environment)) if (wanted.has(entry.component)) append(entries, entry);
        if (!pageInfo.hasNextPage || isComplete(entries, components)) return entries;
        const open = components.find((name) => !isTold(entries.get(name)));
        if (n >= MAX_PAGES && open === undefined) return entries;
        if (n >= LAST_PAGE) throw tooDeep(environment, open);
        after = pageInfo.endCursor;
      }
    },

    async recent(environment) {
      const { nodes, pageInfo } = await page(environment, null);
      const entries = new Map<string, LedgerEntry[]>();
      for (const entry of entriesOf(nodes, environment)) append(entries, entry);
      return { entries, whole: !pageInfo.hasNextPage };
    },

    async survey(depth) {
      const entries: LedgerEntry[] = [];
      let after: string | null = null;
      for (let count = 0; count < SURVEY_PAGES; count++) {
        const { nodes, pageInfo }: Deployments = await page(undefined, after);
        for (const { task, payload, createdAt } of nodes) {
          // What was recorded halfway may run all the same, so statuses do not matter here.
          if (task?.startsWith(TASK_PREFIX))
            entries.push(decodeEntry(payload) ?? unreadable(`${task} of ${createdAt}`));
        }
        if (!pageInfo.hasNextPage) return withinDepth(entries, depth);
        after = pageInfo.endCursor;
      }
      throw tooLong(context.repository.slug);
    },

    async record(entry) {
      const { data } = await client.rest<{ id?: number; message?: string }>(
        'POST',
        '/repos/{owner}/{repo}/deployments',
        {
          owner,
          repo: name,
          ref: entry.commit,
          task: `${TASK_PREFIX}${entry.component}`,
          environment: entry.environment,
          description: describe(entry),
          payload: encodeEntry(entry),
          // Without these GitHub merges the default branch into the ref, or answers 409 while this run's own check is pending.
          auto_merge: false,
          required_contexts: [],
        },
      );
      if (data.id === undefined) throw notCreated(entry, data.message);
      await client.rest('POST', '/repos/{owner}/{repo}/deployments/{deployment_id}/statuses', {
        owner,
        repo: name,
        deployment_id: data.id,
        state: STATUS[entry.state],
        description: describe(entry),
        ...(entry.runUrl && { log_url: entry.runUrl }),
        auto_inactive: false,
      });
    },
  };
}

function entriesOf(nodes: readonly DeploymentNode[], environment: string): LedgerEntry[] {
  return nodes.flatMap((node) => entryOf(node, environment) ?? []);
}

function entryOf(node: DeploymentNode, environment: string): LedgerEntry | undefined {
  if (!node.task?.startsWith(TASK_PREFIX)) return undefined;
  const entry = decodeEntry(node.payload);
  if (!entry || entry.component !== node.task.slice(TASK_PREFIX.length) || entry.environment !== environment)
    return undefined;
  if (entry.state !== 'deployed') return entry;
  // The deployment is created before its status: without a success status the recording was cut short and proves nothing.
  const succeeded = node.statuses?.nodes.some((s) => s.state === 'SUCCESS') ?? false;
  return succeeded ? { ...entry, commit: node.commitOid } : undefined;
}

/** Whether entries say what serves: what is older changes nothing about that. */
function isTold(entries: readonly LedgerEntry[] | undefined): boolean {
  return entries?.some(({ state }) => state === 'deployed' || state === 'destroyed') ?? false;
}

function append(entries: Map<string, LedgerEntry[]>, entry: LedgerEntry): void {
  const list = entries.get(entry.component);
  if (list) list.push(entry);
  else entries.set(entry.component, [entry]);
}

function describe(entry: LedgerEntry): string {
  const text = `${entry.component} ${entry.state}${entry.cause ? `: ${entry.cause}` : ''}`;
  return text.length > DESCRIPTION_LIMIT ? `${text.slice(0, DESCRIPTION_LIMIT - 1)}…` : text;
}

function unknownRepository(slug: string): Problem {
  return new Problem({
    what: 'ledger (GitHub Deployments)',
    seen: slug,
    cause: 'GitHub knows no such repository, or the token may not see it',
    fix: 'Give the job `permissions: deployments: read` and pass `token: ${{ github.token }}`',
    kind: 'not-found',
  });
}

function tooLong(slug: string): Problem {
  return new Problem({
    what: 'ledger (GitHub Deployments)',
    seen: slug,
    cause: `it has more than ${SURVEY_PAGES * PAGE} deployments, and the older ones were not read`,
    fix: 'Delete old deployments of environments that are gone',
    kind: 'service',
  });
}

function tooDeep(environment: string, component: string | undefined): Problem {
  return new Problem({
    what: 'ledger (GitHub Deployments)',
    seen: environment,
    cause: `none of its newest ${PAGE * LAST_PAGE} deployments tells what serves of ${component}, and there are older ones`,
    fix: `Deploy ${component} once with \`force\`, which puts it on record again, or delete old deployments of this environment`,
    kind: 'service',
  });
}

function notCreated(entry: LedgerEntry, message: string | undefined): Problem {
  return new Problem({
    what: `ledger entry of ${entry.component} in ${entry.environment}`,
    cause: `GitHub created no deployment (${message ?? 'no reason given'})`,
    fix: 'Run the step again; what was deployed is not touched by that',
    kind: 'service',
  });
}
