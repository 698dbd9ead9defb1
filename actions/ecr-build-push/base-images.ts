import { Problem } from '../../lib/errors.ts';
import { type Dockerfile, expand, type Stage } from './dockerfile.ts';

export interface BaseImageOptions {
  /** Stage to build; '' is the last one. */
  target: string;
  /** Those that are built for, such as linux/amd64; FROM may name an image by them. */
  platforms: readonly string[];
  /** The platform that builds. */
  buildPlatform: string;
  buildArgs: Readonly<Record<string, string>>;
  /** Names that build contexts stand for, in lower case or normalised: they replace an image, or a stage. */
  contexts: readonly string[];
}

export interface BaseImages {
  /** Image references, normalised and sorted, each once; `scratch` is none. */
  references: string[];
  /** What the stage that is built goes back to; undefined for scratch, or where it depends on the platform. */
  final: string | undefined;
  /** Names of all stages, in lower case. */
  stageNames: string[];
}

/**
 * The images outside the Dockerfile that a build of the target takes content from: bases of the stages that it reaches, and
 * what those copy or mount from. Stages that it does not reach are not built, and do not count.
 * @throws Problem when a reference cannot be told, or the target is none of the stages.
 */
export function baseImagesOf({ args, stages }: Dockerfile, options: BaseImageOptions): BaseImages {
  const goal = targetOf(stages, options.target);
  const found = new Set<string>();
  const finals = new Set<string>();
  for (const platform of options.platforms) {
    const values = argumentsOf(args, platform, options);
    const reached = new Set<number>();
    const visit = (index: number, line: boolean) => {
      const stage = stages[index];
      if (!stage || reached.has(index)) return;
      reached.add(index);
      for (const [at, word] of [stage.base, ...stage.copiesFrom].entries()) {
        const name = expand(word, values);
        if (name === '') throw nameless(word, stage);
        const inner = stageNamed(stages.slice(0, index), name, at > 0);
        if (options.contexts.includes(name.toLowerCase())) continue;
        if (inner !== undefined) visit(inner, line && at === 0);
        else if (name !== 'scratch') {
          const reference = normalized(name);
          if (options.contexts.includes(reference)) continue;
          found.add(reference);
          if (at === 0 && line) finals.add(reference);
        }
      }
    };
    visit(goal, true);
  }
  const [final] = finals;
  return {
    references: [...found].sort(),
    final: finals.size === 1 ? final : undefined,
    stageNames: stages.map((s) => s.name).filter(Boolean),
  };
}

function targetOf(stages: readonly Stage[], target: string): number {
  if (stages.length === 0) {
    throw new Problem({
      what: 'Dockerfile',
      cause: 'it has no FROM, so there is nothing to build',
      fix: 'Begin it with a FROM line',
      kind: 'config',
    });
  }
  if (target === '') return stages.length - 1;
  const index = stageNamed(stages, target, true);
  if (index !== undefined) return index;
  throw new Problem({
    what: "input 'target'",
    seen: target,
    cause: `the Dockerfile has no such stage; it has ${
      stages
        .map((s) => s.name)
        .filter(Boolean)
        .join(', ') || 'none with a name'
    }`,
    fix: 'Name one of the stages, or leave `target` out for the last one',
  });
}

/** A stage by its name, the last of that name, or by its number where numbers are understood. */
function stageNamed(stages: readonly Stage[], name: string, numbers: boolean): number | undefined {
  const index = stages.findLastIndex((s) => s.name !== '' && s.name === name.toLowerCase());
  if (index >= 0) return index;
  return numbers && /^\d+$/.test(name) && Number(name) < stages.length ? Number(name) : undefined;
}

function nameless(word: string, stage: Stage): Problem {
  return new Problem({
    what: 'Dockerfile',
    seen: word,
    cause: `a base image of ${stage.name === '' ? 'a stage' : `stage ${stage.name}`} has no name once its variables are filled in`,
    fix: 'Give the variable a default in an ARG line before the first FROM, or a value in `build-args`',
    kind: 'config',
  });
}

/** The values that FROM lines know. Source: Dockerfile reference, "Automatic platform ARGs in the global scope". */
function argumentsOf(
  args: Dockerfile['args'],
  platform: string,
  { buildArgs, buildPlatform }: BaseImageOptions,
): Record<string, string> {
  const values: Record<string, string> = { ...parts('TARGET', platform), ...parts('BUILD', buildPlatform) };
  for (const { name, value } of args) {
    const given = buildArgs[name] ?? (value === undefined ? undefined : expand(value, values));
    if (given !== undefined) values[name] = given;
  }
  return values;
}

function parts(prefix: string, platform: string): Record<string, string> {
  const [os = '', architecture = '', variant = ''] = platform.split('/');
  return {
    [`${prefix}PLATFORM`]: platform,
    [`${prefix}OS`]: os,
    [`${prefix}ARCH`]: architecture,
    [`${prefix}VARIANT`]: variant,
  };
}

export interface Reference {
  /** As an image name has it: docker.io, or HOST[:PORT]. */
  host: string;
  /** Repository within the registry. */
  name: string;
  /** '' when there is only a digest. */
  tag: string;
  /** sha256:…; '' without. */
  digest: string;
}

/** Reads an image reference. Source: the reference grammar of CNCF Distribution, and its defaults for Docker Hub. @throws Problem when it is none. */
export function referenceOf(text: string): Reference {
  const match = /^(?:([^/]+)\/)?([^:@]+)(?::([\w][\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(text);
  const [, first, rest = '', tag = '', digest = ''] = match ?? [];
  const isHost = first !== undefined && (/[.:]/.test(first) || first === 'localhost');
  const path = isHost || first === undefined ? rest : `${first}/${rest}`;
  if (!match || !/^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/.test(path)) {
    throw new Problem({
      what: 'base image',
      seen: text,
      cause: 'it is no image reference',
      fix: 'Write NAME:TAG or HOST/NAME:TAG in the FROM line (names are in lower case)',
      kind: 'config',
    });
  }
  const host = isHost ? first.replace(/^(?:index|registry-1)\.docker\.io$/, 'docker.io') : 'docker.io';
  return {
    host,
    name: host === 'docker.io' && !path.includes('/') ? `library/${path}` : path,
    tag: tag || (digest === '' ? 'latest' : ''),
    digest,
  };
}

/** One spelling for one image, as people write it: node for docker.io/library/node, with the tag it stands for. */
export function normalized(text: string): string {
  const { host, name, tag, digest } = referenceOf(text);
  const short = host === 'docker.io' ? name.replace(/^library\//, '') : `${host}/${name}`;
  return `${short}${tag && `:${tag}`}${digest && `@${digest}`}`;
}
