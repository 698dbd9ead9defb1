import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { readInputs } from '../../lib/inputs.ts';
import { type Edge, runAction } from '../../lib/runner.ts';
import { isPostStep as isPostOfEcs, postStep as postOfEcs } from '../ecs-deploy/post.ts';
import { postStep as postOfHosts } from '../ssm-deploy/post.ts';
import { noteIn } from '../ssm-deploy/state.ts';
import { fields } from './inputs.ts';
import { notify } from './notify.ts';
import { portsOf } from './prepare.ts';
import { run } from './run.ts';

// A leg ships one component: what a cut run has left is of ECS or of hosts, never of both.
await runAction('ship', (edge) => {
  if (!isPostOfEcs(edge)) return ship(edge);
  return noteIn(edge) ? postOfHosts(edge) : postOfEcs(edge);
});

async function ship(edge: Edge) {
  const inputs = readInputs(fields, edge.input);
  const results = inputs['result-directory'] || (await mkdtemp(join(edge.context.tempDir, 'slipway-results-')));
  const report = await run(inputs, await portsOf({ ...inputs, 'result-directory': results }, edge));
  await notify(inputs, results, edge);
  return report;
}
