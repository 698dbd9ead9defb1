import { configuredInputs } from '../../lib/config/action.ts';
import { readInputs } from '../../lib/inputs.ts';
import { runAction } from '../../lib/runner.ts';
import { defaults } from './defaults.ts';
import { fields } from './inputs.ts';
import { portsOf } from './ports.ts';
import { run } from './run.ts';
import { settingsOf } from './settings.ts';

await runAction('ecr-build-push', async (edge) => {
  const inputs = readInputs(fields, await configuredInputs(edge.input, edge.context.workspace, defaults));
  const settings = settingsOf(inputs);
  return run(inputs, settings, portsOf(inputs, settings, edge));
});
