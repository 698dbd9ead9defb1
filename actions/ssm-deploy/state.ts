import type { Edge } from '../../lib/runner.ts';
import { type Note, readNote } from './note.ts';

const STATE = 'hosts';
const NOTHING = 'nothing';

/**
 * Whether this process is the post step: the runner starts the same file for it, and what the first run saved tells the two
 * apart. To be asked once, at the start.
 */
export function isPostStep({ state, saveState }: Pick<Edge, 'state' | 'saveState'>): boolean {
  if (state(STATE) !== '') return true;
  saveState(STATE, NOTHING);
  return false;
}

/** Keeps the newest note for the post step, at once: a process that is killed writes nothing any more. */
export function rememberingIn({ saveState }: Pick<Edge, 'saveState'>): (note: Note) => void {
  return (note) => saveState(STATE, JSON.stringify(note));
}

/** What the run before has left; undefined where it left nothing. */
export function noteIn({ state }: Pick<Edge, 'state'>): Note | undefined {
  return readNote(state(STATE));
}
