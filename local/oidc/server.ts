import { randomBytes, randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, type JSONWebKeySet, SignJWT } from 'jose';
import { systemClock } from '../../lib/clock.ts';
import type { LocalContext } from '../context.ts';
import { withFaults } from '../http/faults.ts';
import { type HttpReply, type HttpRequest, listen } from '../http/server.ts';
import { claimsOf, type RunIdentity } from './claims.ts';

export interface OidcDeps extends Partial<Pick<LocalContext, 'bus' | 'faults' | 'clock'>> {
  /** What `requestToken` stands for. */
  identity?: RunIdentity;
  /** Seconds a token is valid; GitHub's is 300. */
  lifetimeSeconds?: number;
  port?: number;
}

export interface Oidc {
  /** The issuer. */
  url: string;
  /** For ACTIONS_ID_TOKEN_REQUEST_URL: carries a query already, as the runner's does. */
  requestUrl: string;
  /** For ACTIONS_ID_TOKEN_REQUEST_TOKEN. */
  requestToken: string;
  /** A request token of its own for another run: a fork's, another environment's. */
  issue(identity: RunIdentity): string;
  /** The public keys, for a verifier in this process. */
  jwks: JSONWebKeySet;
  snapshot(): { issuer: string; issued: { sub: string; aud: string; at: string }[] };
  close(): Promise<void>;
}

const KEPT = 50;

/**
 * The OIDC issuer of GitHub Actions and the runner's token endpoint. Source: GitHub documentation, "OpenID Connect reference";
 * the request is what @actions/core's getIDToken sends.
 */
export async function createOidc(deps: OidcDeps = {}): Promise<Oidc> {
  const clock = deps.clock ?? systemClock;
  const kid = randomUUID();
  const { privateKey, publicKey } = await generateKeyPair('RS256', { modulusLength: 2048 });
  const jwks: JSONWebKeySet = { keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' }] };
  const identities = new Map<string, RunIdentity>();
  const issued: { sub: string; aud: string; at: string }[] = [];
  const issue = (identity: RunIdentity): string => {
    const token = randomBytes(24).toString('base64url');
    identities.set(token, identity);
    return token;
  };

  async function sign(identity: RunIdentity, audience: string | null): Promise<string> {
    const claims = claimsOf(identity);
    const aud = audience || `https://github.com/${claims.repository_owner}`;
    const now = Math.floor(clock.now() / 1000);
    const times = { nbf: now - 600, iat: now, exp: now + (deps.lifetimeSeconds ?? 300) };
    const payload: Record<string, unknown> = { jti: randomUUID(), aud, iss: listening.url, ...times, ...claims };
    const at = new Date(clock.now()).toISOString();
    issued.push({ sub: String(payload.sub), aud: String(payload.aud), at });
    if (issued.length > KEPT) issued.shift();
    deps.bus?.emit({
      kind: 'oidc.token',
      text: `identity token for ${payload.sub}`,
      data: { sub: payload.sub, aud: payload.aud },
    });
    return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid, typ: 'JWT' }).sign(privateKey);
  }

  async function requestToken(request: HttpRequest): Promise<HttpReply> {
    const [, token = ''] = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    const identity = identities.get(token);
    if (!identity) return { status: 401, body: { message: 'The request token is missing, unknown or expired' } };
    return { status: 200, body: { count: 1, value: await sign(identity, request.query.get('audience')) } };
  }

  async function handle(request: HttpRequest): Promise<HttpReply> {
    const operation = `${request.method} ${request.path}`;
    return withFaults(deps.faults, { service: 'oidc', operation, input: {} }, WORDS, async () => {
      if (operation === 'GET /request') return requestToken(request);
      if (operation === 'GET /.well-known/jwks') return { status: 200, body: jwks };
      if (operation === 'GET /.well-known/openid-configuration') return { status: 200, body: discovery(listening.url) };
      return { status: 404, body: { message: `the local OIDC issuer does not serve ${operation}` } };
    });
  }

  const listening = await listen({ port: deps.port ?? 0, handle });
  return {
    url: listening.url,
    requestUrl: `${listening.url}/request?api-version=2.0`,
    requestToken: issue(deps.identity ?? { repository: 'acme/sample' }),
    issue,
    jwks,
    snapshot: () => ({ issuer: listening.url, issued: [...issued] }),
    close: listening.close,
  };
}

const WORDS = {
  throttle: (): HttpReply => ({ status: 429, headers: { 'retry-after': '1' }, body: { message: 'Too Many Requests' } }),
  denied: (): HttpReply => ({ status: 403, body: { message: 'Forbidden' } }),
  failure: (status: number, _code: string | undefined, message: string | undefined): HttpReply => ({
    status,
    body: { message: message ?? 'Server Error' },
  }),
};

function discovery(issuer: string): Record<string, unknown> {
  return {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks`,
    subject_types_supported: ['public', 'pairwise'],
    response_types_supported: ['id_token'],
    claims_supported: [
      'sub',
      'aud',
      'exp',
      'iat',
      'iss',
      'jti',
      'nbf',
      ...Object.keys(claimsOf({ repository: 'o/r', environment: 'e' })),
    ].filter((name, index, all) => all.indexOf(name) === index),
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid'],
  };
}
