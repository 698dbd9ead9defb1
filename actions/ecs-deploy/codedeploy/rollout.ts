import type { Clock } from '../../../lib/clock.ts';
import type { DescribedService, EcsApi } from '../../../lib/ecs/api.ts';
import type { JsonObject } from '../../../lib/ecs/json.ts';
import { type ServiceRef, shortName } from '../../../lib/ecs/names.ts';
import { messageOf, Problem } from '../../../lib/errors.ts';
import type { Log } from '../../../lib/log.ts';
import type { Outcome } from '../../../lib/outcome.ts';
import type { FailedTask } from '../deployment/failures.ts';
import type { WaitFor } from '../deployment/stages.ts';
import { nothingSeen } from '../deployment/watch.ts';
import type { Evidence } from '../evidence.ts';
import { explain } from '../explain.ts';
import { distinct, readHealth, readLogs, taskLines } from '../failed-tasks.ts';
import type { Rollout } from '../rollout/plan.ts';
import { verifyDigests } from '../verification.ts';
import { type CodeDeployApi, type GroupRef, groupName } from './api.ts';
import { type AppSpec, taskDefinitionOf } from './appspec.ts';
import { type CodeDeployEnd, watchCodeDeploy } from './watch.ts';

export interface CodeDeployPlan {
  ref: ServiceRef;
  group: GroupRef;
  before: DescribedService;
  /** ARN of the revision to deploy. */
  taskDefinition: string;
  definition: JsonObject;
  /** ARN of the revision that serves. */
  previous: string;
  images: ReadonlyMap<string, string>;
  appSpec: AppSpec;
  description?: string | undefined;
  config?: string | undefined;
  /** A deployment that is under way already: it is watched, not started again. */
  resume?: string | undefined;
  waitFor: WaitFor;
  failFast: number;
  timeoutMs: number;
  onCancel: 'leave' | 'rollback';
}

export interface CodeDeployPorts {
  codeDeploy: CodeDeployApi;
  ecs: EcsApi;
  evidence: Evidence;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

/** Deploys by CodeDeploy and sees it to its end. Every end is told as an outcome; only what fails before it began is thrown. */
export async function rollOutByCodeDeploy(plan: CodeDeployPlan, ports: CodeDeployPorts): Promise<Rollout> {
  const rollout: Rollout = {
    outcome: { status: 'failed', cause: '' },
    deployment: plan.resume ?? '',
    running: new Map(),
    seen: nothingSeen(),
    logs: [],
    health: [],
    startedAt: ports.clock.now(),
    endedAt: 0,
  };
  rollout.deployment ||= await begin(plan, ports);
  try {
    rollout.outcome = await follow(plan, rollout, ports);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    rollout.outcome = error.kind === 'cancelled' ? await cancel(plan, rollout, ports) : unwatched(error, plan, rollout);
  }
  rollout.endedAt = ports.clock.now();
  return rollout;
}

async function begin(plan: CodeDeployPlan, { codeDeploy, log }: CodeDeployPorts): Promise<string> {
  const { group, appSpec, description, config, taskDefinition, previous } = plan;
  const created = await codeDeploy.create({ ...group, ...appSpec, description, config });
  if ('id' in created) {
    log.info(`CodeDeploy deploys ${shortName(taskDefinition)} as ${created.id} (${shortName(previous)} serves)`);
    return created.id;
  }
  return ours(created.active, plan, { codeDeploy, log });
}

/**
 * A group has one deployment at a time. One of this very revision is ours, begun by a run that was cut short or twice.
 * @throws Problem kind `conflict` for another one
 */
export async function ours(
  active: string,
  { group, taskDefinition }: Pick<CodeDeployPlan, 'group' | 'taskDefinition'>,
  { codeDeploy, log }: Pick<CodeDeployPorts, 'codeDeploy' | 'log'>,
): Promise<string> {
  const { revision } = await codeDeploy.deployment(active);
  const content = revision?.appSpecContent?.content ?? revision?.string?.content;
  const deploys = taskDefinitionOf(content);
  if (deploys === taskDefinition) {
    log.info(`CodeDeploy is deploying ${shortName(taskDefinition)} already (${active}): following it`);
    return active;
  }
  throw new Problem({
    what: groupName(group),
    seen: active,
    cause: `that deployment (${shortName(deploys) || 'of another revision'}) is under way, and CodeDeploy does one at a time`,
    fix: `Wait for it, or turn it back with the operation \`continue\`, \`deployment: ${active}\` and \`answer: rollback\`; a \`concurrency\` group keeps runs apart`,
    kind: 'conflict',
  });
}

async function follow(plan: CodeDeployPlan, rollout: Rollout, ports: CodeDeployPorts): Promise<Outcome> {
  const { ref, group, taskDefinition, waitFor, before } = plan;
  const target = {
    ref,
    group,
    id: rollout.deployment,
    taskDefinition,
    waitFor,
    since: before.at,
    failFast: plan.failFast,
    deadline: rollout.startedAt + plan.timeoutMs,
  };
  const onFirstFailure = async (task: FailedTask) => {
    rollout.logs = await readLogs([task], plan.definition, ports);
    for (const line of taskLines(task, rollout.logs, [])) ports.log.info(line);
  };
  const end = await watchCodeDeploy(target, rollout.seen, { ...ports, onFirstFailure });
  if (end.status === 'succeeded') return verify(plan, rollout, ports);
  if (end.status === 'reached') return waited(end, plan, rollout, ports);
  return explainEnd(end, plan, rollout, ports);
}

async function verify(plan: CodeDeployPlan, rollout: Rollout, ports: CodeDeployPorts): Promise<Outcome> {
  const { ref, taskDefinition, before } = plan;
  const images = before.service.desiredCount === 0 ? new Map<string, string>() : plan.images;
  const { wrong, running } = await verifyDigests(ref, taskDefinition, images, ports);
  rollout.running = running;
  if (wrong === '') return { status: 'succeeded', cause: '' };
  return { status: 'failed', cause: wrong, next: 'Look at the running tasks; deploy again' };
}

async function waited(
  { stage, paused }: Extract<CodeDeployEnd, { status: 'reached' }>,
  plan: CodeDeployPlan,
  rollout: Rollout,
  ports: CodeDeployPorts,
): Promise<Outcome> {
  const pause = { hookId: '', stage, expiresAt: undefined, timeoutAction: '' };
  rollout.reached = { stage, ...(paused && { pause }) };
  const verified = await verify(plan, rollout, ports);
  if (verified.status !== 'succeeded') return verified;
  const revision = shortName(plan.taskDefinition);
  if (!paused) return { status: 'succeeded', cause: `${revision} is past ${stage}; CodeDeploy goes on by itself` };
  return {
    status: 'succeeded',
    cause: `${revision} is ready, and CodeDeploy waits for an answer before it moves the traffic`,
    next: 'Run the operation `continue` with this `deployment-arn`, and `answer: continue` or `answer: rollback`',
  };
}

const TAILS = 2;

async function explainEnd(
  end: Exclude<CodeDeployEnd, { status: 'reached' }>,
  plan: CodeDeployPlan,
  rollout: Rollout,
  ports: CodeDeployPorts,
): Promise<Outcome> {
  const { seen } = rollout;
  if (end.status !== 'superseded') {
    const telling = distinct(seen.failures).slice(-TAILS);
    [rollout.logs, rollout.health] = await Promise.all([
      telling.length > 0 ? readLogs(telling, plan.definition, ports) : rollout.logs,
      readHealth(plan.before.service, ports),
    ]);
  }
  return explain({
    end,
    by: 'CodeDeploy',
    failures: seen.failures,
    events: seen.events,
    health: rollout.health,
    logs: rollout.logs,
    trouble: seen.trouble,
    taskDefinition: plan.taskDefinition,
    stage: seen.stage,
    restored: plan.previous,
    timeoutMs: plan.timeoutMs,
  });
}

function unwatched(error: Problem, plan: CodeDeployPlan, { deployment }: Rollout): Outcome {
  return {
    status: error.kind === 'denied' ? 'denied' : 'failed',
    cause: `deployment ${deployment} of ${shortName(plan.taskDefinition)} goes on in CodeDeploy, but cannot be watched: ${error.finding}`,
    next: `${error.parts.fix}; then run this again to follow the deployment`,
  };
}

/** The runner kills 10 s after its first signal; this has to be done in half of that. */
const CANCEL_MS = 4_500;

async function cancel(plan: CodeDeployPlan, { deployment }: Rollout, ports: CodeDeployPorts): Promise<Outcome> {
  const revision = shortName(plan.taskDefinition);
  if (plan.onCancel === 'leave') {
    return {
      status: 'stopped',
      cause: `the run was cancelled; deployment ${deployment} of ${revision} goes on in CodeDeploy (on-cancel: leave)`,
      next: 'Run this again to follow it, or run the operation `continue` with `answer: rollback`',
    };
  }
  try {
    await ports.codeDeploy.within(AbortSignal.timeout(CANCEL_MS)).stop(deployment);
    return {
      status: 'stopped',
      cause: `the run was cancelled; CodeDeploy was told to stop ${deployment} and to go back to ${shortName(plan.previous)}`,
      next: 'Run the operation `status` to see that it has',
    };
  } catch (error) {
    const why = error instanceof Problem ? error.finding : messageOf(error);
    return {
      status: 'stopped',
      cause: `the run was cancelled, and CodeDeploy did not take the rollback of ${revision}: ${why}`,
      next: `Deployment ${deployment} goes on: follow it by running this again`,
    };
  }
}
