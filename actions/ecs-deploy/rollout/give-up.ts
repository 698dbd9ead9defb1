import { Problem } from '../../../lib/errors.ts';
import { summarizeFailures } from '../deployment/failures.ts';
import { type WatchEnd, type WatchTarget, watch } from '../deployment/watch.ts';
import type { Rollout, RolloutPorts } from './plan.ts';

type Watching = Parameters<typeof watch>[2];

/** How long a rollback that this action asked for is followed beyond the time-out. */
const BACK_MS = 10 * 60_000;

/** Ends a rollout without hope: ECS is told to turn it back, and that is seen to its end. */
export async function giveUp(
  why: string,
  target: WatchTarget,
  rollout: Rollout,
  ports: Watching & RolloutPorts,
): Promise<Exclude<WatchEnd, { status: 'hopeless' }>> {
  const { seen } = rollout;
  const cause = `${why}: ${summarizeFailures(seen.failures)}`;
  if ((seen.deployment?.sourceServiceRevisions ?? []).length === 0) {
    const first = `${why}; nothing ran before it, so there is nothing to go back to, and ECS goes on starting its tasks`;
    return { decided: true, status: 'failed', why: first };
  }
  ports.log.warning(`${cause}. Telling ECS to go back`);
  rollout.goingBack = true;
  try {
    await ports.ecs.rollBackDeployment(target.deployment ?? '');
  } catch (error) {
    if (!(error instanceof Problem) || error.kind === 'cancelled') throw error;
    // It may have ended, or turned back, by itself in between: the next look tells.
    if (error.kind === 'denied')
      return { decided: true, status: 'failed', why: `${why}; it could not be turned back: ${error.finding}` };
    ports.log.info(error.message);
  }
  const deadline = Math.max(target.deadline, ports.clock.now() + BACK_MS);
  const end = await watch(
    { ...target, deadline, justSeen: false, givenUp: `${why}, so ECS was told to go back`, waitFor: 'completed' },
    seen,
    ports,
  );
  if (end.status === 'hopeless') throw new Error('a rollout that was given up is not given up again');
  return end;
}
