import type { Place } from './desired.ts';

/**
 * What a run leaves behind while it changes hosts, so that the post step can finish what was cut. Written before each step that
 * changes something: a process that is killed writes nothing any more. It holds references to secrets, and none.
 */
export interface Note {
  region: string;
  operation: 'deploy' | 'rollback' | 'restart';
  place: Place;
  /** Release that the hosts are to serve; '' where none is known (restart). */
  release: string;
  /** Fingerprint of it, for the parameter's tag. */
  fingerprint: string;
  /** What the parameter is to hold when every host has done well; '' for nothing. */
  value: string;
  /** Version of the parameter that this was decided on. */
  base: number;
  allOrNothing: boolean;
  /** All that are to change. */
  hosts: string[];
  /** Those that ended, with their outcomes. */
  ended: Record<string, string>;
  /** The command under way. Its id is '' between the call and its answer: the comment finds it. */
  command: { id: string; comment: string; since: number; hosts: string[] } | undefined;
  /** `sending`: hosts are at work, or will be. `writing`: only the parameter is missing. `ended`: the run told its end. */
  stage: 'sending' | 'writing' | 'ended';
}

/** The note of an earlier process; undefined where it left none, or none that can be read. */
export function readNote(text: string): Note | undefined {
  try {
    const note = JSON.parse(text) as Partial<Note> | null;
    return typeof note?.place?.parameter === 'string' && typeof note.stage === 'string' ? (note as Note) : undefined;
  } catch {
    return undefined;
  }
}
