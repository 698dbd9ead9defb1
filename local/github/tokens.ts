import { GithubFault, notFound } from './errors.ts';

/** Permission names as a workflow's `permissions` has them. */
export type Permission =
  | 'actions'
  | 'checks'
  | 'contents'
  | 'deployments'
  | 'issues'
  | 'metadata'
  | 'pull-requests'
  | 'statuses';
export type Level = 'read' | 'write';
export type Permissions = Partial<Record<Permission, Level>>;

/** What a token may do, and as whom. Without `permissions` it may do everything; without `repositories` it sees all of them. */
export interface TokenGrant {
  login: string;
  permissions?: Permissions;
  repositories?: readonly string[];
}

export interface Tokens {
  allow(token: string, grant: TokenGrant): void;
  /** @throws GithubFault 401 when there is no token, or one that nobody issued. */
  authenticate(authorization: string | undefined): TokenGrant;
}

/** The table of issued tokens. `Bearer` and `token` are accepted alike, as GitHub does. */
export function tokenTable(initial: Record<string, TokenGrant> = {}): Tokens {
  const grants = new Map(Object.entries(initial));
  return {
    allow: (token, grant) => void grants.set(token, grant),
    authenticate(authorization) {
      if (!authorization) throw new GithubFault(401, 'Requires authentication');
      const [, scheme = '', token = ''] = /^(\S+)\s+(\S+)$/.exec(authorization) ?? [];
      const grant = /^(bearer|token)$/i.test(scheme) ? grants.get(token) : undefined;
      if (!grant) throw new GithubFault(401, 'Bad credentials');
      return grant;
    },
  };
}

/** The permission a route asks for; several entries are alternatives ("issues or pull-requests: write"). */
export type Needs = readonly [Permission, Level][];

/** @throws GithubFault 404 when the token does not see the repository, 403 when it sees it but lacks the permission. */
export function authorize(grant: TokenGrant, slug: string | undefined, needs: Needs): void {
  if (slug !== undefined && grant.repositories && !grant.repositories.includes(slug)) throw notFound();
  const held = grant.permissions;
  if (!held || needs.length === 0) return;
  const enough = needs.some(([name, level]) => {
    if (name === 'metadata') return true;
    return held[name] === 'write' || (level === 'read' && held[name] === 'read');
  });
  if (enough) return;
  const accepted = needs.map(([name, level]) => `${name.replace('-', '_')}=${level}`).join('; ');
  throw new GithubFault(403, 'Resource not accessible by integration', undefined, {
    'x-accepted-github-permissions': accepted,
  });
}
