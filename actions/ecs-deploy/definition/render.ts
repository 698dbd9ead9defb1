import { type JsonObject, objects, textOf } from '../../../lib/ecs/json.ts';
import { pinnedDigest } from '../../../lib/ecs/names.ts';
import { Problem } from '../../../lib/errors.ts';

export interface Changes {
  /** Image for the one container that `container` names, or the only one there is. '' for none. */
  image: string;
  container: string;
  /** Container name to image. */
  images: Readonly<Record<string, string>>;
  /** The image's own revision, told to the app; '' when it is not known. */
  revision: string;
  environmentVariables: Readonly<Record<string, string>>;
}

export interface Rendered {
  definition: JsonObject;
  /** The containers whose image was asked for, and the image. */
  images: ReadonlyMap<string, string>;
}

export const REVISION_VARIABLE = 'SLIPWAY_REVISION';
export const DIGEST_VARIABLE = 'SLIPWAY_DIGEST';

/**
 * The definition with the asked-for images and variables, everything else as it was.
 * @throws Problem when a container does not exist, or when it is not said which of several is meant.
 */
export function render(base: JsonObject, changes: Changes): Rendered {
  const containers = objects(base.containerDefinitions);
  const names = containers.map((c) => textOf(c.name));
  const images = new Map(Object.entries(changes.images));
  if (changes.image !== '') images.set(onlyContainer(names, changes.container, 'image'), changes.image);
  for (const name of images.keys()) if (!names.includes(name)) throw noContainer(name, names);
  const extra = Object.entries(changes.environmentVariables);
  const target = extra.length > 0 ? onlyContainer(names, changes.container, 'environment-variables') : undefined;

  const rendered = containers.map((container) => {
    const name = textOf(container.name);
    const image = images.get(name);
    const identity = image === undefined ? [] : identityOf(image, changes.revision);
    const variables = [...identity, ...(name === target ? extra : [])];
    return {
      ...container,
      ...(image !== undefined && { image }),
      ...(variables.length > 0 && { environment: withVariables(container, name, variables) }),
    };
  });
  return { definition: { ...base, containerDefinitions: rendered }, images };
}

type Variable = readonly [name: string, value: string | undefined];

/** What the app may say of itself. A revision that is not known is taken away: an old one would be a lie. */
function identityOf(image: string, revision: string): Variable[] {
  return [
    [REVISION_VARIABLE, revision || undefined],
    [DIGEST_VARIABLE, pinnedDigest(image)],
  ];
}

function withVariables(container: JsonObject, name: string, variables: readonly Variable[]): JsonObject[] {
  const environment = objects(container.environment);
  const secrets = new Set(objects(container.secrets).map((s) => textOf(s.name)));
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
