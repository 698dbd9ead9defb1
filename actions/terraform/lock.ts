import type { Diagnostic } from './messages.ts';

export interface LockHolder {
  id: string;
  who: string;
  operation: string;
  created: string;
}

/** Who holds the state lock, when that is what a diagnostic is about: one that could not be taken for lack of a right names no holder. */
export function lockHolder(diagnostics: readonly Diagnostic[]): LockHolder | undefined {
  const found = diagnostics.find((one) => /acquiring the state lock/i.test(one.summary));
  if (!found) return undefined;
  const field = (name: string) => new RegExp(`^\\s*${name}:\\s*(.+?)\\s*$`, 'm').exec(found.detail)?.[1] ?? '';
  if (field('ID') === '' && field('Who') === '') return undefined;
  return { id: field('ID'), who: field('Who'), operation: field('Operation'), created: field('Created') };
}

/** "ada@laptop for apply since 2026-11-25 23:00:00 UTC" */
export function sayHolder({ who, operation, created }: LockHolder): string {
  const what = operation ? ` for ${operation.replace(/^OperationType/, '').toLowerCase()}` : '';
  const since = created ? ` since ${created.replace(/\.\d+/, '').replace(/ \+0000 UTC$/, ' UTC')}` : '';
  return `${who || 'another run'}${what}${since}`;
}

/**
 * What to do about a held lock. Forcing it while its holder works is how states get lost, so that comes last. Runs of the
 * pipeline wait for each other in the root's lane before they ask for the lock: one that is held was left by a run
 * that was killed, or is held by somebody beside the pipeline.
 */
export function explainLock(
  holder: LockHolder,
  { component, environment }: { component: string; environment: string },
): { cause: string; next: string } {
  const unlock =
    component !== '' && environment !== ''
      ? `run operate with operation unlock, environment ${environment}, component ${component}, lock id ${holder.id || 'ID'}`
      : `run this action with operation unlock and lock-id ${holder.id || 'ID'}`;
  return {
    cause: `the state is locked by ${sayHolder(holder)}`,
    next: `Wait for its holder and start this one again, or raise 'lock-timeout'. Runs of one root wait for each other before they lock, so when nobody works on it by hand, its holder was killed. Only when it surely runs no more: ${unlock}`,
  };
}
