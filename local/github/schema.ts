/**
 * The part of GitHub's GraphQL schema that the ledger reads, in GitHub's own names and nullability.
 * Source: GitHub GraphQL reference, objects Repository, Deployment, DeploymentStatus. What is not here is refused.
 */
export const SCHEMA = /* GraphQL */ `
  scalar DateTime
  scalar GitObjectID
  scalar URI

  type Query {
    repository(owner: String!, name: String!, followRenames: Boolean = true): Repository
    viewer: User!
    rateLimit(dryRun: Boolean = false): RateLimit
  }

  type RateLimit { cost: Int! limit: Int! nodeCount: Int! remaining: Int! used: Int! resetAt: DateTime! }

  interface Actor { login: String! }
  type User implements Actor { login: String! }

  type Repository {
    id: ID!
    databaseId: Int
    name: String!
    nameWithOwner: String!
    defaultBranchRef: Ref
    deployments(
      after: String
      before: String
      environments: [String!]
      first: Int
      last: Int
      orderBy: DeploymentOrder = { field: CREATED_AT, direction: ASC }
    ): DeploymentConnection!
    ref(qualifiedName: String!): Ref
  }

  type Ref { name: String! prefix: String! target: GitObject }
  interface GitObject { oid: GitObjectID! abbreviatedOid: String! }
  type Commit implements GitObject {
    oid: GitObjectID!
    abbreviatedOid: String!
    message: String!
    messageHeadline: String!
    committedDate: DateTime!
  }

  enum DeploymentOrderField { CREATED_AT }
  enum OrderDirection { ASC DESC }
  input DeploymentOrder { field: DeploymentOrderField! direction: OrderDirection! }

  type PageInfo { endCursor: String hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String }
  type DeploymentConnection { edges: [DeploymentEdge] nodes: [Deployment] pageInfo: PageInfo! totalCount: Int! }
  type DeploymentEdge { cursor: String! node: Deployment }

  enum DeploymentState {
    ABANDONED ACTIVE DESTROYED ERROR FAILURE INACTIVE IN_PROGRESS PENDING QUEUED SUCCESS WAITING
  }

  type Deployment {
    id: ID!
    databaseId: Int
    commit: Commit
    commitOid: String!
    createdAt: DateTime!
    creator: Actor!
    description: String
    environment: String
    latestEnvironment: String
    latestStatus: DeploymentStatus
    originalEnvironment: String
    payload: String
    ref: Ref
    repository: Repository!
    state: DeploymentState
    statuses(after: String, before: String, first: Int, last: Int): DeploymentStatusConnection
    task: String
    updatedAt: DateTime!
  }

  type DeploymentStatusConnection { edges: [DeploymentStatusEdge] nodes: [DeploymentStatus] pageInfo: PageInfo! totalCount: Int! }
  type DeploymentStatusEdge { cursor: String! node: DeploymentStatus }

  enum DeploymentStatusState { ERROR FAILURE INACTIVE IN_PROGRESS PENDING QUEUED SUCCESS WAITING }

  type DeploymentStatus {
    id: ID!
    createdAt: DateTime!
    creator: Actor!
    deployment: Deployment!
    description: String
    environment: String
    environmentUrl: URI
    logUrl: URI
    state: DeploymentStatusState!
    updatedAt: DateTime!
  }
`;
