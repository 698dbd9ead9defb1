import { expiryWarning } from '../../lib/aws/renewal.ts';
import { systemClock } from '../../lib/clock.ts';
import { configuredInputs } from '../../lib/config/action.ts';
import { readInputs } from '../../lib/inputs.ts';
import { type Edge, runAction } from '../../lib/runner.ts';
import { defaults } from './defaults.ts';
import { portsOf } from './edge.ts';
import { fields } from './inputs.ts';
import { postStep } from './post.ts';
import { run } from './run.ts';
import { isPostStep } from './state.ts';

await runAction('ssm-deploy', (edge) => (isPostStep(edge) ? postStep(edge) : start(edge)));

async function start(edge: Edge) {
  const { input, env, log, context } = edge;
  const inputs = readInputs(fields, await configuredInputs(input, context.workspace, defaults));
  const ending = expiryWarning(env, systemClock.now(), inputs.timeout);
  if (ending !== '') log.warning(ending);
  return run(inputs, portsOf(edge, inputs.region, 'ssm-deploy'));
}
