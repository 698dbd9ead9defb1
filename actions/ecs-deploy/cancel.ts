import type { EcsApi } from '../../lib/ecs/api.ts';
import { shortName } from '../../lib/ecs/names.ts';
import { messageOf, Problem } from '../../lib/errors.ts';
import type { Outcome } from '../../lib/outcome.ts';
import { candidatesOf } from './deployment/find.ts';
import { goBack, type WayBack } from './go-back.ts';

export interface Cancelled extends WayBack {
  since: number;
  /** The deployment that was there before ours. */
  known: string;
  onCancel: 'leave' | 'rollback';
}

/** The runner kills some seconds after its first signal; the service is to be left as asked within five. */
const CANCEL_MS = 4_500;
const LEAST_MS = 1_500;

export interface CancelPorts {
  ecs: EcsApi;
  /** Milliseconds since the run was cancelled. */
  sinceMs: number;
}

/** Leaves the service as `on-cancel` asks, in the few seconds that a cancelled run has. Never throws: what fails is told. */
export async function cancel(run: Cancelled, { ecs, sinceMs }: CancelPorts): Promise<Outcome> {
  const revision = shortName(run.taskDefinition);
  if (run.onCancel === 'leave') {
    return {
      status: 'stopped',
      cause: `the run was cancelled; the deployment of ${revision} goes on in ECS (on-cancel: leave)`,
      next: 'Run this again to follow it, or run the operation `rollback`',
    };
  }
  if (run.previous === run.taskDefinition) {
    return {
      status: 'stopped',
      cause: `the run was cancelled; the service ran ${revision} before too, so there is no revision to go back to`,
      next: 'Run this again to follow it',
    };
  }
  const quick = ecs.within(AbortSignal.timeout(Math.max(LEAST_MS, CANCEL_MS - sinceMs)));
  try {
    const deployment = run.deployment || (await ownNewest(run, quick));
    if (deployment === '') throw new Error('ECS does not show the deployment yet');
    const went = await goBack({ ...run, deployment }, quick);
    if (went === 'taken-over') {
      return {
        status: 'stopped',
        cause: `the run was cancelled; somebody set the service to another revision than ${revision} since, and that is left alone`,
      };
    }
    if (went === 'nothing') {
      return {
        status: 'stopped',
        cause: `the run was cancelled; nothing ran before ${revision} to go back to, so its deployment goes on in ECS`,
        next: 'Run this again to follow it',
      };
    }
    return {
      status: 'stopped',
      cause: `the run was cancelled; ECS was told to go back from ${revision} to ${shortName(run.previous)}`,
      next: 'The post step tells when it has; so does the operation `status`',
    };
  } catch (error) {
    const why = error instanceof Problem ? error.finding : messageOf(error);
    return {
      status: 'stopped',
      cause: `the run was cancelled, and ECS did not take the rollback of ${revision}: ${why}`,
      next: 'The post step tries once more; after that run the operation `rollback`, or follow the deployment by running this again',
    };
  }
}

/** The deployment of our revision that was made since our call; '' when ECS shows none. */
export async function ownNewest(
  { ref, since, known, taskDefinition }: Pick<Cancelled, 'ref' | 'since' | 'known' | 'taskDefinition'>,
  ecs: Pick<EcsApi, 'listDeployments' | 'describeRevisions'>,
): Promise<string> {
  const briefs = await ecs.listDeployments(ref, new Date(since - 1_000));
  const fresh = briefs.filter((b) => b.serviceDeploymentArn !== known);
  if (fresh.length === 0) return '';
  const own = (await candidatesOf(ecs, fresh)).find((c) => c.taskDefinition === taskDefinition);
  return own?.serviceDeploymentArn ?? '';
}
