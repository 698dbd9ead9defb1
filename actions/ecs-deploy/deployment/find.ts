import type { Clock } from '../../../lib/clock.ts';
import type { EcsApi, ServiceDeploymentBrief } from '../../../lib/ecs/api.ts';
import type { ServiceRef } from '../../../lib/ecs/names.ts';

export interface Wanted {
  /** ARN of the task definition that we asked for. */
  taskDefinition: string;
  /** The service's clock just before our call, in milliseconds since the epoch. */
  notBefore: number;
  /** Deployments that were there before our call. */
  known: ReadonlySet<string>;
}

/** A deployment and the task definition of the revision it aims at. */
export type Candidate = Pick<ServiceDeploymentBrief, 'serviceDeploymentArn' | 'createdAt'> & { taskDefinition: string };

/** HTTP dates carry whole seconds. */
const CLOCK_GRAIN_MS = 1_000;

/**
 * The deployment that our UpdateService made. Right after the call ECS may still name the one before: only one that is
 * new and aims at what we asked for is ours. The oldest such one: a later one of the same revision is somebody else's.
 */
export function ownDeployment(candidates: readonly Candidate[], wanted: Wanted): Candidate | undefined {
  return candidates
    .filter((c) => c.serviceDeploymentArn !== undefined && !wanted.known.has(c.serviceDeploymentArn))
    .filter((c) => c.taskDefinition === wanted.taskDefinition)
    .filter((c) => (c.createdAt?.getTime() ?? 0) >= wanted.notBefore - CLOCK_GRAIN_MS)
    .toSorted((a, b) => (a.createdAt?.getTime() ?? 0) - (b.createdAt?.getTime() ?? 0))[0];
}

/** Names the task definitions of deployments by asking for the revisions they aim at. */
export async function candidatesOf(
  ecs: Pick<EcsApi, 'describeRevisions'>,
  briefs: readonly ServiceDeploymentBrief[],
): Promise<Candidate[]> {
  const arns = [...new Set(briefs.flatMap((b) => b.targetServiceRevisionArn ?? []))];
  const revisions = await ecs.describeRevisions(arns);
  const definitions = new Map(revisions.map((r) => [r.serviceRevisionArn, r.taskDefinition ?? '']));
  return briefs.map((b) => ({
    serviceDeploymentArn: b.serviceDeploymentArn,
    createdAt: b.createdAt,
    taskDefinition: definitions.get(b.targetServiceRevisionArn) ?? '',
  }));
}

export interface FindPorts {
  ecs: Pick<EcsApi, 'describeRevisions' | 'listDeployments'>;
  clock: Clock;
  signal: AbortSignal;
}

const LOOK_EVERY_MS = 1_000;

/**
 * Looks for our deployment until it shows, for at most `withinMs`.
 * @returns its ARN; undefined when ECS made none (a change of count only) or does not show it.
 */
export async function findDeployment(
  ref: ServiceRef,
  wanted: Wanted,
  withinMs: number,
  { ecs, clock, signal }: FindPorts,
): Promise<string | undefined> {
  const until = clock.now() + withinMs;
  const after = new Date(wanted.notBefore - CLOCK_GRAIN_MS);
  for (;;) {
    const fresh = (await ecs.listDeployments(ref, after)).filter(
      (b) => !wanted.known.has(b.serviceDeploymentArn ?? ''),
    );
    if (fresh.length > 0) {
      const own = ownDeployment(await candidatesOf(ecs, fresh), wanted);
      if (own) return own.serviceDeploymentArn;
    }
    if (clock.now() + LOOK_EVERY_MS > until) return undefined;
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}
