import type { RoleSession } from '../../lib/aws/renewal.ts';
import type { Log } from '../../lib/log.ts';
import type { Report } from '../../lib/report.ts';
import { code, heading, table } from '../../lib/summary.ts';
import { type AssumePorts, assumeWithOidc, type SessionCredentials } from './credentials.ts';
import type { SetupInputs } from './inputs.ts';
import type { RegistryLogin } from './login.ts';

export interface SetupPorts extends AssumePorts {
  log: Log;
  region: string;
  /** The role to assume; '' keeps the credentials that are there. */
  role: string;
  /** Makes the credentials known to the steps after this one. */
  exportCredentials(credentials: SessionCredentials): void;
  /** Leaves what a long step needs to take the role again. */
  exportSession(session: RoleSession): void;
  exportRegion(region: string): void;
  /** Logs docker in to the registries of the accounts and returns their hosts. */
  login(accounts: readonly string[]): Promise<RegistryLogin[]>;
}

/** Gets credentials, proves them by asking who they are, and logs docker in. */
export async function run(inputs: SetupInputs, ports: SetupPorts): Promise<Report> {
  const { log, region, role } = ports;
  let expires = '';
  if (role !== '') {
    const sessionName = inputs['session-name'] || `slipway-${ports.context.runId || 'local'}`;
    const credentials = await assumeWithOidc(
      { role, audience: inputs.audience, sessionName, durationMs: inputs.duration },
      ports,
    );
    log.mask(credentials.secretAccessKey);
    log.mask(credentials.sessionToken);
    ports.exportCredentials(credentials);
    ports.exportSession({
      role,
      audience: inputs.audience,
      sessionName,
      durationSeconds: Math.round(inputs.duration / 1000),
      expires: credentials.expires,
      accessKeyId: credentials.accessKeyId,
    });
    expires = credentials.expires;
  }
  ports.exportRegion(region);
  const { account, arn } = await ports.sts.identity();
  log.info(`AWS account ${account} in ${region} as ${arn}${expires ? ` until ${expires}` : ''}`);
  const logins = inputs.login ? await ports.login(inputs.registries.length > 0 ? inputs.registries : [account]) : [];
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
