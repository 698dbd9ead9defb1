import { configuredInputs } from '../../lib/config/action.ts';
import { readInputs } from '../../lib/inputs.ts';
import { runAction } from '../../lib/runner.ts';
import { defaults } from './defaults.ts';
import { portsOf } from './edge.ts';
import { fields } from './inputs.ts';
import { run } from './run.ts';

await runAction('verify-health', async (edge) => {
  const inputs = readInputs(fields, await configuredInputs(edge.input, edge.context.workspace, defaults));
  return run(inputs, portsOf(inputs, edge, 'verify-health'));
});
