import type { DescribedService } from '../../lib/ecs/api.ts';
import { type ServiceRef, shortName } from '../../lib/ecs/names.ts';
import { candidatesOf } from './deployment/find.ts';
import type { EcsDeployPorts } from './ports.ts';

const GOING = new Set(['PENDING', 'IN_PROGRESS']);

/** The deployment of this very revision that an earlier, cut-short run has started. */
export async function underWay(
  ref: ServiceRef,
  { service }: DescribedService,
  taskDefinition: string,
  { ecs, log }: EcsDeployPorts,
) {
  const primary = service.deployments?.find((d) => d.status === 'PRIMARY');
  // Only rolling deployments have a rolloutState.
  if ((primary?.rolloutState ?? 'IN_PROGRESS') !== 'IN_PROGRESS') return undefined;
  const [newest] = await ecs.listDeployments(ref);
  if (!newest || !GOING.has(newest.status ?? '')) return undefined;
  const [candidate] = await candidatesOf(ecs, [newest]);
  if (candidate?.taskDefinition !== taskDefinition) return undefined;
  log.info(`A deployment of ${shortName(taskDefinition)} is under way already: following it`);
  return candidate.serviceDeploymentArn;
}
