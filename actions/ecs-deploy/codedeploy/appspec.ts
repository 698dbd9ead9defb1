import { createHash } from 'node:crypto';
import { parse } from 'yaml';
import type { Service } from '../../../lib/ecs/api.ts';
import { isObject, type Json, type JsonObject, objects, textOf } from '../../../lib/ecs/json.ts';
import { type ServiceRef, serviceName } from '../../../lib/ecs/names.ts';
import { messageOf, Problem } from '../../../lib/errors.ts';

export interface AppSpec {
  content: string;
  sha256: string;
}

/**
 * The AppSpec of a release, from what the service has. Source: CodeDeploy user guide, "AppSpec 'resources' section for Amazon
 * ECS deployments".
 * @throws Problem for a service without a load balancer: CodeDeploy moves traffic, and has none to move.
 */
export function appSpecOf(ref: ServiceRef, service: Service, taskDefinition: string): AppSpec {
  const primary = service.taskSets?.find((set) => set.status === 'PRIMARY');
  const [balancer] = primary?.loadBalancers ?? service.loadBalancers ?? [];
  const { containerName, containerPort } = balancer ?? service.loadBalancers?.[0] ?? {};
  if (containerName === undefined || containerPort === undefined) {
    throw new Problem({
      what: serviceName(ref),
      cause: 'it has no load balancer with a container and a port, which CodeDeploy has to know',
      fix: 'Name a file that says it in `codedeploy-appspec`',
      kind: 'config',
    });
  }
  return hashed({
    version: 0.0,
    Resources: [
      {
        TargetService: {
          Type: 'AWS::ECS::Service',
          Properties: {
            TaskDefinition: taskDefinition,
            LoadBalancerInfo: { ContainerName: containerName, ContainerPort: containerPort },
          },
        },
      },
    ],
  });
}

/**
 * The user's AppSpec with the task definition of this release in it; everything else is sent as it is written. Keys are found
 * in upper or lower case, as CodeDeploy takes them.
 * @throws Problem that names the file and what it lacks
 */
export function filledAppSpec(text: string, path: string, taskDefinition: string): AppSpec {
  let written: unknown;
  try {
    // JSON is YAML.
    written = parse(text);
  } catch (error) {
    throw wrong(path, `it is neither YAML nor JSON: ${messageOf(error).split('\n')[0]}`);
  }
  const spec = structuredClone(written) as Json;
  const resources = isObject(spec) ? objects(member(spec, 'resources')) : [];
  const services = resources.flatMap((resource) => Object.values(resource).filter(isObject));
  if (services.length === 0) throw wrong(path, 'it has no `Resources` with a service');
  for (const service of services) {
    const properties = member(service, 'properties');
    if (!isObject(properties)) throw wrong(path, 'a service of it has no `Properties`');
    properties[keyOf(properties, 'taskDefinition') ?? 'TaskDefinition'] = taskDefinition;
  }
  return hashed(spec as JsonObject);
}

/** ARN of the task definition that an AppSpec deploys; '' where it cannot be read. */
export function taskDefinitionOf(content: string | undefined): string {
  try {
    const spec = parse(content ?? '') as Json;
    const [resource] = isObject(spec) ? objects(member(spec, 'resources')) : [];
    const service = Object.values(resource ?? {}).find(isObject);
    const properties = service && member(service, 'properties');
    return isObject(properties) ? textOf(member(properties, 'taskDefinition')) : '';
  } catch {
    // Somebody else's deployment may hold anything; then it is not ours.
    return '';
  }
}

function member(object: JsonObject, name: string): Json | undefined {
  const key = keyOf(object, name);
  return key === undefined ? undefined : object[key];
}

function keyOf(object: JsonObject, name: string): string | undefined {
  return Object.keys(object).find((key) => key.toLowerCase() === name.toLowerCase());
}

function hashed(spec: JsonObject): AppSpec {
  const content = JSON.stringify(spec);
  return { content, sha256: createHash('sha256').update(content).digest('hex') };
}

function wrong(path: string, cause: string): Problem {
  return new Problem({
    what: `AppSpec '${path}'`,
    cause,
    fix: 'Correct the file; without `codedeploy-appspec` and without an appspec.yaml it is made from the service',
    file: path,
    kind: 'config',
  });
}
