import { type Clock, humanDuration, systemClock } from '../clock.ts';
import { messageOf, Problem } from '../errors.ts';
import type { Log } from '../log.ts';
import { type AwsCredentials, awsConfig, type CredentialProvider, callAws } from './client.ts';

/**
 * Variable in which setup-aws leaves what is needed to take its role again: no secret. Credentials that were exported to later
 * steps cannot refresh by themselves, and a deployment that bakes for an hour outlives them.
 */
export const SESSION_VARIABLE = 'SLIPWAY_AWS_SESSION';

export interface RoleSession {
  role: string;
  audience: string;
  sessionName: string;
  durationSeconds: number;
  /** ISO 8601. */
  expires: string;
  /** Tells whether the exported credentials are still those of this session. */
  accessKeyId: string;
}

export interface RenewalPorts {
  env: NodeJS.ProcessEnv;
  region: string;
  /** A token of the run's OIDC identity for the audience. */
  idToken(audience: string): Promise<string>;
  log: Pick<Log, 'mask' | 'info' | 'warning'>;
  clock?: Clock;
}

/** The SDK asks for new ones when these have less than five minutes left. */
const MARGIN_MS = 6 * 60_000;

/**
 * Credentials that are taken anew before they end, where setup-aws has left what that needs and the job may ask for tokens;
 * undefined otherwise, which leaves the SDK to what it finds.
 */
export function renewingCredentials(ports: RenewalPorts): CredentialProvider | undefined {
  const { env, log, clock = systemClock } = ports;
  const session = sessionOf(env);
  if (!session || !mayAskForTokens(env)) return undefined;
  let current: AwsCredentials = {
    accessKeyId: env.AWS_ACCESS_KEY_ID ?? '',
    secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? '',
    sessionToken: env.AWS_SESSION_TOKEN ?? '',
    expiration: new Date(session.expires),
  };
  let under: Promise<AwsCredentials> | undefined;
  let warned = false;
  const left = () => (current.expiration?.getTime() ?? 0) - clock.now();
  return async () => {
    if (left() > MARGIN_MS) return current;
    try {
      under ??= takeRole(session, ports).finally(() => {
        under = undefined;
      });
      current = await under;
    } catch (error) {
      if (left() <= 0) throw error;
      if (!warned)
        log.warning(
          `The AWS credentials end in ${humanDuration(left())} and could not be renewed: ${messageOf(error)}`,
        );
      warned = true;
    }
    return current;
  };
}

async function takeRole(session: RoleSession, { region, idToken, log }: RenewalPorts): Promise<AwsCredentials> {
  const { role, audience, sessionName, durationSeconds } = session;
  // The SDK's own provider: its small STS client is in every bundle already, @aws-sdk/client-sts would come on top.
  const { fromWebToken } = await import('@aws-sdk/credential-provider-web-identity');
  const token = await idToken(audience);
  const take = fromWebToken({
    roleArn: role,
    roleSessionName: sessionName,
    webIdentityToken: token,
    durationSeconds,
    clientConfig: awsConfig({ region, action: 'renewal' }),
  });
  const call = { operation: 'sts:AssumeRoleWithWebIdentity', resource: `role ${role}` };
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = await callAws(call, () => take());
  if (!sessionToken || !expiration)
    throw new Problem({ what: call.resource, cause: 'STS gave no credentials', fix: 'Run it again', kind: 'service' });
  log.mask(secretAccessKey);
  log.mask(sessionToken);
  log.info(`Took role ${role} again: its credentials end at ${expiration.toISOString()}`);
  return { accessKeyId, secretAccessKey, sessionToken, expiration };
}

/**
 * What to say before a run of at most `longestMs` whose credentials may end in the middle of it and cannot be renewed; '' when
 * they last, are renewed, or do not say when they end.
 */
export function expiryWarning(env: NodeJS.ProcessEnv, now: number, longestMs: number): string {
  const session = sessionOf(env);
  const expires = session?.expires ?? env.AWS_CREDENTIAL_EXPIRATION ?? '';
  const left = Date.parse(expires) - now;
  if (Number.isNaN(left) || left > longestMs || (session && mayAskForTokens(env))) return '';
  const why = session
    ? 'the job may not ask for a token (`permissions: id-token: write`)'
    : 'only those of setup-aws can be';
  return `The AWS credentials end in ${humanDuration(Math.max(0, left))}, at ${expires}, and this may take ${humanDuration(longestMs)}; they cannot be renewed: ${why}. A deployment under way goes on by itself when they end; run this again then to follow it`;
}

function mayAskForTokens(env: NodeJS.ProcessEnv): boolean {
  return Boolean(env.ACTIONS_ID_TOKEN_REQUEST_URL && env.ACTIONS_ID_TOKEN_REQUEST_TOKEN);
}

/** The session that the exported credentials are of; undefined when another step has put its own in their place. */
function sessionOf(env: NodeJS.ProcessEnv): RoleSession | undefined {
  try {
    const session = JSON.parse(env[SESSION_VARIABLE] ?? '') as Partial<RoleSession>;
    const whole = session.role && session.sessionName && session.durationSeconds && session.expires;
    return whole && session.accessKeyId === env.AWS_ACCESS_KEY_ID ? (session as RoleSession) : undefined;
  } catch {
    return undefined;
  }
}
