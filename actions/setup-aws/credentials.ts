import type { Credentials } from '@aws-sdk/client-sts';
import type { GitHubContext } from '../../lib/context.ts';
import { Problem } from '../../lib/errors.ts';
import { claimsOf, explainDenied, explainNoToken } from './trust.ts';

/** The STS calls that this action makes. */
export interface Sts {
  /** @throws Problem; kind `denied` when the role's trust policy refuses the token. */
  assumeRole(request: {
    role: string;
    token: string;
    sessionName: string;
    durationSeconds: number;
  }): Promise<Credentials>;
  /** Who they are: these credentials, or those that are there. */
  identity(session: SessionCredentials | undefined): Promise<{ account: string; arn: string }>;
}

export interface AssumePorts {
  sts: Sts;
  idToken(audience: string): Promise<string>;
  context: GitHubContext;
  env: NodeJS.ProcessEnv;
}

export interface AssumeRequest {
  role: string;
  audience: string;
  sessionName: string;
  durationMs: number;
}

export interface SessionCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  expires: string;
}

const ROLE_ARN = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/;
const SESSION_NAME = /^[\w+=,.@-]{2,64}$/;
// AssumeRoleWithWebIdentity: DurationSeconds is 900 to 43200 (STS API reference).
const MIN_SECONDS = 900;
const MAX_SECONDS = 43_200;

/**
 * Changes the run's OIDC token into credentials of the role.
 * @throws Problem that says what is wrong: no token permission, a fork, or a trust policy that does not fit the token.
 */
export async function assumeWithOidc(request: AssumeRequest, ports: AssumePorts): Promise<SessionCredentials> {
  const { role, sessionName, durationMs } = request;
  check(role, sessionName, durationMs);
  if (!ports.env.ACTIONS_ID_TOKEN_REQUEST_URL || !ports.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN)
    throw explainNoToken(ports.context);
  const token = await ports.idToken(request.audience);
  try {
    const durationSeconds = Math.round(durationMs / 1000);
    return sessionOf(await ports.sts.assumeRole({ role, token, sessionName, durationSeconds }));
  } catch (error) {
    if (error instanceof Problem && (error.kind === 'denied' || error.kind === 'credentials')) {
      throw explainDenied({ role, audience: request.audience, claims: claimsOf(token), error });
    }
    if (error instanceof Problem && error.message.includes('MaxSessionDuration')) throw tooLong(request, error);
    throw error;
  }
}

/** STS's answer in the names that this suite uses. */
export function sessionOf(c: Credentials): SessionCredentials {
  return {
    accessKeyId: c.AccessKeyId ?? '',
    secretAccessKey: c.SecretAccessKey ?? '',
    sessionToken: c.SessionToken ?? '',
    expires: c.Expiration?.toISOString() ?? '',
  };
}

function tooLong({ role, durationMs }: AssumeRequest, error: Problem): Problem {
  return new Problem({
    what: "input 'duration'",
    seen: `${durationMs / 1000}s`,
    cause: `the maximum session duration of role ${role} is shorter (an hour unless it was raised)`,
    fix: 'Lower `duration`, or raise max_session_duration of the role',
    underlying: error,
  });
}

/** @throws Problem for what cannot be the ARN of a role */
export function checkRole(role: string, input: string): void {
  if (ROLE_ARN.test(role)) return;
  throw new Problem({
    what: `input '${input}'`,
    seen: role,
    cause: 'it is not the ARN of an IAM role',
    fix: 'Write it as arn:aws:iam::123456789012:role/NAME',
  });
}

function check(role: string, sessionName: string, durationMs: number): void {
  checkRole(role, 'role');
  if (!SESSION_NAME.test(sessionName)) {
    throw new Problem({
      what: "input 'session-name'",
      seen: sessionName,
      cause: 'STS takes 2 to 64 letters, digits and =,.@_+-',
      fix: 'Shorten it or leave it empty',
    });
  }
  const seconds = durationMs / 1000;
  if (seconds < MIN_SECONDS || seconds > MAX_SECONDS) {
    throw new Problem({
      what: "input 'duration'",
      seen: `${seconds}s`,
      cause: 'STS gives credentials for 15 minutes to 12 hours',
      fix: 'Write for instance 1h; more than 1h needs a longer maximum session duration on the role',
    });
  }
}
