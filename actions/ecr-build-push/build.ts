import { Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Processes } from '../../lib/process.ts';

export interface BuildRequest {
  context: string;
  dockerfile: string;
  target: string;
  platforms: readonly string[];
  buildArgs: Record<string, string>;
  /** Secret id to the name of the environment variable that holds it. */
  secrets: Record<string, string>;
  labels: Record<string, string>;
  /** HOST/NAME:TAG, the name under which the image is pushed. */
  reference: string;
  push: boolean;
  noCache: boolean;
}

export interface DockerPorts {
  processes: Processes;
  log: Log;
  /** The environment of docker, with the private configuration in it. */
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  timeoutMs: number;
  /** The checkout, which the paths of a request are relative to. */
  cwd: string;
}

const PUSH_ATTEMPTS = 3;
const TAIL = 30;

/** Builds with buildx where it is there, else with the engine's classic builder, and pushes. @throws Problem with the builder's last lines. */
export async function buildAndPush(request: BuildRequest, ports: DockerPorts): Promise<void> {
  const buildx = await hasBuildx(ports);
  refuseUnsupported(request, buildx);
  const argv = buildx ? buildxArgv(request) : classicArgv(request);
  await ports.log.group(`Building ${request.reference} with ${buildx ? 'buildx' : 'the classic builder'}`, () =>
    docker(argv, request, ports, 'The Dockerfile did not build'),
  );
  if (request.push && !buildx) await pushWithRetries(request, ports);
}

/** Arguments for docker buildx. Values of secrets stay in the environment; only their names are arguments. */
export function buildxArgv(r: BuildRequest): [string, ...string[]] {
  return [
    'docker',
    'buildx',
    'build',
    ...common(r),
    ...(r.platforms.length > 0 ? ['--platform', r.platforms.join(',')] : []),
    ...Object.entries(r.secrets).flatMap(([id, variable]) => ['--secret', `id=${id},env=${variable}`]),
    '--progress',
    'plain',
    r.push ? '--push' : '--load',
    '--',
    r.context,
  ];
}

export function classicArgv(r: BuildRequest): [string, ...string[]] {
  return ['docker', 'build', ...common(r), ...(r.platforms[0] ? ['--platform', r.platforms[0]] : []), '--', r.context];
}

function common(r: BuildRequest): string[] {
  return [
    '--file',
    r.dockerfile,
    '--tag',
    r.reference,
    ...(r.target ? ['--target', r.target] : []),
    ...(r.noCache ? ['--no-cache', '--pull'] : []),
    ...Object.entries(r.buildArgs).flatMap(([k, v]) => ['--build-arg', `${k}=${v}`]),
    ...Object.entries(r.labels).flatMap(([k, v]) => ['--label', `${k}=${v}`]),
  ];
}

async function hasBuildx({ processes, env, signal }: DockerPorts): Promise<boolean> {
  const { code } = await processes.run(['docker', 'buildx', 'version'], { env, signal });
  return code === 0;
}

function refuseUnsupported(r: BuildRequest, buildx: boolean): void {
  if (buildx) return;
  const needs =
    r.platforms.length > 1 ? "input 'platforms'" : Object.keys(r.secrets).length > 0 ? "input 'secrets'" : undefined;
  if (needs === undefined) return;
  throw new Problem({
    what: needs,
    cause: 'the classic builder of this docker engine cannot do that, and docker buildx is not installed',
    fix: 'Install the buildx plugin on the runner (hosted runners have it)',
    kind: 'environment',
  });
}

async function docker(
  argv: readonly [string, ...string[]],
  r: BuildRequest,
  ports: DockerPorts,
  failure: string,
): Promise<void> {
  const { processes, log, env, signal, timeoutMs, cwd } = ports;
  const tail: string[] = [];
  const onLine = (line: string) => {
    log.info(line);
    if (line.trim() !== '' && tail.push(line) > TAIL) tail.shift();
  };
  const { code } = await processes.run(argv, { cwd, env, signal, timeoutMs, onLine });
  if (code === 0) return;
  throw new Problem({
    what: `image ${r.reference}`,
    cause: `${failure} (exit code ${code}):\n${tail.slice(-12).join('\n')}\n`,
    fix: fixFor(tail.join('\n')),
    kind: 'service',
  });
}

async function pushWithRetries(r: BuildRequest, ports: DockerPorts): Promise<void> {
  await ports.log.group(`Pushing ${r.reference}`, async () => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await docker(['docker', 'push', r.reference], r, ports, 'The push failed');
      } catch (error) {
        const passing =
          error instanceof Problem &&
          error.kind === 'service' &&
          !/denied|unauthorized|no basic auth|not exist|immutable/i.test(error.message);
        if (!passing || attempt === PUSH_ATTEMPTS) throw error;
        ports.log.warning(
          `Push attempt ${attempt} of ${PUSH_ATTEMPTS} failed; the image is built, so only the push is tried again.`,
        );
      }
    }
  });
}

function fixFor(output: string): string {
  if (/Cannot connect to the Docker daemon|error during connect|docker daemon is not running/i.test(output))
    return 'Start the docker engine on the runner, or use a runner that has one';
  if (/no space left/i.test(output)) return 'Free disk space on the runner (docker system df shows what is used)';
  if (/no basic auth|denied|unauthorized/i.test(output))
    return 'Check that the role may push: ecr:InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload, PutImage, BatchCheckLayerAvailability';
  if (/immutable/i.test(output)) return 'Choose a tag that is new with each build';
  return 'Correct what the last lines name';
}
