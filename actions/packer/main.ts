import { readInputs } from '../../lib/inputs.ts';
import { isForced, type Leg, runLeg } from '../../lib/leg/leg.ts';
import { legPorts } from '../../lib/leg/open.ts';
import { runAction } from '../../lib/runner.ts';
import { fields } from './inputs.ts';
import { runWith } from './prepare.ts';

await runAction('packer', async (edge) => {
  const inputs = readInputs(fields, edge.input);
  const { component, environment, operation } = inputs;
  const deploys = component !== '' && operation === 'build';
  const leg: Leg = { component, environment, stage: 'ami', deploys, force: isForced(inputs.force, component) };
  const ports = legPorts(inputs, edge, leg);
  return runLeg(leg, ports, () => runWith(inputs, edge, ports));
});
