import type { Server } from 'node:http';
import { setImmediate as afterPolling, setTimeout as sleep } from 'node:timers/promises';
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
  const finished = closePort(app.server).then(() => app.close().then(() => true));
  const timedOut = sleep(Math.max(0, config.stopMs - config.drainMs), false, { signal: giveUp.signal }).catch(
    () => false,
  );
  const clean = await Promise.race([finished, timedOut]);
  giveUp.abort();
  app.log[clean ? 'info' : 'error'](clean ? 'stopped' : 'stopped with requests unfinished');
  return clean ? 0 : 1;
}

/** Turns of the event loop after which the port is closed even if there is no quiet one. */
const MOST_TURNS = 2_000;
const QUIET_TURN_MS = 0.5;

/**
 * Takes no more connections, and resolves when those that are open have been answered. The kernel resets connections that
 * still wait to be accepted when a port closes, and Node accepts one in each turn of its loop: so the port is closed right
 * after a turn in which nothing came and nothing took time.
 */
async function closePort(server: Server): Promise<void> {
  let busy = true;
  const note = () => {
    busy = true;
  };
  server.on('connection', note).on('request', note);
  for (let turn = 0; busy && turn < MOST_TURNS; turn++) {
    busy = false;
    const started = performance.now();
    await afterPolling();
    if (performance.now() - started > QUIET_TURN_MS) busy = true;
  }
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
