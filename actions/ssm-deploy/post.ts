import type { Report } from '../../lib/report.ts';
import type { Edge } from '../../lib/runner.ts';
import { noteIn } from './state.ts';

/** What the post step does: finishes what was cut, and nothing after a run that told its end. */
export async function postStep(edge: Edge): Promise<Report> {
  const note = noteIn(edge);
  if (!note || note.stage === 'ended') return { outcome: { status: 'unchanged', cause: '' }, outputs: {}, summary: '' };
  const [{ finish }, { portsOf }] = await Promise.all([import('./finish.ts'), import('./edge.ts')]);
  return finish(note, portsOf(edge, note.region, 'post'));
}
