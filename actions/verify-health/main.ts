import { systemClock } from '../../lib/clock.ts';
import { configuredInputs } from '../../lib/config/action.ts';
import { readInputs } from '../../lib/inputs.ts';
import { runAction } from '../../lib/runner.ts';
import { defaults } from './defaults.ts';
import { fields } from './inputs.ts';
import { httpProbe } from './probe.ts';
import { run } from './run.ts';

await runAction('verify-health', async ({ input, log, signal, context }) => {
  const source = await configuredInputs(input, context.workspace, defaults);
  return run(readInputs(fields, source), { probe: httpProbe, clock: systemClock, log, signal });
});
