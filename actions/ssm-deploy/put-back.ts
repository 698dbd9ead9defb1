import { isGood, type Outcome } from '../../lib/outcome.ts';
import { payloadOf, type Sending } from './context.ts';
import { type Carried, carryOut } from './fleet/carry-out.ts';
import type { HostResult } from './host-result.ts';
import type { SsmPorts } from './ports.ts';

export interface PutBack extends Carried {
  /** Those that did not serve the release, so that nothing was to be done there. */
  untouched: ReadonlySet<string>;
  /** The deployment's outcome, now that its hosts have been put back. */
  outcome(failed: Outcome): Outcome;
}

/** Time that the way back has even where the deployment has used up its own. */
const LEAST_MS = 120_000;

/**
 * Sets hosts back to what they served before a release: all at once, since each of them starts a container that it has kept. A host that
 * does not serve the release is left alone.
 */
export async function putBack(
  hosts: readonly Pick<HostResult, 'instance'>[],
  release: string,
  context: Sending,
  ports: SsmPorts,
  base: number,
): Promise<PutBack> {
  const { clock, log } = ports;
  log.info(`all-or-nothing: putting ${hosts.map((h) => h.instance).join(', ')} back`);
  const carried = await carryOut(
    {
      payload: { ...payloadOf('rollback', context, ports, base), to: release },
      hosts: hosts.map((h) => h.instance),
      pace: { maxConcurrency: '100%', maxErrors: '100%', gate: false },
      deadline: Math.max(context.deadline, clock.now() + LEAST_MS),
      output: context.output,
    },
    ports,
  );
  const untouched = new Set(carried.results.filter((r) => r.status === 'unchanged').map((r) => r.instance));
  const results = carried.results.map((result): HostResult => {
    if (!isGood(result)) return result;
    const cause = untouched.has(result.instance)
      ? 'it did not serve the release'
      : 'put back, because another host failed';
    return { ...result, status: 'rolled-back', cause };
  });
  return { ...carried, results, untouched, outcome: (failed) => outcomeOf(failed, results, untouched) };
}

/** The exit codes by which the host program ends by itself: then what served before goes on serving. */
const OWN_ENDS: ReadonlySet<number> = new Set([1, 64, 69, 75]);

/**
 * The hosts that may serve a release after a deployment of it that is no success: those that had succeeded, and those of which nobody
 * knows how far they came. What a host itself tells of its end is known.
 */
export function mayServe(results: readonly HostResult[]): HostResult[] {
  return results.filter(({ status, startedAt, exitCode }) => {
    if (status === 'succeeded' || status === 'timed-out') return true;
    if (status === 'failed' && OWN_ENDS.has(exitCode)) return false;
    return startedAt > 0 && (status === 'failed' || status === 'stopped' || status === 'denied');
  });
}

/** The results of a deployment with those of the way back in their places. */
export function afterPutBack(results: readonly HostResult[], back: PutBack): HostResult[] {
  return results.map((r) => {
    const then = back.results.find((b) => b.instance === r.instance);
    const kept = then === undefined || (isGood(r) ? false : back.untouched.has(r.instance));
    return kept ? r : (then ?? r);
  });
}

function outcomeOf(failed: Outcome, results: readonly HostResult[], untouched: ReadonlySet<string>): Outcome {
  const bad = results.filter((r) => r.status !== 'rolled-back');
  if (bad.length === 0) {
    const count = results.length - untouched.size;
    const told = count === 1 ? 'the host that had switched was' : `the ${count} hosts that had switched were`;
    const cause =
      count === 0 ? `${failed.cause}; no other host serves it` : `${failed.cause}; ${told} put back (all-or-nothing)`;
    const next = 'Every host serves the release before; correct the cause and deploy again';
    // What could not even be told of a host (a time-out) stays what it is: only a release that was tried is held back.
    return { status: failed.status === 'stopped' ? 'rolled-back' : failed.status, cause, next };
  }
  return {
    status: 'failed',
    cause: `${failed.cause}; and ${bad.map((r) => `${r.instance} could not be put back: ${r.cause}`).join('; ')}`,
    next: 'The hosts serve two versions: look at those, then deploy again or run the operation rollback',
  };
}
