import type { DescribedService } from '../../lib/ecs/api.ts';
import { type ServiceRef, serviceName } from '../../lib/ecs/names.ts';
import { Problem } from '../../lib/errors.ts';
import { checkForCodeDeploy } from './codedeploy/inputs.ts';
import type { EcsDeployInputs } from './inputs.ts';

/** @throws Problem for a service that neither ECS nor CodeDeploy deploys, and for inputs that its controller has no use for. */
export function checkController(ref: ServiceRef, { service }: DescribedService, inputs: EcsDeployInputs): void {
  const type = service.deploymentController?.type ?? 'ECS';
  if (type === 'ECS') return;
  if (type === 'CODE_DEPLOY') {
    checkForCodeDeploy(inputs);
    return;
  }
  throw new Problem({
    what: serviceName(ref),
    seen: type,
    cause:
      'another program makes its deployments out of task sets: ECS keeps neither its revisions nor its traffic, so nobody but that program knows when one is done',
    fix: 'Deploy it with that program; or make the service anew with the deployment controller ECS, whose blue/green, linear and canary strategies shift traffic and pause as task sets were used for (`strategy`)',
    kind: 'config',
  });
}
