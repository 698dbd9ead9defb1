import { SHAPES } from '../../../lib/container-shapes.ts';
import { isGood } from '../../../lib/outcome.ts';
import type { HostResult } from '../host-result.ts';

/** SendCommand takes so many instance ids. Source: SSM API reference. */
const MOST_IDS = 50;

export interface Pace {
  /** A number or a percentage of all hosts. */
  maxConcurrency: string;
  maxErrors: string;
  /** One host first, and the rest only if that went well. */
  gate: boolean;
}

export interface Wave {
  hosts: string[];
  /** How many of them work at once. */
  atOnce: number;
  /** Whether it alone decides about the rest. */
  gate: boolean;
}

/**
 * How a number or a percentage of the hosts reads. How many may work at once is rounded up (50% of 5 is 3), how many may fail is
 * rounded down: 10% of 3 hosts does not allow that one of them fails.
 */
export function countOf(limit: string, hosts: number, round: 'up' | 'down'): number {
  if (!SHAPES.share.pattern.test(limit)) return 0;
  const number = Number.parseInt(limit, 10);
  if (!limit.endsWith('%')) return number;
  return round === 'up' ? Math.ceil((number * hosts) / 100) : Math.floor((number * hosts) / 100);
}

/** The commands that carry an operation through all hosts, in order: the first host alone where it gates, then up to 50 at a time. Pure. */
export function wavesOf(hosts: readonly string[], { maxConcurrency, gate }: Pace): Wave[] {
  const atOnce = Math.max(1, countOf(maxConcurrency, hosts.length, 'up'));
  const alone = gate && hosts.length > 1 ? hosts.slice(0, 1) : [];
  const rest = hosts.slice(alone.length);
  const waves: Wave[] = alone.map((host) => ({ hosts: [host], atOnce: 1, gate: true }));
  for (let i = 0; i < rest.length; i += MOST_IDS)
    waves.push({ hosts: rest.slice(i, i + MOST_IDS), atOnce, gate: false });
  return waves;
}

export interface Standing {
  /** Hosts that may still fail before the others are not tried. */
  left: number;
  /** Why nothing more is sent; '' as long as there is no reason. */
  halt: string;
}

/** What the results so far say about going on. Pure. */
export function standing(
  results: readonly HostResult[],
  gate: string | undefined,
  maxErrors: number,
  already = 0,
): Standing {
  const bad = results.filter((r) => !isGood(r));
  const first = bad.find((r) => r.instance === gate);
  if (first) return { left: 0, halt: `not tried, because ${first.instance}, the first host, did not do well` };
  const left = maxErrors - bad.length - already;
  return { left, halt: left < 0 ? 'not tried, because too many hosts before it had failed' : '' };
}
