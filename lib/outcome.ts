/** How a deployment, or any step of one, ended. Only the first two are good. */
export type OutcomeStatus =
  | 'succeeded'
  | 'unchanged'
  | 'rolled-back'
  | 'superseded'
  | 'stopped'
  | 'timed-out'
  | 'denied'
  | 'failed';

export interface Outcome {
  status: OutcomeStatus;
  /** One sentence a person would say; empty only for `succeeded`. */
  cause: string;
  /** What to do next, where there is something to do. */
  next?: string;
}

const GOOD: ReadonlySet<OutcomeStatus> = new Set(['succeeded', 'unchanged']);

/** True for the two outcomes that end with exit code 0. */
export function isGood(outcome: Pick<Outcome, 'status'>): boolean {
  return GOOD.has(outcome.status);
}

const ICONS: Readonly<Record<OutcomeStatus, string>> = {
  succeeded: '✅',
  unchanged: '➖',
  'rolled-back': '↩️',
  superseded: '⏭️',
  stopped: '⏹️',
  'timed-out': '⌛',
  denied: '⛔',
  failed: '❌',
};

/** An outcome as a short label that also reads without the picture. */
export function outcomeLabel(status: OutcomeStatus): string {
  return `${ICONS[status]} ${status}`;
}
