import type { Clock } from '../../../lib/clock.ts';
import type { EcsApi, ServiceDeployment, ServiceDeploymentBrief } from '../../../lib/ecs/api.ts';
import type { ServiceRef } from '../../../lib/ecs/names.ts';
import { tolerable } from './tolerate.ts';

export interface Wanted {
  /** ARN of the task definition that we asked for. */
  taskDefinition: string;
  /** The service's clock just before our call and at its answer, in milliseconds since the epoch. */
  notBefore: number;
  notAfter: number;
  /** Deployments that were there before our call. */
  known: ReadonlySet<string>;
  /** The deployment that the answer to our call named; it may be the one before, or somebody else's. */
  named?: string | undefined;
}

/** A deployment and the task definition of the revision it aims at. */
export type Candidate = Pick<ServiceDeploymentBrief, 'serviceDeploymentArn' | 'createdAt'> & { taskDefinition: string };

/** HTTP dates carry whole seconds. */
const CLOCK_GRAIN_MS = 1_000;
/** A deployment is recorded after the call that made it, and may be so after that call's answer. */
const RECORDED_WITHIN_MS = 1_000;

/**
 * The deployment that our UpdateService made. Right after the call ECS may still name the one before: only one that is
 * new and aims at what we asked for is ours. A later one of the same revision is somebody else's; of two that were made during
 * our call the later is ours, since a call whose answer was lost is made again.
 */
export function ownDeployment(candidates: readonly Candidate[], wanted: Wanted): Candidate | undefined {
  const born = (c: Candidate) => c.createdAt?.getTime() ?? 0;
  // Newest first as ECS lists them: turned around, so that those of one moment keep their order.
  const fitting = candidates
    .toReversed()
    .filter((c) => c.serviceDeploymentArn !== undefined && !wanted.known.has(c.serviceDeploymentArn))
    .filter((c) => c.taskDefinition === wanted.taskDefinition)
    .filter((c) => born(c) >= wanted.notBefore - CLOCK_GRAIN_MS)
    .toSorted((a, b) => born(a) - born(b));
  const latest = wanted.notAfter + CLOCK_GRAIN_MS + RECORDED_WITHIN_MS;
  return fitting.findLast((c) => born(c) <= latest) ?? fitting[0];
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
  ecs: Pick<EcsApi, 'describeRevisions' | 'listDeployments' | 'describeDeployment'>;
  clock: Clock;
  signal: AbortSignal;
}

export interface Found {
  /** Undefined when ECS made none (a change of count only) or does not show it. */
  arn: string | undefined;
  /** What was already read of it. */
  deployment?: ServiceDeployment | undefined;
  /** It was only just begun when it was found. */
  going?: boolean | undefined;
}

const GOING: ReadonlySet<string> = new Set(['PENDING', 'IN_PROGRESS']);

/** ECS needs some seconds until a task is up or dead, and most answers are fresh by then. */
const FIRST_LOOK_MS = 4_000;
/** A change of count alone may be done at once. */
const COUNT_LOOK_MS = 2_000;
const LOOK_EVERY_MS = 2_000;

/**
 * Looks for our deployment until it shows, for at most `withinMs` after a first look; 0: once, where there may be none.
 * @throws Problem for a call that is denied, and for one that failed to the last.
 */
export async function findDeployment(
  ref: ServiceRef,
  wanted: Wanted,
  withinMs: number,
  { ecs, clock, signal }: FindPorts,
): Promise<Found> {
  await clock.sleep(withinMs === 0 ? COUNT_LOOK_MS : FIRST_LOOK_MS, signal);
  const until = clock.now() + withinMs;
  let trouble: unknown;
  for (let look = 1; ; look++) {
    try {
      const found = (look === 1 && (await confirmed(wanted, ecs))) || (await listed(ref, wanted, ecs));
      if (found) return found;
      trouble = undefined;
    } catch (error) {
      trouble = tolerable(error);
    }
    if (clock.now() + LOOK_EVERY_MS > until) break;
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
  if (trouble !== undefined) throw trouble;
  return { arn: undefined };
}

async function listed(ref: ServiceRef, wanted: Wanted, ecs: FindPorts['ecs']): Promise<Found | undefined> {
  const after = new Date(wanted.notBefore - CLOCK_GRAIN_MS);
  const briefs = await ecs.listDeployments(ref, after);
  const fresh = briefs.filter((b) => !wanted.known.has(b.serviceDeploymentArn ?? ''));
  if (fresh.length === 0) return undefined;
  const own = ownDeployment(await candidatesOf(ecs, fresh), wanted);
  const status = briefs.find((b) => b.serviceDeploymentArn === own?.serviceDeploymentArn)?.status;
  return own && { arn: own.serviceDeploymentArn, going: GOING.has(status ?? '') };
}

/** The deployment that the answer to UpdateService named, if it is ours. */
async function confirmed(wanted: Wanted, ecs: FindPorts['ecs']): Promise<Found | undefined> {
  const { named } = wanted;
  if (named === undefined || wanted.known.has(named)) return undefined;
  const deployment = await ecs.describeDeployment(named);
  if (!deployment) return undefined;
  const { serviceDeploymentArn, createdAt, targetServiceRevision } = deployment;
  const brief = { serviceDeploymentArn, createdAt, targetServiceRevisionArn: targetServiceRevision?.arn };
  const own = ownDeployment(await candidatesOf(ecs, [brief]), wanted);
  return own && { arn: named, deployment };
}
