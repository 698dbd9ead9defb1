import { isObject, type JsonObject, objects, textOf } from '../../../lib/ecs/json.ts';
import { pinnedDigest } from '../../../lib/ecs/names.ts';
import { Problem } from '../../../lib/errors.ts';

export interface Changes {
  /** Image for the one container that `container` names, or the only one there is. '' for none. */
  image: string;
  container: string;
  /** Containers that get the settings below, where they are several; `container` or the only one without. */
  containers?: readonly string[];
  /** Container name to image. */
  images: Readonly<Record<string, string>>;
  /** The image's own revision, told to the app; '' when it is not known. */
  revision: string;
  environmentVariables: Readonly<Record<string, string>>;
  settings?: ContainerSettings;
  task?: TaskSettings;
}

/** What is set in a container beside image and variables; what is not given stays as it is. */
export interface ContainerSettings {
  /** Variable to the SSM parameter or secret that ECS reads its value from. */
  secrets?: Readonly<Record<string, string>>;
  /** ARNs of objects in S3; they replace those that were there. */
  envFiles?: readonly string[];
  logDriver?: string;
  logOptions?: Readonly<Record<string, string>>;
  dockerLabels?: Readonly<Record<string, string>>;
  command?: readonly string[];
}

/** What is set for the task as a whole. */
export interface TaskSettings {
  cpu?: string;
  memory?: string;
  taskRoleArn?: string;
  executionRoleArn?: string;
}

export interface Rendered {
  definition: JsonObject;
  /** The containers whose image was asked for, and the image. */
  images: ReadonlyMap<string, string>;
}

export const REVISION_VARIABLE = 'SLIPWAY_REVISION';
export const DIGEST_VARIABLE = 'SLIPWAY_DIGEST';

/**
 * The definition with the asked-for images, variables and settings, everything else as it was.
 * @throws Problem when a container does not exist, or when it is not said which of several is meant.
 */
export function render(base: JsonObject, changes: Changes): Rendered {
  const containers = objects(base.containerDefinitions);
  const names = containers.map((c) => textOf(c.name));
  const images = new Map(Object.entries(changes.images));
  if (changes.image !== '') images.set(onlyContainer(names, changes.container, 'image'), changes.image);
  for (const name of images.keys()) if (!names.includes(name)) throw noContainer(name, names);
  const extra = Object.entries(changes.environmentVariables);
  const settings = changes.settings ?? {};
  const targets = targetsOf(names, changes, extra.length > 0 ? 'environment-variables' : firstInput(settings));

  const rendered = containers.map((container) => {
    const name = textOf(container.name);
    const image = images.get(name);
    const identity = image === undefined ? [] : identityOf(image, changes.revision);
    const mine = targets.includes(name);
    const variables = [...identity, ...(mine ? extra : [])];
    const secrets = mine ? (settings.secrets ?? {}) : {};
    const changed = {
      ...container,
      ...(image !== undefined && { image }),
      ...(mine && withSettings(container, name, settings)),
    };
    return {
      ...changed,
      ...(variables.length > 0 && { environment: withVariables(changed, name, variables, secrets) }),
    };
  });
  return { definition: { ...base, containerDefinitions: rendered, ...changes.task }, images };
}

type Variable = readonly [name: string, value: string | undefined];

/** What the app may say of itself. A revision that is not known is taken away: an old one would be a lie. */
function identityOf(image: string, revision: string): Variable[] {
  return [
    [REVISION_VARIABLE, revision || undefined],
    [DIGEST_VARIABLE, pinnedDigest(image)],
  ];
}

function withVariables(
  container: JsonObject,
  name: string,
  variables: readonly Variable[],
  added: Readonly<Record<string, string>>,
): JsonObject[] {
  const environment = objects(container.environment);
  const secrets = new Set([...objects(container.secrets).map((s) => textOf(s.name)), ...Object.keys(added)]);
  for (const [key, value] of variables) {
    if (value !== undefined && secrets.has(key)) throw alreadySecret(name, key);
    const index = environment.findIndex((e) => e.name === key);
    if (value === undefined) {
      if (index >= 0) environment.splice(index, 1);
    } else if (index >= 0) environment[index] = { ...environment[index], value };
    else environment.push({ name: key, value });
  }
  return environment;
}

function withSettings(container: JsonObject, name: string, settings: ContainerSettings): JsonObject {
  const { secrets, envFiles, dockerLabels, command } = settings;
  return {
    ...(secrets && { secrets: withSecrets(container, name, secrets) }),
    ...(envFiles && { environmentFiles: envFiles.map((value) => ({ value, type: 's3' })) }),
    ...(dockerLabels && { dockerLabels: { ...asObject(container.dockerLabels), ...dockerLabels } }),
    ...(command && { command: [...command] }),
    ...((settings.logDriver || settings.logOptions) && { logConfiguration: withLog(container, name, settings) }),
  };
}

function withSecrets(container: JsonObject, name: string, wanted: Readonly<Record<string, string>>): JsonObject[] {
  const plain = new Set(objects(container.environment).map((e) => textOf(e.name)));
  const secrets = objects(container.secrets);
  for (const [key, valueFrom] of Object.entries(wanted)) {
    if (plain.has(key)) throw alreadyPlain(name, key);
    const index = secrets.findIndex((s) => s.name === key);
    if (index >= 0) secrets[index] = { ...secrets[index], valueFrom };
    else secrets.push({ name: key, valueFrom });
  }
  return secrets;
}

function withLog(container: JsonObject, name: string, { logDriver, logOptions }: ContainerSettings): JsonObject {
  const old = asObject(container.logConfiguration);
  if (!logDriver && textOf(old.logDriver) === '') {
    throw new Problem({
      what: "input 'log-configuration-options'",
      cause: `container ${name} has no log driver that they could be options of`,
      fix: 'Set `log-configuration-log-driver` too, for instance to awslogs',
    });
  }
  return {
    ...old,
    ...(logDriver && { logDriver }),
    ...(logOptions && { options: { ...asObject(old.options), ...logOptions } }),
  };
}

function asObject(value: JsonObject[string] | undefined): JsonObject {
  return isObject(value) ? value : {};
}

/** The input that a container has to be known for; undefined when there is none. */
function firstInput(settings: ContainerSettings): string | undefined {
  if (settings.secrets) return 'secrets';
  if (settings.envFiles) return 'env-files';
  if (settings.logDriver) return 'log-configuration-log-driver';
  if (settings.logOptions) return 'log-configuration-options';
  if (settings.dockerLabels) return 'docker-labels';
  return settings.command ? 'command' : undefined;
}

function targetsOf(names: readonly string[], changes: Changes, input: string | undefined): readonly string[] {
  if (input === undefined) return [];
  const several = changes.containers ?? [];
  if (several.length === 0) return [onlyContainer(names, changes.container, input)];
  for (const name of several) if (!names.includes(name)) throw noContainer(name, names);
  return several;
}

function onlyContainer(names: readonly string[], wanted: string, input: string): string {
  if (wanted !== '') {
    if (!names.includes(wanted)) throw noContainer(wanted, names);
    return wanted;
  }
  const [only] = names;
  if (names.length === 1 && only !== undefined) return only;
  throw new Problem({
    what: "input 'container'",
    cause: `\`${input}\` is given, and the task definition has ${names.length} containers (${names.join(', ')})`,
    fix: 'Name the one that is meant in `container`, or write `images` with one container=image a line',
  });
}

function noContainer(name: string, names: readonly string[]): Problem {
  return new Problem({
    what: 'container',
    seen: name,
    cause: `the task definition has no such container; it has ${names.join(', ') || 'none'}`,
    fix: 'Correct `container` or `images`, or the task definition',
  });
}

function alreadySecret(container: string, variable: string): Problem {
  return new Problem({
    what: `environment variable ${variable} of container ${container}`,
    cause: 'the task definition already gives it as a secret, and ECS refuses a name that is both',
    fix: 'Leave it out of `environment-variables`, or take the secret out of the task definition',
  });
}

function alreadyPlain(container: string, variable: string): Problem {
  return new Problem({
    what: `secret ${variable} of container ${container}`,
    cause: 'the task definition already gives it as a plain environment variable, and ECS refuses a name that is both',
    fix: 'Take the variable out of the task definition, or leave it out of `secrets`',
  });
}
