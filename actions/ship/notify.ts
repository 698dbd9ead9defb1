import { systemClock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { readInputs } from '../../lib/inputs.ts';
import type { Edge } from '../../lib/runner.ts';
import { fields } from '../discord-notify/inputs.ts';
import { run } from '../discord-notify/run.ts';
import type { ShipInputs } from './inputs.ts';

/** Tells the team, where a webhook is given. What goes wrong with that is a warning in the log and changes no outcome. */
export async function notify(inputs: ShipInputs, results: string, edge: Edge): Promise<void> {
  if (inputs.webhook === '') return;
  const { context, env, log, signal } = edge;
  const { webhook, environment } = inputs;
  const title = `${inputs.component}: ${inputs.operation}`;
  const given: Record<string, string> = { webhook, environment, title, results };
  // A cancelled run has something to tell, too; the message has its own time limit.
  const own = signal.aborted ? AbortSignal.timeout(4_000) : signal;
  try {
    await run(
      readInputs(fields, (name) => given[name] ?? ''),
      {
        fetch: (url, init) => fetch(url, init),
        clock: systemClock,
        random: Math.random,
        log,
        signal: own,
        context,
        runNumber: env.GITHUB_RUN_NUMBER ?? '',
        // The GitHub client that it needs is not worth its size here, and neither is a proxy's.
        lookUp: undefined,
      },
    );
  } catch (error) {
    // It was shipped by now: a mistyped webhook does not turn that into a failure.
    log.warning(messageOf(error));
  }
}
