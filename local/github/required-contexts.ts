import { GithubFault, invalidRequest } from './errors.ts';
import type { Call } from './route.ts';
import type { CommitStatus } from './state.ts';

/**
 * Refuses a deployment whose commit has a status or check that is not successful. Without `required_contexts` every context of
 * the commit counts (the run that asks included: its own check is pending); an empty list switches the check off.
 * Source: GitHub REST reference, "Create a deployment", failed commit status checks.
 * @throws GithubFault 409
 */
export function requireContexts(call: Call, ref: string, sha: string): void {
  const given = call.body.required_contexts;
  if (given !== undefined && !isStrings(given))
    throw invalidRequest("For 'properties/required_contexts', an array of strings is needed.");
  const present = contextsOf(call, sha);
  const wanted = given ?? [...present.keys()];
  const failing = wanted.filter((context) => present.get(context) !== 'success');
  if (failing.length === 0) return;
  throw new GithubFault(409, `Conflict: Commit status checks failed for ${ref}.`, [
    {
      contexts: wanted.map((context) => ({ context, state: present.get(context) ?? 'pending' })),
      resource: 'Deployment',
      field: 'required_contexts',
      code: 'invalid',
    },
  ]);
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/** The latest state of every context of a commit: commit statuses and check runs. */
export function contextsOf(call: Pick<Call, 'repository'>, sha: string): Map<string, CommitStatus['state']> {
  const found = new Map<string, CommitStatus['state']>();
  for (const status of call.repository.commitStatuses) if (status.sha === sha) found.set(status.context, status.state);
  for (const [name, state] of call.repository.checks.get(sha) ?? []) found.set(name, state);
  return found;
}
