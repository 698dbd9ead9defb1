import { createRemoteJWKSet, decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
import { AwsFault } from './service.ts';

/** The claims of a token that the account's identity provider issued. @throws AwsFault in STS's words */
export type IdentityVerifier = (token: string) => Promise<JWTPayload>;

const DISCOVERY_MS = 5000;

/**
 * Verifies tokens as STS does for an identity provider of the account: by the issuer's discovery document and key set.
 * The audience is looked at by the role's trust, not here.
 */
export function webIdentities(trusted: string | undefined): IdentityVerifier {
  let keys: ReturnType<typeof createRemoteJWKSet> | undefined;
  return async (token) => {
    const issuer = issuerOf(token);
    if (issuer !== trusted) {
      throw new AwsFault('InvalidIdentityToken', `No OpenIDConnect provider found in your account for ${issuer}`);
    }
    keys ??= createRemoteJWKSet(new URL(await keySetOf(issuer)));
    try {
      return (await jwtVerify(token, keys, { issuer, algorithms: ['RS256'] })).payload;
    } catch (error) {
      if (error instanceof errors.JWTExpired) {
        throw new AwsFault(
          'ExpiredTokenException',
          'Token expired: current date/time must be before the expiration date/time',
        );
      }
      throw new AwsFault(
        'InvalidIdentityToken',
        "The token's signature is wrong, or its key is not the identity provider's",
      );
    }
  };
}

function issuerOf(token: string): string {
  try {
    return decodeJwt(token).iss ?? '';
  } catch {
    const hint = '(You may see this error if you sent an Access Token)';
    throw new AwsFault('InvalidIdentityToken', `The ID Token provided is not a valid JWT. ${hint}`);
  }
}

async function keySetOf(issuer: string): Promise<string> {
  try {
    const signal = AbortSignal.timeout(DISCOVERY_MS);
    const response = await fetch(`${issuer}/.well-known/openid-configuration`, { signal });
    return ((await response.json()) as { jwks_uri: string }).jwks_uri;
  } catch {
    throw new AwsFault('IDPCommunicationError', `Couldn't reach the identity provider ${issuer}`);
  }
}
