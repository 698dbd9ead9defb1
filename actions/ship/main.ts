import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { readInputs } from '../../lib/inputs.ts';
import { runAction } from '../../lib/runner.ts';
import { fields } from './inputs.ts';
import { notify } from './notify.ts';
import { portsOf } from './prepare.ts';
import { run } from './run.ts';

await runAction('ship', async (edge) => {
  const inputs = readInputs(fields, edge.input);
  const results = inputs['result-directory'] || (await mkdtemp(join(edge.context.tempDir, 'slipway-results-')));
  const report = await run(inputs, await portsOf({ ...inputs, 'result-directory': results }, edge));
  await notify(inputs, results, edge);
  return report;
});
