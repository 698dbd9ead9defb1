import type { UiMessage } from './messages.ts';

export interface Step {
  address: string;
  action: string;
}

/** How far an apply came. */
export interface Progress {
  done: Step[];
  failed: Step[];
  /** Begun and neither finished nor failed: the run was killed in the middle, so these may or may not exist. */
  under: Step[];
}

/** Reads how far an apply came out of its messages. Source: "Machine-Readable UI", operation messages. */
export function progressOf(messages: readonly UiMessage[]): Progress {
  const under = new Map<string, Step>();
  const progress: Progress = { done: [], failed: [], under: [] };
  for (const { type, step } of messages) {
    if (!step) continue;
    const key = `${step.action} ${step.address}`;
    if (type === 'apply_start') under.set(key, step);
    if (type === 'apply_complete') progress.done.push(step);
    if (type === 'apply_errored') progress.failed.push(step);
    if (type === 'apply_complete' || type === 'apply_errored') under.delete(key);
  }
  progress.under = [...under.values()];
  return progress;
}
