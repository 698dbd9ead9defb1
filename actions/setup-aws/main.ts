import { ECRClient } from '@aws-sdk/client-ecr';
import { awsConfig, regionFrom } from '../../lib/aws/client.ts';
import { registryPassword } from '../../lib/aws/registry-password.ts';
import { configuredInputs } from '../../lib/config/action.ts';
import { readInputs } from '../../lib/inputs.ts';
import type { Report } from '../../lib/report.ts';
import { type Edge, runAction } from '../../lib/runner.ts';
import { defaults } from './defaults.ts';
import { exporter } from './export.ts';
import { fields } from './inputs.ts';
import { dockerLogin, dockerLogout } from './login.ts';
import { run } from './run.ts';
import { stsPort } from './sts.ts';

const HOSTS = 'hosts';

await runAction('setup-aws', (edge) => (edge.state(HOSTS) === '' ? setUp(edge) : cleanUp(edge)));

async function setUp(edge: Edge): Promise<Report> {
  const { input, env, log, signal, context } = edge;
  // The runner starts this file again as the post step; the state tells the two apart.
  edge.saveState(HOSTS, '[]');
  const inputs = readInputs(fields, await configuredInputs(input, context.workspace, defaults));
  const region = regionFrom(inputs.region, env);
  return run(inputs, {
    ...exporter(edge),
    sts: stsPort(region, signal),
    idToken: edge.idToken,
    context,
    env,
    log,
    region,
    role: inputs.role,
    login: async (accounts) => {
      const ecr = new ECRClient(awsConfig({ region, action: 'setup-aws' }));
      const passwords = await Promise.all(accounts.map((account) => registryPassword(ecr, account, log)));
      edge.saveState(HOSTS, JSON.stringify(passwords.map((p) => p.host)));
      return Promise.all(passwords.map((p) => dockerLogin(p.host, p.user, p.password)));
    },
  });
}

async function cleanUp({ state, log }: Edge): Promise<Report> {
  const hosts = JSON.parse(state(HOSTS)) as string[];
  for (const host of hosts) await dockerLogout(host);
  log.info(`Logged out of ${hosts.length} registries`);
  return { outcome: { status: 'succeeded', cause: '' }, outputs: {}, summary: '' };
}
