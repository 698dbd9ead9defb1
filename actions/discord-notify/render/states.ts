import type { StageState, StoryState } from '../story.ts';

export interface Look {
  color: number;
  sign: string;
  word: string;
}

/** Colour, sign and word: the state can be read without the colour, and without the picture. */
export const STATES: Readonly<Record<StoryState, Look>> = {
  started: { color: 0x3b82f6, sign: '🚀', word: 'started' },
  running: { color: 0x3b82f6, sign: '🔄', word: 'is under way' },
  succeeded: { color: 0x22c55e, sign: '✅', word: 'succeeded' },
  failed: { color: 0xef4444, sign: '❌', word: 'failed' },
  cancelled: { color: 0x94a3b8, sign: '⏹️', word: 'was cancelled' },
};

/** Signs that differ in shape, not only in colour, and can be seen on light and dark: Discord's own ➖ is nearly black, its ▫️ white. */
export const SIGNS: Readonly<Record<StageState, string>> = {
  waiting: '⏳',
  running: '🔄',
  succeeded: '✅',
  unchanged: '☑️',
  failed: '❌',
  'rolled-back': '↩️',
  blocked: '🚧',
  skipped: '⏭️',
  cancelled: '⏹️',
};

/** What a person would say of a stage. */
export const WORDS: Readonly<Record<StageState, string>> = {
  waiting: 'waiting',
  running: 'under way',
  succeeded: 'succeeded',
  unchanged: 'unchanged',
  failed: 'failed',
  'rolled-back': 'rolled back',
  blocked: 'not tried',
  skipped: 'skipped',
  cancelled: 'cancelled',
};

/** What needs a person comes first, so that it is the last to be cut. */
const URGENCY: readonly StageState[] = ['failed', 'rolled-back', 'blocked', 'cancelled'];

export function byUrgency<T extends { state: StageState }>(stages: readonly T[]): T[] {
  const rank = ({ state }: T) => (URGENCY.includes(state) ? URGENCY.indexOf(state) : URGENCY.length);
  return stages.toSorted((a, b) => rank(a) - rank(b));
}

export function isUrgent({ state }: { state: StageState }): boolean {
  return URGENCY.includes(state);
}
