import { isGood, type Outcome } from '../../lib/outcome.ts';
import { combine } from './combine.ts';
import { type Context, payloadOf } from './context.ts';
import { carryOut } from './fleet/carry-out.ts';
import { countOf } from './fleet/waves.ts';
import type { HostResult } from './host-result.ts';
import type { SsmPorts } from './ports.ts';
import { bytesOf, unfit } from './preflight.ts';

export interface Asked {
  /** Set when nothing may be sent. */
  outcome: Outcome | undefined;
  /** Hosts that are left out, as their results. */
  leftOut: HostResult[];
  /** What each host told of itself. */
  facts: ReadonlyMap<string, HostResult['facts']>;
  commandIds: string[];
}

/** For questions: all at once, and nobody waits for anybody. */
export const ALL_AT_ONCE = { maxConcurrency: '100%', maxErrors: '100%', gate: false } as const;

/**
 * Asks every host at once for its engine and its disk, so that what stands in the way of one is known before another is changed.
 * One host alone is not asked: its deployment ends on what it lacks before it touches the old container, and nobody waits for it.
 * With bootstrap the engine may be what is missing.
 */
export async function askHosts(
  hosts: readonly string[],
  base: number,
  context: Context,
  ports: SsmPorts,
): Promise<Asked> {
  const { inputs } = context;
  const none: Asked = { outcome: undefined, leftOut: [], facts: new Map(), commandIds: [] };
  if (!inputs.preflight || hosts.length === 1 || inputs.bootstrap) return none;
  const { deadline, output } = context;
  const payload = payloadOf('preflight', context, ports, base);
  const asked = await carryOut({ payload, hosts, pace: ALL_AT_ONCE, deadline, output }, ports);
  const { results, commandIds } = asked;
  const told = { ...none, commandIds, facts: new Map(results.map((r) => [r.instance, r.facts])) };
  if (asked.interrupted)
    return { ...told, outcome: { status: 'stopped', cause: 'the run was cancelled; nothing was changed on any host' } };
  const leftOut = leftOutOf(results, bytesOf(inputs['minimum-disk']));
  const mayFail = countOf(inputs['max-errors'], hosts.length, 'down');
  if (leftOut.length <= mayFail && leftOut.length < hosts.length) return { ...told, leftOut };
  const { status, cause } = combine(leftOut);
  // A host that knows what it lacks says what to do about it.
  const next = leftOut.find((r) => r.next !== '')?.next ?? NEXT;
  return { ...told, leftOut, outcome: { status, cause: `${cause}; nothing was changed on any host`, next } };
}

const NEXT = 'Set the host right, or take it out of the targets; with `max-errors` it would be left out';

function leftOutOf(results: readonly HostResult[], minimumDisk: number): HostResult[] {
  return unfit(results, minimumDisk).flatMap(({ instance, cause }): HostResult[] => {
    const result = results.find((r) => r.instance === instance);
    if (!result) return [];
    return [{ ...result, status: isGood(result) ? 'failed' : result.status, cause: `preflight: ${cause}` }];
  });
}
