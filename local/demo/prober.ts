import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What was seen of a service from outside. Latencies in milliseconds. */
export interface Tally {
  sent: number;
  failed: number;
  perSecond: number;
  p50: number;
  p95: number;
  max: number;
  /** What was wrong, with how often; the first few kinds. */
  failures: Record<string, number>;
  /** When the first and the last of them was sent, milliseconds since the epoch. */
  failedFrom?: number;
  failedUntil?: number;
}

export interface Prober {
  /** Since the start, or since the mark. */
  tally(since?: Mark): Tally;
  mark(): Mark;
  stop(): Promise<Tally>;
}

export interface Mark {
  at: number;
  index: number;
}

interface Probe {
  /** Milliseconds since the epoch. */
  at: number;
  ms: number;
  /** '' when it was answered with 200. */
  failure: string;
}

const TIMEOUT_MS = 5_000;
const KINDS = 5;

/**
 * Sends requests at a fixed rate, whatever the answers take, as users would; each of a kept connection and of a new one in turn.
 * @param url answered with 200 when the service is well
 * @param perSecond requests a second
 */
export function startProber(
  url: string,
  perSecond: number,
  now: () => number = performance.now.bind(performance),
): Prober {
  const kept = new Agent({ keepAlive: true, maxSockets: 8 });
  const probes: Probe[] = [];
  const open = new Set<Promise<void>>();
  const started = now();
  let running = true;
  let ended = 0;

  const loop = (async () => {
    for (let i = 0; running; i += 1) {
      const probe = send(url, i % 2 === 0 ? kept : false).then((result) => void probes.push(result));
      open.add(probe);
      void probe.finally(() => open.delete(probe));
      // By the clock and not by pauses, so that a slow moment is caught up.
      await sleep(Math.max(0, started + ((i + 1) * 1000) / perSecond - now()));
    }
  })();

  const tally = (since: Mark = { at: started, index: 0 }): Tally =>
    summarise(probes.slice(since.index), ((ended || now()) - since.at) / 1000);
  return {
    tally,
    mark: () => ({ at: now(), index: probes.length }),
    async stop() {
      running = false;
      await loop;
      ended = now();
      await Promise.all(open);
      kept.destroy();
      return tally();
    },
  };
}

export function summarise(probes: readonly Probe[], seconds: number): Tally {
  const times = probes.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (share: number) => Math.round((times[Math.ceil(share * times.length) - 1] ?? 0) * 10) / 10;
  const failed = probes.filter(({ failure }) => failure !== '');
  const failures: Record<string, number> = {};
  for (const { failure } of failed)
    if (failure in failures || Object.keys(failures).length < KINDS) failures[failure] = (failures[failure] ?? 0) + 1;
  return {
    sent: probes.length,
    failed: failed.length,
    perSecond: seconds > 0 ? Math.round((probes.length / seconds) * 10) / 10 : 0,
    p50: at(0.5),
    p95: at(0.95),
    max: at(1),
    failures,
    ...(failed[0] && { failedFrom: failed[0].at, failedUntil: failed.at(-1)?.at ?? failed[0].at }),
  };
}

function send(url: string, agent: Agent | false): Promise<Probe> {
  const started = performance.now();
  const at = Date.now();
  return new Promise((resolve) => {
    const end = (failure: string) => resolve({ at, ms: performance.now() - started, failure });
    const request = get(url, { agent, timeout: TIMEOUT_MS }, (response) => {
      response.once('end', () => end(response.statusCode === 200 ? '' : `status ${response.statusCode}`));
      response.once('error', (error) => end(error.message));
      response.resume();
    });
    request.once('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    request.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}
