import { buildSchema, type ExecutionResult, execute, GraphQLError, parse, validate } from 'graphql';
import { repositoryNode } from './graphql-nodes.ts';
import { SCHEMA } from './schema.ts';
import type { GithubState } from './state.ts';
import { authorize, type TokenGrant } from './tokens.ts';

const schema = buildSchema(SCHEMA);

export interface GraphqlAnswer {
  data?: unknown;
  errors?: unknown[];
}

/** GitHub puts a `type` on its errors ("NOT_FOUND", "FORBIDDEN"), which clients branch on. */
export function typed(type: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { githubType: type } });
}

/**
 * Answers one GraphQL request. GitHub answers 200 for these, errors included; unknown fields are refused by name.
 * @param body the request's JSON: `query` and `variables`
 */
export async function answerGraphql(
  state: GithubState,
  grant: TokenGrant,
  body: Record<string, unknown>,
): Promise<GraphqlAnswer> {
  const { query, variables } = body;
  if (typeof query !== 'string')
    return { errors: [{ message: 'A query attribute must be specified and must be a string.' }] };
  let document: ReturnType<typeof parse>;
  try {
    document = parse(query);
  } catch (error) {
    return { errors: [{ message: (error as Error).message, locations: (error as GraphQLError).locations ?? [] }] };
  }
  const refused = validate(schema, document);
  if (refused.length > 0) return { errors: refused.map(render) };
  const result = (await execute({
    schema,
    document,
    rootValue: root(state, grant),
    variableValues: (variables ?? {}) as Record<string, unknown>,
    typeResolver: (value) => (value as { __typename?: string }).__typename,
  })) as ExecutionResult;
  const errors = result.errors?.map(render);
  return { ...(result.data === undefined ? {} : { data: result.data }), ...(errors ? { errors } : {}) };
}

function render(error: GraphQLError): Record<string, unknown> {
  const { githubType } = error.extensions as { githubType?: string };
  return {
    ...(githubType ? { type: githubType } : {}),
    ...(error.path ? { path: error.path } : {}),
    locations: error.locations ?? [],
    message: error.message,
  };
}

function root(state: GithubState, grant: TokenGrant): Record<string, unknown> {
  return {
    viewer: { __typename: 'User', login: grant.login },
    rateLimit: () => ({
      cost: 1,
      limit: 5000,
      nodeCount: 0,
      remaining: 4999,
      used: 1,
      resetAt: new Date(state.clock.now() + 3_600_000).toISOString(),
    }),
    repository({ owner, name }: { owner: string; name: string }) {
      const slug = `${owner}/${name}`;
      const repository = state.repositories.get(slug.toLowerCase());
      const visible = repository && (!grant.repositories || grant.repositories.includes(repository.slug));
      if (!visible) throw typed('NOT_FOUND', `Could not resolve to a Repository with the name '${slug}'.`);
      return repositoryNode(repository, (permission) => {
        try {
          authorize(grant, repository.slug, [[permission, 'read']]);
        } catch {
          throw typed('FORBIDDEN', 'Resource not accessible by integration');
        }
      });
    },
  };
}
