import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { readInputs } from '../../lib/inputs.ts';
import { type Edge, runAction } from '../../lib/runner.ts';
import { isPostStep, postStep } from '../ecs-deploy/post.ts';
import { fields } from './inputs.ts';
import { notify } from './notify.ts';
import { portsOf } from './prepare.ts';
import { run } from './run.ts';

await runAction('ship', (edge) => (isPostStep(edge) ? postStep(edge) : ship(edge)));

async function ship(edge: Edge) {
  const inputs = readInputs(fields, edge.input);
  const results = inputs['result-directory'] || (await mkdtemp(join(edge.context.tempDir, 'slipway-results-')));
  const report = await run(inputs, await portsOf({ ...inputs, 'result-directory': results }, edge));
  await notify(inputs, results, edge);
  return report;
}
