import { ECRClient } from '@aws-sdk/client-ecr';
import { awsConfig, regionFrom } from '../../lib/aws/client.ts';
import { type RegistryPassword, registryPassword } from '../../lib/aws/registry-password.ts';
import { renewLogin } from '../../lib/docker-config.ts';
import { messageOf, Problem } from '../../lib/errors.ts';
import { openGit } from '../../lib/git/repository.ts';
import { type Processes, processes } from '../../lib/process.ts';
import type { Edge } from '../../lib/runner.ts';
import { type BaseDigest, baseDigests } from './base-digest.ts';
import { referenceOf } from './base-images.ts';
import { baseLogins, isEcr } from './base-logins.ts';
import type { BuildRequest } from './build-request.ts';
import { withoutSecrets, withSecretFiles } from './build-secrets.ts';
import { callerAccount } from './caller.ts';
import { readContent } from './content.ts';
import type { BuildInputs } from './inputs.ts';
import { RegistryReader } from './registry.ts';
import { creationOf, scanPort } from './registry-ports.ts';
import type { Releases } from './releases.ts';
import { openRepository, type Repository } from './repository.ts';
import type { BuildPorts } from './run.ts';
import type { BuildSettings } from './settings.ts';

/** The real ports: git in the workspace, the docker on PATH, ECR through the SDK, the registry over HTTP. */
export function portsOf(inputs: BuildInputs, settings: BuildSettings, edge: Edge): BuildPorts {
  const { log, signal, context } = edge;
  const run = processes(log);
  const env = withoutSecrets(edge.env, inputs['secret-envs']);
  if (inputs.push) requiredRepository(inputs.repository);
  const clients = new Map<string, ECRClient>();
  const ecrOf = (region: string) => {
    const client = clients.get(region) ?? new ECRClient(awsConfig({ region, action: 'ecr-build-push' }));
    clients.set(region, client);
    return client;
  };
  const ecr = () => ecrOf(regionFrom(inputs.region, env));
  let login: Promise<RegistryPassword> | undefined;
  const password = (repository: Repository) => {
    login ??= registryPassword(ecr(), repository.account, log);
    return login;
  };
  const newPassword = (repository: Repository) => {
    login = undefined;
    return password(repository);
  };
  let logins: ReturnType<typeof baseLogins> | undefined;
  const loginsFor = (repository: Repository | undefined) => {
    logins ??= baseLogins({
      own: repository && { host: hostOf(repository), login: () => password(repository) },
      ecr: (account, region) => registryPassword(ecrOf(region), account, log),
      env,
    });
    return logins;
  };
  const askBases = (references: readonly string[], repository: Repository) =>
    baseDigests(references, {
      login: loginsFor(repository),
      local: (reference) => localImage(reference, run, env, signal),
      warn: log.warning,
      signal,
    });
  /** The builder pulls from the same registries that were asked. */
  const ecrLogins = async ({ baseReferences }: BuildRequest, repository: Repository | undefined) => {
    const hosts = new Set(baseReferences.map((reference) => referenceOf(reference).host));
    const others = [...hosts].filter((host) => isEcr(host) && !(repository && host === hostOf(repository)));
    const found = await Promise.all(others.map(async (host) => ({ host, login: await loginsFor(repository)(host) })));
    return found.flatMap(({ host, login }) => (login ? [{ ...login, host }] : []));
  };
  return {
    log,
    context,
    runNumber: env.GITHUB_RUN_NUMBER ?? '',
    content: () => {
      const git = openGit({ processes: run, workspace: context.workspace, tempDir: context.tempDir, env, signal });
      return readContent(settings, { git, processes: run, context, env, signal }).finally(() => git.dispose());
    },
    repository: () =>
      openRepository({
        ecr: ecr(),
        name: requiredRepository(inputs.repository),
        registryId: inputs['registry-id'],
        create: creationOf(inputs),
        callerAccount: () => callerAccount(regionFrom(inputs.region, env), signal),
        signal,
      }),
    scan: scanPort(inputs, { edge, ecr, password }),
    registry: async (repository) => new RegistryReader(await password(repository), repository.name, signal),
    bases: (content, repository) => askBases(content.bases.references, repository),
    async stale(image, { name, account }) {
      if (!inputs.refresh) return undefined;
      const [{ fixableIn, pushedAt }, { refreshReason }] = await Promise.all([
        import('./image-age.ts'),
        import('./refresh.ts'),
      ]);
      const read = { ecr: ecr(), repository: name, registryId: account, signal };
      const [at, fixable] = await Promise.all([pushedAt(image.digest, read), fixableIn(image, read)]);
      return refreshReason({ pushedAt: at, now: Date.now(), maxAgeMs: inputs['max-age'], fixable });
    },
    async lint() {
      const { lintDockerfile } = await import('./lint.ts');
      const lint = { processes: run, log, env, signal, cwd: context.workspace };
      return lintDockerfile(inputs.lint, settings.dockerfile, lint);
    },
    releases: (version, commit) => releasesOf(inputs, version, commit, edge),
    build: async (request, repository) => {
      const [{ buildAndPush }, { programVersion }, { withDockerConfig }] = await Promise.all([
        import('./build.ts'),
        import('../../lib/program-version.ts'),
        import('./docker-config.ts'),
      ]);
      const { workspace, tempDir } = context;
      const docker = { processes: run, log, signal, timeoutMs: inputs.timeout, cwd: workspace, tempDir };
      const withEnv = (given: NodeJS.ProcessEnv) => ({
        ...docker,
        env: given,
        versionOf: (argv: readonly [string, ...string[]]) => programVersion(argv, given),
      });
      const moved = async ({ bases = {} }: BuildRequest) =>
        repository ? movedSince(bases, await askBases(Object.keys(bases), repository)) : [];
      return withSecretFiles(inputs, { env: edge.env, workspace, tempDir, log }, async (secrets) => {
        const r = { ...request, secrets };
        if (!repository) {
          const check = (withLogin: NodeJS.ProcessEnv) =>
            buildAndPush(r, { ...withEnv(withLogin), renewLogin: async () => undefined, movedBases: moved });
          // Without credentials, as in a pull request of a fork, a base image may still be there for everybody.
          const found = await ecrLogins(r, undefined).catch((error: unknown) => {
            log.warning(`No login for the base images: ${messageOf(error)}`);
            return [];
          });
          return found.length > 0 ? withDockerConfig(found, env, tempDir, check) : check(env);
        }
        const build = (withLogin: NodeJS.ProcessEnv) =>
          buildAndPush(r, {
            ...withEnv(withLogin),
            renewLogin: async () => renewLogin(withLogin, await newPassword(repository)),
            movedBases: moved,
          });
        const others = await ecrLogins(r, repository);
        return withDockerConfig([...others, await password(repository)], env, tempDir, build);
      });
    },
  };
}

const hostOf = ({ uri }: Repository) => uri.split('/')[0] ?? '';

/** The engine's own image of a name; without an engine there is none. */
async function localImage(
  reference: string,
  run: Processes,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<string | undefined> {
  const argv = ['docker', 'image', 'inspect', '--format', '{{.Id}}', '--', reference] as const;
  const inspected = await run.run(argv, { env, signal }).catch((error: unknown) => {
    if (error instanceof Problem && error.kind === 'environment') return undefined;
    throw error;
  });
  return inspected?.code === 0 ? inspected.stdout.toString('utf8').trim() : undefined;
}

function movedSince(then: Readonly<Record<string, BaseDigest>>, now: Readonly<Record<string, BaseDigest>>): string[] {
  return Object.keys(then).filter((name) => now[name]?.digest !== then[name]?.digest);
}

function releasesOf(inputs: BuildInputs, version: string, commit: string, edge: Edge): Releases | undefined {
  const { release: kind, token } = inputs;
  if (kind === 'none') return undefined;
  const { context, signal } = edge;
  const { owner, name: repo } = context.repository;
  const options = { kind, version, commit, owner, repo };
  const load = async () => {
    if (token === '') throw noToken(kind);
    const [{ github }, release] = await Promise.all([import('../../lib/github/client.ts'), import('./release.ts')]);
    return { ...release, client: github({ context, token, signal }) };
  };
  return {
    async check() {
      const { client, tagIsFree } = await load();
      await tagIsFree(client, options);
    },
    async make(image) {
      const { client, makeRelease } = await load();
      return makeRelease(client, options, image);
    },
  };
}

function noToken(kind: string): Problem {
  return new Problem({
    what: "input 'token'",
    cause: `it is empty, and \`release: ${kind}\` makes something on GitHub`,
    fix: 'Pass `token: ${{ github.token }}`, and give the job `permissions: contents: write`',
  });
}

export function requiredRepository(repository: string): string {
  if (repository !== '') return repository;
  throw new Problem({
    what: "input 'repository'",
    cause: 'it is empty, and no component gives one',
    fix: 'Set `repository`, or `component` with an `image.repository` in the config file',
  });
}
