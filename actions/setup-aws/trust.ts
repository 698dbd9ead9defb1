import type { GitHubContext } from '../../lib/context.ts';
import { Problem } from '../../lib/errors.ts';
import { hintsOf, type TokenClaims } from './hints.ts';

/** Reads the claims of a JWT without verifying it: they are shown to the user, STS is the judge. */
export function claimsOf(token: string): TokenClaims {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? (claims as TokenClaims) : {};
  } catch {
    return {};
  }
}

/** No OIDC token can be had: a pull request from a fork, or a job without the permission. */
export function explainNoToken(context: GitHubContext): Problem {
  const fork = isForkPullRequest(context);
  return new Problem({
    what: 'OIDC token',
    cause: fork
      ? 'this run belongs to a pull request from a fork, and GitHub gives those no OIDC token'
      : 'the job may not ask for one (ACTIONS_ID_TOKEN_REQUEST_URL is not set)',
    fix: fork
      ? 'Leave out the steps that need AWS for forks: check.yml does so'
      : 'Add `permissions: { id-token: write, contents: read }` to the job, and to the caller when this is a reusable workflow',
    kind: 'credentials',
  });
}

function isForkPullRequest({ eventName, event, repository }: GitHubContext): boolean {
  if (!eventName.startsWith('pull_request')) return false;
  const pull = event.pull_request as { head?: { repo?: { full_name?: string } | null } } | undefined;
  return pull?.head?.repo?.full_name !== undefined && pull.head.repo.full_name !== repository.slug;
}

export interface Denial {
  role: string;
  audience: string;
  claims: TokenClaims;
  error: Problem;
}

/**
 * What is wrong with the trust, as far as STS tells the cases apart. Every mismatch of a condition, and a role that does not
 * exist, is answered with one sentence: for those the claims that were sent are named, and the conditions that accept them.
 */
export function explainDenied(denial: Denial): Problem {
  const said = denial.error.message;
  if (/No OpenIDConnect provider found/i.test(said)) return noProvider(denial);
  if (/Incorrect token audience/i.test(said)) return wrongAudience(denial);
  return notTrusted(denial);
}

function noProvider({ role, audience, claims, error }: Denial): Problem {
  const account = role.split(':')[4] ?? '';
  const issuer = claims.iss ?? 'https://token.actions.githubusercontent.com';
  return new Problem({
    what: `identity provider of account ${account}`,
    seen: issuer,
    cause: `the account of role ${role} has no OIDC provider for the issuer of the token`,
    fix: `Create it with the URL ${issuer} and the audience ${audience} (terraform/bootstrap does), or correct the account in the role's ARN`,
    kind: 'denied',
    underlying: error,
  });
}

function wrongAudience({ role, audience, claims, error }: Denial): Problem {
  return new Problem({
    what: "input 'audience'",
    seen: audience,
    cause: `the identity provider of role ${role} does not accept tokens for it (the token says aud "${claims.aud ?? audience}")`,
    fix: `Add ${audience} to the provider's audiences and to the condition on aud, or use the one that it has (sts.amazonaws.com, or sts.amazonaws.com.cn in China)`,
    kind: 'denied',
    underlying: error,
  });
}

function notTrusted({ role, audience, claims, error }: Denial): Problem {
  const { sub = '(none)', job_workflow_ref: workflow } = claims;
  return new Problem({
    what: `role ${role}`,
    cause: [
      `its trust policy does not accept this run's token, or the role or the identity provider does not exist. The token says sub "${sub}", aud "${claims.aud ?? audience}"`,
      ...(workflow ? [`job_workflow_ref "${workflow}"`] : []),
      `(${error.parts.cause})`,
      ...hintsOf(claims),
    ].join(', '),
    fix: [
      `Let the trust policy's Condition have StringEquals "token.actions.githubusercontent.com:aud": "${audience}"`,
      `and StringLike "token.actions.githubusercontent.com:sub": ${JSON.stringify(acceptedSubs(sub))}`,
      'and check that the account has the identity provider token.actions.githubusercontent.com',
    ].join(' '),
    kind: 'denied',
    underlying: error,
  });
}

/**
 * Both forms in which GitHub writes the subject: with numeric ids for repositories created or renamed since 2026-07-15,
 * without for older ones (GitHub changelog, 2026-04-23).
 */
export function acceptedSubs(sub: string): string[] {
  const match = /^repo:([^@/]+)(?:@\d+)?\/([^@:]+)(?:@\d+)?:(.*)$/.exec(sub);
  if (!match) return [sub];
  const [, owner = '', name = '', rest = ''] = match;
  return [`repo:${owner}/${name}:${rest}`, `repo:${owner}@*/${name}@*:${rest}`];
}
