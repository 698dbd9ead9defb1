import { parse } from 'yaml';
import type { DescribedService } from '../../lib/ecs/api.ts';
import { isObject, type JsonObject, objects } from '../../lib/ecs/json.ts';
import { type ServiceRef, serviceName } from '../../lib/ecs/names.ts';
import { messageOf, Problem } from '../../lib/errors.ts';
import type { EcsDeployInputs } from './inputs.ts';
import type { EcsDeployPorts } from './ports.ts';
import { releaseTags } from './release.ts';
import { settingsOf } from './settings.ts';

/** The service, or undefined when it is missing and a `service-definition` says how to make it. */
export async function findService(
  inputs: EcsDeployInputs,
  ref: ServiceRef,
  { ecs }: EcsDeployPorts,
): Promise<DescribedService | undefined> {
  try {
    return await ecs.describeService(ref);
  } catch (error) {
    const missing = error instanceof Problem && error.kind === 'not-found' && !/ClusterNotFound/.test(error.message);
    if (missing && inputs['service-definition'] !== '') return undefined;
    throw error;
  }
}

/** What DescribeServices adds and CreateService does not take. Source: ECS API reference, Service and CreateService. */
const OUTPUT_ONLY = new Set([
  'serviceArn',
  'clusterArn',
  'status',
  'runningCount',
  'pendingCount',
  'platformFamily',
  'taskSets',
  'deployments',
  'events',
  'createdAt',
  'createdBy',
  'currentServiceDeployment',
  'currentServiceRevisions',
  'resourceManagementType',
]);

/** Reads what CreateService takes, as a person or `describe-services` wrote it. @throws Problem for a file that is none. */
export async function readServiceDefinition(path: string, { readText }: EcsDeployPorts): Promise<JsonObject> {
  const bad = (cause: string, fix: string, underlying?: unknown) =>
    new Problem({ what: "input 'service-definition'", seen: path, cause, fix, underlying });
  const text = await readText(path).catch((error: unknown) => {
    const fix =
      'Check the path (it is relative to the workspace) and that the repository was checked out before this step';
    throw bad(`the file cannot be read (${messageOf(error)})`, fix, error);
  });
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw bad(`it is neither JSON nor YAML: ${messageOf(error).split('\n')[0]}`, 'Correct the syntax', error);
  }
  const [listed] = isObject(value) ? objects(value.services) : [];
  const definition = listed ?? value;
  if (!isObject(definition))
    throw bad('it holds no object', 'Write what CreateService takes: desiredCount, launchType and so on');
  return Object.fromEntries(Object.entries(definition).filter(([key]) => !OUTPUT_ONLY.has(key)));
}

/** The service's definition as it is to be sent: cluster, name, revision and what the inputs set stand over the file. */
export function creationOf(
  file: JsonObject,
  taskDefinition: string,
  fingerprint: string,
  inputs: EcsDeployInputs,
): JsonObject {
  const { tags: written, ...rest } = file;
  const own = Object.entries(releaseTags(fingerprint, inputs)).map(([key, value]) => ({ key, value }));
  const count = inputs['desired-count'];
  return {
    ...rest,
    ...(settingsOf(inputs) as JsonObject),
    ...(count !== undefined && { desiredCount: count }),
    taskDefinition,
    tags: [...objects(written).filter((t) => !String(t.key).startsWith('slipway:')), ...own],
  };
}

/** True for the refusal of a service that somebody else made in between. */
export function madeMeanwhile(error: unknown): boolean {
  return error instanceof Problem && /not idempotent|already exists/i.test(error.message);
}

/** The service that is not there yet, as the rest of a deployment wants to see it. */
export function notYet(ref: ServiceRef, file: JsonObject): DescribedService {
  const desiredCount = typeof file.desiredCount === 'number' ? file.desiredCount : 1;
  const service = { ...file, serviceName: serviceName(ref), desiredCount, taskDefinition: '' };
  // No deployment of a service is older than the service.
  return { service: service as DescribedService['service'], tags: {}, at: 0 };
}
