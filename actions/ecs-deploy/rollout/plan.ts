import type { Clock } from '../../../lib/clock.ts';
import type { DeploymentConfiguration, DescribedService, EcsApi, ServiceSettings } from '../../../lib/ecs/api.ts';
import type { JsonObject } from '../../../lib/ecs/json.ts';
import type { ServiceRef } from '../../../lib/ecs/names.ts';
import type { Log } from '../../../lib/log.ts';
import type { Outcome } from '../../../lib/outcome.ts';
import type { Reached, WaitFor } from '../deployment/stages.ts';
import type { Seen } from '../deployment/watch.ts';
import type { Evidence, TargetState } from '../evidence.ts';
import type { LogTail } from '../explain.ts';
import type { RolloutNote } from '../note.ts';
import type { RunningDigests } from '../running.ts';

export interface RolloutPlan {
  ref: ServiceRef;
  /** The service just before. */
  before: DescribedService;
  /** ARN of the revision to roll out. */
  taskDefinition: string;
  definition: JsonObject;
  /** ARN of the revision that the service was set to. */
  previous: string;
  /** Container to image, of those whose digest has to be proved. */
  images: ReadonlyMap<string, string>;
  desiredCount?: number | undefined;
  force: boolean;
  /** More settings of the service that are to change with it. */
  settings?: ServiceSettings | undefined;
  /** Begins the deployment in another way than by UpdateService: a service that is created. */
  begin?: (() => Promise<DescribedService>) | undefined;
  /** A deployment of this very revision that is already under way: it is watched, not started again. */
  resume?: string | undefined;
  /** The deployment configuration to set; undefined: the service's own stays. */
  configuration?: DeploymentConfiguration | undefined;
  waitFor?: WaitFor | undefined;
  /** So many tasks that end alike end a rollout that no circuit breaker watches; 0: none do. */
  failFast: number;
  /** How long tasks have to stay up; undefined: 30 s where nothing checks their health. */
  stableForMs?: number | undefined;
  /** Put the revision before back when this one failed and ECS does not. */
  rollbackOnFailure: boolean;
  /** The stage that the resumed deployment was at, when it was looked at before. */
  stage?: string | undefined;
  /** Hooks of it that were answered. */
  answered?: ReadonlySet<string> | undefined;
  timeoutMs: number;
  onCancel: 'leave' | 'rollback';
}

export interface RolloutPorts {
  ecs: EcsApi;
  evidence: Evidence;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** Keeps for the post step how far this has come. */
  remember?: ((note: RolloutNote) => void) | undefined;
}

export interface Rollout {
  outcome: Outcome;
  deployment: string;
  running: RunningDigests;
  seen: Seen;
  logs: LogTail[];
  health: TargetState[];
  /** The revision before is being put back already, which a cancellation does not end. */
  goingBack?: boolean | undefined;
  /** Where the run stopped waiting, while the deployment goes on. */
  reached?: Reached | undefined;
  startedAt: number;
  endedAt: number;
}
