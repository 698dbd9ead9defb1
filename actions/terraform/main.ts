import { systemClock } from '../../lib/clock.ts';
import { readInputs } from '../../lib/inputs.ts';
import { openLedger } from '../../lib/ledger/open.ts';
import { runAction } from '../../lib/runner.ts';
import { fields } from './inputs.ts';
import { runWith } from './prepare.ts';
import { recorded } from './record.ts';

runAction('terraform', async (edge) => {
  const inputs = readInputs(fields, edge.input);
  const { component, environment, operation } = inputs;
  const { context, signal } = edge;
  const ledger = openLedger({ kind: component === '' ? 'none' : inputs.ledger, token: inputs.token, context, signal });
  const resultDirectory = component === '' ? '' : inputs['result-directory'];
  const ports = { ledger, clock: systemClock, context, resultDirectory };
  return recorded({ component, environment, operation }, ports, () => runWith(inputs, edge, ports));
});
