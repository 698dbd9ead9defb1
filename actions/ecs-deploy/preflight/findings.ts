import type { ProblemParts } from '../../../lib/errors.ts';

/** Something that would make the deployment fail, found before anything was changed. */
export type Finding = Pick<ProblemParts, 'what' | 'seen' | 'cause' | 'fix'>;

/** Something that could not be looked at, and why: no reason to stop. */
export interface Skipped {
  what: string;
  why: string;
}

export interface Findings {
  problems: Finding[];
  skipped: Skipped[];
}

export const NOTHING: Findings = { problems: [], skipped: [] };

export function together(all: readonly Findings[]): Findings {
  return { problems: all.flatMap((f) => f.problems), skipped: all.flatMap((f) => f.skipped) };
}
