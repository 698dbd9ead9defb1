import { shortName } from '../../lib/ecs/names.ts';
import { isGood, type Outcome } from '../../lib/outcome.ts';
import type { EcsDeployInputs } from './inputs.ts';
import type { EcsDeployPorts } from './ports.ts';

/** Puts the revision before back after a deployment that went well and what came after it did not. @returns the outcome of both */
export async function takeBack(
  inputs: EcsDeployInputs,
  previous: string,
  failed: Outcome,
  ports: EcsDeployPorts,
): Promise<Outcome> {
  // A rollback is a deployment of its own, and nothing of it is needed before.
  const { rollback } = await import('./rollback.ts');
  const back = { ...inputs, operation: 'rollback' as const, 'task-definition': previous, 'desired-count': undefined };
  const { outcome } = await rollback(back, ports);
  const revision = shortName(previous);
  if (isGood(outcome)) return { ...failed, status: 'rolled-back', cause: `${failed.cause}; ${revision} serves again` };
  return {
    status: 'failed',
    cause: `${failed.cause}; putting ${revision} back ended as ${outcome.status}: ${outcome.cause}`,
    next: 'Look at what the service runs (operation `status`), then run the operation `rollback`',
  };
}
