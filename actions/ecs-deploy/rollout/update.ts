import type { DescribedService } from '../../../lib/ecs/api.ts';
import { shortName } from '../../../lib/ecs/names.ts';
import { Problem } from '../../../lib/errors.ts';
import type { RolloutPlan, RolloutPorts } from './plan.ts';

export interface Answer {
  /** The deployment that ECS named, which may be the one before. */
  named?: string | undefined;
  /** The service's clock at the answer. */
  notAfter: number;
  /** No answer came: whether ECS took the update shows only in what it does. */
  lost?: Problem | undefined;
}

/** What the answer to an update or a creation tells of the deployment it began. */
export function answerOf({ service, at }: DescribedService): Answer {
  return { named: service.currentServiceDeployment, notAfter: at };
}

/** Sets the service. An update whose answer was lost is no error yet. @throws Problem for one that was refused */
export async function update(plan: RolloutPlan, { ecs, clock, log }: RolloutPorts): Promise<Answer> {
  const { ref, previous, taskDefinition, desiredCount, force, configuration, settings } = plan;
  log.info(`Setting the service to ${shortName(taskDefinition)} (it was set to ${shortName(previous)})`);
  try {
    const change = { taskDefinition, desiredCount, force, deploymentConfiguration: configuration, settings };
    return answerOf(await ecs.updateService(ref, change));
  } catch (error) {
    if (!(error instanceof Problem) || !unanswered(error)) throw error;
    log.info(`${error.finding}. Looking whether ECS took it`);
    return { notAfter: clock.now(), lost: error };
  }
}

/** Whether nobody knows if ECS did it: no answer came, or one of a failure inside AWS. */
function unanswered({ kind, parts }: Problem): boolean {
  const { $metadata } = (parts.underlying ?? {}) as { $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode ?? 0;
  return kind === 'network' || (kind === 'service' && (status === 0 || status >= 500));
}
