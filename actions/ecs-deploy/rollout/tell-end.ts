import { messageOf } from '../../../lib/errors.ts';
import type { Outcome } from '../../../lib/outcome.ts';
import type { FailedTask } from '../deployment/failures.ts';
import type { Seen, WatchEnd } from '../deployment/watch.ts';
import { explain } from '../explain.ts';
import { distinct, readHealth, readLogs, TAILS, taskLines } from '../failed-tasks.ts';
import type { Rollout, RolloutPlan, RolloutPorts } from './plan.ts';

/** Everything about the first task that failed, while the deployment goes on: waiting for its end teaches nothing more. */
export async function tellFirst(
  task: FailedTask,
  plan: RolloutPlan,
  rollout: Rollout,
  ports: RolloutPorts,
): Promise<void> {
  const service = rollout.seen.service ?? plan.before.service;
  const [logs, health] = await Promise.all([readLogs([task], plan.definition, ports), readHealth(service, ports)]);
  rollout.logs = logs;
  rollout.health = health;
  for (const line of taskLines(task, logs, health)) ports.log.info(line);
}

/** The outcome of a deployment that did not succeed, with its cause, log lines and the health of its targets. */
export async function explainEnd(
  end: Exclude<WatchEnd, { status: 'reached' | 'hopeless' }>,
  plan: RolloutPlan,
  rollout: Rollout,
  ports: RolloutPorts,
): Promise<Outcome> {
  const { seen } = rollout;
  if (end.status !== 'superseded') {
    const telling = distinct(seen.failures).slice(-TAILS);
    const [logs, health] = await Promise.all([
      telling.length > 0 ? readLogs(telling, plan.definition, ports) : [],
      readHealth(seen.service, ports),
    ]);
    if (logs.some((l) => l.lines.length > 0) || rollout.logs.length === 0) rollout.logs = logs;
    rollout.health = health;
  }
  return explain({
    end,
    failures: seen.failures,
    events: seen.events,
    health: rollout.health,
    logs: rollout.logs,
    trouble: seen.trouble,
    taskDefinition: plan.taskDefinition,
    stage: seen.stage,
    restored: end.status === 'rolled-back' ? await restored(plan, seen, ports) : '',
    timeoutMs: plan.timeoutMs,
  });
}

/** The revision that ECS says it went back to; the one before ours where it does not say. */
async function restored(plan: RolloutPlan, { deployment }: Seen, { ecs, log }: RolloutPorts): Promise<string> {
  const arn = deployment?.rollback?.serviceRevisionArn;
  if (!arn) return plan.previous;
  const revisions = await ecs.describeRevisions([arn]).catch((error: unknown) => {
    log.debug(messageOf(error));
    return [];
  });
  return revisions[0]?.taskDefinition ?? plan.previous;
}
