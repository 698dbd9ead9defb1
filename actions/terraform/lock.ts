import type { Diagnostic } from './messages.ts';

export interface LockHolder {
  id: string;
  who: string;
  operation: string;
  created: string;
}

/** Who holds the state lock, when that is what a diagnostic is about. */
export function lockHolder(diagnostics: readonly Diagnostic[]): LockHolder | undefined {
  const found = diagnostics.find((one) => /acquiring the state lock/i.test(one.summary));
  if (!found) return undefined;
  const field = (name: string) => new RegExp(`^\\s*${name}:\\s*(.+?)\\s*$`, 'm').exec(found.detail)?.[1] ?? '';
  return { id: field('ID'), who: field('Who'), operation: field('Operation'), created: field('Created') };
}

/** What to do about a held lock. Forcing it while its holder works is how states get lost, so that comes last. */
export function explainLock({ id, who, operation, created }: LockHolder): { cause: string; next: string } {
  const what = operation ? ` for ${operation.replace(/^OperationType/, '').toLowerCase()}` : '';
  const since = created ? ` since ${created.replace(/\.\d+/, '')}` : '';
  return {
    cause: `the state is locked by ${who || 'another run'}${what}${since}`,
    next: `Wait for that run and start this one again, or raise 'lock-timeout'. Only when it surely runs no more: terraform force-unlock ${id || 'ID'}`,
  };
}
