import type { RoleSession } from '../../lib/aws/renewal.ts';
import { Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Report } from '../../lib/report.ts';
import { code, heading, table } from '../../lib/summary.ts';
import { assumeChain, type ChainPorts, checkChain } from './chain.ts';
import { type AssumePorts, assumeWithOidc, type SessionCredentials } from './credentials.ts';
import type { SetupInputs } from './inputs.ts';
import type { RegistryLogin } from './login.ts';
import { parseRegistries, type RegistryRef } from './registries.ts';

export interface SetupPorts extends AssumePorts {
  chain: ChainPorts;
  log: Log;
  region: string;
  /** The role to assume; '' keeps the credentials that are there. */
  role: string;
  /** Makes the credentials known to the steps after this one. */
  exportCredentials(credentials: SessionCredentials): void;
  /** Leaves what a long step needs to take the role again. */
  exportSession(session: RoleSession): void;
  exportRegion(region: string): void;
  /** Logs docker in to the registries and returns their hosts. */
  login(registries: readonly RegistryRef[]): Promise<RegistryLogin[]>;
}

/** Gets credentials, proves them by asking who they are, and logs docker in. */
export async function run(inputs: SetupInputs, ports: SetupPorts): Promise<Report> {
  const { log, region } = ports;
  // Before anything is asked, so that a mistake costs no call.
  const registries = parseRegistries(inputs.registries, region);
  const session = await credentialsOf(inputs, ports);
  if (session) {
    log.mask(session.secretAccessKey);
    log.mask(session.sessionToken);
  }
  const expires = session?.expires ?? '';
  const { account, arn } = await ports.sts.identity(session);
  log.info(`AWS account ${account} in ${region} as ${arn}${expires ? ` until ${expires}` : ''}`);
  // Before they are exported: a step that runs after a failure, too, would act in the wrong account.
  checkAccount(account, arn, inputs['allowed-accounts']);
  if (session) {
    ports.exportCredentials(session);
    // A role at the end of a chain is not taken by a token alone.
    if (inputs.chain.length === 0) ports.exportSession(roleSession(inputs, ports, session));
  }
  ports.exportRegion(region);
  const wanted = registries.length > 0 ? registries : [{ account, region }];
  const logins = inputs.login ? await ports.login(wanted) : [];
  return {
    outcome: { status: 'succeeded', cause: '' },
    outputs: { 'account-id': account, arn, registry: logins[0]?.host ?? '', expires },
    summary:
      heading(3, 'AWS credentials') +
      table(
        ['Account', 'Region', 'Caller', 'Until', 'Registries'],
        [
          [
            code(account),
            code(region),
            code(arn),
            expires || 'as given',
            logins.map((l) => code(l.host)).join(', ') || 'none',
          ],
        ],
      ),
  };
}

function roleSession(
  inputs: SetupInputs,
  ports: SetupPorts,
  { expires, accessKeyId }: SessionCredentials,
): RoleSession {
  return {
    role: ports.role,
    audience: inputs.audience,
    sessionName: sessionNameOf(inputs, ports),
    durationSeconds: Math.round(inputs.duration / 1000),
    expires,
    accessKeyId,
  };
}

function sessionNameOf(inputs: SetupInputs, { context }: Pick<SetupPorts, 'context'>): string {
  return inputs['session-name'] || `slipway-${context.runId || 'local'}`;
}

/** Credentials by OIDC, and from there by the chain; undefined where those that are there are kept. */
async function credentialsOf(inputs: SetupInputs, ports: SetupPorts): Promise<SessionCredentials | undefined> {
  const { role, log } = ports;
  const sessionName = sessionNameOf(inputs, ports);
  const { chain: roles, duration: durationMs, audience } = inputs;
  const externalId = inputs['external-id'];
  if (externalId !== '') log.mask(externalId);
  checkChain({ roles, durationMs });
  const first = role === '' ? undefined : await assumeWithOidc({ role, audience, sessionName, durationMs }, ports);
  return assumeChain({ roles, sessionName, durationMs, externalId, first: role }, first, ports.chain);
}

/** The credentials of the wrong account are worse than none: everything after this would go there. */
function checkAccount(account: string, arn: string, allowed: readonly string[]): void {
  if (allowed.length === 0 || allowed.includes(account)) return;
  throw new Problem({
    what: "input 'allowed-accounts'",
    seen: allowed.join(','),
    cause: `the credentials are of account ${account} (${arn})`,
    fix: 'Correct the role, or add the account if these steps are meant for it',
    kind: 'denied',
  });
}
