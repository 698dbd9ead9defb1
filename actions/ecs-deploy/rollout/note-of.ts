import type { RolloutNote } from '../note.ts';
import type { Rollout, RolloutPlan } from './plan.ts';

/** What the post step needs to know of this rollout, at a stage of it. */
export function noteOf({ ref, taskDefinition, previous, before, onCancel }: RolloutPlan) {
  const known = before.service.currentServiceDeployment ?? '';
  return (stage: RolloutNote['stage'], { deployment }: Pick<Rollout, 'deployment'>): RolloutNote => {
    return { ...ref, taskDefinition, previous, since: before.at, known, deployment, onCancel, stage };
  };
}
