import { shortName } from '../../../lib/ecs/names.ts';
import type { Outcome } from '../../../lib/outcome.ts';
import { type FailedTask, summarizeFailures } from '../deployment/failures.ts';
import { stableMs, stayUp } from '../deployment/stable.ts';
import { isScaledUp, type Reached } from '../deployment/stages.ts';
import { distinct, readLogs, TAILS, taskLines } from '../failed-tasks.ts';
import { verifyDigests } from '../verification.ts';
import type { Rollout, RolloutPlan, RolloutPorts } from './plan.ts';
import { restore } from './restore.ts';

/** ECS calls it done; what runs has to be what was asked for, and has to stay up where nothing else checks it. */
export async function proved(plan: RolloutPlan, rollout: Rollout, ports: RolloutPorts): Promise<Outcome> {
  const outcome = await prove(plan, rollout, ports);
  return outcome.status === 'failed' ? restore(outcome, plan, rollout, ports) : outcome;
}

async function prove(plan: RolloutPlan, rollout: Rollout, ports: RolloutPorts): Promise<Outcome> {
  const { ref, taskDefinition, before, definition } = plan;
  const service = rollout.seen.service ?? before.service;
  const wanted = plan.desiredCount ?? service.desiredCount ?? 1;
  const { wrong, running, tasks } = await verifyDigests(
    ref,
    taskDefinition,
    wanted === 0 ? new Map() : plan.images,
    ports,
  );
  rollout.running = running;
  if (wrong !== '') {
    const cause = `${shortName(taskDefinition)} is not what was asked for: ${wrong}`;
    return { status: 'failed', cause, next: 'Look at the running tasks; deploy again' };
  }
  const forMs = stableMs(plan.stableForMs, service, definition);
  if (forMs === 0 || wanted === 0) return { status: 'succeeded', cause: '' };
  const died = await stayUp({ ref, taskDefinition, since: before.at, tasks, wanted, forMs }, ports);
  if (died.length === 0) return { status: 'succeeded', cause: '' };
  return tellDeaths(died, plan, rollout, ports);
}

async function tellDeaths(
  died: readonly FailedTask[],
  plan: RolloutPlan,
  rollout: Rollout,
  ports: RolloutPorts,
): Promise<Outcome> {
  const { seen } = rollout;
  const known = new Set(seen.failures.map((f) => f.arn));
  seen.failures.push(...died.filter((f) => !known.has(f.arn)));
  rollout.logs = await readLogs(distinct(died).slice(-TAILS), plan.definition, ports);
  const [first] = died;
  if (first) {
    const own = rollout.logs.filter((l) => l.task === first.id);
    for (const line of [`task ${first.id} stopped: ${first.sentence}`, ...taskLines(first, own, [])])
      ports.log.info(line);
  }
  return {
    status: 'failed',
    cause: `${shortName(plan.taskDefinition)} did not stay up, though ECS calls the deployment successful: ${summarizeFailures(died)}`,
    next: first?.hint ?? 'Look at its log',
  };
}

/** As far as this run waits: what runs by then has to be what was asked for, and the reader has to know how it goes on. */
export async function waited(end: Reached, plan: RolloutPlan, rollout: Rollout, ports: RolloutPorts): Promise<Outcome> {
  rollout.reached = { stage: end.stage, pause: end.pause, healthy: end.healthy };
  if (end.healthy !== undefined || isScaledUp(end.stage)) {
    const verified = await prove(plan, rollout, ports);
    if (verified.status !== 'succeeded') return verified;
  }
  const revision = shortName(plan.taskDefinition);
  if (end.healthy !== undefined)
    return {
      status: 'succeeded',
      cause: `all ${end.healthy} tasks of ${revision} are healthy; ECS still takes the old ones down`,
    };
  if (!end.pause) return { status: 'succeeded', cause: `${revision} has reached ${end.stage}; ECS goes on by itself` };
  const { expiresAt, timeoutAction } = end.pause;
  const until = expiresAt ? ` until ${expiresAt.toISOString()}, when ECS does ${timeoutAction}` : '';
  return {
    status: 'succeeded',
    cause: `${revision} is paused at ${end.stage} and waits for an answer${until}`,
    next: 'Run the operation `continue` with this `deployment-arn`, and `answer: continue` or `answer: rollback`',
  };
}
