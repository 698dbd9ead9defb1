import { isObject, type JsonObject, objects, textOf } from '../../../lib/ecs/json.ts';

/** Something of the account that the definition names and that has to be there. */
export type Question =
  | {
      kind: 'image';
      container: string;
      image: string;
      registry: string;
      region: string;
      repository: string;
      id: ImageId;
    }
  | { kind: 'role'; member: 'executionRoleArn' | 'taskRoleArn'; arn: string; name: string }
  | { kind: 'parameters'; region: string; uses: { name: string; container: string; variable: string }[] }
  | { kind: 'secret'; region: string; id: string; container: string; variable: string }
  | { kind: 'log-group'; region: string; group: string; container: string };

export type ImageId = { imageDigest: string } | { imageTag: string };

const ECR =
  /^(?<registry>\d{12})\.dkr(?:-|\.)ecr(?:-fips)?\.(?<region>[a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws)\/(?<repository>[^:@]+)(?::(?<tag>[^@]+))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$/;

/** What has to be asked about a definition. What lies in another region or with another kind of provider is not. Pure. */
export function questionsOf(definition: JsonObject, region: string): Question[] {
  const containers = objects(definition.containerDefinitions);
  return [
    ...containers.flatMap(imageQuestion),
    ...rolesOf(definition),
    ...parameterQuestion(containers, region),
    ...containers.flatMap((c) => secretQuestions(c, region)),
    ...logQuestions(containers, region),
  ];
}

function imageQuestion(container: JsonObject): Question[] {
  const image = textOf(container.image);
  const { registry, region, repository, tag, digest } = ECR.exec(image)?.groups ?? {};
  if (!registry || !region || !repository) return [];
  const id = digest ? { imageDigest: digest } : { imageTag: tag ?? 'latest' };
  return [{ kind: 'image', container: textOf(container.name), image, registry, region, repository, id }];
}

function rolesOf(definition: JsonObject): Question[] {
  return (['executionRoleArn', 'taskRoleArn'] as const).flatMap((member): Question[] => {
    const arn = textOf(definition[member]);
    if (arn === '') return [];
    // GetRole takes the name without its path; a bare name is taken by ECS as well.
    return [{ kind: 'role', member, arn, name: arn.slice(arn.lastIndexOf('/') + 1) }];
  });
}

const SSM_ARN = /^arn:aws[a-z-]*:ssm:(?<region>[a-z0-9-]+):\d{12}:parameter(?<name>\/.+)$/;
const SECRET_ARN = /^(?<arn>arn:aws[a-z-]*:secretsmanager:(?<region>[a-z0-9-]+):\d{12}:secret:[^:]+)/;

/** A name is as it stands; an ARN of a parameter outside a path has a slash that its name has not. */
function parameterName(valueFrom: string, region: string): string | undefined {
  if (!valueFrom.startsWith('arn:')) return valueFrom;
  const { region: theirs, name = '' } = SSM_ARN.exec(valueFrom)?.groups ?? {};
  if (theirs !== region) return undefined;
  return name.lastIndexOf('/') === 0 ? name.slice(1) : name;
}

function parameterQuestion(containers: readonly JsonObject[], region: string): Question[] {
  const uses = containers.flatMap((container) =>
    referencesOf(container).flatMap(({ variable, valueFrom }) => {
      const name = parameterName(valueFrom, region);
      return name === undefined || name === '' ? [] : [{ name, container: textOf(container.name), variable }];
    }),
  );
  return uses.length === 0 ? [] : [{ kind: 'parameters', region, uses }];
}

function secretQuestions(container: JsonObject, own: string): Question[] {
  return referencesOf(container).flatMap(({ variable, valueFrom }): Question[] => {
    const { arn, region } = SECRET_ARN.exec(valueFrom)?.groups ?? {};
    if (!arn || region !== own) return [];
    return [{ kind: 'secret', region, id: arn, container: textOf(container.name), variable }];
  });
}

function referencesOf(container: JsonObject): { variable: string; valueFrom: string }[] {
  const log = isObject(container.logConfiguration) ? container.logConfiguration : {};
  return [...objects(container.secrets), ...objects(log.secretOptions)].map((s) => ({
    variable: textOf(s.name),
    valueFrom: textOf(s.valueFrom),
  }));
}

function logQuestions(containers: readonly JsonObject[], region: string): Question[] {
  const found = new Map<string, Question>();
  for (const container of containers) {
    const log = isObject(container.logConfiguration) ? container.logConfiguration : {};
    const options = isObject(log.options) ? log.options : {};
    const group = textOf(options['awslogs-group']);
    if (log.logDriver !== 'awslogs' || group === '' || options['awslogs-create-group'] === 'true') continue;
    const place = textOf(options['awslogs-region']) || region;
    const key = `${place} ${group}`;
    if (!found.has(key)) found.set(key, { kind: 'log-group', region: place, group, container: textOf(container.name) });
  }
  return [...found.values()];
}
