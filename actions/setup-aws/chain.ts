import type { Credentials } from '@aws-sdk/client-sts';
import { Problem } from '../../lib/errors.ts';
import { checkRole, type SessionCredentials, sessionOf } from './credentials.ts';

/** Assumes one role with the credentials of the one before it. */
export interface ChainPorts {
  assume(request: {
    role: string;
    sessionName: string;
    durationSeconds: number;
    externalId: string;
    /** Undefined for the credentials that are there. */
    with: SessionCredentials | undefined;
  }): Promise<Credentials>;
}

export interface ChainRequest {
  roles: readonly string[];
  sessionName: string;
  durationMs: number;
  externalId: string;
  /** The role that was assumed by OIDC; '' for credentials that were there. */
  first: string;
}

// STS API reference, AssumeRole: "Role chaining limits your session to a maximum of one hour".
const LONGEST_SECONDS = 3600;

/** What can be said of a chain before any call. @throws Problem for what cannot be an ARN and for sessions over an hour */
export function checkChain({ roles, durationMs }: Pick<ChainRequest, 'roles' | 'durationMs'>): void {
  for (const role of roles) checkRole(role, 'chain');
  if (roles.length === 0 || durationMs / 1000 <= LONGEST_SECONDS) return;
  throw new Problem({
    what: "input 'duration'",
    seen: `${durationMs / 1000}s`,
    cause: 'AWS ends the session of a chained role after an hour, whatever the role allows',
    fix: 'Write 1h or less, or let the last role trust the OIDC token itself and leave out `chain`',
  });
}

/**
 * Goes from role to role. No session tags are sent, so that no role has to allow sts:TagSession
 * (aws-actions/configure-aws-credentials#1396).
 * @throws Problem that names both roles of the step that is not allowed
 */
export async function assumeChain(
  { roles, sessionName, durationMs, externalId, first }: ChainRequest,
  start: SessionCredentials | undefined,
  ports: ChainPorts,
): Promise<SessionCredentials | undefined> {
  let credentials = start;
  let before = first;
  for (const role of roles) {
    const request = {
      role,
      sessionName,
      durationSeconds: Math.round(durationMs / 1000),
      externalId,
      with: credentials,
    };
    try {
      credentials = sessionOf(await ports.assume(request));
    } catch (error) {
      throw error instanceof Problem && error.kind === 'denied' ? notAllowed(role, before, externalId, error) : error;
    }
    before = role;
  }
  return credentials;
}

function notAllowed(role: string, before: string, externalId: string, error: Problem): Problem {
  const who = before || 'the credentials at hand';
  return new Problem({
    what: `role ${role}`,
    cause: `${who} may not assume it (${error.parts.cause})`,
    fix: [
      `Let the policy of ${who} allow sts:AssumeRole on ${role},`,
      `and the trust policy of ${role} name ${before ? `"AWS": "${before}"` : 'that identity'} as principal`,
      externalId
        ? 'with the external id of the input `external-id`'
        : '(and set `external-id` if it asks for sts:ExternalId)',
    ].join(' '),
    kind: 'denied',
    underlying: error,
  });
}
