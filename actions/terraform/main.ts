import { readInputs } from '../../lib/inputs.ts';
import { isForced, type Leg, runLeg } from '../../lib/leg/leg.ts';
import { legPorts } from '../../lib/leg/open.ts';
import { runAction } from '../../lib/runner.ts';
import { fields } from './inputs.ts';
import { runWith } from './prepare.ts';

await runAction('terraform', async (edge) => {
  const inputs = readInputs(fields, edge.input);
  const { component, environment, operation } = inputs;
  const deploys = component !== '' && (operation === 'apply' || operation === 'destroy');
  // Destroying is asked for by name, so a newer commit is not in its way.
  const destroys = operation === 'destroy';
  const force = destroys || isForced(inputs.force, component);
  const leg: Leg = { component, environment, stage: 'terraform', deploys, force, destroys };
  const ports = legPorts(inputs, edge, leg);
  return runLeg(leg, ports, () => runWith(inputs, edge, ports));
});
