import { EnvHttpProxyAgent, fetch } from 'undici';
import { systemClock } from '../../lib/clock.ts';
import { readInputs } from '../../lib/inputs.ts';
import { runAction } from '../../lib/runner.ts';
import { fields } from './inputs.ts';
import { commitLookUp } from './look-up.ts';
import { run } from './run.ts';
import type { Fetch } from './webhook.ts';

// Self-hosted runners often reach Discord through a proxy, which Node's own fetch does not look for.
const dispatcher = new EnvHttpProxyAgent({ connect: { timeout: 5000 } });
const throughProxy: Fetch = (url, init) => fetch(url, { ...init, dispatcher });

await runAction('discord-notify', ({ input, log, signal, context }) =>
  run(readInputs(fields, input), {
    fetch: throughProxy,
    clock: systemClock,
    log,
    signal,
    context,
    lookUpCommit: commitLookUp(context, log, signal),
  }),
);
