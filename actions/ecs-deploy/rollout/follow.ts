import type { Service } from '../../../lib/ecs/api.ts';
import type { Outcome } from '../../../lib/outcome.ts';
import type { FailedTask } from '../deployment/failures.ts';
import { findDeployment } from '../deployment/find.ts';
import { allHealthy } from '../deployment/healthy.ts';
import { type WatchTarget, watch } from '../deployment/watch.ts';
import { giveUp } from './give-up.ts';
import { noteOf } from './note-of.ts';
import type { Rollout, RolloutPlan, RolloutPorts } from './plan.ts';
import { proved, waited } from './prove.ts';
import { restore } from './restore.ts';
import { explainEnd, tellFirst } from './tell-end.ts';
import type { Answer } from './update.ts';

const FIND_MS = 30_000;

type Followed = RolloutPlan & Answer;

/** Finds the deployment that the update began, and sees it to its end. */
export async function follow(plan: Followed, rollout: Rollout, ports: RolloutPorts): Promise<Outcome> {
  const { ref, taskDefinition, before, named, notAfter, lost } = plan;
  const { seen } = rollout;
  const known = new Set(before.service.currentServiceDeployment ? [before.service.currentServiceDeployment] : []);
  let justSeen = false;
  if (plan.resume === undefined) {
    const countOnly = plan.previous === taskDefinition && !plan.force;
    const wanted = { taskDefinition, notBefore: before.at, notAfter, known, named };
    // A change of count alone makes no deployment as a rule: one look is enough.
    const found = await findDeployment(ref, wanted, countOnly ? 0 : FIND_MS, ports);
    if (lost && found.arn === undefined) throw lost;
    rollout.deployment = found.arn ?? '';
    seen.deployment = found.deployment;
    justSeen = found.going ?? false;
  }
  ports.remember?.(noteOf(plan)('watching', rollout));
  const target: WatchTarget = {
    ref,
    taskDefinition,
    deployment: rollout.deployment || undefined,
    known,
    since: before.at,
    desiredCount: plan.desiredCount,
    waitFor: plan.waitFor,
    answered: plan.answered,
    failFast: plan.failFast,
    deadline: rollout.startedAt + plan.timeoutMs,
    justSeen,
  };
  const watching = {
    ...ports,
    onFirstFailure: (task: FailedTask) => tellFirst(task, plan, rollout, ports),
    allHealthy: (service: Service) => healthy(service, plan, ports),
  };
  let end = await watch(target, seen, watching);
  if (end.status === 'hopeless') {
    ports.remember?.(noteOf(plan)('going-back', rollout));
    end = await giveUp(end.why, target, rollout, watching);
  }
  if (end.status === 'succeeded') return proved(plan, rollout, ports);
  if (end.status === 'reached') return waited(end, plan, rollout, ports);
  const outcome = await explainEnd(end, plan, rollout, ports);
  return mayRestore(outcome, rollout) ? restore(outcome, plan, rollout, ports) : outcome;
}

async function healthy({ loadBalancers, desiredCount = 0 }: Service, plan: RolloutPlan, ports: RolloutPorts) {
  const groups = (loadBalancers ?? []).flatMap((lb) => lb.targetGroupArn ?? []);
  const [tasks, ...targets] = await Promise.all([
    ports.ecs.listTasks(plan.ref, 'RUNNING'),
    ...groups.map((arn) => ports.evidence.targetHealth(arn)),
  ]);
  const own = tasks.filter((t) => t.taskDefinitionArn === plan.taskDefinition && t.lastStatus === 'RUNNING');
  return allHealthy({ tasks: own, wanted: desiredCount, definition: plan.definition, groups: targets });
}

/** A failure that ECS has left as it is: a rollback that failed as well, or a first deployment, cannot be mended from here. */
function mayRestore({ status }: Outcome, { seen }: Rollout): boolean {
  const { deployment } = seen;
  return status === 'failed' && deployment?.status === 'STOPPED' && deployment.sourceServiceRevisions?.length !== 0;
}
