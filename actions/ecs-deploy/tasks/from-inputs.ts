import { type JsonObject, objects, textOf } from '../../../lib/ecs/json.ts';
import type { TaskRequest } from '../../../lib/ecs/tasks.ts';
import type { EcsDeployInputs } from '../inputs.ts';
import { ebsVolume } from '../settings.ts';
import { stepOf, type TaskStep } from './step.ts';

/** Time for `run-task` where no `timeout` is given: that of a rollout. */
const TIMEOUT_MS = 15 * 60_000;

/** The tasks before the deployment: those of aws-actions' `run-task` first, then `before`. */
export function stepsBefore(inputs: EcsDeployInputs, definition: JsonObject): TaskStep[] {
  const container = defaultContainer(inputs, definition);
  const steps = (inputs.before ?? []).map((step) => placed(stepOf(step, container), inputs));
  return inputs['run-task'] ? [runTaskStep(inputs), ...steps] : steps;
}

export function stepsAfter(inputs: EcsDeployInputs, definition: JsonObject): TaskStep[] {
  const container = defaultContainer(inputs, definition);
  return (inputs.after ?? []).map((step) => placed(stepOf(step, container), inputs));
}

/** The container that is deployed, or the only essential one. */
function defaultContainer(inputs: EcsDeployInputs, definition: JsonObject): string {
  if (inputs.container !== '') return inputs.container;
  const containers = objects(definition.containerDefinitions);
  const [only, ...more] = containers.length === 1 ? containers : containers.filter((c) => c.essential !== false);
  return more.length === 0 ? textOf(only?.name) : '';
}

function placed(step: TaskStep, inputs: EcsDeployInputs): TaskStep {
  return { ...step, request: { ...networkOf(inputs), ...launchOf(inputs) } };
}

/** What `run-task` of aws-actions/amazon-ecs-deploy-task-definition runs: the whole task, with these overrides. */
function runTaskStep(inputs: EcsDeployInputs): TaskStep {
  const name = inputs['run-task-managed-ebs-volume-name'];
  const volume = inputs['run-task-managed-ebs-volume'];
  const withVolume = name !== '' || volume !== undefined;
  return {
    name: 'run-task',
    container: '',
    environment: {},
    timeoutMs: inputs.timeout ?? TIMEOUT_MS,
    wait: inputs['wait-for-task-stopped'],
    overrides: (inputs['run-task-container-overrides'] ?? []) as JsonObject[],
    request: {
      startedBy: inputs['run-task-started-by'] || 'GitHub-Actions',
      ...networkOf(inputs),
      ...launchOf(inputs),
      ...(inputs['enable-ecs-managed-tags'] !== undefined && {
        enableECSManagedTags: inputs['enable-ecs-managed-tags'],
      }),
      ...(inputs['run-task-tags'] && { tags: inputs['run-task-tags'] }),
      ...(withVolume && {
        volumeConfigurations: [{ name, managedEBSVolume: ebsVolume(name, volume, 'run-task-managed-ebs-volume') }],
      }),
    },
  };
}

/** What is said here counts; the rest of the network is the service's. */
function networkOf(inputs: EcsDeployInputs): Partial<TaskRequest> {
  const subnets = inputs['run-task-subnets'];
  const securityGroups = inputs['run-task-security-groups'];
  if (subnets.length === 0 && securityGroups.length === 0) return {};
  const assignPublicIp = inputs['run-task-assign-public-IP'] ?? (subnets.length > 0 ? 'DISABLED' : undefined);
  const network = {
    ...(subnets.length > 0 && { subnets }),
    ...(securityGroups.length > 0 && { securityGroups }),
    ...(assignPublicIp !== undefined && { assignPublicIp }),
  };
  return { networkConfiguration: { awsvpcConfiguration: network as { subnets: string[] } } };
}

function launchOf(inputs: EcsDeployInputs): Partial<TaskRequest> {
  const capacityProviderStrategy = inputs['run-task-capacity-provider-strategy'];
  const launchType = inputs['run-task-launch-type'];
  if (capacityProviderStrategy?.length) return { capacityProviderStrategy };
  return launchType === undefined ? {} : { launchType };
}
