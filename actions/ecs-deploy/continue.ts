import type { EcsApi, ServiceDeployment } from '../../lib/ecs/api.ts';
import { objects, textOf } from '../../lib/ecs/json.ts';
import { type ServiceRef, serviceName, shortName } from '../../lib/ecs/names.ts';
import { Problem } from '../../lib/errors.ts';
import type { Report } from '../../lib/report.ts';
import { checkController } from './controller.ts';
import { fromStored } from './definition/source.ts';
import { pausesOf } from './deployment/stages.ts';
import type { EcsDeployInputs } from './inputs.ts';
import { planOf } from './plan-of.ts';
import type { EcsDeployPorts } from './ports.ts';
import { RELEASE_TAG, releaseFingerprint } from './release.ts';
import { rollOut } from './rollout/roll-out.ts';
import { isCodeDeploy } from './running.ts';
import { reportOf } from './summary.ts';

/**
 * Answers the pause that a deployment waits at and sees the deployment through. It may be run again: what is answered
 * already is only followed, and what has ended is told as it ended.
 */
export async function continueDeployment(inputs: EcsDeployInputs, ports: EcsDeployPorts): Promise<Report> {
  const ref = { cluster: inputs.cluster, service: inputs.service };
  const { ecs, log } = ports;
  if (inputs['dry-run']) throw notDry();
  const before = await ecs.describeService(ref);
  checkController(ref, before, inputs);
  if (isCodeDeploy(before.service)) {
    const { continueByCodeDeploy } = await import('./codedeploy/deploy.ts');
    return continueByCodeDeploy(inputs, ref, before, ports);
  }
  const arn = inputs.deployment || before.service.currentServiceDeployment || '';
  const deployment = arn === '' ? undefined : await ecs.describeDeployment(arn);
  if (!deployment) throw noDeployment(ref, arn);
  checkService(ref, arn, deployment, before.service.serviceArn);
  const { target, source } = await revisionsOf(deployment, ecs);
  const stored = await ecs.describeTaskDefinition(target);
  const { definition, tags } = fromStored(stored);
  const images = new Map(
    objects(definition.containerDefinitions).map((c): [string, string] => [textOf(c.name), textOf(c.image)]),
  );
  const answered = await answer(inputs, arn, deployment, ports);
  const plan = planOf(inputs, ref, before, definition, deployment.deploymentConfiguration);
  // What is said to be before us is ours: it has begun long ago.
  const since = deployment.createdAt?.getTime() ?? before.at;
  const rollout = await rollOut(
    {
      ...plan,
      before: { ...before, at: since, service: { ...before.service, currentServiceDeployment: undefined } },
      previous: source,
      taskDefinition: stored.arn,
      images,
      force: false,
      resume: arn,
      stage: deployment.lifecycleStage,
      answered,
      desiredCount: undefined,
    },
    ports,
  );
  const release = Object.fromEntries(Object.entries(tags).filter(([key]) => key.startsWith('slipway:')));
  if (rollout.outcome.status === 'succeeded' && !rollout.reached && Object.keys(release).length > 0)
    await ecs.tag(before.service.serviceArn ?? '', release).catch((error: unknown) => {
      if (!(error instanceof Problem)) throw error;
      log.warning(`The service carries no tag of its release: ${error.message}`);
    });
  if (rollout.outcome.status === 'succeeded' && inputs.answer === 'rollback') rollout.outcome = tooLate(stored.arn);
  const fingerprint = tags[RELEASE_TAG] ?? releaseFingerprint(definition, {});
  const about = { ref, release: { definition, tags, fingerprint, images, differences: [] }, previous: source };
  return reportOf(about, { taskDefinition: stored.arn, outcome: rollout.outcome, running: rollout.running, rollout });
}

/** ARNs of the task definitions that the deployment goes to and came from; '' for a first deployment's source. */
async function revisionsOf(deployment: ServiceDeployment, ecs: EcsApi): Promise<{ target: string; source: string }> {
  const to = deployment.targetServiceRevision?.arn ?? '';
  const from = deployment.sourceServiceRevisions?.[0]?.arn ?? '';
  const found = await ecs.describeRevisions([to, from].filter(Boolean));
  const definition = (arn: string) => found.find((r) => r.serviceRevisionArn === arn)?.taskDefinition ?? '';
  return { target: definition(to), source: definition(from) };
}

/** @returns the hooks that it answered */
async function answer(
  { answer: wanted }: EcsDeployInputs,
  arn: string,
  deployment: ServiceDeployment,
  { ecs, log }: EcsDeployPorts,
): Promise<ReadonlySet<string>> {
  const pauses = pausesOf(deployment);
  const action = wanted === 'rollback' ? 'ROLLBACK' : 'CONTINUE';
  const state = `${deployment.status ?? 'in an unknown state'}${deployment.lifecycleStage ? ` at ${deployment.lifecycleStage}` : ''}`;
  for (const { hookId, stage } of pauses) {
    log.info(`Answering the pause at ${stage} with ${action} (hook ${hookId})`);
    await ecs.answerPause(arn, hookId, action);
  }
  if (pauses.length > 0) return new Set(pauses.map(({ hookId }) => hookId));
  log.info(`Deployment ${shortName(arn)} waits for no answer: it is ${state}`);
  if (action === 'ROLLBACK') await rollBack(arn, deployment, ecs);
  return new Set();
}

const GOES_FORWARD = new Set(['PENDING', 'IN_PROGRESS']);

/** A deployment that is not paused can be turned back as well, as long as it goes forward. */
async function rollBack(arn: string, { status }: ServiceDeployment, ecs: EcsApi): Promise<void> {
  if (GOES_FORWARD.has(status ?? '')) await ecs.rollBackDeployment(arn);
}

function tooLate(taskDefinition: string) {
  return {
    status: 'failed' as const,
    cause: `the deployment of ${shortName(taskDefinition)} had succeeded before it could be rolled back`,
    next: 'Run the operation `rollback`',
  };
}

function checkService(ref: ServiceRef, arn: string, { serviceArn }: ServiceDeployment, own: string | undefined): void {
  if (serviceArn === undefined || serviceArn === own) return;
  throw new Problem({
    what: "input 'deployment'",
    seen: arn,
    cause: `it is a deployment of ${shortName(serviceArn)}, not of ${serviceName(ref)}`,
    fix: 'Give the output `deployment-arn` of the step that deployed this service',
  });
}

function noDeployment(ref: ServiceRef, arn: string): Problem {
  return new Problem({
    what: serviceName(ref),
    seen: arn || undefined,
    cause: arn === '' ? 'ECS names no current deployment of it' : 'ECS knows no such deployment of it',
    fix: 'Give `deployment`, the output `deployment-arn` of the step that deployed; ECS keeps 90 days',
    kind: 'not-found',
  });
}

function notDry(): Problem {
  return new Problem({
    what: "input 'dry-run'",
    cause: 'an answer to a pause cannot be tried out',
    fix: 'Leave `dry-run` out, or run the operation `status`',
  });
}
