import { humanDuration } from '../../lib/clock.ts';
import { shortName } from '../../lib/ecs/names.ts';
import type { Outcome } from '../../lib/outcome.ts';
import { type FailedTask, summarizeFailures } from './deployment/failures.ts';
import { isScaledUp } from './deployment/stages.ts';
import type { WatchEnd } from './deployment/watch.ts';
import type { TargetState } from './evidence.ts';

/** The end of a log: of one container of one failed task. */
export interface LogTail {
  task: string;
  container: string;
  lines: readonly string[];
  /** Why there are none, where they could not be read. */
  trouble?: string | undefined;
}

export interface Circumstances {
  /** Who makes the deployment; ECS unless told. */
  by?: 'ECS' | 'CodeDeploy' | undefined;
  end: Exclude<WatchEnd, { status: 'reached' | 'hopeless' }>;
  failures: readonly FailedTask[];
  events: readonly string[];
  health: readonly TargetState[];
  logs: readonly LogTail[];
  trouble?: string | undefined;
  /** The last lifecycle stage of a deployment that shifts traffic, before it turned back. */
  stage?: string | undefined;
  /** ARNs or names of the revisions; `restored` is what ECS went back to. */
  taskDefinition: string;
  restored: string;
  timeoutMs: number;
}

/** The outcome as a person would state it, from everything that was seen. */
export function explain(c: Circumstances): Outcome {
  const revision = shortName(c.taskDefinition);
  const evidence = evidenceOf(c);
  const next = nextStep(c);
  switch (c.end.status) {
    case 'succeeded':
      return { status: 'succeeded', cause: '' };
    case 'rolled-back': {
      const restored = shortName(c.restored) || 'the revision before';
      const cause = join(`${revision} did not ${lacked(c)} and ${c.by ?? 'ECS'} put ${restored} back`, [
        c.end.why,
        evidence,
      ]);
      return { status: 'rolled-back', cause, next };
    }
    case 'failed':
      return { status: 'failed', cause: join(`${revision} failed`, [c.end.why, evidence]), next };
    case 'superseded':
      return {
        status: 'superseded',
        cause: `${revision} was not rolled out to the end: ${c.end.why}`,
        next: 'Look at the run that started the other deployment; run this one again only if its revision should serve',
      };
    case 'stopped':
      return {
        status: 'stopped',
        cause: join(`the deployment of ${revision} was stopped`, [c.end.why, evidence]),
        next,
      };
    case 'timed-out': {
      const last = evidence || c.events.at(-1) || c.trouble || 'no task has failed so far';
      const cause = join(`${revision} was not in service after ${humanDuration(c.timeoutMs)}`, [c.end.why, last]);
      return {
        status: 'timed-out',
        cause,
        next: `${next}. The deployment goes on in ${c.by ?? 'ECS'}; run this again to follow it`,
      };
    }
  }
}

/** What it did not do: its tasks may have been well for long when a hook, an alarm or a person turned it back. */
function lacked({ stage, by }: Circumstances): string {
  return stage !== undefined && (by === 'CodeDeploy' ? stage !== 'Install' : isScaledUp(stage))
    ? `get past ${stage}`
    : 'come up';
}

function join(head: string, parts: readonly string[]): string {
  const rest = parts.filter((p) => p !== '');
  return rest.length === 0 ? head : `${head}: ${rest.join('; ')}`;
}

function evidenceOf({ failures, health, events }: Circumstances): string {
  const sick = health.filter((t) => t.state === 'unhealthy');
  const [first] = sick;
  const targets = first
    ? `${sick.length === 1 ? 'a target is' : `${sick.length} targets are`} unhealthy (${first.target}: ${first.reason})`
    : '';
  const stopped = summarizeFailures(failures);
  if (stopped !== '' || targets !== '') return [stopped, targets].filter(Boolean).join('; ');
  return events.findLast((e) => /unable|unhealthy|failed/i.test(e)) ?? '';
}

function nextStep({ failures, logs, health }: Circumstances): string {
  const lines = logs.flatMap((l) => l.lines);
  if (lines.some((l) => /exec format error/i.test(l)))
    return 'The image is for another CPU architecture: build it for the one in `runtimePlatform`';
  const hint = failures.at(-1)?.hint;
  if (hint) return hint;
  if (health.some((t) => t.state === 'unhealthy'))
    return 'Look at the path, the port and the grace period of the health check';
  return 'Look at the service’s events in the summary';
}
