import type { Outcome } from './outcome.ts';

export interface Annotation {
  level: 'error' | 'warning' | 'notice';
  message: string;
  title?: string | undefined;
  file?: string | undefined;
  line?: number | undefined;
  column?: number | undefined;
}

/** What an action's run() hands back; the runner edge writes it out. */
export interface Report {
  outcome: Outcome;
  outputs: Record<string, string>;
  /** One section of the job summary, in Markdown. */
  summary: string;
  annotations?: Annotation[];
}
