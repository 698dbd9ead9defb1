import { configuredInputs } from '../../lib/config/action.ts';
import { readInputs } from '../../lib/inputs.ts';
import { runAction } from '../../lib/runner.ts';
import { defaults } from './defaults.ts';
import { fields } from './inputs.ts';
import { operations } from './operations.ts';

await runAction('ecr-build-push', async (edge) => {
  const inputs = readInputs(fields, await configuredInputs(edge.input, edge.context.workspace, defaults));
  return operations[inputs.operation](inputs, edge);
});
