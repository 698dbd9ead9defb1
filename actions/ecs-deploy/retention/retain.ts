import type { EcsApi, Service, Task } from '../../../lib/ecs/api.ts';
import { shortName } from '../../../lib/ecs/names.ts';
import { messageOf, Problem } from '../../../lib/errors.ts';
import type { Log } from '../../../lib/log.ts';
import { code, details } from '../../../lib/summary.ts';

export interface Retention {
  family: string;
  /** How many of the newest stay in any case. */
  keep: number;
  /** ARNs or family:revision that stay: what was deployed, what was there before, what somebody protects. */
  also: readonly string[];
}

export interface Retained {
  /** family:revision of those that were deregistered. */
  gone: string[];
  /** Older than those kept by number, and kept because somebody uses them. */
  used: string[];
  /** Why nothing (more) was deregistered. */
  trouble: string;
}

/**
 * The revisions that nobody needs: older than the newest `keep`, and neither used nor protected. Pure.
 * @param revisions newest first
 * @param referenced ARNs or family:revision
 */
export function superfluous(revisions: readonly string[], keep: number, referenced: ReadonlySet<string>) {
  const old = revisions.slice(keep);
  const used = (arn: string) => referenced.has(shortName(arn));
  return { go: old.filter((arn) => !used(arn)), used: old.filter(used) };
}

/** Every revision that a service is set to, rolls out, may go back to, or has a task set of. */
export function revisionsOfService({ taskDefinition, deployments, taskSets }: Service): string[] {
  return [
    taskDefinition,
    ...(deployments ?? []).map((d) => d.taskDefinition),
    ...(taskSets ?? []).map((t) => t.taskDefinition),
  ]
    .map(shortName)
    .filter((name) => name !== '');
}

const MOST_AT_ONCE = 50;

/**
 * Deregisters old revisions after a deployment that went well. Where it cannot be seen who uses them, none goes: a
 * deployment is not undone for that, so it is told as a warning.
 */
export async function retain(retention: Retention, { ecs, log }: { ecs: EcsApi; log: Log }): Promise<Retained> {
  const retained: Retained = { gone: [], used: [], trouble: '' };
  try {
    const revisions = await ecs.listRevisions(retention.family);
    if (revisions.length <= retention.keep) return retained;
    const referenced = new Set([...retention.also.map(shortName), ...(await usedRevisions(retention.family, ecs))]);
    const { go, used } = superfluous(revisions, retention.keep, referenced);
    retained.used = used.map(shortName);
    // The oldest first, and not more than ECS takes without throttling; the next run takes the rest.
    for (const arn of go.toReversed().slice(0, MOST_AT_ONCE)) {
      await ecs.deregister(arn);
      retained.gone.push(shortName(arn));
    }
    if (retained.gone.length > 0)
      log.info(`Deregistered ${retained.gone.join(', ')} (keep-revisions: ${retention.keep})`);
  } catch (error) {
    if (!(error instanceof Problem) || error.kind === 'cancelled') throw error;
    retained.trouble = messageOf(error);
    log.warning(`Old revisions of ${retention.family} stay: ${retained.trouble}`);
  }
  return retained;
}

/** Who uses a revision may be in any cluster of the account. */
async function usedRevisions(family: string, ecs: EcsApi): Promise<string[]> {
  const clusters = await ecs.listClusters();
  const used: string[] = [];
  for (const cluster of clusters) {
    const [services, tasks] = await Promise.all([ecs.listServices(cluster), ecs.listTasksOfFamily(cluster, family)]);
    used.push(...services.flatMap(revisionsOfService), ...tasks.map((t: Task) => shortName(t.taskDefinitionArn)));
  }
  return used;
}

export function retentionSummary(retained: Retained | undefined): string {
  if (!retained || (retained.gone.length === 0 && retained.trouble === '')) return '';
  if (retained.trouble !== '') return `⚠️ Old revisions stay: ${retained.trouble}\n\n`;
  const names = (list: readonly string[]) => list.map(code).join(', ');
  const used = retained.used.length > 0 ? `\n\nKept, because they are in use: ${names(retained.used)}` : '';
  return details(`Deregistered old revisions (${retained.gone.length})`, `${names(retained.gone)}${used}\n\n`);
}
