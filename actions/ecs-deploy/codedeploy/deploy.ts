import type { DescribedService } from '../../../lib/ecs/api.ts';
import type { JsonObject } from '../../../lib/ecs/json.ts';
import { objects, textOf } from '../../../lib/ecs/json.ts';
import { type ServiceRef, serviceName, shortName } from '../../../lib/ecs/names.ts';
import { Problem } from '../../../lib/errors.ts';
import type { Report } from '../../../lib/report.ts';
import { fromStored } from '../definition/source.ts';
import type { EcsDeployInputs } from '../inputs.ts';
import type { EcsDeployPorts } from '../ports.ts';
import { RELEASE_TAG, releaseFingerprint } from '../release.ts';
import type { Rollout } from '../rollout/plan.ts';
import { servingDefinition } from '../running.ts';
import { reportOf } from '../summary.ts';
import type { CodeDeployApi, DeploymentGroupInfo, GroupRef } from './api.ts';
import { type AppSpec, appSpecOf, filledAppSpec, taskDefinitionOf } from './appspec.ts';
import { plannedMs } from './pace.ts';
import { type CodeDeployPlan, ours, rollOutByCodeDeploy } from './rollout.ts';

export interface CodeDeployRelease {
  ref: ServiceRef;
  before: DescribedService;
  taskDefinition: string;
  definition: JsonObject;
  images: ReadonlyMap<string, string>;
}

/** Deploys a registered revision by the service's CodeDeploy group, or follows the deployment of it that is under way. */
export async function deployByCodeDeploy(
  inputs: EcsDeployInputs,
  release: CodeDeployRelease,
  ports: EcsDeployPorts,
): Promise<Rollout> {
  const { ref, before, taskDefinition } = release;
  const codeDeploy = api(ref, ports);
  const appSpec = await appSpecFor(inputs, ref, before, taskDefinition, ports);
  const group = groupOf(inputs, ref);
  const info = await codeDeploy.group(group);
  const desired = inputs['desired-count'];
  if (desired !== undefined && desired !== before.service.desiredCount)
    await ports.ecs.updateService(ref, { desiredCount: desired });
  const active = activeOf(info);
  return rollOutByCodeDeploy(
    {
      ...release,
      ...(await common(inputs, group, info, codeDeploy)),
      previous: servingDefinition(before.service),
      appSpec,
      resume:
        active === undefined
          ? undefined
          : await ours(active, { group, taskDefinition }, { codeDeploy, log: ports.log }),
    },
    { ...ports, codeDeploy },
  );
}

const FAIL_FAST = 3;
const TIMEOUT_MS = 15 * 60_000;

async function common(inputs: EcsDeployInputs, group: GroupRef, info: DeploymentGroupInfo, codeDeploy: CodeDeployApi) {
  const config = inputs['codedeploy-deployment-config'];
  return {
    group,
    description: inputs['codedeploy-deployment-description'],
    config,
    waitFor: inputs['wait-for'],
    failFast: inputs['fail-fast'] ?? FAIL_FAST,
    timeoutMs: inputs.timeout ?? TIMEOUT_MS + (await plannedMs(info, config, codeDeploy)),
    onCancel: inputs['on-cancel'],
  };
}

/** Answers a deployment that waits to move its traffic, or turns one under way back, and sees it through. */
export async function continueByCodeDeploy(
  inputs: EcsDeployInputs,
  ref: ServiceRef,
  before: DescribedService,
  ports: EcsDeployPorts,
): Promise<Report> {
  const codeDeploy = api(ref, ports);
  const group = groupOf(inputs, ref);
  const info = await codeDeploy.group(group);
  const id = inputs.deployment || (info.lastAttemptedDeployment?.deploymentId ?? '');
  if (id === '') throw nothingToAnswer(ref, group);
  const deployment = await codeDeploy.deployment(id);
  const content = deployment.revision?.appSpecContent?.content ?? deployment.revision?.string?.content ?? '';
  const stored = await ports.ecs.describeTaskDefinition(taskDefinitionOf(content));
  const { definition, tags } = fromStored(stored);
  const images = imagesOf(definition);
  const previous =
    taskDefinitionOf(deployment.previousRevision?.appSpecContent?.content) || servingDefinition(before.service);
  if (inputs.answer === 'rollback') {
    if (UNDER_WAY.has(deployment.status ?? '')) await codeDeploy.stop(id);
  } else if (deployment.status === 'Ready') {
    ports.log.info(`Telling CodeDeploy to move the traffic (${id})`);
    await codeDeploy.proceed(id);
  }
  const plan: CodeDeployPlan = {
    ...(await common(inputs, group, info, codeDeploy)),
    ref,
    before: { ...before, at: deployment.createdAt ?? before.at },
    taskDefinition: stored.arn,
    definition,
    images,
    previous,
    appSpec: { content, sha256: '' },
    resume: id,
  };
  const rollout = await rollOutByCodeDeploy(plan, { ...ports, codeDeploy });
  if (rollout.outcome.status === 'succeeded' && inputs.answer === 'rollback')
    rollout.outcome = {
      status: 'failed',
      cause: `deployment ${id} had succeeded before it could be rolled back`,
      next: 'Run the operation `rollback`',
    };
  const fingerprint = tags[RELEASE_TAG] ?? releaseFingerprint(definition, {});
  const about = { ref, release: { definition, tags, fingerprint, images, differences: [] }, previous };
  return reportOf(about, { taskDefinition: stored.arn, outcome: rollout.outcome, running: rollout.running, rollout });
}

/** ARN of what served before the last deployment that succeeded; '' where CodeDeploy does not know. */
export async function previousByCodeDeploy(
  inputs: EcsDeployInputs,
  ref: ServiceRef,
  ports: EcsDeployPorts,
): Promise<string> {
  const codeDeploy = api(ref, ports);
  const { lastSuccessfulDeployment } = await codeDeploy.group(groupOf(inputs, ref));
  const id = lastSuccessfulDeployment?.deploymentId;
  const info = id ? await codeDeploy.deployment(id) : undefined;
  return taskDefinitionOf(info?.previousRevision?.appSpecContent?.content ?? info?.previousRevision?.string?.content);
}

function imagesOf(definition: JsonObject): Map<string, string> {
  return new Map(objects(definition.containerDefinitions).map((c) => [textOf(c.name), textOf(c.image)]));
}

/** By the names that aws-actions/amazon-ecs-deploy-task-definition and the ECS console give them. */
export function groupOf(inputs: EcsDeployInputs, { cluster, service }: ServiceRef): GroupRef {
  const name = `${shortName(cluster)}-${shortName(service)}`;
  return {
    application: inputs['codedeploy-application'] || `AppECS-${name}`,
    group: inputs['codedeploy-deployment-group'] || `DgpECS-${name}`,
  };
}

const UNDER_WAY: ReadonlySet<string> = new Set(['Created', 'Queued', 'InProgress', 'Baking', 'Ready']);

function activeOf({ lastAttemptedDeployment }: DeploymentGroupInfo): string | undefined {
  const { deploymentId, status } = lastAttemptedDeployment ?? {};
  return UNDER_WAY.has(status ?? '') ? deploymentId : undefined;
}

const USUAL_FILE = 'appspec.yaml';

/** The file that is named, or appspec.yaml where there is one (as aws-actions has it), or one made from the service. */
async function appSpecFor(
  inputs: EcsDeployInputs,
  ref: ServiceRef,
  { service }: DescribedService,
  taskDefinition: string,
  { readText, log }: EcsDeployPorts,
): Promise<AppSpec> {
  const named = inputs['codedeploy-appspec'];
  const path = named || USUAL_FILE;
  let written: string | undefined;
  try {
    written = await readText(path);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (named !== '' || !missing) throw unreadable(path, error, missing);
  }
  if (written === undefined) return appSpecOf(ref, service, taskDefinition);
  if (named === '') log.info(`Using ${path}`);
  return filledAppSpec(written, path, taskDefinition);
}

function unreadable(path: string, error: unknown, missing: boolean): Problem {
  return new Problem({
    what: `AppSpec '${path}'`,
    cause: missing ? 'there is no such file in the workspace' : 'it cannot be read',
    fix: 'Check out the repository before this step, and correct `codedeploy-appspec`',
    underlying: error,
  });
}

function api(ref: ServiceRef, { codeDeploy }: EcsDeployPorts): CodeDeployApi {
  if (codeDeploy) return codeDeploy;
  throw new Problem({
    what: serviceName(ref),
    seen: 'CODE_DEPLOY',
    cause: 'CodeDeploy deploys it, and this run has no client for that',
    fix: 'Use actions/ecs-deploy or the action `ship` for it',
    kind: 'config',
  });
}

function nothingToAnswer(ref: ServiceRef, group: GroupRef): Problem {
  return new Problem({
    what: serviceName(ref),
    cause: `deployment group ${group.application}/${group.group} has had no deployment yet`,
    fix: 'Give `deployment`, the output `deployment-arn` of the step that deployed',
    kind: 'not-found',
  });
}
