import type { DescribedService } from '../../lib/ecs/api.ts';
import type { JsonObject } from '../../lib/ecs/json.ts';
import type { ServiceRef } from '../../lib/ecs/names.ts';
import type { EcsDeployInputs } from './inputs.ts';
import type { RolloutPlan } from './rollout/plan.ts';
import { settingsOf } from './settings.ts';
import { plannedMs } from './strategy/pace.ts';

/** As many as ECS's own circuit breaker takes at least. */
const FAIL_FAST = 3;

const TIMEOUT_MS = 15 * 60_000;

/** What every rollout of this service has in common. */
export function planOf(
  inputs: EcsDeployInputs,
  ref: ServiceRef,
  before: DescribedService,
  definition: JsonObject,
  configuration = before.service.deploymentConfiguration,
): Omit<RolloutPlan, 'taskDefinition' | 'images' | 'force'> {
  return {
    ref,
    before,
    definition,
    previous: before.service.taskDefinition ?? '',
    desiredCount: inputs['desired-count'],
    settings: settingsOf(inputs),
    waitFor: inputs['wait-for'],
    timeoutMs: inputs.timeout ?? TIMEOUT_MS + plannedMs(configuration),
    onCancel: inputs['on-cancel'],
    failFast: inputs['fail-fast'] ?? FAIL_FAST,
    stableForMs: inputs['stable-for'],
    rollbackOnFailure: inputs['rollback-on-failure'],
  };
}
