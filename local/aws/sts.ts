import type {
  AssumeRoleRequest,
  AssumeRoleResponse,
  AssumeRoleWithWebIdentityRequest,
  AssumeRoleWithWebIdentityResponse,
  GetCallerIdentityResponse,
} from '@aws-sdk/client-sts';
import { createRemoteJWKSet, decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
import type { RoleSpec } from '../world.ts';
import { type CredentialStore, type KnownKey, uniqueId } from './credentials.ts';
import { matchesPattern } from './pattern.ts';
import { AwsFault, type AwsService, type Call } from './service.ts';

export interface StsDeps {
  account: string;
  roles: readonly RoleSpec[];
  credentials: CredentialStore;
  /** The issuer that the account trusts as an identity provider: its URL, where its discovery document is. */
  oidcIssuer?: string;
}

const HOUR = 3600;
const SHORTEST = 900;

/** Sources: STS API reference (AssumeRole, AssumeRoleWithWebIdentity, GetCallerIdentity); IAM guide, "OIDC federation". */
export function createSts(deps: StsDeps): AwsService {
  const roles = new Map(deps.roles.map((role) => [role.name, role]));
  const keySets = new Map<string, ReturnType<typeof createRemoteJWKSet>>();

  function roleOf(arn: string, action: string, caller: string): RoleSpec {
    const match = /^arn:aws:iam::(\d{12}):role\/(?:.*\/)?([\w+=,.@-]+)$/.exec(arn);
    if (!match) {
      throw new AwsFault('ValidationError', `${arn} is invalid`);
    }
    const role = match[1] === deps.account ? roles.get(match[2] ?? '') : undefined;
    // A role that does not exist is answered like one that does not trust the caller.
    if (role === undefined) throw denied(action, caller, arn);
    return role;
  }

  async function verify(token: string): Promise<JWTPayload> {
    const issuer = issuerOf(token);
    if (issuer !== deps.oidcIssuer) {
      throw new AwsFault('InvalidIdentityToken', `No OpenIDConnect provider found in your account for ${issuer}`);
    }
    let keys = keySets.get(issuer);
    if (keys === undefined) {
      keys = createRemoteJWKSet(new URL(await jwksUri(issuer)));
      keySets.set(issuer, keys);
    }
    try {
      return (await jwtVerify(token, keys, { issuer, algorithms: ['RS256'] })).payload;
    } catch (error) {
      if (error instanceof errors.JWTExpired) {
        throw new AwsFault(
          'ExpiredTokenException',
          `Token expired: current date/time must be before the expiration date/time`,
        );
      }
      throw new AwsFault(
        'InvalidIdentityToken',
        "Couldn't retrieve verification key from your identity provider, or the token's signature is wrong",
      );
    }
  }

  return {
    id: 'sts',
    operations: {
      GetCallerIdentity: (_input: object, call: Call): GetCallerIdentityResponse => ({
        UserId: call.identity.userId,
        Account: call.identity.account,
        Arn: call.identity.arn,
      }),

      AssumeRole: (input: AssumeRoleRequest, call: Call): AssumeRoleResponse => {
        const arn = String(input.RoleArn);
        const role = roleOf(arn, 'sts:AssumeRole', call.identity.arn);
        const key = open(role, arn, String(input.RoleSessionName), input.DurationSeconds);
        return { Credentials: shown(key), AssumedRoleUser: userOf(key), PackedPolicySize: 0 };
      },

      AssumeRoleWithWebIdentity: async (
        input: AssumeRoleWithWebIdentityRequest,
      ): Promise<AssumeRoleWithWebIdentityResponse> => {
        const action = 'sts:AssumeRoleWithWebIdentity';
        const claims = await verify(String(input.WebIdentityToken));
        const arn = String(input.RoleArn);
        const role = roleOf(arn, action, '');
        const audiences = [claims.aud ?? []].flat();
        if (!audiences.includes(role.audience)) throw new AwsFault('InvalidIdentityToken', 'Incorrect token audience');
        const subject = claims.sub ?? '';
        if (!role.subjects.some((pattern) => matchesPattern(pattern, subject, true))) throw denied(action, '', arn);
        const key = open(role, arn, String(input.RoleSessionName), input.DurationSeconds);
        return {
          Credentials: shown(key),
          AssumedRoleUser: userOf(key),
          SubjectFromWebIdentityToken: subject,
          Provider: `arn:aws:iam::${deps.account}:oidc-provider/${String(claims.iss).replace(/^https?:\/\//, '')}`,
          Audience: role.audience,
          PackedPolicySize: 0,
        };
      },
    },
  };

  function open(role: RoleSpec, arn: string, session: string, seconds = HOUR): KnownKey {
    checkSession(session, seconds, role);
    return deps.credentials.issue(
      {
        account: deps.account,
        arn: `arn:aws:sts::${deps.account}:assumed-role/${role.name}/${session}`,
        userId: `${uniqueId('AROA', arn)}:${session}`,
      },
      seconds,
      role.deny,
    );
  }
}

function issuerOf(token: string): string {
  try {
    return decodeJwt(token).iss ?? '';
  } catch {
    throw new AwsFault(
      'InvalidIdentityToken',
      'The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)',
    );
  }
}

async function jwksUri(issuer: string): Promise<string> {
  try {
    const response = await fetch(`${issuer}/.well-known/openid-configuration`, { signal: AbortSignal.timeout(5000) });
    return ((await response.json()) as { jwks_uri: string }).jwks_uri;
  } catch {
    throw new AwsFault('IDPCommunicationError', `Couldn't reach the identity provider ${issuer}`);
  }
}

function checkSession(session: string, seconds: number, role: RoleSpec): void {
  const violated = (member: string, value: string, constraint: string) =>
    new AwsFault(
      'ValidationError',
      `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: ${constraint}`,
    );
  if (!/^[\w+=,.@-]*$/.test(session)) {
    throw violated('roleSessionName', session, 'Member must satisfy regular expression pattern: [\\w+=,.@-]*');
  }
  if (session.length < 2)
    throw violated('roleSessionName', session, 'Member must have length greater than or equal to 2');
  if (session.length > 64)
    throw violated('roleSessionName', session, 'Member must have length less than or equal to 64');
  if (seconds < SHORTEST) {
    throw violated('durationSeconds', String(seconds), `Member must have value greater than or equal to ${SHORTEST}`);
  }
  if (seconds > role.maxSessionSeconds) {
    throw new AwsFault(
      'ValidationError',
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    );
  }
}

function denied(action: string, caller: string, arn: string): AwsFault {
  const message =
    caller === ''
      ? `Not authorized to perform ${action}`
      : `User: ${caller} is not authorized to perform: ${action} on resource: ${arn}`;
  return new AwsFault('AccessDenied', message, { status: 403 });
}

function shown(key: KnownKey) {
  const { accessKeyId, secretAccessKey, sessionToken, expiresAt } = key.credentials;
  return {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    SessionToken: sessionToken ?? '',
    Expiration: new Date(expiresAt ?? 0),
  };
}

function userOf(key: KnownKey) {
  return { AssumedRoleId: key.identity.userId, Arn: key.identity.arn };
}
