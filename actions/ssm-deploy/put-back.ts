import { isGood, type Outcome } from '../../lib/outcome.ts';
import { payloadOf, type Sending } from './context.ts';
import { type Carried, carryOut } from './fleet/carry-out.ts';
import type { HostResult } from './host-result.ts';
import type { SsmPorts } from './ports.ts';

export interface PutBack extends Carried {
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
  const results = carried.results.map(
    (result): HostResult =>
      isGood(result) ? { ...result, status: 'rolled-back', cause: 'put back, because another host failed' } : result,
  );
  return { ...carried, results, outcome: (failed) => outcomeOf(failed, results) };
}

function outcomeOf(failed: Outcome, results: readonly HostResult[]): Outcome {
  const bad = results.filter((r) => r.status !== 'rolled-back');
  if (bad.length === 0) {
    const cause = `${failed.cause}; the ${results.length === 1 ? 'host' : `${results.length} hosts`} that had succeeded ${results.length === 1 ? 'was' : 'were'} put back (all-or-nothing)`;
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
