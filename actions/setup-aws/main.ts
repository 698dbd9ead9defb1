import { ECRClient } from '@aws-sdk/client-ecr';
import { awsConfig, regionFrom } from '../../lib/aws/client.ts';
import { registryPassword } from '../../lib/aws/registry-password.ts';
import { configuredInputs } from '../../lib/config/action.ts';
import { readInputs } from '../../lib/inputs.ts';
import type { Report } from '../../lib/report.ts';
import { type Edge, runAction } from '../../lib/runner.ts';
import { defaults } from './defaults.ts';
import { jobDockerConfig, removeJobDockerConfig } from './docker-config.ts';
import { exporter } from './export.ts';
import { fields, type Purpose } from './inputs.ts';
import { proveLogin } from './login.ts';
import { run } from './run.ts';
import { stsPort } from './sts.ts';

const FOLDER = 'folder';
/** What the state says where there is nothing to take back. */
const NONE = 'none';

await runAction('setup-aws', (edge) => (edge.state(FOLDER) === '' ? setUp(edge) : cleanUp(edge)));

async function setUp(edge: Edge): Promise<Report> {
  const { input, env, log, signal, context } = edge;
  // The runner starts this file again as the post step; the state tells the two apart.
  edge.saveState(FOLDER, NONE);
  const forWhat = (input('for') || 'deploy') as Purpose;
  const inputs = readInputs(
    fields,
    await configuredInputs(input, context.workspace, (configured) => defaults(configured, forWhat)),
  );
  const region = regionFrom(inputs.region, env);
  const sts = stsPort(region, signal);
  return run(inputs, {
    ...exporter(edge),
    sts,
    chain: sts,
    idToken: edge.idToken,
    context,
    env,
    log,
    region,
    role: inputs.role,
    login: async (registries) => {
      const passwords = await Promise.all(
        registries.map((one) => {
          const ecr = new ECRClient(awsConfig({ region: one.region, action: 'setup-aws' }));
          return registryPassword(ecr, one.account, log);
        }),
      );
      const logins = await Promise.all(passwords.map((password) => proveLogin(password, signal)));
      const folder = await jobDockerConfig(passwords, env, context.tempDir);
      edge.saveState(FOLDER, folder);
      edge.exportVariable('DOCKER_CONFIG', folder);
      return logins;
    },
  });
}

async function cleanUp({ state, log, context }: Edge): Promise<Report> {
  const folder = state(FOLDER);
  if (folder !== NONE) {
    await removeJobDockerConfig(folder, context.tempDir);
    log.info('The logins of this job are forgotten');
  }
  return { outcome: { status: 'succeeded', cause: '' }, outputs: {}, summary: '' };
}
