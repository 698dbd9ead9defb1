import type { DescribedService } from '../../lib/ecs/api.ts';
import { Problem } from '../../lib/errors.ts';
import type { EcsDeployInputs } from './inputs.ts';
import type { EcsDeployPorts } from './ports.ts';
import { releaseTags } from './release.ts';
import type { Rollout } from './rollout/plan.ts';

/** Tags the service with the release that it serves now. */
export async function tagService(
  inputs: EcsDeployInputs,
  { service }: DescribedService,
  fingerprint: string,
  { outcome, reached }: Rollout,
  { ecs, log }: EcsDeployPorts,
): Promise<void> {
  // What has only come to a stage may still be turned back.
  if (outcome.status !== 'succeeded' || reached) return;
  try {
    await ecs.tag(service.serviceArn ?? '', releaseTags(fingerprint, inputs));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    // The release serves; only what tells its name from outside is missing.
    log.warning(`The service carries no tag of its release: ${error.message}`);
  }
}
