import type { ServiceRef } from '../../lib/ecs/names.ts';

/**
 * What a run leaves behind while it changes a service, so that the post step can finish what was cut. Written before each
 * step that changes something: a process that is killed writes nothing any more.
 */
export interface RolloutNote extends ServiceRef {
  region?: string | undefined;
  /** ARNs of the revision that is rolled out and of the one that served before. */
  taskDefinition: string;
  previous: string;
  /** The service's clock just before the change, in milliseconds since the epoch. */
  since: number;
  /** The deployment that was there before ours. */
  known: string;
  /** '' until it has shown. */
  deployment: string;
  onCancel: 'leave' | 'rollback';
  /** `changing`: an update was about to be sent. `ended`: the run told its outcome by itself. */
  stage: 'changing' | 'watching' | 'going-back' | 'cancelled' | 'ended';
}

/** The notes of an earlier process, one a service; none where it left none, or none that can be read. */
export function readNotes(text: string): RolloutNote[] {
  try {
    const notes: unknown = JSON.parse(text);
    return Array.isArray(notes) ? notes.filter(isNote) : [];
  } catch {
    return [];
  }
}

function isNote(value: unknown): value is RolloutNote {
  const note = value as Partial<RolloutNote> | null;
  return typeof note?.service === 'string' && typeof note.stage === 'string';
}
