import type { ECRClient } from '@aws-sdk/client-ecr';
import type { RegistryPassword } from '../../lib/aws/registry-password.ts';
import { systemClock } from '../../lib/clock.ts';
import { processes } from '../../lib/process.ts';
import type { Edge } from '../../lib/runner.ts';
import type { Creation } from './creation.ts';
import { withDockerConfig } from './docker-config.ts';
import type { BuildInputs } from './inputs.ts';
import type { Repository } from './repository.ts';
import type { BuildPorts } from './run.ts';

/** How a missing repository is to be made; undefined when it is not. */
export function creationOf(inputs: BuildInputs): Creation | undefined {
  if (!inputs['create-repository']) return undefined;
  return {
    encryption: inputs.encryption,
    mutableTags: inputs['mutable-tags'],
    expireDays: inputs['expire-days'] ?? 0,
  };
}

export interface ScanNeeds {
  edge: Pick<Edge, 'env' | 'log' | 'signal' | 'context'>;
  ecr(): ECRClient;
  password(repository: Repository): Promise<RegistryPassword>;
}

/** The scan gate that the inputs ask for. Its code is loaded when an image is there to be scanned. */
export function scanPort(inputs: BuildInputs, { edge, ecr, password }: ScanNeeds): BuildPorts['scan'] {
  const scanner = inputs.scan;
  if (scanner === 'none') return undefined;
  const { env, log, signal, context } = edge;
  const timeoutMs = inputs['scan-timeout'];
  return async (image, repository) => {
    const [{ gate }, { policyOf }] = await Promise.all([import('./scan/gate.ts'), import('./scan/policy.ts')]);
    const policy = await policyOf(inputs, context.workspace, systemClock.now());
    if (scanner === 'ecr') {
      const { ecrFindings } = await import('./scan/ecr.ts');
      const ports = { repository: repository.name, registryId: repository.account, clock: systemClock, log, signal };
      return gate(image, { scanner, policy, scan: (one) => ecrFindings(one, { ...ports, ecr: ecr(), timeoutMs }) });
    }
    const { trivyFindings } = await import('./scan/trivy.ts');
    const run = processes(log);
    return withDockerConfig([await password(repository)], env, context.tempDir, (withLogin) =>
      gate(image, {
        scanner,
        policy,
        scan: (one) => trivyFindings(one, repository.uri, { processes: run, env: withLogin, signal, timeoutMs }),
      }),
    );
  };
}
