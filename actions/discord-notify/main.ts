import { systemClock } from '../../lib/clock.ts';
import { readInputs } from '../../lib/inputs.ts';
import { type Edge, runAction } from '../../lib/runner.ts';
import { fields } from './inputs.ts';
import { leniently } from './lenient.ts';
import { gitHubLookUp } from './look-up.ts';
import { run } from './run.ts';
import { fetchThroughProxy } from './webhook/proxy.ts';

await runAction('discord-notify', (edge) => leniently(edge, () => notify(edge)));

function notify({ input, env, log, signal, context }: Edge) {
  // actions-status-discord takes the address from there, too.
  const given = (name: string) => input(name) || (name === 'webhook' ? (env.DISCORD_WEBHOOK ?? '') : '');
  return run(readInputs(fields, given), {
    fetch: fetchThroughProxy(env),
    clock: systemClock,
    startedAt: performance.timeOrigin,
    random: Math.random,
    log,
    signal,
    context,
    runNumber: env.GITHUB_RUN_NUMBER ?? '',
    lookUp: (token, patience) =>
      gitHubLookUp({ context, token, workflowRef: env.GITHUB_WORKFLOW_REF ?? '', log, signal: patience }),
  });
}
