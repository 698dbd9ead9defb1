import { Problem } from '../../../lib/errors.ts';
import type { Change, PlanSummary } from './plan.ts';

/** What a plan may take away. */
export interface Limits {
  /** Addresses, with * for any text; one also covers everything below it. */
  protected: readonly string[];
  /** Most resources that may be destroyed or replaced; undefined sets no limit. */
  maxDestroy: number | undefined;
}

/** What `destroy` may take away where nothing else was said: a typo in the name of a folder should not cost more. */
export const DESTROY_LIMIT = 50;

/** @throws Problem kind `denied` when the plan would destroy or replace something protected, or more than it may. */
export function checkLimits(plan: Pick<PlanSummary, 'changes'>, limits: Limits): void {
  const lost = plan.changes.filter(({ action }) => action === 'destroy' || action === 'replace');
  const covered = (address: string) => limits.protected.some((pattern) => covers(pattern, address));
  // A resource that is renamed by a moved block is the one that was protected.
  const kept = lost.filter(({ address, before }) => covered(address) || (before !== undefined && covered(before)));
  if (kept.length > 0) {
    throw new Problem({
      what: 'the plan',
      cause: `it would ${listOf(kept)}, which 'protected' keeps`,
      fix: "Take it out of 'protected' in a commit of its own, so that somebody else looks at that, or change the configuration so that it stays",
      kind: 'denied',
    });
  }
  if (limits.maxDestroy !== undefined && lost.length > limits.maxDestroy) {
    throw new Problem({
      what: 'the plan',
      cause: `it would destroy or replace ${lost.length} resources, and 'max-destroy' is ${limits.maxDestroy}`,
      fix: `Look at the list; when it is meant, set 'max-destroy' to ${lost.length}`,
      kind: 'denied',
    });
  }
}

const NAMED = 5;

function listOf(changes: readonly Change[]): string {
  const named = changes
    .slice(0, NAMED)
    .map(({ action, address, before }) => `${action} ${address}${before === undefined ? '' : ` (before: ${before})`}`);
  const more = changes.length - named.length;
  return named.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/**
 * Whether a pattern names an address, or something that it is inside of: `module.data` covers `module.data.aws_db_instance.main[0]`. What
 * looks as if it covered every instance or every module does: `[*]` also stands for no index, and `*.` at the start also for the root.
 */
export function covers(pattern: string, address: string): boolean {
  const [start, rest] = pattern.startsWith('*.') ? ['(?:.*\\.)?', pattern.slice(2)] : ['', pattern];
  const source = rest
    .split('[*]')
    .map((part) => part.split('*').map(escapeRegExp).join('.*'))
    .join('(?:\\[.*\\])?');
  return new RegExp(`^${start}${source}(?:$|[.[])`, 's').test(address);
}

const escapeRegExp = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
