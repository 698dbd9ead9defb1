import type { Clock } from '../../../lib/clock.ts';
import { cancelled } from '../../../lib/errors.ts';
import type { OpenProber } from '../probe.ts';
import { lookAt } from '../stability/watch.ts';
import type { Target } from '../target.ts';
import { openLoop, type Sample } from './open-loop.ts';
import { type Figures, failuresAllowed, figuresOf, type SoakRules } from './soak.ts';

export interface SoakPorts {
  openProber: OpenProber;
  clock: Clock;
  signal: AbortSignal;
}

/** Probes that failed from the first on, by which a baseline says that nothing healthy serves yet. */
const NOTHING_THERE = 5;

/** What a soak of one address gave. */
export interface Soaked {
  target: Target;
  samples: Sample[];
  figures: Figures;
  /** Milliseconds since the epoch. */
  startedAt: number;
  endedAt: number;
}

/**
 * Probes all addresses side by side at the rate, each answer judged in full. One whose failures are more than the success rate leaves room
 * for ends early, unless the numbers themselves are wanted. @throws Problem kind `cancelled`
 */
export async function runSoak(
  targets: readonly Target[],
  rules: SoakRules,
  measureAll: boolean,
  ports: SoakPorts,
): Promise<Soaked[]> {
  const prober = ports.openProber(rules.connections);
  const allowed = failuresAllowed(rules);
  try {
    const soaked = targets.map(async (target): Promise<Soaked> => {
      const startedAt = ports.clock.now();
      let failed = 0;
      let stable: string | undefined;
      const probe = async () => {
        const seen = await prober.probe(target, { timeoutMs: target.attemptMs, signal: ports.signal });
        const look = lookAt(target, seen, ports.clock.now());
        if (look.failure) return look.failure;
        const now = JSON.stringify(look.stable);
        const moved = stable !== undefined && stable !== now;
        stable = now;
        if (!moved) return undefined;
        return { reason: 'flapping' as const, cause: 'it says something else of itself than before', final: false };
      };
      let ended = 0;
      const enough = ({ failure }: Sample) => {
        ended++;
        if (failure !== undefined) failed++;
        // Measured on, nothing would still be nothing: a first deployment need not wait for that.
        return measureAll ? failed === ended && failed >= NOTHING_THERE : failed > allowed;
      };
      const samples = await openLoop(rules, probe, enough, ports.signal, {
        now: () => performance.now(),
        sleep: (ms, signal) => ports.clock.sleep(ms, signal),
      });
      samples.sort((a, b) => a.dueMs - b.dueMs);
      return { target, samples, figures: figuresOf(samples), startedAt, endedAt: ports.clock.now() };
    });
    const all = await Promise.all(soaked);
    if (ports.signal.aborted) throw cancelled('verification');
    return all;
  } finally {
    prober.close();
  }
}
