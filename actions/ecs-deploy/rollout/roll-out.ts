import { shortName } from '../../../lib/ecs/names.ts';
import { cancelled, Problem } from '../../../lib/errors.ts';
import type { Outcome } from '../../../lib/outcome.ts';
import { cancel } from '../cancel.ts';
import { nothingSeen } from '../deployment/watch.ts';
import { follow } from './follow.ts';
import { noteOf } from './note-of.ts';
import type { Rollout, RolloutPlan, RolloutPorts } from './plan.ts';
import { type Answer, answerOf, update } from './update.ts';

/** Rolls a revision out and sees it to its end. Every end is told as an outcome; only what fails before the update is thrown. */
export async function rollOut(plan: RolloutPlan, ports: RolloutPorts): Promise<Rollout> {
  const rollout: Rollout = {
    outcome: { status: 'failed', cause: '' },
    deployment: plan.resume ?? '',
    running: new Map(),
    seen: { ...nothingSeen(), stage: plan.stage },
    logs: [],
    health: [],
    startedAt: ports.clock.now(),
    endedAt: 0,
  };
  // A write is let finish after a cancellation, but none is begun.
  if (ports.signal.aborted) throw cancelled('the deployment');
  const note = noteOf(plan);
  const abortedAt = momentOf(ports);
  let sent = plan.resume !== undefined;
  try {
    let answer: Answer = { notAfter: plan.before.at };
    if (plan.resume === undefined) {
      ports.remember?.(note('changing', rollout));
      answer = plan.begin ? answerOf(await plan.begin()) : await update(plan, ports);
      sent = true;
    }
    rollout.outcome = await follow({ ...plan, ...answer }, rollout, ports);
  } catch (error) {
    // An update that was cut by a cancellation may have been taken all the same, which the outcome then tells.
    if (!(error instanceof Problem) || !(sent || error.kind === 'cancelled')) {
      ports.remember?.(note('ended', rollout));
      throw error;
    }
    rollout.outcome = await cutShort(error, plan, rollout, { ...ports, sinceMs: ports.clock.now() - abortedAt() });
    if (error.kind === 'cancelled' && !rollout.goingBack) ports.remember?.(note('cancelled', rollout));
  }
  if (!ports.signal.aborted) ports.remember?.(note('ended', rollout));
  rollout.endedAt = ports.clock.now();
  return rollout;
}

/** When the run was cancelled, by our clock; now, while it was not. */
function momentOf({ signal, clock }: RolloutPorts): () => number {
  let at: number | undefined;
  signal.addEventListener(
    'abort',
    () => {
      at ??= clock.now();
    },
    { once: true },
  );
  return () => at ?? clock.now();
}

async function cutShort(
  error: Problem,
  plan: RolloutPlan,
  rollout: Rollout,
  ports: RolloutPorts & { sinceMs: number },
): Promise<Outcome> {
  if (error.kind === 'cancelled' && rollout.goingBack) {
    const [revision, back] = [plan.taskDefinition, plan.previous].map(shortName);
    return {
      status: 'stopped',
      cause: `the run was cancelled while ${revision} was given up for ${back}, which goes on in ECS`,
      next: 'The post step tells when it is done; so does the operation `status`',
    };
  }
  if (error.kind === 'cancelled') {
    const { ref, taskDefinition, previous, before, onCancel } = plan;
    const known = before.service.currentServiceDeployment ?? '';
    const { deployment } = rollout;
    return cancel({ ref, taskDefinition, previous, since: before.at, known, deployment, onCancel }, ports);
  }
  const status = error.kind === 'denied' ? 'denied' : 'failed';
  return {
    status,
    cause: `the deployment of ${shortName(plan.taskDefinition)} goes on in ECS, but cannot be watched: ${error.finding}`,
    next: `${error.parts.fix}; then run this again to follow the deployment`,
  };
}
