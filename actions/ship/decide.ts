import { blockedBy } from '../../lib/config/graph.ts';
import type { ConfigData } from '../../lib/config/schema.ts';
import type { LedgerEntry } from '../../lib/ledger/ledger.ts';
import { isGood, type OutcomeStatus } from '../../lib/outcome.ts';
import type { Result } from '../../lib/result.ts';

/** Why a component must not ship because of what the legs before it left; '' when nothing is in its way. */
export function blockedCause(
  config: Pick<ConfigData, 'components'>,
  component: string,
  results: ReadonlyMap<string, Result>,
): string {
  const well = new Map(
    [...results].map(([name, { outcome }]) => [name, isGood({ status: outcome.status as OutcomeStatus })]),
  );
  const names = blockedBy(config, component, well);
  const causes = names.map((name) => {
    const { status = 'failed', cause = '' } = results.get(name)?.outcome ?? {};
    return `${name}, which ended as ${status}${cause ? `: ${cause}` : ''}`;
  });
  return causes.length === 0 ? '' : `it needs ${causes.join('; and ')}`;
}

/** What the ledger keeps of an end: nothing of one that touched nothing, or that nobody can judge. */
export function ledgerState(status: OutcomeStatus): LedgerEntry['state'] | undefined {
  switch (status) {
    case 'succeeded':
    case 'unchanged':
      return 'deployed';
    case 'rolled-back':
      return 'held';
    case 'failed':
    case 'timed-out':
      return 'failed';
    default:
      return undefined;
  }
}
