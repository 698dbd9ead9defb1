/** What is known of a deployment at one moment, from DescribeServiceDeployments and DescribeServices. */
export interface DeploymentFacts {
  /** ServiceDeployment.status; undefined where ECS keeps no record of it. */
  status?: string | undefined;
  statusReason?: string | undefined;
  breaker?: 'off' | 'watching' | 'triggered' | undefined;
  triggeredAlarms?: readonly string[] | undefined;
  /** rolloutState and its reason of our deployment in DescribeServices. */
  rollout?: string | undefined;
  rolloutReason?: string | undefined;
  /** ServiceDeployment.rollback.reason. */
  rollbackReason?: string | undefined;
  /** The lifecycle hook that failed or timed out, in words; '' when none did. */
  failedHook?: string | undefined;
  /** Name of what took over: a later deployment that is not ours. */
  supersededBy?: string | undefined;
  /** Why this action itself told ECS to go back. */
  givenUp?: string | undefined;
  /** No revision ran before this one, so there is nothing to go back to. */
  first?: boolean | undefined;
}

export type Judgement =
  | { decided: false; phase: 'waiting' | 'rolling-out' | 'stopping' | 'rolling-back' | 'unknown' }
  | { decided: true; status: 'succeeded' | 'rolled-back' | 'superseded' | 'stopped' | 'failed'; why: string };

/**
 * Whether a deployment has ended, and how. Source of the states: ECS API reference, ServiceDeployment; there is no state
 * FAILED, and STOPPED has several meanings that only its reason, the monitors and the deployments after it tell apart.
 */
export function judge(facts: DeploymentFacts): Judgement {
  switch (facts.status) {
    case 'SUCCESSFUL':
      return { decided: true, status: 'succeeded', why: '' };
    case 'ROLLBACK_SUCCESSFUL':
      return { decided: true, status: 'rolled-back', why: failureReason(facts) };
    case 'ROLLBACK_FAILED':
      return { decided: true, status: 'failed', why: `${failureReason(facts)}; the rollback failed as well` };
    case 'STOPPED':
      return judgeStopped(facts);
    case 'ROLLBACK_REQUESTED':
    case 'ROLLBACK_IN_PROGRESS':
      return superseded(facts) ?? { decided: false, phase: 'rolling-back' };
    case 'STOP_REQUESTED':
      return superseded(facts) ?? { decided: false, phase: 'stopping' };
    case 'PENDING':
      return superseded(facts) ?? { decided: false, phase: 'waiting' };
    case 'IN_PROGRESS':
      return superseded(facts) ?? { decided: false, phase: 'rolling-out' };
    case undefined:
      return judgeRollout(facts);
    default:
      return superseded(facts) ?? { decided: false, phase: 'unknown' };
  }
}

function judgeStopped(facts: DeploymentFacts): Judgement {
  const reason = facts.statusReason ?? '';
  const failed =
    facts.givenUp !== undefined ||
    facts.breaker === 'triggered' ||
    (facts.triggeredAlarms?.length ?? 0) > 0 ||
    /circuit breaker|alarm/i.test(reason);
  if (failed) return { decided: true, status: 'failed', why: withFirst(failureReason(facts), facts) };
  if (facts.supersededBy !== undefined || /supersed|newer|new (?:service )?deployment|replaced/i.test(reason))
    return superseded(facts) ?? { decided: true, status: 'superseded', why: reason };
  return { decided: true, status: 'stopped', why: reason || 'somebody stopped the deployment' };
}

/** Without a record of the deployment: a change of count only, or one that ECS has forgotten. */
function judgeRollout(facts: DeploymentFacts): Judgement {
  if (facts.rollout === 'COMPLETED') return { decided: true, status: 'succeeded', why: '' };
  if (facts.rollout === 'FAILED') {
    const why = facts.rolloutReason || failureReason(facts);
    if (/rolling back|rolled back/i.test(why) && facts.supersededBy !== undefined)
      return { decided: true, status: 'rolled-back', why };
    return { decided: true, status: 'failed', why: withFirst(why, facts) };
  }
  return superseded(facts) ?? { decided: false, phase: facts.rollout === undefined ? 'waiting' : 'rolling-out' };
}

function superseded({ supersededBy }: DeploymentFacts): Judgement | undefined {
  if (supersededBy === undefined) return undefined;
  return { decided: true, status: 'superseded', why: `${supersededBy} took over while this deployment was under way` };
}

function failureReason(facts: DeploymentFacts): string {
  if (facts.givenUp !== undefined) return facts.givenUp;
  const alarms = facts.triggeredAlarms ?? [];
  if (facts.breaker === 'triggered') return 'the deployment circuit breaker found that its tasks cannot run';
  if (alarms.length > 0) return `alarm ${alarms.join(', ')} went off`;
  if (facts.failedHook) return withReason(facts.failedHook, facts);
  return facts.rollbackReason || facts.statusReason || facts.rolloutReason || 'ECS gave no reason';
}

/** ECS names the hook's target and what it answered only in its reason. */
function withReason(what: string, { rollbackReason, statusReason }: DeploymentFacts): string {
  const reason = rollbackReason || statusReason;
  return reason ? `${what} (${reason})` : what;
}

function withFirst(why: string, { first }: DeploymentFacts): string {
  return first ? `${why}; nothing ran before it, so there is nothing to go back to` : why;
}
