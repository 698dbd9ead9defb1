import { Problem, type ProblemParts } from '../../lib/errors.ts';

/** How often a push is tried. */
export const PUSH_ATTEMPTS = 3;

export type PushFailure = 'transient' | 'expired' | 'denied' | 'immutable' | 'refused';

// What BuildKit prints when it is the push at the end of a build that has failed. It has tried several times by then.
const PUSHING = /failed to push|unexpected status from (?:PUT|POST|PATCH) request/i;

/**
 * What the last lines of docker say of a push that failed; undefined when it was no push that failed.
 * @param pushing whether the command did nothing but push
 */
export function pushFailure(output: string, pushing: boolean): PushFailure | undefined {
  if (!pushing && !PUSHING.test(output)) return undefined;
  if (/token has expired|ExpiredToken|reauthenticate|token is invalid/i.test(output)) return 'expired';
  if (/immutable|TAG_INVALID|tag invalid/i.test(output)) return 'immutable';
  if (/denied|unauthorized|not authorized|no basic auth|\b40[13] (?:Forbidden|Unauthorized)/i.test(output))
    return 'denied';
  if (/does not exist|name unknown|NAME_UNKNOWN|no space left|manifest invalid/i.test(output)) return 'refused';
  return 'transient';
}

/** A docker command that ended badly. */
export class PushFailed extends Problem {
  /** Undefined where it was not the push that failed. */
  readonly failure: PushFailure | undefined;
  constructor(parts: ProblemParts, failure: PushFailure | undefined) {
    super(parts);
    this.failure = failure;
  }
}
