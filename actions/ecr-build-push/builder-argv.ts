import { normalized } from './base-images.ts';
import type { BuildRequest } from './build-request.ts';
import type { Builder } from './builder.ts';

type Argv = [string, ...string[]];

export interface BuildxExtras {
  /** Push at the end of the build; otherwise the image goes to the engine. */
  push: boolean;
  /** File that receives what was built. */
  metadata: string;
}

/** Arguments for docker buildx. Values of secrets stay in their files. */
export function buildxArgv(r: BuildRequest, builder: Builder, { push, metadata }: BuildxExtras): Argv {
  const { options: o } = r;
  const modern = builder.kind === 'buildx' && builder.modern;
  const pins = modern ? pinnedBases(r) : {};
  return [
    'docker',
    'buildx',
    'build',
    ...many('--builder', [o.builder].filter(Boolean)),
    ...common(r),
    ...(pullsAll(r, pins) ? ['--pull'] : []),
    ...(r.platforms.length > 0 ? ['--platform', r.platforms.join(',')] : []),
    ...many('--build-context', pairs({ ...r.buildContexts, ...pins })),
    ...many(
      '--secret',
      Object.entries(r.secrets).map(([id, path]) => csv(`id=${id}`, `src=${path}`)),
    ),
    ...many('--ssh', o.ssh),
    ...many('--annotation', annotations(r, modern)),
    ...(o.provenance === '' ? [] : [`--provenance=${o.provenance}`]),
    ...(o.sbom === '' ? [] : [`--sbom=${o.sbom}`]),
    ...many('--cache-from', o.cacheFrom),
    ...many('--cache-to', o.cacheTo),
    ...many('--no-cache-filter', o.noCacheFilters),
    ...many('--allow', o.allow),
    '--metadata-file',
    metadata,
    '--progress',
    'plain',
    push ? '--push' : '--load',
    '--',
    r.context,
  ];
}

/** Arguments for the engine's classic builder. */
export function classicArgv(r: BuildRequest): Argv {
  return [
    'docker',
    'build',
    // The container of a step that failed or was cancelled would else stay behind.
    '--force-rm',
    ...common(r),
    ...(pullsAll(r, {}) ? ['--pull'] : []),
    ...(r.platforms[0] ? ['--platform', r.platforms[0]] : []),
    '--',
    r.context,
  ];
}

function common(r: BuildRequest): string[] {
  const { options: o } = r;
  return [
    '--file',
    r.dockerfile,
    '--tag',
    r.reference,
    ...(r.target ? ['--target', r.target] : []),
    ...(r.noCache ? ['--no-cache'] : []),
    ...many('--build-arg', pairs(r.buildArgs)),
    ...many('--label', pairs(r.labels)),
    ...many('--add-host', o.addHosts),
    ...many('--network', [o.network].filter(Boolean)),
    ...many('--shm-size', [o.shmSize].filter(Boolean)),
    ...many('--ulimit', o.ulimits),
    ...many('--cgroup-parent', [o.cgroupParent].filter(Boolean)),
  ];
}

/**
 * Base images that the builder is given by digest, as named contexts that replace them, so that it builds on what the
 * fingerprint says even where the tag moves meanwhile. A stage of the same name would be replaced too: such a one is not given.
 */
export function pinnedBases(r: Pick<BuildRequest, 'bases' | 'stageNames'>): Record<string, string> {
  const pins: Record<string, string> = {};
  for (const [reference, { digest, from }] of Object.entries(r.bases ?? {})) {
    const name = reference.replace(/:latest$/, '');
    if (from !== 'registry' || reference.includes('@') || r.stageNames.includes(name)) continue;
    pins[name] = `docker-image://${normalized(reference)}@${digest}`;
  }
  return pins;
}

/** Whether the builder must ask for every base image anew; an image that only the engine has cannot be asked for. */
function pullsAll(r: BuildRequest, pins: Readonly<Record<string, string>>): boolean {
  if (r.options.pull) return true;
  const bases = Object.entries(r.bases ?? {});
  const loose = bases.filter(([name]) => !name.includes('@') && pins[name.replace(/:latest$/, '')] === undefined);
  return loose.length > 0 && bases.every(([, { from }]) => from === 'registry');
}

/** buildx reads the flag as a line of CSV. */
function csv(...fields: string[]): string {
  return fields.map((f) => (/[",\n]/.test(f) ? `"${f.replaceAll('"', '""')}"` : f)).join(',');
}

/** The labels that the OCI image specification knows are annotations as well, for registries and tools that read no configuration. */
function annotations(r: BuildRequest, modern: boolean): string[] {
  const standard = Object.entries(r.labels).filter(([key]) => key.startsWith('org.opencontainers.image.'));
  // An annotation of an index is an error where none is made, and whether one is made is the builder's own choice unless told.
  const index =
    r.platforms.length > 1 || /^(?!false$)./.test(r.options.provenance) || /^(?!false$)./.test(r.options.sbom);
  const level = index ? 'index,manifest:' : '';
  const given = new Set(r.options.annotations.map((a) => a.replace(/^[a-z,[\]/-]+:(?=[^=]*=)/, '').split('=')[0]));
  const own = modern ? standard.filter(([key]) => !given.has(key)).map(([k, v]) => `${level}${k}=${v}`) : [];
  return [...own, ...r.options.annotations];
}

const many = (flag: string, values: readonly string[]) => values.flatMap((value) => [flag, value]);
const pairs = (values: Readonly<Record<string, string>>) => Object.entries(values).map(([k, v]) => `${k}=${v}`);
