import { regionFrom } from '../../lib/aws/client.ts';
import { renewingCredentials } from '../../lib/aws/renewal.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Report } from '../../lib/report.ts';
import type { Edge } from '../../lib/runner.ts';
import { type RolloutNote, readNotes } from './note.ts';

const STATE = 'rollout';
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

const kept = new Map<string, RolloutNote>();

/**
 * Keeps the newest note of each service for the post step, at once: a process that is killed writes nothing any more. The runner
 * keeps one value, so that all of this process are written together.
 */
export function remembering({ saveState }: Pick<Edge, 'saveState'>, region: string): (note: RolloutNote) => void {
  return (note) => {
    kept.set(`${region} ${note.cluster} ${note.service}`, { ...note, region });
    saveState(STATE, JSON.stringify([...kept.values()]));
  };
}

/** What the post step does: finishes what was cut, and nothing after a run that told its end. */
export async function postStep({ state, env, log, signal, idToken }: Edge): Promise<Report> {
  const notes = readNotes(state(STATE)).filter((note) => note.stage !== 'ended');
  if (notes.length === 0) return { outcome: { status: 'unchanged', cause: '' }, outputs: {}, summary: '' };
  const [{ finish }, { ecsApi }] = await Promise.all([import('./finish.ts'), import('../../lib/ecs/api.ts')]);
  return finish(notes, {
    ecsOf: ({ region = regionFrom('', env) }) => {
      const credentials = renewingCredentials({ env, region, idToken, log });
      return ecsApi({ region, action: 'post', signal, credentials });
    },
    clock: systemClock,
    log,
    signal,
  });
}
