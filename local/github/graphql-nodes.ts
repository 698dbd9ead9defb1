import { GraphQLError } from 'graphql';
import type { Deployment, DeploymentStatus, Repository } from './state.ts';
import type { Permission } from './tokens.ts';

export interface ConnectionArguments {
  first?: number | null;
  last?: number | null;
  after?: string | null;
  before?: string | null;
}

interface DeploymentArguments extends ConnectionArguments {
  environments?: string[] | null;
  orderBy?: { direction: 'ASC' | 'DESC' } | null;
}

const PAGE_MAX = 100;

/** @param need throws FORBIDDEN when the token lacks the permission */
export function repositoryNode(
  repository: Repository,
  need: (permission: Permission) => void,
): Record<string, unknown> {
  const node: Record<string, unknown> = {
    id: id('Repository', repository.id),
    databaseId: repository.id,
    name: repository.name,
    nameWithOwner: repository.slug,
    defaultBranchRef: () => refNode(repository, repository.defaultBranch),
    ref: ({ qualifiedName }: { qualifiedName: string }) => refNode(repository, qualifiedName),
    deployments(args: DeploymentArguments) {
      need('deployments');
      const wanted = args.environments;
      const found = repository.deployments.filter((one) => !wanted || wanted.includes(one.environment));
      if ((args.orderBy?.direction ?? 'ASC') === 'DESC') found.reverse();
      return connection('deployments', found, args, (deployment) => deploymentNode(node, repository, deployment));
    },
  };
  return node;
}

function deploymentNode(
  parent: Record<string, unknown>,
  repository: Repository,
  one: Deployment,
): Record<string, unknown> {
  const latest = one.statuses.at(-1);
  const node: Record<string, unknown> = {
    id: id('Deployment', one.id),
    databaseId: one.id,
    commit: () => commitNode(repository, one.sha),
    commitOid: one.sha,
    createdAt: one.createdAt,
    creator: { __typename: 'User', login: one.creator },
    description: one.description,
    environment: one.environment,
    latestEnvironment: one.environment,
    originalEnvironment: one.originalEnvironment,
    latestStatus: () => (latest ? statusNode(node, latest) : null),
    // A JSON document, whatever was given: an object's text, a string's text in quotes.
    payload: JSON.stringify(one.payload),
    ref: () => refNode(repository, one.ref),
    repository: parent,
    state: stateOf(one),
    // Newest first, as the API answers.
    statuses: (args: ConnectionArguments) =>
      connection('statuses', [...one.statuses].reverse(), args, (status) => statusNode(node, status)),
    task: one.task,
    updatedAt: one.updatedAt,
  };
  return node;
}

function statusNode(deployment: Record<string, unknown>, status: DeploymentStatus): Record<string, unknown> {
  return {
    id: id('DeploymentStatus', status.id),
    createdAt: status.createdAt,
    creator: { __typename: 'User', login: status.creator },
    deployment,
    description: status.description,
    environment: status.environment,
    environmentUrl: status.environmentUrl || null,
    logUrl: status.logUrl || null,
    state: status.state.toUpperCase(),
    updatedAt: status.createdAt,
  };
}

/** Source: GraphQL reference, enum DeploymentState; a success is ACTIVE, an inactive transient environment DESTROYED. */
function stateOf(deployment: Deployment): string {
  const state = deployment.statuses.at(-1)?.state;
  if (state === undefined) return 'PENDING';
  if (state === 'success') return 'ACTIVE';
  if (state === 'inactive' && deployment.transient) return 'DESTROYED';
  return state.toUpperCase();
}

async function refNode(repository: Repository, name: string): Promise<unknown> {
  const short = name.replace(/^refs\/(heads|tags)\//, '');
  for (const prefix of ['refs/heads/', 'refs/tags/']) {
    if (name.startsWith('refs/') && !name.startsWith(prefix)) continue;
    const found = (await repository.git.refs(prefix + short)).find((ref) => ref.ref === prefix + short);
    if (found) return { name: short, prefix, target: () => commitNode(repository, found.sha) };
  }
  return null;
}

async function commitNode(repository: Repository, sha: string): Promise<unknown> {
  const commit = await repository.git.commit(sha);
  if (!commit) return null;
  return {
    __typename: 'Commit',
    oid: commit.sha,
    abbreviatedOid: commit.sha.slice(0, 7),
    message: commit.message,
    messageHeadline: commit.message.split('\n')[0],
    committedDate: commit.committer.date,
  };
}

const id = (kind: string, value: number): string => Buffer.from(`${kind}:${value}`).toString('base64url');
const cursor = (index: number): string => Buffer.from(`cursor:${index}`).toString('base64');

function position(value: string): number {
  const [, index] = /^cursor:(\d+)$/.exec(Buffer.from(value, 'base64').toString('utf8')) ?? [];
  if (index === undefined) {
    const message = `\`${value}\` does not appear to be a valid cursor.`;
    throw new GraphQLError(message, { extensions: { githubType: 'INVALID_CURSOR_ARGUMENTS' } });
  }
  return Number(index);
}

/** One page of a connection. Source: GraphQL reference, "Node limit": first or last is needed, 1 to 100. */
function connection<T>(
  name: string,
  items: readonly T[],
  args: ConnectionArguments,
  render: (item: T) => unknown,
): unknown {
  const { first, last } = args;
  const refuse = (githubType: string, message: string): never => {
    throw new GraphQLError(message, { extensions: { githubType } });
  };
  if (first == null && last == null) {
    const message = `You must provide a \`first\` or \`last\` value to properly paginate the \`${name}\` connection.`;
    refuse('MISSING_PAGINATION_BOUNDARIES', message);
  }
  for (const [argument, value] of [['first', first] as const, ['last', last] as const]) {
    if (value == null || (value >= 0 && value <= PAGE_MAX)) continue;
    const over = `Requesting ${value} records on the \`${name}\` connection exceeds the \`${argument}\` limit of ${PAGE_MAX} records.`;
    refuse('EXCESSIVE_PAGINATION', over);
  }
  let start = args.after ? position(args.after) + 1 : 0;
  let end = args.before ? position(args.before) : items.length;
  if (first != null) end = Math.min(end, start + first);
  else if (last != null) start = Math.max(start, end - last);
  const nodes = items.slice(start, end).map(render);
  return {
    nodes,
    edges: nodes.map((node, index) => ({ cursor: cursor(start + index), node })),
    totalCount: items.length,
    pageInfo: {
      hasNextPage: end < items.length,
      hasPreviousPage: start > 0,
      startCursor: nodes.length > 0 ? cursor(start) : null,
      endCursor: nodes.length > 0 ? cursor(start + nodes.length - 1) : null,
    },
  };
}
