import { regionFrom } from '../../lib/aws/client.ts';
import { systemClock } from '../../lib/clock.ts';
import { configuredInputs } from '../../lib/config/action.ts';
import { readInputs } from '../../lib/inputs.ts';
import { runAction } from '../../lib/runner.ts';
import { defaults } from './defaults.ts';
import { fields } from './inputs.ts';
import { run } from './run.ts';
import { ssmClient, ssmPort } from './ssm.ts';

await runAction('ssm-deploy', async ({ input, env, log, signal, context }) => {
  const inputs = readInputs(fields, await configuredInputs(input, context.workspace, defaults));
  const client = ssmClient({ region: regionFrom(inputs.region, env), action: 'ssm-deploy' });
  return run(inputs, { ssm: ssmPort(client, signal), clock: systemClock, log, signal });
});
