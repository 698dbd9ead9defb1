import { systemClock } from '../../lib/clock.ts';
import { readInputs } from '../../lib/inputs.ts';
import type { Edge } from '../../lib/runner.ts';
import { fields } from '../discord-notify/inputs.ts';
import { run } from '../discord-notify/run.ts';
import type { ShipInputs } from './inputs.ts';

/** Tells the team, where a webhook is given. What goes wrong with that is a warning in the log and changes no outcome. */
export async function notify(inputs: ShipInputs, results: string, { context, log, signal }: Edge): Promise<void> {
  if (inputs.webhook === '') return;
  const title = `${inputs.component}: ${inputs.operation}`;
  const given: Record<string, string> = { webhook: inputs.webhook, environment: inputs.environment, title, results };
  const message = readInputs(fields, (name) => given[name] ?? '');
  // A cancelled run has something to tell, too; the message has its own time limit.
  const own = signal.aborted ? AbortSignal.timeout(4_000) : signal;
  await run(message, { fetch, clock: systemClock, log, signal: own, context, lookUpCommit: async () => undefined });
}
