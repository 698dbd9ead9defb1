import { Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Processes } from '../../lib/process.ts';
import type { BuildRequest } from './build-request.ts';

export type Builder =
  | { kind: 'classic' }
  | {
      kind: 'buildx';
      /** docker, docker-container, kubernetes, remote. */
      driver: string;
      /** Whether BuildKit is new enough to take base images by digest and to write annotations: then it may push by itself. */
      modern: boolean;
    };

export interface BuilderPorts {
  processes: Processes;
  /** What a program answers to a question about its version; undefined where it has no answer. */
  versionOf(argv: readonly [string, ...string[]]): Promise<string | undefined>;
  log: Log;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
}

/** What this machine builds with: buildx where it is installed, else the engine's classic builder. @throws Problem kind `environment` where there is no docker, or the builder cannot be looked at */
export async function findBuilder(name: string, ports: BuilderPorts): Promise<Builder> {
  const { processes, versionOf, log, env, signal } = ports;
  const buildx = await versionOf(['docker', 'buildx', 'version']);
  if (buildx === undefined) {
    const docker = await versionOf(['docker', '--version']);
    if (docker === undefined) throw noDocker();
    log.info(`The classic builder of ${docker} is used: docker buildx is not installed`);
    return { kind: 'classic' };
  }
  const inspected = await processes.run(['docker', 'buildx', 'inspect', ...(name === '' ? [] : [name])], {
    env,
    signal,
  });
  const text = inspected.stdout.toString('utf8');
  if (inspected.code !== 0) throw notThere(name, inspected.stderr);
  const builder = { kind: 'buildx', ...readInspect(text) } as const;
  log.info(`docker buildx is used, driver ${builder.driver || 'unknown'} (${buildx})`);
  return builder;
}

// Named contexts that replace an image came with BuildKit 0.10, annotations with 0.11 (release notes of both).
const MODERN = 11;

/** Reads `docker buildx inspect`. A builder that has not started yet tells no version; its image is a recent one. */
export function readInspect(text: string): { driver: string; modern: boolean } {
  const driver = /^Driver:\s+(\S+)/m.exec(text)?.[1] ?? '';
  const version = /^BuildKit(?: version)?:\s+v?(\d+)\.(\d+)/m.exec(text);
  const [major, minor] = [Number(version?.[1] ?? 0), Number(version?.[2] ?? 0)];
  // The docker driver of old engines tells the engine's version, or 0.8.
  if (driver === 'docker') return { driver, modern: version !== null && major < 1 && minor >= MODERN };
  return { driver, modern: version === null || major > 0 || minor >= MODERN };
}

/** @throws Problem for what this builder cannot do: to leave it out would be another image than was asked for. */
export function refuseUnsupported(r: BuildRequest, builder: Builder): void {
  if (builder.kind === 'buildx') return;
  const { options: o } = r;
  const on = (value: string) => value !== '' && value !== 'false';
  const asked: [input: string, asked: boolean][] = [
    ['platforms', r.platforms.length > 1],
    ['build-contexts', Object.keys(r.buildContexts).length > 0],
    ['secrets', Object.keys(r.secrets).length > 0],
    ['ssh', o.ssh.length > 0],
    ['annotations', o.annotations.length > 0],
    ['provenance', on(o.provenance)],
    ['sbom', on(o.sbom)],
    ['cache', o.cacheFrom.length > 0 || o.cacheTo.length > 0],
    ['no-cache-filters', o.noCacheFilters.length > 0],
    ['allow', o.allow.length > 0],
    ['builder', o.builder !== ''],
  ];
  const needs = asked.find(([, is]) => is)?.[0];
  if (needs === undefined) return;
  throw new Problem({
    what: `input '${needs}'`,
    cause: 'the classic builder of this docker engine cannot do that, and docker buildx is not installed',
    fix: 'Install the buildx plugin on the runner (hosted runners have it)',
    kind: 'environment',
  });
}

function noDocker(): Problem {
  return new Problem({
    what: "program 'docker'",
    cause: 'it was not found on PATH, or it does not start',
    fix: 'Install docker on the runner (hosted Linux runners have it)',
    kind: 'environment',
  });
}

function notThere(name: string, stderr: string): Problem {
  return new Problem({
    what: name === '' ? "buildx's current builder" : "input 'builder'",
    seen: name === '' ? undefined : name,
    cause: `docker buildx cannot look at it (${stderr.trim().split('\n').at(-1) || 'it gave no reason'})`,
    fix: 'Start the engine, or create the builder in a step before this one (docker/setup-buildx-action)',
    kind: 'environment',
  });
}
