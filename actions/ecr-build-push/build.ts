import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '../../lib/errors.ts';
import type { BuildRequest } from './build-request.ts';
import { type Builder, type BuilderPorts, findBuilder, refuseUnsupported } from './builder.ts';
import { buildxArgv, classicArgv } from './builder-argv.ts';
import { PUSH_ATTEMPTS, PushFailed, pushFailure } from './push-failure.ts';

export interface DockerPorts extends BuilderPorts {
  /** The environment of docker, with the private configuration in it. */
  env: NodeJS.ProcessEnv;
  timeoutMs: number;
  /** The checkout, which the paths of a request are relative to. */
  cwd: string;
  tempDir: string;
  /** Puts a new password into the private configuration. */
  renewLogin(): Promise<void>;
  /** Base images that stand for something else than when the fingerprint was made. */
  movedBases(request: BuildRequest): Promise<string[]>;
}

/** Digest of what was pushed, as the builder tells it; '' where it does not. */
export interface Built {
  digest: string;
}

/**
 * Builds with buildx where it is there, else with the engine's classic builder, and pushes. What is pushed is one tag, the
 * last thing that a push does: a build or push that fails or is cancelled leaves no tag.
 * @throws Problem with the builder's last lines.
 */
export async function buildAndPush(request: BuildRequest, ports: DockerPorts): Promise<Built> {
  const builder = await findBuilder(request.options.builder, ports);
  refuseUnsupported(request, builder);
  if (builder.kind === 'buildx' && (builder.modern || !request.push)) return withBuildx(request, builder, ports);
  if (request.platforms.length > 1) throw oneByOne(request);
  return inSteps(request, builder, ports);
}

/** One call of buildx builds, pushes, and writes cache, provenance and SBOM. */
async function withBuildx(request: BuildRequest, builder: Builder, ports: DockerPorts): Promise<Built> {
  const folder = await mkdtemp(join(ports.tempDir, 'slipway-buildx-'));
  const metadata = join(folder, 'metadata.json');
  // Several platforms do not fit into the engine: a build that is only a check is then not kept.
  const argv = (r: BuildRequest) => checked(buildxArgv(r, builder, { push: r.push, metadata }), r);
  try {
    await ports.log.group(`Building ${request.reference} with buildx`, () => docker(argv(request), request, ports));
  } catch (error) {
    await pushAgain(error, ports, () => {
      // Everything is built and in the builder's cache; only what was left to push is done.
      const again = { ...request, noCache: false, options: { ...request.options, pull: false, noCacheFilters: [] } };
      return ports.log.group(`Pushing ${request.reference} again`, () => docker(argv(again), request, ports));
    });
  }
  try {
    return { digest: digestIn(await readFile(metadata, 'utf8').catch(() => '{}')) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function checked(argv: [string, ...string[]], r: BuildRequest): [string, ...string[]] {
  if (r.push || r.platforms.length < 2) return argv;
  return argv.map((a) => (a === '--load' ? '--output=type=cacheonly' : a)) as [string, ...string[]];
}

function digestIn(metadata: string): string {
  return (JSON.parse(metadata) as Record<string, string | undefined>)['containerimage.digest'] ?? '';
}

/** Build, look whether the base images stayed what they were, push: for builders that cannot be held to a digest. */
async function inSteps(request: BuildRequest, builder: Builder, ports: DockerPorts): Promise<Built> {
  const { log } = ports;
  await pullLoose(request, ports);
  const name = builder.kind === 'buildx' ? 'buildx' : 'the classic builder';
  const folder = await mkdtemp(join(ports.tempDir, 'slipway-build-'));
  const argv =
    builder.kind === 'buildx'
      ? buildxArgv(request, builder, { push: false, metadata: join(folder, 'metadata.json') })
      : classicArgv(request);
  const env = builder.kind === 'buildx' ? {} : { DOCKER_BUILDKIT: '0' };
  try {
    await log.group(`Building ${request.reference} with ${name}`, () => docker(argv, request, ports, env));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  if (!request.push) return { digest: '' };
  const moved = await ports.movedBases(request);
  if (moved.length > 0) throw basesMoved(request, moved);
  return log.group(`Pushing ${request.reference}`, async () => {
    const push = () => docker(['docker', 'push', request.reference], request, ports);
    const printed = await push().catch((error: unknown) => pushAgain(error, ports, push));
    return { digest: /digest: (sha256:[0-9a-f]{64})/.exec(printed)?.[1] ?? '' };
  });
}

/** Where some base images are only in the engine, --pull would fail on them: the others are pulled by name. */
async function pullLoose(request: BuildRequest, ports: DockerPorts): Promise<void> {
  const bases = Object.entries(request.bases ?? {});
  if (bases.every(([, { from }]) => from === 'registry')) return;
  for (const [reference, { from }] of bases)
    if (from === 'registry') await docker(['docker', 'pull', '--quiet', reference], request, ports);
}

/** Pushes again after a failure that may pass; a password that expired is renewed first. @throws the failure where it will not. */
async function pushAgain(first: unknown, ports: DockerPorts, push: () => Promise<string>): Promise<string> {
  let error = first;
  let renewed = false;
  for (let attempt = 1; ; attempt++) {
    const failure = error instanceof PushFailed ? error.failure : undefined;
    const renew: boolean = failure === 'expired' && !renewed;
    if (!renew && (failure !== 'transient' || attempt === PUSH_ATTEMPTS)) throw error;
    ports.log.warning(
      renew
        ? 'The registry’s password has expired during the build; the push is tried again with a new one.'
        : `Push attempt ${attempt} of ${PUSH_ATTEMPTS} failed; the image is built, so only the push is tried again.`,
    );
    if (renew) await ports.renewLogin();
    else await sleep(PAUSE_MS * attempt, undefined, { signal: ports.signal }).catch(() => undefined);
    renewed ||= renew;
    try {
      return await push();
    } catch (next) {
      error = next;
    }
  }
}

const TAIL = 30;
const PAUSE_MS = 1000;

/** The error for a docker command that ended badly, with the lines that it ended with. */
function failed(r: BuildRequest, code: number, tail: readonly string[], pushing: boolean): PushFailed {
  const output = tail.join('\n');
  const failure = pushFailure(output, pushing);
  const what = failure === undefined ? 'The Dockerfile did not build' : 'The image was built, but the push failed';
  const parts = {
    what: `image ${r.reference}`,
    cause: `${what} (exit code ${code}):\n${tail.slice(-12).join('\n')}\n`,
    fix: fixFor(output),
    kind: failure === 'denied' ? 'denied' : failure === 'immutable' ? 'conflict' : 'service',
  } as const;
  return new PushFailed(parts, failure);
}

/** @returns what it printed to stdout */
async function docker(
  argv: readonly [string, ...string[]],
  r: BuildRequest,
  ports: DockerPorts,
  more: NodeJS.ProcessEnv = {},
): Promise<string> {
  const { processes, log, signal, timeoutMs, cwd } = ports;
  const env = { SOURCE_DATE_EPOCH: String(r.epoch), ...ports.env, ...more };
  const tail: string[] = [];
  const onLine = (line: string) => {
    log.info(line);
    if (line.trim() !== '' && tail.push(line) > TAIL) tail.shift();
  };
  const { code, stdout } = await processes.run(argv, { cwd, env, signal, timeoutMs, onLine });
  if (code !== 0) throw failed(r, code, tail, argv[1] === 'push');
  return stdout.toString('utf8');
}

function fixFor(output: string): string {
  if (/Cannot connect to the Docker daemon|error during connect|docker daemon is not running/i.test(output))
    return 'Start the docker engine on the runner, or use a runner that has one';
  if (/no space left/i.test(output)) return 'Free disk space on the runner (docker system df shows what is used)';
  if (/Cache export is not supported|cache-to/i.test(output) && /driver/i.test(output))
    return 'Use a builder whose driver can export a cache (docker/setup-buildx-action makes one), or set `cache: none`';
  if (/no basic auth|denied|unauthorized|not authorized/i.test(output))
    return 'Check that the role may push: ecr:InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload, PutImage, BatchCheckLayerAvailability';
  if (/immutable/i.test(output)) return 'Choose a tag that is new with each build';
  return 'Correct what the last lines name';
}

function basesMoved(r: BuildRequest, moved: readonly string[]): Problem {
  return new Problem({
    what: `image ${r.reference}`,
    cause: `while it was built, ${moved.join(' and ')} came to stand for another image, so that its fingerprint may not be true; nothing was pushed`,
    fix: 'Run it again; buildx with BuildKit 0.11 or newer is held to the digest instead',
    kind: 'conflict',
  });
}

function oneByOne(r: BuildRequest): Problem {
  return new Problem({
    what: "input 'platforms'",
    seen: r.platforms.join(','),
    cause: 'the current builder is the engine’s own, which is too old to push an image of several platforms',
    fix: 'Create a builder in a step before this one (docker/setup-buildx-action), or update the engine',
    kind: 'environment',
  });
}
