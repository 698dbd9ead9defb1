import { systemClock } from '../../lib/clock.ts';
import { readInputs } from '../../lib/inputs.ts';
import { runAction } from '../../lib/runner.ts';
import { fields } from './inputs.ts';
import { run } from './run.ts';

await runAction('discord-notify', ({ input, log, signal, context }) =>
  run(readInputs(fields, input), { fetch, clock: systemClock, log, signal, context }),
);
