import type {
  AssumeRoleRequest,
  AssumeRoleResponse,
  AssumeRoleWithWebIdentityRequest,
  AssumeRoleWithWebIdentityResponse,
  GetCallerIdentityResponse,
} from '@aws-sdk/client-sts';
import type { RoleSpec } from '../world.ts';
import { type CredentialStore, type KnownKey, uniqueId } from './credentials.ts';
import { matchesPattern } from './pattern.ts';
import { AwsFault, type AwsService, type Call } from './service.ts';
import { type IdentityVerifier, webIdentities } from './web-identity.ts';

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
  const sts = new Sts(deps);
  return {
    id: 'sts',
    operations: {
      GetCallerIdentity: (_input: object, { identity }: Call): GetCallerIdentityResponse => ({
        UserId: identity.userId,
        Account: identity.account,
        Arn: identity.arn,
      }),
      AssumeRole: (input: AssumeRoleRequest, call: Call) => sts.assumeRole(input, call),
      AssumeRoleWithWebIdentity: (input: AssumeRoleWithWebIdentityRequest) => sts.assumeRoleWithWebIdentity(input),
    },
  };
}

class Sts {
  readonly #deps: StsDeps;
  readonly #roles: ReadonlyMap<string, RoleSpec>;
  readonly #verify: IdentityVerifier;

  constructor(deps: StsDeps) {
    this.#deps = deps;
    this.#roles = new Map(deps.roles.map((role) => [`${role.account ?? deps.account}/${role.name}`, role]));
    this.#verify = webIdentities(deps.oidcIssuer);
  }

  assumeRole(input: AssumeRoleRequest, call: Call): AssumeRoleResponse {
    const arn = String(input.RoleArn);
    const role = this.#role(arn, 'sts:AssumeRole', call.identity.arn);
    const key = this.#open(role, arn, String(input.RoleSessionName), input.DurationSeconds);
    return { Credentials: shown(key), AssumedRoleUser: userOf(key), PackedPolicySize: 0 };
  }

  async assumeRoleWithWebIdentity(input: AssumeRoleWithWebIdentityRequest): Promise<AssumeRoleWithWebIdentityResponse> {
    const action = 'sts:AssumeRoleWithWebIdentity';
    const claims = await this.#verify(String(input.WebIdentityToken));
    const arn = String(input.RoleArn);
    const role = this.#role(arn, action, '');
    const audiences = [claims.aud ?? []].flat();
    if (!audiences.includes(role.audience)) throw new AwsFault('InvalidIdentityToken', 'Incorrect token audience');
    const subject = claims.sub ?? '';
    if (!role.subjects.some((pattern) => matchesPattern(pattern, subject, true))) throw denied(action, '', arn);
    const key = this.#open(role, arn, String(input.RoleSessionName), input.DurationSeconds);
    const issuer = String(claims.iss).replace(/^https?:\/\//, '');
    return {
      Credentials: shown(key),
      AssumedRoleUser: userOf(key),
      SubjectFromWebIdentityToken: subject,
      Provider: `arn:aws:iam::${this.#deps.account}:oidc-provider/${issuer}`,
      Audience: role.audience,
      PackedPolicySize: 0,
    };
  }

  #role(arn: string, action: string, caller: string): RoleSpec {
    const match = /^arn:aws:iam::(\d{12}):role\/(?:.*\/)?([\w+=,.@-]+)$/.exec(arn);
    if (!match) throw new AwsFault('ValidationError', `${arn} is invalid`);
    const role = this.#roles.get(`${match[1]}/${match[2]}`);
    // A role that does not exist is answered like one that does not trust the caller.
    if (role === undefined) throw denied(action, caller, arn);
    return role;
  }

  #open(role: RoleSpec, arn: string, session: string, seconds = HOUR): KnownKey {
    checkSession(session, seconds, role);
    const { credentials } = this.#deps;
    const account = role.account ?? this.#deps.account;
    const identity = {
      account,
      arn: `arn:aws:sts::${account}:assumed-role/${role.name}/${session}`,
      userId: `${uniqueId('AROA', arn)}:${session}`,
    };
    return credentials.issue(identity, seconds, role.deny);
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

function shown({ credentials }: KnownKey) {
  const { accessKeyId, secretAccessKey, sessionToken, expiresAt } = credentials;
  return {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    SessionToken: sessionToken ?? '',
    Expiration: new Date(expiresAt ?? 0),
  };
}

function userOf({ identity }: KnownKey) {
  return { AssumedRoleId: identity.userId, Arn: identity.arn };
}
