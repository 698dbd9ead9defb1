import type { Service } from '../../../lib/ecs/api.ts';
import { isObject, type JsonObject, objects, textOf } from '../../../lib/ecs/json.ts';
import type { Finding } from './findings.ts';

/** What a service says that the definition has to fit. */
export type ServiceFacts = Pick<Service, 'loadBalancers' | 'launchType' | 'capacityProviderStrategy'>;

/** What can be known of a definition without asking anybody. Pure. */
export function checkDefinition(definition: JsonObject, service: ServiceFacts): Finding[] {
  const containers = objects(definition.containerDefinitions);
  return [
    ...checkNames(containers),
    ...containers.flatMap(checkImage),
    ...containers.flatMap(checkVariables),
    ...checkBalancers(containers, service),
    ...checkLaunch(definition, service),
    ...(onFargate(definition, service) ? checkFargate(definition, containers) : []),
  ];
}

function checkNames(containers: readonly JsonObject[]): Finding[] {
  const names = containers.map((c) => textOf(c.name));
  const twice = [...new Set(names.filter((name, i) => names.indexOf(name) !== i))];
  const findings = twice.map((name) => ({
    what: 'container name',
    seen: name,
    cause: 'two containers of the task definition have it',
    fix: 'Rename one of them',
  }));
  if (containers.length > 0 && containers.every((c) => c.essential === false))
    findings.push({
      what: 'containers of the task definition',
      seen: names.join(', '),
      cause: 'none of them is essential, and ECS needs one whose end is the end of the task',
      fix: 'Set `essential: true` on the one that serves',
    });
  return findings;
}

/** A name that no registry could hold: a placeholder that nobody replaced. Source: distribution/reference, grammar. */
const IMAGE =
  /^(?:[a-z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/i;
const PLACEHOLDER =
  /[<>{}$\s]|^(?:set|replaced?|filled)[-_]?(?:by|in)[-_][\w-]*$|^(?:placeholder|todo|image|change[-_]?me)$/i;

function checkImage(container: JsonObject): Finding[] {
  const image = textOf(container.image);
  if (IMAGE.test(image) && !PLACEHOLDER.test(image)) return [];
  return [
    {
      what: `image of container ${textOf(container.name)}`,
      seen: image,
      cause: image === '' ? 'none is set' : 'it is no image but a placeholder, or it is misspelt',
      fix: 'Set it with `image` (and `container`) or `images`, or correct it in the task definition',
    },
  ];
}

function checkVariables(container: JsonObject): Finding[] {
  const plain = new Set(objects(container.environment).map((e) => textOf(e.name)));
  return objects(container.secrets)
    .map((s) => textOf(s.name))
    .filter((name) => plain.has(name))
    .map((name) => ({
      what: `variable ${name} of container ${textOf(container.name)}`,
      cause: 'it stands under `environment` and under `secrets`, and ECS refuses a name that is both',
      fix: 'Keep the one under `secrets`',
    }));
}

function checkBalancers(containers: readonly JsonObject[], { loadBalancers }: ServiceFacts): Finding[] {
  return (loadBalancers ?? []).flatMap(({ containerName = '', containerPort }): Finding[] => {
    if (containerName === '') return [];
    const what = `load balancer of the service (container ${containerName}, port ${containerPort})`;
    const container = containers.find((c) => c.name === containerName);
    if (!container) {
      const names = containers.map((c) => textOf(c.name)).join(', ');
      return [
        {
          what,
          seen: containerName,
          cause: `the task definition has no such container; it has ${names}`,
          fix: `Name the container ${containerName}, or change the service's load balancer`,
        },
      ];
    }
    const ports = objects(container.portMappings).map((p) => p.containerPort);
    const ranged = objects(container.portMappings).some((p) => inRange(textOf(p.containerPortRange), containerPort));
    if (ports.includes(containerPort ?? -1) || ranged) return [];
    return [
      {
        what,
        seen: ports.join(', ') || 'no port',
        cause: `container ${containerName} does not map port ${containerPort}, so the load balancer cannot reach it`,
        fix: `Add {"containerPort": ${containerPort}} to its portMappings, or change the service's load balancer`,
      },
    ];
  });
}

function inRange(range: string, port: number | undefined): boolean {
  const [from, to] = range.split('-').map(Number);
  return port !== undefined && from !== undefined && to !== undefined && port >= from && port <= to;
}

/** Whether the tasks run on Fargate: by the service, or by the definition where no service says. */
function onFargate(definition: JsonObject, service: ServiceFacts): boolean {
  const compatible = Array.isArray(definition.requiresCompatibilities) ? definition.requiresCompatibilities : [];
  return compatible.includes('FARGATE') || wantsFargate(service);
}

function wantsFargate({ launchType, capacityProviderStrategy }: ServiceFacts): boolean {
  const providers = (capacityProviderStrategy ?? []).map((s) => s.capacityProvider ?? '');
  return launchType === 'FARGATE' || providers.some((p) => /^FARGATE(?:_SPOT)?$/.test(p));
}

function checkLaunch(definition: JsonObject, service: ServiceFacts): Finding[] {
  if (!wantsFargate(service)) return [];
  const compatible = Array.isArray(definition.requiresCompatibilities) ? definition.requiresCompatibilities : [];
  const findings: Finding[] = [];
  if (compatible.length > 0 && !compatible.includes('FARGATE'))
    findings.push({
      what: 'requiresCompatibilities of the task definition',
      seen: compatible.join(', '),
      cause: 'the service runs on Fargate',
      fix: 'Add FARGATE to it',
    });
  return findings;
}

/** vCPU units to the memory they go with, in MiB. Source: ECS developer guide, "Task size". */
const SIZES: Readonly<Record<string, readonly [from: number, to: number, step: number]>> = {
  256: [512, 2048, 1024],
  512: [1024, 4096, 1024],
  1024: [2048, 8192, 1024],
  2048: [4096, 16_384, 1024],
  4096: [8192, 30_720, 1024],
  8192: [16_384, 61_440, 4096],
  16384: [32_768, 122_880, 8192],
};
const BIGGEST_KNOWN = 16_384;

function checkFargate(definition: JsonObject, containers: readonly JsonObject[]): Finding[] {
  const findings: Finding[] = [];
  if (definition.networkMode !== 'awsvpc')
    findings.push({
      what: 'networkMode of the task definition',
      seen: textOf(definition.networkMode) || 'not set',
      cause: 'Fargate knows awsvpc alone',
      fix: 'Set `"networkMode": "awsvpc"`',
    });
  findings.push(...checkSize(definition), ...checkMemory(definition, containers));
  if (textOf(definition.executionRoleArn) === '') findings.push(...checkRoleless(containers));
  return findings;
}

function checkSize(definition: JsonObject): Finding[] {
  const [cpu, memory] = [sizeOf(definition.cpu), sizeOf(definition.memory)];
  const what = 'cpu and memory of the task definition';
  if (cpu === undefined || memory === undefined)
    return [
      {
        what,
        seen: `${textOf(definition.cpu) || definition.cpu || 'none'} and ${textOf(definition.memory) || definition.memory || 'none'}`,
        cause: 'Fargate needs both at the level of the task',
        fix: 'Set them, for instance to "256" and "512", or with the inputs `cpu` and `memory`',
      },
    ];
  // Sizes come to be; what is bigger than those known here is ECS's to judge.
  if (cpu > BIGGEST_KNOWN) return [];
  const range = SIZES[String(cpu)];
  if (!range)
    return [
      {
        what,
        seen: `${cpu} and ${memory}`,
        cause: `Fargate has no task of ${cpu} CPU units`,
        fix: `Use one of ${Object.keys(SIZES).join(', ')}`,
      },
    ];
  const [from, to, step] = range;
  // The smallest size alone starts with half a step.
  const fits = memory >= from && memory <= to && (memory === from || memory % step === 0);
  if (fits) return [];
  const first = from % step === 0 ? '' : `${from}, or `;
  return [
    {
      what,
      seen: `${cpu} and ${memory}`,
      cause: `Fargate does not offer ${memory} MiB with ${cpu} CPU units`,
      fix: `Set memory to ${first}a multiple of ${step} MiB from ${Math.max(from, step)} to ${to}`,
    },
  ];
}

/** "256", 256, "0.25 vCPU" and "1 GB" as ECS reads them: CPU units and MiB. */
function sizeOf(value: JsonObject[string] | undefined): number | undefined {
  const match = /^\s*(\d*\.?\d+)\s*(vcpu|gb)?\s*$/i.exec(String(value ?? ''));
  if (!match) return undefined;
  return Math.round(Number(match[1]) * (match[2] === undefined ? 1 : 1024));
}

function checkMemory(definition: JsonObject, containers: readonly JsonObject[]): Finding[] {
  const memory = sizeOf(definition.memory);
  if (memory === undefined) return [];
  return containers.flatMap((container) => {
    const own = typeof container.memory === 'number' ? container.memory : 0;
    if (own <= memory) return [];
    return [
      {
        what: `memory of container ${textOf(container.name)}`,
        seen: String(own),
        cause: `it is more than the ${memory} MiB of the task`,
        fix: 'Lower it, or raise the memory of the task',
      },
    ];
  });
}

/** On Fargate it is the execution role that pulls from ECR, reads secrets and writes logs. */
function checkRoleless(containers: readonly JsonObject[]): Finding[] {
  const needs = containers.flatMap((container) => {
    const name = textOf(container.name);
    const log = isObject(container.logConfiguration) ? container.logConfiguration : {};
    return [
      ...(/\.dkr[.-]ecr\./.test(textOf(container.image)) ? [`pulls the image of ${name} from ECR`] : []),
      ...(objects(container.secrets).length > 0 ? [`reads the secrets of ${name}`] : []),
      ...(log.logDriver === 'awslogs' ? [`writes the log of ${name}`] : []),
    ];
  });
  const [first] = needs;
  if (first === undefined) return [];
  return [
    {
      what: 'executionRoleArn of the task definition',
      seen: 'not set',
      cause: `on Fargate it is this role that ${first}`,
      fix: 'Set it to a role with AmazonECSTaskExecutionRolePolicy (or `execution-role-arn`)',
    },
  ];
}
