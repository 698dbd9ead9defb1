import type { Judgement } from '../deployment/judge.ts';
import type { WaitFor } from '../deployment/stages.ts';

/** A lifecycle event of the deployment, as GetDeploymentTarget tells it. */
export interface EventFacts {
  name: string;
  status: string;
  /** What its diagnostics say. */
  message: string;
}

/** What is known of a CodeDeploy deployment at one moment. */
export interface CodeDeployFacts {
  status: string | undefined;
  errorCode?: string | undefined;
  errorMessage?: string | undefined;
  /** The deployment that takes it back: CodeDeploy makes a new one for that. */
  rollback?: { id: string; status: string | undefined } | undefined;
  /** The group is set to go back by itself, and the deployment that does may not show yet. */
  rollbackExpected?: boolean | undefined;
  /** Somebody else's deployment that was begun after this one was stopped. */
  supersededBy?: string | undefined;
  events?: readonly EventFacts[] | undefined;
  /** Why this action itself stopped it. */
  givenUp?: string | undefined;
}

/**
 * Whether a deployment by CodeDeploy has ended, and how. Its `Succeeded` is about this revision alone: a rollback is a
 * deployment of its own, with a status of its own. Source: CodeDeploy API reference, DeploymentInfo.
 */
export function judgeCodeDeploy(facts: CodeDeployFacts): Judgement {
  switch (facts.status) {
    case 'Created':
    case 'Queued':
    case undefined:
      return { decided: false, phase: 'waiting' };
    case 'InProgress':
    case 'Ready':
    case 'Baking':
      return { decided: false, phase: 'rolling-out' };
    case 'Succeeded':
      return { decided: true, status: 'succeeded', why: '' };
    case 'Failed':
      return turnedBack(facts) ?? { decided: true, status: 'failed', why: reason(facts) };
    case 'Stopped':
      return turnedBack(facts) ?? judgeStopped(facts);
    default:
      return { decided: false, phase: 'unknown' };
  }
}

function turnedBack(facts: CodeDeployFacts): Judgement | undefined {
  const { rollback, rollbackExpected } = facts;
  if (rollback === undefined) return rollbackExpected ? { decided: false, phase: 'rolling-back' } : undefined;
  if (rollback.status === 'Succeeded') return { decided: true, status: 'rolled-back', why: reason(facts) };
  if (rollback.status === 'Failed' || rollback.status === 'Stopped') {
    const why = `${reason(facts)}; the rollback (${rollback.id}) is ${rollback.status} as well`;
    return { decided: true, status: 'failed', why };
  }
  return { decided: false, phase: 'rolling-back' };
}

function judgeStopped(facts: CodeDeployFacts): Judgement {
  if (facts.errorCode === 'ALARM_ACTIVE' || facts.givenUp !== undefined)
    return { decided: true, status: 'failed', why: reason(facts) };
  if (facts.supersededBy !== undefined)
    return {
      decided: true,
      status: 'superseded',
      why: `deployment ${facts.supersededBy} took over after it was stopped`,
    };
  return { decided: true, status: 'stopped', why: reason(facts) };
}

/** Codes that say more than their message does. Source: CodeDeploy API reference, ErrorInformation. */
const CODES: Readonly<Record<string, string>> = {
  ALARM_ACTIVE: 'an alarm of the deployment group went off',
  MANUAL_STOP: 'somebody stopped it',
  HOOK_EXECUTION_FAILURE: 'a hook of the AppSpec failed',
  TIMEOUT: 'it took longer than CodeDeploy waits',
};

function reason({ errorCode, errorMessage, events, status, givenUp }: CodeDeployFacts): string {
  if (givenUp !== undefined) return givenUp;
  const failed = events?.find((event) => event.status === 'Failed');
  const what = CODES[errorCode ?? ''];
  const parts = [
    what ?? '',
    failed ? `${failed.name} failed${failed.message ? `: ${failed.message}` : ''}` : '',
    errorMessage && errorMessage !== failed?.message ? errorMessage.replace(/\.$/, '') : '',
  ].filter(Boolean);
  if (parts.length > 0) return parts.join('; ');
  return status === 'Stopped' ? 'somebody stopped the deployment' : 'CodeDeploy gave no reason';
}

/** Which lifecycle event has to be through for a stage of the same meaning; the names are CodeDeploy's for Amazon ECS. */
const EVENTS: Partial<Record<WaitFor, string>> = {
  healthy: 'AfterAllowTraffic',
  POST_SCALE_UP: 'Install',
  TEST_TRAFFIC_SHIFT: 'AfterInstall',
  POST_TEST_TRAFFIC_SHIFT: 'AllowTestTraffic',
  PRE_PRODUCTION_TRAFFIC_SHIFT: 'AfterAllowTestTraffic',
  PRODUCTION_TRAFFIC_SHIFT: 'BeforeAllowTraffic',
  POST_PRODUCTION_TRAFFIC_SHIFT: 'AllowTraffic',
  BAKE_TIME: 'AfterAllowTraffic',
  CLEAN_UP: 'AfterAllowTraffic',
};

/** Where a run that need not see the end may stop waiting; undefined: not yet. `Ready` is CodeDeploy's pause. */
export function reachedCodeDeploy(
  waitFor: WaitFor,
  { status, events = [] }: Pick<CodeDeployFacts, 'status' | 'events'>,
): { stage: string; paused: boolean } | undefined {
  if (waitFor === 'completed') return undefined;
  if (status === 'Ready' && waitFor !== 'healthy') return { stage: 'Ready', paused: true };
  if (waitFor === 'paused' || (status !== 'InProgress' && status !== 'Baking')) return undefined;
  const name = EVENTS[waitFor];
  const event = events.find((e) => e.name === name);
  return event && (event.status === 'Succeeded' || event.status === 'Skipped')
    ? { stage: event.name, paused: false }
    : undefined;
}
