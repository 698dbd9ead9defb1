import type { EcsApi } from '../../lib/ecs/api.ts';
import type { ServiceRef } from '../../lib/ecs/names.ts';
import { Problem } from '../../lib/errors.ts';

export interface WayBack {
  ref: ServiceRef;
  /** ARN of the deployment; '' when it has not shown. */
  deployment: string;
  taskDefinition: string;
  /** ARN of the revision to go back to; '' when there is none. */
  previous: string;
}

export type Went =
  /** ECS turns the deployment back. */
  | 'turned-back'
  /** The deployment had ended already: a new one of the revision before was begun. */
  | 'deployed-again'
  /** It is going back already, or has. */
  | 'under-way'
  /** There is nothing to go back to. */
  | 'nothing'
  /** Somebody set the service to another revision since; that is left alone. */
  | 'taken-over';

const FORWARD: ReadonlySet<string> = new Set(['PENDING', 'IN_PROGRESS']);
const BACK: ReadonlySet<string> = new Set(['ROLLBACK_REQUESTED', 'ROLLBACK_IN_PROGRESS', 'ROLLBACK_SUCCESSFUL']);

/**
 * Takes a service back to what it ran before a deployment, in the way that the deployment's state allows: one under way is turned
 * back by ECS, one that has ended is followed by a new deployment of the revision before.
 * @throws Problem for a call that is refused.
 */
export async function goBack(way: WayBack, ecs: EcsApi): Promise<Went> {
  const { ref, deployment, taskDefinition, previous } = way;
  if (previous === '' || previous === taskDefinition) return 'nothing';
  const found = deployment === '' ? undefined : await ecs.describeDeployment(deployment);
  const status = found?.status ?? '';
  if (BACK.has(status)) return 'under-way';
  if (FORWARD.has(status)) {
    if (found?.sourceServiceRevisions?.length === 0) return 'nothing';
    try {
      await ecs.rollBackDeployment(deployment);
      return 'turned-back';
    } catch (error) {
      // It has ended in between.
      if (!(error instanceof Problem) || !['conflict', 'service', 'not-found'].includes(error.kind)) throw error;
      const again = (await ecs.describeDeployment(deployment))?.status ?? '';
      if (BACK.has(again)) return 'under-way';
      if (FORWARD.has(again)) throw error;
    }
  }
  const { service } = await ecs.describeService(ref);
  if (service.taskDefinition === previous) return 'under-way';
  if (service.taskDefinition !== taskDefinition) return 'taken-over';
  await ecs.updateService(ref, { taskDefinition: previous });
  return 'deployed-again';
}
