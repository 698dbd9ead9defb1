import { Problem } from '../../lib/errors.ts';
import { isGood } from '../../lib/outcome.ts';
import type { HostFacts, HostResult } from './host-result.ts';
import type { Agent } from './ssm.ts';
import type { Target } from './targets.ts';

export interface Fleet {
  /** Hosts whose agents are online, in the order in which they are deployed to. */
  online: string[];
  /** Matching hosts that do not answer: they take the desired state when they are back. */
  offline: string[];
}

/**
 * Which of the matching hosts can be reached. SSM itself calls a command to nobody a success.
 * @throws Problem when there are none, or fewer than the minimum; it names those that are offline.
 */
export function fleetOf(agents: readonly Agent[], targets: readonly Target[], minimum: number | undefined): Fleet {
  const sorted = agents.toSorted((a, b) => (a.instance < b.instance ? -1 : 1));
  const online = sorted.filter((a) => a.online).map((a) => a.instance);
  const named = targets.flatMap((t) => (t.key === 'InstanceIds' ? t.values : []));
  // A named id that SSM does not know at all is as unreachable as one whose agent is silent.
  const unknown = named.filter((id) => !agents.some((a) => a.instance === id));
  const offline = [...sorted.filter((a) => !a.online).map((a) => a.instance), ...unknown];
  const least = minimum ?? Math.max(1, named.length);
  if (online.length >= least) return { online, offline };
  const names = offline.length > 0 ? `; offline: ${offline.join(', ')}` : '';
  throw new Problem({
    what: "input 'targets'",
    seen: targets.map((t) => `${t.key}=${t.values.join(',')}`).join(' '),
    cause:
      online.length === 0
        ? `no host with an online SSM agent matches${names}`
        : `only ${online.length} of at least ${least} hosts are online${names}`,
    fix: 'Check tags and region, that the instances run, and that their instance profile has AmazonSSMManagedInstanceCore',
    kind: 'not-found',
  });
}

/** Hosts that could not take a deployment, with the reason. Pure. */
export function unfit(results: readonly HostResult[], minimumDisk: number): { instance: string; cause: string }[] {
  return results.flatMap((result) => {
    const cause = isGood(result) ? lacking(result.facts, minimumDisk) : result.cause;
    return cause === '' ? [] : [{ instance: result.instance, cause }];
  });
}

function lacking(facts: HostFacts | undefined, minimumDisk: number): string {
  const free = facts?.diskFree;
  if (free === undefined || free >= minimumDisk) return '';
  return `docker's disk has ${megabytes(free)} free, and minimum-disk asks for ${megabytes(minimumDisk)}; run the operation prune`;
}

/** "5,120 MB": sizes of disks as people compare them. */
export function megabytes(bytes: number): string {
  return `${Math.floor(bytes / MEGA).toLocaleString('en')} MB`;
}

const MEGA = 1_048_576;
const UNITS: Readonly<Record<string, number>> = { b: 1, k: 1024, m: MEGA, g: 1024 * MEGA };

/** Bytes of a size as docker writes it: 512m, 1g; a bare number is bytes. */
export function bytesOf(size: string): number {
  const unit = UNITS[size.at(-1)?.toLowerCase() ?? ''];
  return Math.round(Number.parseFloat(size) * (unit ?? 1));
}
