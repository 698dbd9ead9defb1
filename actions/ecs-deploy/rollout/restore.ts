import { shortName } from '../../../lib/ecs/names.ts';
import { Problem } from '../../../lib/errors.ts';
import type { Outcome } from '../../../lib/outcome.ts';
import { findDeployment } from '../deployment/find.ts';
import { nothingSeen, type WatchEnd, watch } from '../deployment/watch.ts';
import { goBack } from '../go-back.ts';
import type { Rollout, RolloutPlan, RolloutPorts } from './plan.ts';

const FIND_MS = 30_000;

/**
 * Puts the revision before back after a failure that ECS has left as it is, and sees that through.
 * @returns `rolled-back` when the revision before serves again, and else the failure with what became of the attempt.
 */
export async function restore(
  failure: Outcome,
  plan: RolloutPlan,
  rollout: Rollout,
  ports: RolloutPorts,
): Promise<Outcome> {
  if (!plan.rollbackOnFailure) return failure;
  const { taskDefinition, previous } = plan;
  if (previous === '' || previous === taskDefinition) {
    const why = previous === '' ? 'nothing ran before it' : 'the same revision ran before';
    return { ...failure, cause: `${failure.cause}; ${why}, so there is nothing to go back to` };
  }
  const back = shortName(previous);
  ports.log.warning(`${failure.cause}. Putting ${back} back`);
  const end = await seeThrough(failure, plan, rollout, ports);
  if (end.status === 'taken-over')
    return {
      status: 'superseded',
      cause: `${failure.cause}; the service was set to another revision since, so nothing was put back`,
      next: 'Look at the run that started the other deployment; run this one again only if its revision should serve',
    };
  if (end.status === 'left') return { ...failure, cause: `${failure.cause}; ${end.why}` };
  if (end.status === 'succeeded' || end.status === 'rolled-back')
    return { ...failure, status: 'rolled-back', cause: `${failure.cause}; ${back} was put back and serves again` };
  return {
    status: 'failed',
    cause: `${failure.cause}; putting ${back} back ended as ${end.status}: ${end.why}`,
    next: 'What runs is not what it should be: look at the service, then run the operation `rollback`',
  };
}

interface End {
  status: WatchEnd['status'] | 'denied' | 'left' | 'taken-over';
  why: string;
}

async function seeThrough(failure: Outcome, plan: RolloutPlan, rollout: Rollout, ports: RolloutPorts): Promise<End> {
  const { ref, taskDefinition, previous } = plan;
  const { ecs, clock } = ports;
  try {
    const before = await ecs.describeService(ref);
    const { deployment } = rollout;
    ports.remember?.({
      ...ref,
      taskDefinition,
      previous,
      since: before.at,
      known: deployment,
      deployment,
      onCancel: plan.onCancel,
      stage: 'going-back',
    });
    rollout.goingBack = true;
    const went = await goBack({ ref, deployment, taskDefinition, previous }, ecs);
    if (went === 'nothing') return { status: 'left', why: 'nothing ran before it, so there is nothing to go back to' };
    if (went === 'taken-over') return { status: 'taken-over', why: '' };
    const known = new Set([before.service.currentServiceDeployment ?? '', deployment]);
    const own = went !== 'deployed-again';
    const wanted = { taskDefinition: previous, notBefore: before.at, notAfter: clock.now(), known };
    const found = own ? { arn: deployment } : await findDeployment(ref, wanted, FIND_MS, ports);
    const seen = { ...nothingSeen(), timeline: rollout.seen.timeline, eventIds: rollout.seen.eventIds };
    const end = await watch(
      {
        ref,
        taskDefinition: own ? taskDefinition : previous,
        deployment: found.arn,
        known,
        since: before.at,
        deadline: clock.now() + plan.timeoutMs,
        failFast: 0,
        givenUp: own ? failure.cause : undefined,
      },
      seen,
      { ...ports, onFirstFailure: async () => undefined, allHealthy: async () => false },
    );
    return { status: end.status, why: 'why' in end ? end.why : '' };
  } catch (error) {
    if (!(error instanceof Problem) || error.kind === 'cancelled') throw error;
    return { status: error.kind === 'denied' ? 'denied' : 'failed', why: error.finding };
  }
}
