import { isGood, type Outcome, type OutcomeStatus } from '../../lib/outcome.ts';
import type { HostResult } from './host-result.ts';

const WORST: readonly OutcomeStatus[] = [
  'failed',
  'denied',
  'timed-out',
  'rolled-back',
  'stopped',
  'superseded',
  'succeeded',
  'unchanged',
];

/**
 * The outcome of an operation from those of its hosts: the worst decides, and its cause is told with the host's id. Hosts that were
 * not tried come after those that failed, since they are only so for that. Pure.
 */
export function combine(hosts: readonly HostResult[]): Outcome {
  const worst = hosts.toSorted((a, b) => WORST.indexOf(a.status) - WORST.indexOf(b.status))[0];
  if (!worst) return { status: 'failed', cause: 'no host took the command' };
  if (worst.status === 'succeeded') return { status: 'succeeded', cause: '' };
  if (worst.status === 'unchanged') {
    const cause =
      hosts.length === 1 ? worst.cause || 'it runs there already' : `all ${hosts.length} hosts run it already`;
    return { status: 'unchanged', cause };
  }
  const same = hosts.filter((h) => h.status === worst.status && h !== worst).length;
  const cause = `${worst.instance}: ${worst.cause}${same > 0 ? ` (and ${same} more)` : ''}`;
  return { status: worst.status, cause, next: nextFor(worst, hosts) };
}

function nextFor(worst: HostResult, hosts: readonly HostResult[]): string {
  const changed = hosts.filter((h) => isGood(h)).length;
  const mixed =
    changed > 0
      ? `${changed} of ${hosts.length} hosts run the new version: deploy again, or run the operation rollback`
      : '';
  const own =
    worst.next ||
    (worst.status === 'rolled-back'
      ? 'The earlier container serves; the last lines of the one that failed are in the summary'
      : "Look at the host's output in the summary");
  return [own, mixed].filter(Boolean).join('. ');
}

/** The outcome of a run that was cancelled while hosts were at work. */
export function cancelledAfter(results: readonly HostResult[]): Outcome {
  const done = results.filter((r) => isGood(r)).map((r) => r.instance);
  const tally =
    done.length === 0
      ? 'no host is known to have been done'
      : `done ${done.length === 1 ? 'is' : 'are'} ${done.join(', ')} (${done.length} of ${results.length})`;
  return {
    status: 'stopped',
    cause: `the run was cancelled; ${tally}`,
    next: 'The post step ends what was under way and tells how the hosts stand; running this again converges',
  };
}
