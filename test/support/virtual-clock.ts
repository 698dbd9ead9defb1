import type { Clock } from '../../lib/clock.ts';
import { cancelled } from '../../lib/errors.ts';

/** A clock that jumps instead of waiting; `at` runs something when it gets there. */
export interface VirtualClock extends Clock {
  at(ms: number, what: () => void): void;
  elapsed(): number;
}

export function virtualClock(start = Date.parse('2026-01-01T12:00:00Z')): VirtualClock {
  let now = start;
  const plans: { at: number; what: () => void }[] = [];
  return {
    now: () => now,
    elapsed: () => now - start,
    at: (ms, what) => void plans.push({ at: start + ms, what }),
    async sleep(ms, signal) {
      const until = now + ms;
      for (const plan of plans.toSorted((a, b) => a.at - b.at)) {
        if (plan.at > until || signal?.aborted) continue;
        now = Math.max(now, plan.at);
        plans.splice(plans.indexOf(plan), 1);
        plan.what();
      }
      if (signal?.aborted) throw cancelled('waiting');
      now = until;
    },
  };
}
