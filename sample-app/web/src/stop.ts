import { setTimeout as sleep } from 'node:timers/promises';
import type { Application } from './app.ts';
import type { Config } from './config.ts';

/**
 * Stops without losing a request, in three steps: say "not ready" and keep serving for the drain time, so that load
 * balancers turn away; close the port; finish what is in flight.
 * @returns the exit code: 0, or 1 when requests were still unfinished at the stop time-out.
 */
export async function stop({ app, readiness }: Application, config: Pick<Config, 'drainMs' | 'stopMs'>) {
  readiness.drain();
  app.log.info({ drainMs: config.drainMs }, 'stopping: no longer ready');
  await sleep(config.drainMs);
  const giveUp = new AbortController();
  const finished = app.close().then(() => true);
  const timedOut = sleep(Math.max(0, config.stopMs - config.drainMs), false, { signal: giveUp.signal }).catch(
    () => false,
  );
  const clean = await Promise.race([finished, timedOut]);
  giveUp.abort();
  app.log[clean ? 'info' : 'error'](clean ? 'stopped' : 'stopped with requests unfinished');
  return clean ? 0 : 1;
}
