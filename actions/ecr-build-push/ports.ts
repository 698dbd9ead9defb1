import { ECRClient } from '@aws-sdk/client-ecr';
import { awsConfig, regionFrom } from '../../lib/aws/client.ts';
import { type RegistryPassword, registryPassword } from '../../lib/aws/registry-password.ts';
import { Problem } from '../../lib/errors.ts';
import { openGit } from '../../lib/git/repository.ts';
import { processes } from '../../lib/process.ts';
import type { Edge } from '../../lib/runner.ts';
import { buildAndPush } from './build.ts';
import { callerAccount } from './caller.ts';
import { readContent } from './content.ts';
import { withDockerConfig } from './docker-config.ts';
import type { BuildInputs } from './inputs.ts';
import { RegistryReader } from './registry.ts';
import { creationOf, scanPort } from './registry-ports.ts';
import { openRepository, type Repository } from './repository.ts';
import type { BuildPorts } from './run.ts';
import type { BuildSettings } from './settings.ts';

/** The real ports: git in the workspace, the docker on PATH, ECR through the SDK, the registry over HTTP. */
export function portsOf(inputs: BuildInputs, settings: BuildSettings, edge: Edge): BuildPorts {
  const { env, log, signal, context } = edge;
  const run = processes(log);
  if (inputs.push) requiredRepository(inputs.repository);
  let client: ECRClient | undefined;
  const ecr = () => {
    client ??= new ECRClient(awsConfig({ region: regionFrom(inputs.region, env), action: 'ecr-build-push' }));
    return client;
  };
  let login: Promise<RegistryPassword> | undefined;
  const password = (repository: Repository) => {
    login ??= registryPassword(ecr(), repository.account, log);
    return login;
  };
  return {
    log,
    context,
    runNumber: env.GITHUB_RUN_NUMBER ?? '',
    content: () =>
      readContent(settings, {
        git: openGit({ processes: run, workspace: context.workspace, tempDir: context.tempDir, env, signal }),
        processes: run,
        context,
        signal,
      }),
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
    build: async (request, repository) => {
      const docker = { processes: run, log, env, signal, timeoutMs: inputs.timeout, cwd: context.workspace };
      if (!repository) return buildAndPush(request, docker);
      const access = await password(repository);
      return withDockerConfig(access, env, context.tempDir, (withLogin) =>
        buildAndPush(request, { ...docker, env: withLogin }),
      );
    },
  };
}

/** @throws Problem where neither an input nor a component names the repository */
export function requiredRepository(repository: string): string {
  if (repository !== '') return repository;
  throw new Problem({
    what: "input 'repository'",
    cause: 'it is empty, and no component gives one',
    fix: 'Set `repository`, or `component` with an `image.repository` in the config file',
  });
}
